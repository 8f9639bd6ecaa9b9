# SPDX-License-Identifier: Apache-2.0
"""Annotator: the image with boxes, ids, labels and bars, only while somebody subscribes."""

from fer_ros import conversions
from fer_ros.attention.drawing import mark_gaze
from fer_ros.conversions.attention import message_to_landmarks
from fer_ros.conversions.optional import MESH_POINTS
from fer_ros.faces.annotation import annotate
from fer_ros.msg import AttentionArray, EmotionArray
from fer_ros.nodes import image_input, qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.demand import PublisherOnDemand
from fer_ros.nodes.diagnostics import Status
from fer_ros.nodes.load import OptionalWork
from fer_ros.nodes.parameters import Parameter
from fer_ros.nodes.program import run
from fer_ros.nodes.reading import Reading
from fer_ros.nodes.synchronizer import Synchronizer
from fer_ros.statistics import RateMeter
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

#: Inputs of the synchronizer.
_IMAGE, _EMOTIONS = 0, 1
#: Maximum difference of the stamps of a gaze and the image it is drawn on, seconds.
_GAZE_LASTS_S = 0.3


class Annotator(ManagedNode):
    """Lifecycle node that draws emotions on their images."""

    PUBLISHES_IMAGES = True
    PARAMETERS = (
        Parameter('buffer_size', 15, 'number of images kept while waiting for emotions', minimum=1,
                  maximum=120),
        *image_input.PARAMETERS,
    )

    def __init__(self, **kwargs):
        super().__init__('annotator', **kwargs)
        self._input = self._emotions = self._gazes = self._output = self._load = None

    def configure(self) -> None:
        """Create the publisher."""
        self._output = PublisherOnDemand(self, Image, 'image_annotated', qos.IMAGE)
        self._pairs = Synchronizer(2, self.value('buffer_size'), self._publish)
        self._published = 0
        self._rate = RateMeter()

    def activate(self) -> None:
        """Watch for subscribers; nothing is done until there is one."""
        self._output.open(self._start, self._stop)

    def deactivate(self) -> None:
        """Stop."""
        self._output.close()

    def cleanup(self) -> None:
        """Destroy the publisher."""
        if self._output is not None:
            self._output.destroy()
            self._output = None

    def report(self, status: Status) -> None:
        """Add figures."""
        if self._output is None:
            return
        status.values.update({
            'viewers': self._output.subscribers,
            'images published': self._published,
            'images without emotions in time': self._pairs.dropped(_IMAGE),
            'rate out (Hz)': self._rate.rate_hz(self.now_s())})
        if self._input is not None:
            self._input.report(status)
            self._reading.report(status)
            self._load.report(status)

    def _start(self) -> None:
        self._reading = Reading(self, 'emotions', 'emotions', conversions.message_to_emotions)
        self._emotions = self.subscribe(
            EmotionArray, 'emotions',
            lambda message: self._pairs.add(_EMOTIONS, message.header, message), qos.RESULT,
            own_thread=True)
        self._attention: AttentionArray | None = None
        self._gazes = self.subscribe(AttentionArray, 'attention', self._on_attention, qos.RESULT,
                                     own_thread=True)
        self._load = OptionalWork(self)
        self._input = image_input.ImageInput(
            self, lambda image, header: self._pairs.add(_IMAGE, header, (image, header)))

    def _stop(self) -> None:
        self._input.close()
        self.destroy_subscription(self._emotions)
        self.destroy_subscription(self._gazes)
        self._load.close()
        self._input = self._emotions = self._gazes = self._attention = None
        self._pairs.clear()

    def _on_attention(self, message: AttentionArray) -> None:
        self._attention = message

    def _mark_gazes(self, drawn: np.ndarray, header: Header) -> None:
        message = self._attention
        if message is None or abs(conversions.stamp_to_s(message.header.stamp) -
                                  conversions.stamp_to_s(header.stamp)) > _GAZE_LASTS_S:
            return
        for face in message.faces:
            points = message_to_landmarks(face)
            if points is not None and face.known:
                mark_gaze(drawn, points[[MESH_POINTS, MESH_POINTS + 5]].mean(axis=0),
                          np.array([face.gaze.x, face.gaze.y]), face.label, face.roi.width)

    def _publish(self, found: tuple[np.ndarray, Header], message: EmotionArray) -> None:
        if not self._load.wanted():
            return
        image, header = found
        drawn = annotate(image, self._reading.read(message) or [])
        self._mark_gazes(drawn, header)
        self._output.publish(conversions.array_to_image(drawn, 'bgr8', header))
        self._published += 1
        self._rate.tick(self.now_s())


def main(args: list[str] | None = None) -> int:
    """Run the annotator."""
    return run(Annotator, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
