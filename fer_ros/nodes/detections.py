# SPDX-License-Identifier: Apache-2.0
"""Detections: publish the emotions as vision_msgs/Detection2DArray, for other tools."""

from fer_ros import conversions
from fer_ros.conversions import optional as optional_conversions
from fer_ros.msg import EmotionArray
from fer_ros.nodes import qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.demand import PublisherOnDemand
from fer_ros.nodes.diagnostics import Status
from fer_ros.nodes.program import run
from fer_ros.nodes.reading import Reading


class Detections(ManagedNode):
    """Lifecycle node that publishes emotions as vision_msgs."""

    def __init__(self, **kwargs):
        super().__init__('detections', **kwargs)
        self._publisher = self._emotions = None
        self._published = 0

    def configure(self) -> None:
        """Create the publisher, if vision_msgs is installed."""
        optional_conversions.require(optional_conversions.vision, 'vision_msgs')
        self._publisher = PublisherOnDemand(
            self, optional_conversions.vision.Detection2DArray, 'detections', qos.RESULT)

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
        if self._publisher is not None:
            status.values.update({'subscribers': self._publisher.subscribers,
                                  'published': self._published})
            if self._emotions is not None:
                self._reading.report(status)

    def _start(self) -> None:
        self._reading = Reading(self, 'emotions', 'emotions', conversions.message_to_emotions)
        self._emotions = self.subscribe(EmotionArray, 'emotions', self._on_emotions, qos.RESULT,
                                        own_thread=True)

    def _stop(self) -> None:
        self.destroy_subscription(self._emotions)
        self._emotions = None

    def _on_emotions(self, message: EmotionArray) -> None:
        emotions = self._reading.read(message)
        if emotions is None:
            return
        self._publisher.publish(
            optional_conversions.emotions_to_detections(emotions, message.header))
        self._published += 1


def main(args: list[str] | None = None) -> int:
    """Run the detections node."""
    return run(Detections, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
