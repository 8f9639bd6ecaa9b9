# SPDX-License-Identifier: Apache-2.0
"""Annotator: the image with boxes, ids, labels and bars, only while somebody subscribes."""

from collections import OrderedDict
import threading

from fer_ros import conversions
from fer_ros.core.annotation import annotate
from fer_ros.core.errors import FerError
from fer_ros.core.statistics import RateMeter
from fer_ros.msg import EmotionArray
from fer_ros.nodes import image_input, qos
from fer_ros.nodes.base import ManagedNode, run
from fer_ros.nodes.diagnostics import Status
from fer_ros.nodes.parameters import Parameter
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header


class Annotator(ManagedNode):
    """Draw the emotions on the images they belong to."""

    PUBLISHES_IMAGES = True
    PARAMETERS = (
        Parameter('buffer_size', 15, 'images kept while their emotions are awaited', minimum=1,
                  maximum=120),
        *image_input.PARAMETERS,
    )

    def __init__(self, **kwargs):
        super().__init__('annotator', **kwargs)
        self._input = self._emotions = self._publisher = self._demand = None
        self._lock = threading.Lock()
        self._images: OrderedDict[tuple[int, int], tuple[np.ndarray, Header]] = OrderedDict()
        self._awaited: OrderedDict[tuple[int, int], EmotionArray] = OrderedDict()

    def configure(self) -> None:
        """Make the publisher."""
        self._publisher = self.advertise(Image, 'image_annotated', qos.IMAGE)
        self._published = self._unmatched = 0
        self._rate = RateMeter()

    def activate(self) -> None:
        """Watch for subscribers; nothing is done until there is one."""
        self._demand = self.create_timer(0.25, self._follow_demand)
        self._follow_demand()

    def deactivate(self) -> None:
        """Stop."""
        if self._demand is not None:
            self.destroy_timer(self._demand)
            self._demand = None
        self._stop()

    def cleanup(self) -> None:
        """Destroy the publisher."""
        if self._publisher is not None:
            self.destroy_publisher(self._publisher)
            self._publisher = None

    def report(self, status: Status) -> None:
        """Add figures."""
        if self._publisher is None:
            return
        status.values.update({
            'viewers': self._publisher.get_subscription_count(),
            'images published': self._published,
            'images without emotions in time': self._unmatched,
            'rate out (Hz)': self._rate.rate_hz(self.now_s())})
        if self._input is not None:
            self._input.report(status)

    def _follow_demand(self) -> None:
        wanted = self._publisher.get_subscription_count() > 0
        if wanted and self._input is None:
            self._emotions = self.subscribe(
                EmotionArray, 'emotions', self._on_emotions, qos.RESULT, own_thread=True)
            self._input = image_input.ImageInput(self, self._on_image)
        elif not wanted and self._input is not None:
            self._stop()

    def _stop(self) -> None:
        if self._input is not None:
            self._input.close()
            self.destroy_subscription(self._emotions)
            self._input = self._emotions = None
        with self._lock:
            self._images.clear()
            self._awaited.clear()

    def _on_image(self, image: np.ndarray, header: Header) -> None:
        key = (header.stamp.sec, header.stamp.nanosec)
        with self._lock:
            message = self._awaited.pop(key, None)
            if message is None:
                self._images[key] = (image, header)
                while len(self._images) > self.value('buffer_size'):
                    self._images.popitem(last=False)
                    self._unmatched += 1
        if message is not None:
            self._publish(image, header, message)

    def _on_emotions(self, message: EmotionArray) -> None:
        key = (message.header.stamp.sec, message.header.stamp.nanosec)
        with self._lock:
            found = self._images.pop(key, None)
            if found is None:
                # The emotions of an image can be here before our worker has read it.
                self._awaited[key] = message
                while len(self._awaited) > self.value('buffer_size'):
                    self._awaited.popitem(last=False)
        if found is not None:
            self._publish(*found, message)

    def _publish(self, image: np.ndarray, header: Header, message: EmotionArray) -> None:
        try:
            emotions = conversions.message_to_emotions(message)
        except FerError as error:
            self.get_logger().error(f'emotions left out: {error}', throttle_duration_sec=5.0)
            emotions = []
        self._publisher.publish(conversions.array_to_image(annotate(image, emotions), 'bgr8',
                                                           header))
        self._published += 1
        self._rate.tick(self.now_s())


def main(args: list[str] | None = None) -> int:
    """Run the annotator."""
    return run(Annotator, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
