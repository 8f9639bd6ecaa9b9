# SPDX-License-Identifier: Apache-2.0
"""Face detector: images in, tracked faces with aligned crops out."""

from fer_ros import conversions
from fer_ros.core.classification import load_metadata
from fer_ros.core.detection import create_detector, DETECTORS, MINIMUM_FACE_PX
from fer_ros.core.errors import ConfigurationError
from fer_ros.core.face_finder import DETECT_EVERY, FaceFinder
from fer_ros.core.statistics import LatencyWindow, RateMeter
from fer_ros.core.tracking import FaceTracker
from fer_ros.msg import FaceArray
from fer_ros.nodes import image_input, qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.parameters import Parameter, PROVIDERS
from fer_ros.nodes.program import run
import numpy as np
from std_msgs.msg import Header


class FaceDetector(ManagedNode):
    """Find, follow and crop faces."""

    PARAMETERS = (
        Parameter('detector', DETECTORS[0],
                  'which detector; auto takes the best that is installed', choices=DETECTORS),
        Parameter('model_path', '', "the user's own ONNX model; empty: the detector's own"),
        Parameter('detection_size_px', 0,
                  'long side to which the image is scaled for detection; 0: the detector decides',
                  minimum=0, maximum=4096),
        Parameter('minimum_face_px', MINIMUM_FACE_PX,
                  'smallest face looked for, pixels of the source image', minimum=8,
                  maximum=2000),
        Parameter('score_threshold', 0.0, "detections below are dropped; 0: the detector's own",
                  minimum=0.0, maximum=1.0),
        Parameter('nms_threshold', 0.0,
                  "overlap (IoU) above which two detections are one; 0: the detector's own",
                  minimum=0.0, maximum=1.0),
        Parameter('detect_every', DETECT_EVERY,
                  'detect in every n-th image, at least each 0.1 s, and carry the tracks between',
                  minimum=1, maximum=30),
        Parameter('emotion_model', '', 'the emotion model that will read the crops, as the '
                  "classifier's model: it decides their size and color; empty: the shipped one"),
        Parameter('crop_side_px', 0, 'side of the aligned crops, 16 pixels or more; 0: as '
                  'emotion_model takes them', minimum=0, maximum=1024),
        Parameter('crop_encoding', 'auto', 'encoding of the crops; auto: mono8 or bgr8, as '
                  'emotion_model takes them', choices=('auto', 'mono8', 'bgr8', 'rgb8')),
        Parameter('threads', 1, 'processor threads of the detector', minimum=1, maximum=64),
        PROVIDERS,
        *image_input.PARAMETERS,
    )

    def __init__(self, **kwargs):
        super().__init__('face_detector', **kwargs)
        self._input = self._publisher = self._finder = None

    def configure(self) -> None:
        """Load the detector."""
        detector = create_detector(
            self.value('detector'), model_path=self.value('model_path'),
            size_px=self.value('detection_size_px'),
            minimum_face_px=self.value('minimum_face_px'),
            score_threshold=self.value('score_threshold') or None,
            nms_threshold=self.value('nms_threshold') or None, threads=self.value('threads'),
            providers=self.value('providers'))
        side_px, self._crop_encoding = self._crop_format()
        self._detector_name = detector.name
        self._finder = FaceFinder(detector, FaceTracker(),
                                  detect_every=self.value('detect_every'),
                                  crop_side_px=side_px,
                                  crop_color=self._crop_encoding != 'mono8')
        self._publisher = self.advertise(FaceArray, 'faces', qos.RESULT)
        self._faces = 0
        self._rate = RateMeter()
        self._latency = LatencyWindow()
        self.get_logger().info(f'detector: {self._finder.description}; crops: '
                               f'{side_px}x{side_px} {self._crop_encoding}')
        for warning in self._finder.warnings:
            self.get_logger().warning(warning)

    def _crop_format(self) -> tuple[int, str]:
        side_px, encoding = self.value('crop_side_px'), self.value('crop_encoding')
        if 0 < side_px < 16:
            raise ConfigurationError(f'crop_side_px is {side_px}: expected 16 or more, or 0')
        if not side_px or encoding == 'auto':
            asked = load_metadata(self.value('emotion_model')).input
            side_px = side_px or asked.side_px
            encoding = asked.encoding if encoding == 'auto' else encoding
        return side_px, encoding

    def activate(self) -> None:
        """Subscribe."""
        self._finder.reset()
        self._input = image_input.ImageInput(self, self._on_image)

    def deactivate(self) -> None:
        """Unsubscribe."""
        if self._input is not None:
            self._input.close()
            self._input = None

    def cleanup(self) -> None:
        """Free the detector."""
        if self._publisher is not None:
            self.destroy_publisher(self._publisher)
        self._publisher = self._finder = None

    def report(self, status: Status) -> None:
        """Add figures."""
        if self._finder is not None:
            for warning in self._finder.warnings:
                status.worsen(WARN, warning)
            status.values.update({
                'detector': self._detector_name, 'runs on': self._finder.description,
                'faces': self._faces,
                'rate out (Hz)': self._rate.rate_hz(self.now_s()),
                'latency median (ms)': self._latency.median_ms,
                'latency p99 (ms)': self._latency.p99_ms})
        if self._input is not None:
            self._input.report(status)

    def _on_image(self, image: np.ndarray, header: Header) -> None:
        height, width = image.shape[:2]
        faces = self._finder.process(image, conversions.stamp_to_s(header.stamp))
        self._publisher.publish(conversions.faces_to_message(faces, header, width, height,
                                                             self._detector_name,
                                                             self._crop_encoding))
        self._faces = len(faces)
        now_s = self.now_s()
        self._rate.tick(now_s)
        self._latency.add((now_s - conversions.stamp_to_s(header.stamp)) * 1e3)


def main(args: list[str] | None = None) -> int:
    """Run the face detector."""
    return run(FaceDetector, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
