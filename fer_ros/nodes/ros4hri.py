# SPDX-License-Identifier: Apache-2.0
"""ROS4HRI (REP-155): our faces under /humans, or those of hri_face_detect for our classifier."""

from collections import OrderedDict
from dataclasses import dataclass, field
import random
import string
import threading

import cv2
from fer_ros import conversions
from fer_ros.conversions import optional as optional_conversions
from fer_ros.core.errors import ConfigurationError, FerError
from fer_ros.core.quality import face_quality
from fer_ros.core.types import BoundingBox, Face
from fer_ros.msg import EmotionArray, FaceArray
from fer_ros.nodes import image_input, qos
from fer_ros.nodes.base import ManagedNode, run
from fer_ros.nodes.demand import Demand
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.emotion_classifier import emotion_topic
from fer_ros.nodes.parameters import Parameter
import numpy as np
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image
from std_msgs.msg import Header

#: Side of the colour crops, pixels, as hri_face_detect makes them.
_CROPPED_SIDE_PX = 128
#: Images and frames kept while the other half is awaited.
_KEPT = 10


class Ros4Hri(ManagedNode):
    """Speak the language of human-robot interaction."""

    PARAMETERS = (
        Parameter('mode', 'publish', 'publish: our faces and emotions under humans_namespace; '
                  'listen: the faces of a running hri_face_detect become our face_topics[0], and '
                  'our emotions the expressions of those faces', choices=('publish', 'listen')),
        Parameter('humans_namespace', '/humans', 'where the faces of ROS4HRI live'),
        Parameter('face_topics', ['faces'], 'our face arrays, each with its emotions beside it '
                  '(cam1/faces: cam1/emotions)'),
        Parameter('retention_s', 2.0, 'a face not seen for so long loses its topics and its id, '
                  'seconds', minimum=0.1, maximum=60.0),
        Parameter('image_width_px', 640, 'listen: width of the images of hri_face_detect, whose '
                  'regions have no pixels', minimum=1, maximum=16384),
        Parameter('image_height_px', 480, 'listen: height of the images of hri_face_detect',
                  minimum=1, maximum=16384),
        *image_input.PARAMETERS,
    )

    def __init__(self, **kwargs):
        super().__init__('ros4hri', **kwargs)
        self._part = None

    def configure(self) -> None:
        """Check that hri_msgs is there."""
        optional_conversions.require(optional_conversions.hri, 'hri_msgs')
        if not self.value('face_topics'):
            raise ConfigurationError('face_topics is empty: expected one or more topics')
        if self.value('mode') == 'listen' and len(self.value('face_topics')) != 1:
            raise ConfigurationError('face_topics has more than one topic: with mode listen there '
                                     'is one stream of faces')

    def activate(self) -> None:
        """Begin to translate."""
        self._part = (_Publishing if self.value('mode') == 'publish' else _Listening)(self)

    def deactivate(self) -> None:
        """Stop, and take the faces away."""
        if self._part is not None:
            self._part.close()
            self._part = None

    def report(self, status: Status) -> None:
        """Add figures."""
        status.values['mode'] = self.value('mode')
        if self._part is not None:
            self._part.report(status)

    def topic(self, name: str) -> str:
        """Return a topic under the namespace of the faces."""
        return f'{self.value("humans_namespace").rstrip("/")}/faces/{name}'


@dataclass
class _Person:
    """The topics of one face that we publish."""

    id: str
    seen_s: float
    publishers: dict[str, Publisher] = field(default_factory=dict)


class _Publishing:
    """Our faces under /humans/faces."""

    def __init__(self, node: Ros4Hri):
        hri = optional_conversions.hri
        self._node = node
        self._kinds = {'roi': hri.NormalizedRegionOfInterest2D, 'landmarks': hri.FacialLandmarks,
                       'aligned': Image, 'cropped': Image, 'expression': hri.Expression}
        self._people: dict[tuple[str, int], _Person] = {}
        self._ids_given: set[str] = set()
        self._lock = threading.RLock()
        self._croppers: dict[str, _Cropper] = {}
        self._tracked = node.advertise(hri.IdsList, node.topic('tracked'), qos.RESULT)
        self._subscriptions = []
        for topic in node.value('face_topics'):
            self._croppers[topic] = _Cropper(node, topic, self._wants_crops, self._publish_crop)
            self._subscriptions += [
                node.subscribe(FaceArray, topic, self._callback(self._on_faces, topic),
                               qos.RESULT),
                node.subscribe(EmotionArray, emotion_topic(topic),
                               self._callback(self._on_emotions, topic), qos.RESULT)]

    def close(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        for cropper in self._croppers.values():
            cropper.close()
        with self._lock:
            for key in list(self._people):
                self._forget(key)
        self._node.destroy_publisher(self._tracked)

    def report(self, status: Status) -> None:
        status.values['faces'] = len(self._people)
        for subscription in self._subscriptions:
            if not self._node.get_publishers_info_by_topic(subscription.topic_name):
                status.worsen(WARN, f'nobody publishes {subscription.topic_name}: start the face '
                              'detector and emotion classifier, or set face_topics')

    @staticmethod
    def _callback(method, topic: str):
        return lambda message: method(message, topic)

    def _on_faces(self, message: FaceArray, topic: str) -> None:
        if not message.image_width or not message.image_height:
            return
        try:
            faces = conversions.message_to_faces(message)
        except FerError as error:
            self._node.get_logger().error(f'faces left out: {error}', throttle_duration_sec=5.0)
            return
        header, size = message.header, (message.image_width, message.image_height)
        stamp_s = conversions.stamp_to_s(header.stamp)
        with self._lock:
            for face in faces:
                person = self._person(topic, face.track_id, stamp_s)
                person.publishers['roi'].publish(
                    optional_conversions.face_to_roi(face, header, *size))
                person.publishers['landmarks'].publish(
                    optional_conversions.face_to_landmarks(face, header, *size))
                if face.crop is not None and \
                        person.publishers['aligned'].get_subscription_count():
                    person.publishers['aligned'].publish(
                        conversions.bgr_to_image(face.crop, 'mono8', header))
            for key, person in list(self._people.items()):
                # A clock that was set back is no reason to keep faces for ever.
                if key[0] == topic and not \
                        0 <= stamp_s - person.seen_s <= self._node.value('retention_s'):
                    self._forget(key)
            self._tracked.publish(optional_conversions.faces_to_ids(
                sorted(person.id for person in self._people.values()), header))
        self._croppers[topic].on_faces(faces, header)

    def _on_emotions(self, message: EmotionArray, topic: str) -> None:
        try:
            emotions = conversions.message_to_emotions(message)
        except FerError as error:
            self._node.get_logger().error(f'emotions left out: {error}',
                                          throttle_duration_sec=5.0)
            return
        with self._lock:
            for emotion in emotions:
                person = self._people.get((topic, emotion.track_id))
                if person is not None:
                    person.publishers['expression'].publish(
                        optional_conversions.emotion_to_expression(emotion, message.header))

    def _person(self, topic: str, track_id: int, stamp_s: float) -> _Person:
        key = (topic, track_id)
        if key not in self._people:
            given = new_id(self._ids_given)
            self._ids_given.add(given)
            self._people[key] = _Person(given, stamp_s, {
                name: self._node.advertise(kind, self._node.topic(f'{given}/{name}'), qos.RESULT)
                for name, kind in self._kinds.items()})
        self._people[key].seen_s = stamp_s
        return self._people[key]

    def _forget(self, key: tuple[str, int]) -> None:
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


class _Cropper:
    """Bring faces and their images together, while somebody wants colour crops of a camera."""

    def __init__(self, node: Ros4Hri, face_topic: str, wanted, publish):
        self._node, self._topic, self._publish = node, face_topic, publish
        self._input = None
        self._lock = threading.Lock()
        self._images: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()
        self._faces: OrderedDict[tuple[int, int], list[Face]] = OrderedDict()
        self._demand = Demand(node, lambda: wanted(face_topic), self._start, self._stop)

    def close(self) -> None:
        self._demand.close()

    def on_faces(self, faces: list[Face], header: Header) -> None:
        if self._input is not None:
            self._match(header, self._faces, faces, self._images)

    def _on_image(self, image: np.ndarray, header: Header) -> None:
        self._match(header, self._images, image, self._faces)

    def _match(self, header: Header, mine: OrderedDict, item, others: OrderedDict) -> None:
        stamp = (header.stamp.sec, header.stamp.nanosec)
        with self._lock:
            other = others.pop(stamp, None)
            if other is None:
                mine[stamp] = item
                while len(mine) > _KEPT:
                    mine.popitem(last=False)
                return
        image, faces = (item, other) if mine is self._images else (other, item)
        for face in faces:
            self._publish(self._topic, face, image, header)

    def _start(self) -> None:
        head, _, _ = self._topic.rpartition('/')
        beside = f'{head}/image_raw' if head or self._topic.startswith('/') else 'image_raw'
        self._input = image_input.ImageInput(self._node, self._on_image, beside)

    def _stop(self) -> None:
        self._input.close()
        self._input = None
        with self._lock:
            self._images.clear()
            self._faces.clear()


@dataclass
class _Theirs:
    """One face of hri_face_detect."""

    track_id: int
    subscriptions: list[Subscription]
    expression: Publisher


@dataclass
class _Frame:
    """What has come of one image: regions and crops by id, and the ids once they are known."""

    header: Header
    regions: dict[str, tuple[BoundingBox, float]] = field(default_factory=dict)
    crops: dict[str, np.ndarray] = field(default_factory=dict)
    ids: list[str] | None = None

    @property
    def complete(self) -> bool:
        return self.ids is not None and all(
            given in self.regions and given in self.crops for given in self.ids)


class _Listening:
    """The faces of hri_face_detect for our classifier."""

    def __init__(self, node: Ros4Hri):
        self._node = node
        self._people: dict[str, _Theirs] = {}
        self._next_track_id = 1
        self._frames: OrderedDict[tuple[int, int], _Frame] = OrderedDict()
        self._published = 0
        topic = node.value('face_topics')[0]
        self._faces = node.advertise(FaceArray, topic, qos.RESULT)
        self._tracked = node.subscribe(optional_conversions.hri.IdsList, node.topic('tracked'),
                                       self._on_tracked, qos.RESULT)
        self._emotions = node.subscribe(EmotionArray, emotion_topic(topic), self._on_emotions,
                                        qos.RESULT)

    def close(self) -> None:
        for given in list(self._people):
            self._forget(given)
        self._node.destroy_subscription(self._tracked)
        self._node.destroy_subscription(self._emotions)
        self._node.destroy_publisher(self._faces)

    def report(self, status: Status) -> None:
        status.values.update({'faces': len(self._people), 'face arrays published':
                              self._published})
        if not self._node.get_publishers_info_by_topic(self._tracked.topic_name):
            status.worsen(WARN, f'nobody publishes {self._tracked.topic_name}: start '
                          'hri_face_detect, or set humans_namespace')

    def _on_tracked(self, message) -> None:
        for given in message.ids:
            if given not in self._people:
                self._meet(given)
        for given in [known for known in self._people if known not in message.ids]:
            self._forget(given)
        frame = self._frame(message.header)
        frame.ids = list(message.ids)
        self._send_what_is_ready()

    def _on_region(self, message, given: str) -> None:
        try:
            box = optional_conversions.roi_to_box(message, self._node.value('image_width_px'),
                                                  self._node.value('image_height_px'))
        except FerError as error:
            self._complain(given, error)
            return
        self._frame(message.header).regions[given] = (box, float(message.c))
        self._send_what_is_ready()

    def _on_crop(self, message: Image, given: str) -> None:
        try:
            image = conversions.image_to_array(message)
        except FerError as error:
            self._complain(given, error)
            return
        gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if gray.shape[0] != gray.shape[1]:
            gray = letterboxed(gray, max(gray.shape))
        self._frame(message.header).crops[given] = gray
        self._send_what_is_ready()

    def _on_emotions(self, message: EmotionArray) -> None:
        try:
            emotions = conversions.message_to_emotions(message)
        except FerError as error:
            self._node.get_logger().error(f'emotions left out: {error}',
                                          throttle_duration_sec=5.0)
            return
        by_track = {person.track_id: person for person in self._people.values()}
        for emotion in emotions:
            if emotion.track_id in by_track:
                by_track[emotion.track_id].expression.publish(
                    optional_conversions.emotion_to_expression(emotion, message.header))

    def _meet(self, given: str) -> None:
        hri, node = optional_conversions.hri, self._node
        self._people[given] = _Theirs(self._next_track_id, [
            node.subscribe(hri.NormalizedRegionOfInterest2D, node.topic(f'{given}/roi'),
                           lambda message: self._on_region(message, given), qos.RESULT),
            node.subscribe(Image, node.topic(f'{given}/aligned'),
                           lambda message: self._on_crop(message, given), qos.RESULT),
        ], node.advertise(hri.Expression, node.topic(f'{given}/expression'), qos.RESULT))
        self._next_track_id += 1

    def _forget(self, given: str) -> None:
        person = self._people.pop(given)
        for subscription in person.subscriptions:
            self._node.destroy_subscription(subscription)
        self._node.destroy_publisher(person.expression)

    def _frame(self, header: Header) -> _Frame:
        stamp = (header.stamp.sec, header.stamp.nanosec)
        if stamp not in self._frames:
            self._frames[stamp] = _Frame(header)
            while len(self._frames) > _KEPT:
                self._frames.popitem(last=False)
        return self._frames[stamp]

    def _send_what_is_ready(self) -> None:
        # A tracked face need not be in every image: a frame also ends when a later one is whole,
        # or has two successors whose ids are known.
        known = [stamp for stamp, frame in self._frames.items() if frame.ids is not None]
        whole = [stamp for stamp in known if self._frames[stamp].complete]
        last = max([*whole, *known[:-2]], default=None)
        for stamp in sorted(self._frames):
            if last is None or stamp > last:
                return
            frame = self._frames.pop(stamp)
            if frame.ids is not None:
                self._send(frame)

    def _send(self, frame: _Frame) -> None:
        faces = []
        for given in frame.ids:
            if given in frame.regions and given in frame.crops and given in self._people:
                box, score = frame.regions[given]
                crop = frame.crops[given]
                faces.append(Face(self._people[given].track_id, box, score,
                                  quality=face_quality(crop, box), crop=crop))
        self._faces.publish(conversions.faces_to_message(
            faces, frame.header, self._node.value('image_width_px'),
            self._node.value('image_height_px'), 'hri_face_detect'))
        self._published += 1

    def _complain(self, given: str, error: FerError) -> None:
        self._node.get_logger().error(f'face {given} left out: {error}',
                                      throttle_duration_sec=5.0)


def new_id(taken: set[str]) -> str:
    """Return an id as REP-155 wants it: short, beginning with a letter, not in ``taken``."""
    while True:
        given = ''.join(random.choices(string.ascii_lowercase, k=5))
        if given not in taken:
            return given


def letterboxed(image: np.ndarray, side_px: int) -> np.ndarray:
    """Return an image scaled into a square of ``side_px``, centred, with black bars.

    :param image: uint8 ``(h, w)`` or ``(h, w, 3)``.
    """
    scale = side_px / max(image.shape[:2])
    size = [max(1, round(length * scale)) for length in image.shape[:2]]
    scaled = cv2.resize(image, (size[1], size[0]),
                        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square = np.zeros((side_px, side_px, *image.shape[2:]), np.uint8)
    y, x = (side_px - size[0]) // 2, (side_px - size[1]) // 2
    square[y:y + size[0], x:x + size[1]] = scaled
    return square


def main(args: list[str] | None = None) -> int:
    """Run the ROS4HRI node."""
    return run(Ros4Hri, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
