# SPDX-License-Identifier: Apache-2.0
"""Publish our faces and emotions under /humans/faces, as in ROS4HRI (REP-155)."""

from dataclasses import dataclass, field
from functools import partial
import random
import string
import threading

from fer_ros import conversions
from fer_ros.attention.engagement import Engagement
from fer_ros.conversions import optional
from fer_ros.conversions.attention import message_to_landmarks, message_to_transforms
from fer_ros.msg import AttentionArray, EmotionArray, FaceArray
from fer_ros.nodes import qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.reading import Reading
from fer_ros.nodes.ros4hri_crops import Cropper, letterboxed
from fer_ros.nodes.topics import humans_topic, sibling
from fer_ros.types import Face
import numpy as np
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image
from std_msgs.msg import Header

#: Side of the color crops, pixels, as in hri_face_detect.
_CROPPED_SIDE_PX = 128
#: Dense landmarks count as available for this long after the last, seconds.
_ATTENDED_S = 1.0


@dataclass
class _Person:
    """The topics of one face that we publish."""

    id: str
    seen_s: float
    attended_s: float = -1e9
    engagement: Engagement = field(default_factory=Engagement)
    publishers: dict[str, Publisher] = field(default_factory=dict)


class Publishing:
    """Publishes our faces under /humans/faces."""

    def __init__(self, node: ManagedNode):
        hri = optional.hri
        self._node = node
        self._topic = partial(humans_topic, node.value('humans_namespace'))
        self._kinds = {'roi': hri.NormalizedRegionOfInterest2D, 'landmarks': hri.FacialLandmarks,
                       'aligned': Image, 'cropped': Image, 'expression': hri.Expression,
                       'engagement_status': hri.EngagementLevel}
        self._people: dict[tuple[str, int], _Person] = {}
        self._used_ids: set[str] = set()
        self._lock = threading.RLock()
        self._croppers: dict[str, Cropper] = {}
        self._tf = node.advertise(optional.tf2.TFMessage, '/tf', qos.TF) \
            if optional.tf2 is not None else None
        self._tracked = node.advertise(hri.IdsList, self._topic('tracked'), qos.RESULT)
        self._subscriptions = []
        self._faces_read: dict[str, Reading] = {}
        self._emotions_read: dict[str, Reading] = {}
        for topic in node.value('face_topics'):
            emotions = sibling(topic, 'emotions')
            self._faces_read[topic] = Reading(node, 'faces', topic, conversions.message_to_faces)
            self._emotions_read[topic] = Reading(node, 'emotions', emotions,
                                                 conversions.message_to_emotions)
            self._croppers[topic] = Cropper(
                node, topic, partial(self._wants_crops, topic), partial(self._publish_crop, topic))
            self._subscriptions += [
                node.subscribe(FaceArray, topic, partial(self._on_faces, topic), qos.RESULT),
                node.subscribe(EmotionArray, emotions, partial(self._on_emotions, topic),
                               qos.RESULT),
                node.subscribe(AttentionArray, sibling(topic, 'attention'),
                               partial(self._on_attention, topic), qos.RESULT)]

    def close(self) -> None:
        """Remove the faces and stop."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        for cropper in self._croppers.values():
            cropper.close()
        with self._lock:
            for key in list(self._people):
                self._remove(key)
        self._node.destroy_publisher(self._tracked)
        if self._tf is not None:
            self._node.destroy_publisher(self._tf)

    def report(self, status: Status) -> None:
        """Add statistics and problems."""
        status.values['faces'] = len(self._people)
        status.values['frames'] = 'on /tf, with the attention node' if self._tf else \
            'tf2_msgs is not installed: none are published'
        for reading in (*self._faces_read.values(), *self._emotions_read.values()):
            reading.report(status)
        for subscription in self._subscriptions:
            if subscription.topic_name.endswith('attention'):
                continue  # optional
            if not self._node.get_publishers_info_by_topic(subscription.topic_name):
                status.worsen(WARN, f'no publisher on {subscription.topic_name}: start the face '
                              'detector and emotion classifier, or set face_topics')

    def _on_faces(self, topic: str, message: FaceArray) -> None:
        if not message.image_width or not message.image_height:
            return
        faces = self._faces_read[topic].read(message)
        if faces is None:
            return
        header, size = message.header, (message.image_width, message.image_height)
        stamp_s = conversions.stamp_to_s(header.stamp)
        with self._lock:
            for face in faces:
                person = self._person(topic, face.track_id, stamp_s)
                person.publishers['roi'].publish(
                    optional.face_to_roi(face, header, *size))
                # The attention node, if it runs, publishes more and better ones.
                if not 0 <= stamp_s - person.attended_s < _ATTENDED_S:
                    person.publishers['landmarks'].publish(
                        optional.face_to_landmarks(face, header, *size))
                if face.crop is not None and \
                        person.publishers['aligned'].get_subscription_count():
                    person.publishers['aligned'].publish(
                        conversions.bgr_to_image(face.crop, 'mono8', header))
            for key, person in list(self._people.items()):
                # After a clock was set back, do not keep faces forever.
                if key[0] == topic and not \
                        0 <= stamp_s - person.seen_s <= self._node.value('retention_s'):
                    self._remove(key)
            self._tracked.publish(optional.faces_to_ids(
                sorted(person.id for person in self._people.values()), header))
        self._croppers[topic].on_faces(faces, header)

    def _on_emotions(self, topic: str, message: EmotionArray) -> None:
        emotions = self._emotions_read[topic].read(message)
        if emotions is None:
            return
        with self._lock:
            for emotion in emotions:
                person = self._people.get((topic, emotion.track_id))
                if person is not None:
                    person.publishers['expression'].publish(
                        optional.emotion_to_expression(emotion, message.header))

    def _on_attention(self, topic: str, message: AttentionArray) -> None:
        names = []
        with self._lock:
            for face in message.faces:
                person = self._people.get((topic, face.track_id))
                names.append(None if person is None else person.id)
                if person is None:
                    continue
                level = person.engagement.update(
                    face.label, face.state_duration.sec + face.state_duration.nanosec * 1e-9)
                person.publishers['engagement_status'].publish(optional.hri.EngagementLevel(
                    header=message.header, level=getattr(optional.hri.EngagementLevel, level)))
                points = message_to_landmarks(face)
                if points is not None and message.image_width and message.image_height:
                    person.attended_s = conversions.stamp_to_s(message.header.stamp)
                    person.publishers['landmarks'].publish(optional.mesh_to_landmarks(
                        points, message.header, message.image_width, message.image_height))
            frames = message_to_transforms(message, names)
            if frames and self._tf is not None:
                self._tf.publish(optional.tf2.TFMessage(transforms=frames))

    def _person(self, topic: str, track_id: int, stamp_s: float) -> _Person:
        key = (topic, track_id)
        if key not in self._people:
            person_id = new_id(self._used_ids)
            self._used_ids.add(person_id)
            self._people[key] = _Person(person_id, stamp_s, publishers={
                name: self._node.advertise(kind, self._topic(f'{person_id}/{name}'), qos.RESULT)
                for name, kind in self._kinds.items()})
        self._people[key].seen_s = stamp_s
        return self._people[key]

    def _remove(self, key: tuple[str, int]) -> None:
        for publisher in self._people.pop(key).publishers.values():
            self._node.destroy_publisher(publisher)

    def _wants_crops(self, topic: str) -> bool:
        with self._lock:
            return any(person.publishers['cropped'].get_subscription_count()
                       for key, person in self._people.items() if key[0] == topic)

    def _publish_crop(self, topic: str, face: Face, image: np.ndarray, header: Header) -> None:
        box = face.box.clipped(image.shape[1], image.shape[0])
        x0, y0 = int(box.x), int(box.y)
        patch = image[y0:y0 + max(1, round(box.height)), x0:x0 + max(1, round(box.width))]
        if not patch.size:
            return
        with self._lock:
            person = self._people.get((topic, face.track_id))
            if person is None or not person.publishers['cropped'].get_subscription_count():
                return
            person.publishers['cropped'].publish(
                conversions.bgr_to_image(letterboxed(patch, _CROPPED_SIDE_PX), 'bgr8', header))


def new_id(taken: set[str]) -> str:
    """Return an id as REP-155 requires it: short, starting with a letter, not in ``taken``."""
    while True:
        new = ''.join(random.choices(string.ascii_lowercase, k=5))
        if new not in taken:
            return new
