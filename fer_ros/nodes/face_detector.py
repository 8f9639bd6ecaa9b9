# SPDX-License-Identifier: Apache-2.0
"""Face detector: images in, tracked faces with aligned crops out."""

from fer_ros import conversions
from fer_ros.msg import FaceArray
from fer_ros.nodes import handover, image_input, qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.load import Shedding
from fer_ros.nodes.program import run
from fer_ros.perception import create_finder, crop_format, DETECTOR_PARAMETERS, LOAD_PARAMETERS
from fer_ros.statistics import LatencyWindow, RateMeter
import numpy as np
from std_msgs.msg import Header


class FaceDetector(ManagedNode):
    """Lifecycle node that detects, tracks and crops faces."""

    PARAMETERS = (
        *DETECTOR_PARAMETERS,
        *LOAD_PARAMETERS,
        *image_input.PARAMETERS,
    )

    def __init__(self, **kwargs):
        super().__init__('face_detector', **kwargs)
        self._input = self._publisher = self._finder = self._shedding = None

    def configure(self) -> None:
        """Load the detector."""
        values = {parameter.name: self.value(parameter.name)
                  for parameter in DETECTOR_PARAMETERS}
        self._finder = create_finder(values)
        side_px, self._crop_encoding = crop_format(values)
        self._detector_name = self._finder.detector_name
        self._publisher = self.advertise(FaceArray, 'faces', qos.RESULT)
        self._faces = 0
        self._rate = RateMeter()
        self._latency = LatencyWindow()
        self.get_logger().info(f'detector: {self._finder.description}; crops: '
                               f'{side_px}x{side_px} {self._crop_encoding}')
        for warning in self._finder.warnings:
            self.get_logger().warning(warning)

    def activate(self) -> None:
        """Subscribe."""
        self._finder.reset()
        self._shedding = Shedding(self)
        self._finder.phase = self._shedding.phase
        self._input = image_input.ImageInput(self, self._on_image, shedding=self._shedding)

    def deactivate(self) -> None:
        """Unsubscribe."""
        if self._input is not None:
            self._input.close()
            self._input = None
        if self._shedding is not None:
            self._shedding.close()
            self._shedding = None

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
            self._shedding.report(status)

    def _on_image(self, image: np.ndarray, header: Header) -> None:
        height, width = image.shape[:2]
        self._finder.stretch = self._shedding.shed.stretch
        faces = self._finder.process(image, conversions.stamp_to_s(header.stamp))
        message = conversions.faces_to_message(
            faces, header, width, height, self._detector_name, self._crop_encoding)
        handover.publish(self._publisher, message, self.context,
                         handover.ReadImage(self._input.topic, image))
        self._shedding.done(self._input.received, self._finder.detected)
        self._faces = len(faces)
        now_s = self.now_s()
        self._rate.tick(now_s)
        self._latency.add((now_s - conversions.stamp_to_s(header.stamp)) * 1e3)
        self._finder.finish()


def main(args: list[str] | None = None) -> int:
    """Run the face detector."""
    return run(FaceDetector, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
