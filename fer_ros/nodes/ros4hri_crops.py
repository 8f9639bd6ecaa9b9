# SPDX-License-Identifier: Apache-2.0
"""Crops for ROS4HRI: match faces with their images."""

from collections.abc import Callable

import cv2
from fer_ros.nodes import image_input
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.demand import Demand
from fer_ros.nodes.synchronizer import Synchronizer
from fer_ros.nodes.topics import sibling
from fer_ros.types import Face
import numpy as np
from std_msgs.msg import Header

#: Number of images and face arrays kept while waiting for the other.
_QUEUE_SIZE = 10
#: Inputs of the synchronizer.
_IMAGE, _FACES = 0, 1


class Cropper:
    """Matches the faces and images of one camera while there are subscribers to color crops.

    :param face_topic: topic of the face arrays; the images are on image_raw beside it.
    :param wanted: returns whether there is a subscriber to a crop.
    :param publish: called with each face, its image and the image's header.
    """

    def __init__(self, node: ManagedNode, face_topic: str, wanted: Callable[[], bool],
                 publish: Callable[[Face, np.ndarray, Header], None]):
        self._node, self._topic, self._publish = node, face_topic, publish
        self._input = None
        self._pairs = Synchronizer(2, _QUEUE_SIZE, self._crop)
        self._demand = Demand(node, wanted, self._start, self._stop)

    def close(self) -> None:
        """Stop permanently."""
        self._demand.close()

    def on_faces(self, faces: list[Face], header: Header) -> None:
        """Add the faces of one image."""
        if self._input is not None:
            self._pairs.add(_FACES, header, faces)

    def _crop(self, found: tuple[np.ndarray, Header], faces: list[Face]) -> None:
        for face in faces:
            self._publish(face, *found)

    def _start(self) -> None:
        self._input = image_input.ImageInput(
            self._node, lambda image, header: self._pairs.add(_IMAGE, header, (image, header)),
            sibling(self._topic, 'image_raw'))

    def _stop(self) -> None:
        self._input.close()
        self._input = None
        self._pairs.clear()


def letterboxed(image: np.ndarray, side_px: int) -> np.ndarray:
    """Return an image scaled into a square of ``side_px``, centered, with black bars.

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
