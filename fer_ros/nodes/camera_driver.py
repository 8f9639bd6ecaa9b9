# SPDX-License-Identifier: Apache-2.0
"""Camera driver: publish a device, video file, folder of images or URL as image messages."""

from collections.abc import Sequence
from itertools import islice, product
import threading
import time

from fer_ros import conversions, transport
from fer_ros.cameras import capture
from fer_ros.cameras.camera_model import assumed_camera, CameraModel, load_calibration
from fer_ros.cameras.sources import is_live
from fer_ros.conversions import cameras
from fer_ros.errors import FerError, SourceError
from fer_ros.masking import mask
from fer_ros.msg import EmotionArray
from fer_ros.nodes import qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.parameter_files import requested_values
from fer_ros.nodes.parameters import Parameter
from fer_ros.nodes.program import run
from fer_ros.statistics import RateMeter, ReadableShare
from fer_ros.workers import Worker
import numpy as np
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

#: What images this node can publish, and the parameters that decide their size.
_ENCODINGS = ('bgr8', 'rgb8', 'mono8', 'bgra8', 'rgba8', 'yuv422_yuy2')
_OF_SIZE = ('source', 'width_px', 'height_px', 'encoding')
#: At the start, the size of the images is looked up for so many sources at most.
_MOST_CAMERAS = 8
#: A publisher discovers a subscriber slightly before the reverse, seconds.
_MATCHING_S = 0.5
#: With pace 'consumed': timeout for the emotions of a frame, seconds.
_CONSUMED_TIMEOUT_S = 2.0


class CameraDriver(ManagedNode):
    """Lifecycle node that publishes the images of a frame source."""

    PUBLISHES_IMAGES = True
    PARAMETERS = (
        *capture.CAMERA_PARAMETERS,
        Parameter('encoding', 'bgr8', 'encoding of the images',
                  choices=_ENCODINGS),
        Parameter('pace', 'realtime', 'how files are played: realtime, or consumed (each frame '
                  'waits for the emotions of the last)', choices=('realtime', 'consumed')),
        Parameter('exit_at_end', False, 'exit when a file or folder has ended'),
        Parameter('wait_for_subscribers', 0, 'number of subscribers to image_raw to wait for, so '
                  'that no frame of a file is missed', minimum=0, maximum=100),
        Parameter('frame_id', 'camera_optical_frame', 'optical frame of the images (REP-103)'),
        Parameter('camera_info_url', '', 'calibration file in the format of camera_calibration (a '
                  'path, file:// or package://); empty: intrinsics from horizontal_fov_deg'),
        Parameter('horizontal_fov_deg', 60.0, 'horizontal field of view assumed without a '
                  'calibration, degrees', minimum=1.0, maximum=179.0),
    )

    @classmethod
    def largest_image_bytes(cls, arguments: Sequence[str]) -> int:
        """Return the size of the images, by the parameters and the file; 0: unknown."""
        default = {parameter.name: parameter.default for parameter in cls.PARAMETERS}
        given = requested_values(arguments, _OF_SIZE)
        if any(type(value) is not type(default[name]) for name in given for value in given[name]):
            return 0  # ROS will refuse it
        # A file may have other cameras' values too: then the largest counts.
        values = [dict.fromkeys(given[name] or [default[name]]) for name in _OF_SIZE]
        chosen = list(islice(product(*values), _MOST_CAMERAS + 1))
        if len(chosen) > _MOST_CAMERAS:
            return 0
        sizes = []
        for source, width, height, encoding in chosen:
            size = capture.expected_size(source, width, height)
            if size is None or encoding not in _ENCODINGS:
                return 0
            sizes.append(size[0] * size[1] * conversions.pixel_bytes(encoding))
        return max(sizes)

    def __init__(self, **kwargs):
        super().__init__('camera_driver', **kwargs)
        self._images = self._infos = self._answers = self._worker = self._player = None
        self._stop = threading.Event()

    @property
    def source(self) -> str:
        """The source without secrets."""
        return mask(self.value('source'), camera=True)

    def configure(self) -> None:
        """Check the parameters and create the publishers; activate opens the source."""
        fourcc = self.value('pixel_format')
        if len(fourcc) not in (0, 4):
            raise FerError(f'pixel_format is {fourcc!r}: expected four letters, such as MJPG')
        self._calibration: CameraModel | None = None
        if self.value('camera_info_url'):
            self._calibration = load_calibration(self.value('camera_info_url'))
        self._images = self.advertise(Image, 'image_raw', qos.IMAGE)
        self._infos = self.advertise(CameraInfo, 'camera_info', qos.IMAGE)
        self._published, self._size, self._bytes, self._rate = 0, (0, 0), 0, RateMeter()
        self._skipped, self._share = 0, ReadableShare(f'images of {self.source}')

    def activate(self) -> None:
        """Open the source and start."""
        name = self.value('source')
        self._stop.clear()
        self._answered = threading.Semaphore(0)
        self._settings = {parameter.name: self.value(parameter.name)
                          for parameter in capture.CAMERA_PARAMETERS}
        self._player = capture.create_player(
            self._settings, wait=self._stop.wait, paced=self.value('pace') == 'realtime',
            on_problem=lambda problem: self.get_logger().error(problem))
        if self.value('pace') == 'consumed' and not is_live(name):
            self._answers = self.subscribe(
                EmotionArray, 'emotions', lambda message: self._answered.release(), qos.RESULT)
        self._worker = Worker('camera_driver grabber', self._play, self.faults).start()

    def deactivate(self) -> None:
        """Stop and close the source."""
        self._stop.set()
        if self._worker is not None:
            self._answered.release()  # the grabber may be waiting for an answer
        if self._answers is not None:
            self.destroy_subscription(self._answers)
            self._answers = None
        if self._worker is not None:
            self._worker.end()
            self._worker = self._player = None

    def cleanup(self) -> None:
        """Destroy the publishers."""
        for publisher in (self._images, self._infos):
            if publisher is not None:
                self.destroy_publisher(publisher)
        self._images = self._infos = None

    def report(self, status: Status) -> None:
        """Add statistics and problems of the source."""
        if self._images is None:
            return
        status.values.update({
            'source': self.source, 'images published': self._published,
            'images skipped': self._skipped, 'size (px)': '{}x{}'.format(*self._size),
            'rate out (Hz)': self._rate.rate_hz(self.now_s())})
        if transport.too_large(self._bytes):
            width, height = self._size
            status.worsen(WARN, f'images of {width}x{height} pixels are larger than expected at '
                          f'start, and may be lost: set width_px to {width} and height_px to '
                          f'{height}, and start this process again')
        player = self._player
        if player is None:
            return
        capture.report(player, self.source, status)
        self._share.report(time.monotonic(), status)

    def _play(self) -> None:
        player = self._player
        code = 0
        if not self._await_subscribers():
            return
        try:
            for frame in player.frames():
                if self._stop.is_set():
                    return
                if self._publish(frame) and self._answers is not None:
                    self._answered.acquire(timeout=_CONSUMED_TIMEOUT_S)
            if player.state == 'ended':
                self.get_logger().info(
                    f'{self.source} has ended after {self._published} images')
        except SourceError as error:
            self.get_logger().error(str(error))
            code = 1
        if self.value('exit_at_end') and not self._stop.is_set():
            self.finish(code)

    def _await_subscribers(self) -> bool:
        wanted = self.value('wait_for_subscribers')
        while self._images.get_subscription_count() < wanted:
            if self._stop.wait(0.05):
                return False
        return not (wanted and self._stop.wait(_MATCHING_S))

    def _publish(self, frame: np.ndarray) -> bool:
        """Publish a frame; return False if it cannot be sent in the requested format."""
        # Stamped before processing, so that the latency includes our own work.
        header = Header(frame_id=self.value('frame_id'), stamp=self.get_clock().now().to_msg())
        try:
            self._send(frame, header)
        except FerError as error:
            self._skip(str(error))
        except Exception as error:  # affects this frame only
            self._skip('internal error, see the log')
            self.faults.add(f'image of {self.source} skipped', error)
        else:
            self._published += 1
            self._rate.tick(self.now_s())
            self._share.add(time.monotonic())
            return True
        return False

    def _skip(self, problem: str) -> None:
        self._skipped += 1
        self._share.add(time.monotonic(), problem)
        self.get_logger().error(f'image of {self.source} skipped: {problem}',
                                throttle_duration_sec=5.0)

    def _send(self, frame: np.ndarray, header: Header) -> None:
        width, height = self._wanted_size(frame)
        frame = capture.resized(frame, width, height)
        message = conversions.bgr_to_image(frame, self.value('encoding'), header)
        # The size first: who finds the image too large tells it.
        self._size, self._bytes = (width, height), len(message.data)
        self._images.publish(message)
        if self._infos.get_subscription_count():
            self._infos.publish(cameras.camera_to_message(self._camera(width, height), header))

    def _wanted_size(self, frame: np.ndarray) -> tuple[int, int]:
        width, height = capture.wanted_size(self._settings, frame.shape[1], frame.shape[0])
        if self.value('encoding') == 'yuv422_yuy2' and width > 1:
            width -= width % 2  # pairs of pixels
        return width, height

    def _camera(self, width: int, height: int) -> CameraModel:
        if self._calibration is not None:
            return self._calibration.scaled_to(width, height)
        return assumed_camera(width, height, self.value('horizontal_fov_deg'))


def main(args: list[str] | None = None) -> int:
    """Run the camera driver."""
    return run(CameraDriver, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
