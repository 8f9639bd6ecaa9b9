# SPDX-License-Identifier: Apache-2.0
"""Convert faces of hri_face_detect to our face arrays, and our emotions to expressions."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import cv2
from fer_ros import conversions
from fer_ros.conversions import optional
from fer_ros.errors import FerError
from fer_ros.faces.quality import face_quality
from fer_ros.msg import EmotionArray, FaceArray
from fer_ros.nodes import qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.reading import Reading
from fer_ros.nodes.ros4hri_crops import letterboxed
from fer_ros.nodes.synchronizer import Synchronizer
from fer_ros.nodes.topics import humans_topic, sibling
from fer_ros.types import BoundingBox, Face
import numpy as np
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image
from std_msgs.msg import Header

#: Number of frames, and of parts of a face, kept while waiting for the rest.
_QUEUE_SIZE = 10
#: Inputs of a face's synchronizer.
_REGION, _CROP = 0, 1


@dataclass
class _Person:
    """One face of hri_face_detect."""

    track_id: int
    subscriptions: list[Subscription]
    expression: Publisher


@dataclass
class _Frame:
    """Received parts of one image: the faces by id, and all ids once they are known."""

    header: Header
    faces: dict[str, Face] = field(default_factory=dict)
    ids: list[str] | None = None

    @property
    def complete(self) -> bool:
        return self.ids is not None and all(face_id in self.faces for face_id in self.ids)


class Listening:
    """Converts the faces of hri_face_detect for our classifier."""

    def __init__(self, node: ManagedNode):
        self._node = node
        self._topic = partial(humans_topic, node.value('humans_namespace'))
        self._size = node.value('image_width_px'), node.value('image_height_px')
        self._people: dict[str, _Person] = {}
        self._next_track_id = 1
        self._frames: OrderedDict[tuple[int, int], _Frame] = OrderedDict()
        self._published = 0
        topic = node.value('face_topics')[0]
        self._reading = Reading(node, 'emotions', sibling(topic, 'emotions'),
                                conversions.message_to_emotions)
        self._faces = node.advertise(FaceArray, topic, qos.RESULT)
        self._tracked = node.subscribe(optional.hri.IdsList, self._topic('tracked'),
                                       self._on_tracked, qos.RESULT)
        self._emotions = node.subscribe(EmotionArray, sibling(topic, 'emotions'),
                                        self._on_emotions, qos.RESULT)

    def close(self) -> None:
        """Stop."""
        for face_id in list(self._people):
            self._remove(face_id)
        self._node.destroy_subscription(self._tracked)
        self._node.destroy_subscription(self._emotions)
        self._node.destroy_publisher(self._faces)

    def report(self, status: Status) -> None:
        """Add statistics and problems."""
        status.values.update({'faces': len(self._people), 'face arrays published':
                              self._published})
        self._reading.report(status)
        if not self._node.get_publishers_info_by_topic(self._tracked.topic_name):
            status.worsen(WARN, f'no publisher on {self._tracked.topic_name}: start '
                          'hri_face_detect, or set humans_namespace')

    def _on_tracked(self, message) -> None:
        for face_id in message.ids:
            if face_id not in self._people:
                self._add(face_id)
        for face_id in [known for known in self._people if known not in message.ids]:
            self._remove(face_id)
        self._frame(message.header).ids = list(message.ids)
        self._send_what_is_ready()

    def _add(self, face_id: str) -> None:
        node, track_id = self._node, self._next_track_id
        self._next_track_id += 1
        pairs = Synchronizer(2, _QUEUE_SIZE, partial(self._on_face, face_id, track_id))

        def on_region(message) -> None:
            with self._complaints(face_id):
                pairs.add(_REGION, message.header, (
                    message.header, optional.roi_to_box(message, *self._size), float(message.c)))

        def on_crop(message: Image) -> None:
            with self._complaints(face_id):
                pairs.add(_CROP, message.header, _square_gray(message))
        self._people[face_id] = _Person(track_id, [
            node.subscribe(optional.hri.NormalizedRegionOfInterest2D,
                           self._topic(f'{face_id}/roi'), on_region, qos.RESULT),
            node.subscribe(Image, self._topic(f'{face_id}/aligned'), on_crop, qos.RESULT),
        ], node.advertise(optional.hri.Expression, self._topic(f'{face_id}/expression'),
                          qos.RESULT))

    def _remove(self, face_id: str) -> None:
        person = self._people.pop(face_id)
        for subscription in person.subscriptions:
            self._node.destroy_subscription(subscription)
        self._node.destroy_publisher(person.expression)

    def _on_face(self, face_id: str, track_id: int, region: tuple[Header, BoundingBox, float],
                 crop: np.ndarray) -> None:
        header, box, score = region
        self._frame(header).faces[face_id] = Face(
            track_id, box, score, quality=face_quality(crop, box), crop=crop)
        self._send_what_is_ready()

    def _on_emotions(self, message: EmotionArray) -> None:
        emotions = self._reading.read(message)
        if emotions is None:
            return
        by_track = {person.track_id: person for person in self._people.values()}
        for emotion in emotions:
            if emotion.track_id in by_track:
                by_track[emotion.track_id].expression.publish(
                    optional.emotion_to_expression(emotion, message.header))

    def _frame(self, header: Header) -> _Frame:
        stamp = (header.stamp.sec, header.stamp.nanosec)
        if stamp not in self._frames:
            self._frames[stamp] = _Frame(header)
            while len(self._frames) > _QUEUE_SIZE:
                self._frames.popitem(last=False)
        return self._frames[stamp]

    def _send_what_is_ready(self) -> None:
        # A tracked face need not be in every image, so that a frame may never be complete: it also
        # ends when a later one is complete, or has two successors whose ids are known.
        known = [stamp for stamp, frame in self._frames.items() if frame.ids is not None]
        complete = [stamp for stamp in known if self._frames[stamp].complete]
        last = max([*complete, *known[:-2]], default=None)
        for stamp in sorted(self._frames):
            if last is None or stamp > last:
                return
            frame = self._frames.pop(stamp)
            if frame.ids is not None:
                self._send(frame)

    def _send(self, frame: _Frame) -> None:
        faces = [frame.faces[face_id] for face_id in frame.ids if face_id in frame.faces]
        self._faces.publish(conversions.faces_to_message(
            faces, frame.header, *self._size, 'hri_face_detect'))
        self._published += 1

    @contextmanager
    def _complaints(self, face_id: str) -> Iterator[None]:
        try:
            yield
        except FerError as error:
            self._node.get_logger().error(f'face {face_id} skipped: {error}',
                                          throttle_duration_sec=5.0)


def _square_gray(message: Image) -> np.ndarray:
    image = conversions.image_to_array(message)
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return gray if gray.shape[0] == gray.shape[1] else letterboxed(gray, max(gray.shape))
