# SPDX-License-Identifier: Apache-2.0
"""Markers: publish emotions at the faces' positions in the camera's frame, for rviz."""

from fer_ros import conversions
from fer_ros.cameras.camera_model import assumed_camera, CameraModel
from fer_ros.conversions import cameras, markers
from fer_ros.conversions.attention_markers import attention_to_markers
from fer_ros.errors import FerError
from fer_ros.faces.placement import depth_at, place_face
from fer_ros.msg import AttentionArray, EmotionArray
from fer_ros.nodes import qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.demand import PublisherOnDemand
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.parameters import Parameter
from fer_ros.nodes.program import run
from fer_ros.nodes.reading import Reading
from fer_ros.statistics import RateMeter
from fer_ros.types import FaceEmotion
import numpy as np
from sensor_msgs.msg import CameraInfo, Image
from visualization_msgs.msg import MarkerArray

#: Maximum difference of the stamps of a depth image and emotions, seconds.
_DEPTH_TOLERANCE_S = 0.2


class Markers(ManagedNode):
    """Lifecycle node that publishes markers of faces and emotions for rviz."""

    PARAMETERS = (
        Parameter('face_width_m', 0.16, "assumed width of a face's box, from which its distance "
                  'is estimated without depth, meters', minimum=0.05,
                  maximum=0.5, dynamic=True),
        Parameter('horizontal_fov_deg', 60.0, 'horizontal field of view assumed while there is '
                  'no calibrated camera_info, degrees', minimum=1.0, maximum=179.0,
                  dynamic=True),
        Parameter('use_depth', False, 'read the distance from depth/image_raw (16UC1 or 32FC1, '
                  'registered to the camera)'),
        Parameter('text_height_m', 0.08, 'height of the letters, meters', minimum=0.01,
                  maximum=1.0, dynamic=True),
        Parameter('lifetime_s', 1.0, 'markers vanish this long after the last image, seconds',
                  minimum=0.1, maximum=60.0, dynamic=True),
    )

    def __init__(self, **kwargs):
        super().__init__('markers', **kwargs)
        self._publisher = None
        self._subscriptions_made = []

    def configure(self) -> None:
        """Create the publisher."""
        self._publisher = PublisherOnDemand(self, MarkerArray, 'markers', qos.RESULT)
        self._published, self._rate = 0, RateMeter()

    def activate(self) -> None:
        """Watch for subscribers; nothing is done until there is one."""
        self._publisher.open(self._start, self._stop)

    def deactivate(self) -> None:
        """Stop."""
        self._publisher.close()

    def cleanup(self) -> None:
        """Destroy the publisher."""
        if self._publisher is not None:
            self._publisher.destroy()
            self._publisher = None

    def report(self, status: Status) -> None:
        """Add figures."""
        if self._publisher is None:
            return
        status.values.update({
            'viewers': self._publisher.subscribers, 'published': self._published,
            'rate out (Hz)': self._rate.rate_hz(self.now_s())})
        if self._publisher.wanted:
            status.values['camera model'] = 'assumed' if self._camera is None else 'camera_info'
            self._reading.report(status)
            if self._camera_problem:
                status.worsen(WARN, self._camera_problem)
            for subscription in self._subscriptions_made[:1]:
                if not self.get_publishers_info_by_topic(subscription.topic_name):
                    status.worsen(WARN, f'no publisher on {subscription.topic_name}: start an '
                                  'emotion classifier, or remap emotions')

    def _start(self) -> None:
        self._camera: CameraModel | None = None
        self._camera_problem = ''
        self._reading = Reading(self, 'emotions', 'emotions', conversions.message_to_emotions)
        self._depth: tuple[float, np.ndarray] | None = None
        self._shown: set[int] = set()
        self._subscriptions_made = [
            self.subscribe(EmotionArray, 'emotions', self._on_emotions, qos.RESULT,
                           own_thread=True),
            self.subscribe(CameraInfo, 'camera_info', self._on_camera_info, qos.IMAGE,
                           own_thread=True),
            self.subscribe(AttentionArray, 'attention', self._on_attention, qos.RESULT,
                           own_thread=True)]
        if self.value('use_depth'):
            self._subscriptions_made.append(
                self.subscribe(Image, 'depth/image_raw', self._on_depth, qos.IMAGE,
                               own_thread=True))

    def _stop(self) -> None:
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        self._subscriptions_made = []

    def _on_camera_info(self, message: CameraInfo) -> None:
        problem = ''
        try:
            self._camera = cameras.message_to_camera(message)
        except FerError as error:
            self._camera = None
            # Not of the subscription, which is still being made when the first message comes.
            problem = (f'{self.resolve_topic_name("camera_info")} cannot be used: {error}; '
                       'horizontal_fov_deg is assumed: calibrate the camera')
        if problem and not self._camera_problem:
            self.get_logger().warning(problem)
        self._camera_problem = problem

    def _on_attention(self, message: AttentionArray) -> None:
        self._publisher.publish(attention_to_markers(message, self.value('lifetime_s')))

    def _on_depth(self, message: Image) -> None:
        try:
            self._depth = (conversions.stamp_to_s(message.header.stamp),
                           cameras.depth_to_array(message))
        except FerError as error:
            self.get_logger().error(f'depth image skipped: {error}', throttle_duration_sec=5.0)

    def _on_emotions(self, message: EmotionArray) -> None:
        emotions = self._reading.read(message)
        if emotions is None:
            return
        width, height = message.image_width, message.image_height
        seen = [emotion for emotion in emotions if emotion.box.width > 0]
        placed = []
        if seen and width and height:
            camera = assumed_camera(width, height, self.value('horizontal_fov_deg')) \
                if self._camera is None else self._camera.scaled_to(width, height)
            depth = self._depth_of(conversions.stamp_to_s(message.header.stamp))
            placed = [self._place(emotion, camera, depth, width, height) for emotion in seen]
        shown = {emotion.track_id for emotion, _, _ in placed}
        self._publisher.publish(markers.emotions_to_markers(
            placed, self._shown - shown, message.header,
            text_height_m=self.value('text_height_m'), lifetime_s=self.value('lifetime_s')))
        self._shown = shown
        self._published += 1
        self._rate.tick(self.now_s())

    def _depth_of(self, stamp_s: float) -> np.ndarray | None:
        if self._depth is None or abs(self._depth[0] - stamp_s) > _DEPTH_TOLERANCE_S:
            return None
        return self._depth[1]

    def _place(self, emotion: FaceEmotion, camera: CameraModel, depth: np.ndarray | None,
               width: int, height: int):
        measured = None
        if depth is not None and depth.shape == (height, width):
            measured = depth_at(depth, emotion.box)
        center = place_face(emotion.box, camera, self.value('face_width_m'), measured)
        # The width of its box at that distance.
        return emotion, center, center[2] * emotion.box.width / float(camera.k[0, 0])


def main(args: list[str] | None = None) -> int:
    """Run the markers node."""
    return run(Markers, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
