# SPDX-License-Identifier: Apache-2.0
"""The base class of face detectors, and what they share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
from fer_ros.types import BoundingBox, Detection
import numpy as np

if TYPE_CHECKING:
    from fer_ros.faces.detection.regions import Regions

# More candidates than this before suppression mean a threshold near zero, not faces.
_MOST_CANDIDATES = 1000


class FaceDetector(ABC):
    """
    Find faces in an image.

    :ivar name: the detector's name, one of :data:`fer_ros.faces.detection.DETECTORS` but 'auto'.
    :ivar description: name, model and run time in words, for logs and diagnostics.
    :ivar warnings: degraded operation that the user should know of, each with its fix.
    :ivar score_threshold: faces with a lower score are skipped, [0, 1].
    :ivar landmarks_follow_roll: whether its landmarks show how far a head is rolled.
    """

    name = ''
    description = ''
    landmarks_follow_roll = False

    def __init__(self, *, minimum_face_px: float = 24, score_threshold: float = 0.0):
        self._minimum_face_px = minimum_face_px
        self.score_threshold = score_threshold
        self.warnings: list[str] = []

    def detect(self, image: np.ndarray) -> list[Detection]:
        """
        Return the faces of an image, best score first.

        :param image: uint8 ``(height, width, 3)`` BGR or ``(height, width)`` gray, any size.
        :return: boxes and landmarks in pixels of this image; a box of a face cut by the border
            may reach over it.
        :raises ValueError: when the array is not such an image.
        """
        check_image(image)
        return self._worth(self._detect(image))

    def regions(self, image: np.ndarray, known: Sequence[BoundingBox]) -> 'Regions | None':
        """
        Return where to search for known faces instead of in the whole image.

        :param image: a checked image.
        :param known: about where they are, one or more.
        :return: None if the detector cannot, or if it would hardly be less work.
        """
        return None

    def detect_in(self, image: np.ndarray, regions: 'Regions', known: Sequence[BoundingBox]
                  ) -> list[Detection] | None:
        """
        Return the faces in regions for known ones, best score first.

        :return: all known faces, and new ones next to them; None if it is not sure of one.
        """
        found = self._detect_in(image, regions, known)
        return None if found is None else self._worth(found)

    def _detect_in(self, image: np.ndarray, regions: 'Regions', known: Sequence[BoundingBox]
                   ) -> list[Detection] | None:
        return None

    def _worth(self, found: list[Detection]) -> list[Detection]:
        return sorted((face for face in found
                       if max(face.box.width, face.box.height) >= self._minimum_face_px),
                      key=lambda face: -face.score)

    def follow_stream(self) -> None:
        """Take images from now on as one stream: what was doubted once is not doubted again."""

    @abstractmethod
    def _detect(self, image: np.ndarray) -> list[Detection]:
        """Return the faces of a checked image."""


def check_image(image: np.ndarray) -> None:
    """Raise ValueError unless the array is an image: uint8, gray or BGR, not empty."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or not (
            image.ndim == 2 or image.ndim == 3 and image.shape[2] == 3):
        actual = (f'{image.dtype} {image.shape}' if isinstance(image, np.ndarray)
               else type(image).__name__)
        raise ValueError('an image is a uint8 array of shape (height, width, 3) or '
                         f'(height, width), not {actual}')
    if image.size == 0:
        raise ValueError(f'the image is empty: its shape is {image.shape}')


def as_bgr(image: np.ndarray) -> np.ndarray:
    """Return a checked image with three channels."""
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image


def as_gray(image: np.ndarray) -> np.ndarray:
    """Return a checked image with one channel."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def scaled_to(image: np.ndarray, size_px: int, largest_px: int = 0) -> tuple[np.ndarray, float]:
    """
    Return the image scaled so that its longer side is ``size_px``, and the factor.

    :param size_px: 0 leaves it as it is unless it is longer than ``largest_px``.
    """
    longer = max(image.shape[:2])
    factor = size_px / longer if size_px else min(1.0, largest_px / longer)
    if factor == 1.0:
        return image, 1.0
    # A side that becomes less than a pixel still needs one.
    size = tuple(max(1, round(side * factor)) for side in image.shape[1::-1])
    # Below a factor of two linear sampling misses no pixel. Halving averages four pixels each and
    # is a tenth of the work of averaging at any other factor.
    scaled = image
    while min(scaled.shape[:2]) > 1 and 2 * max(size) <= max(scaled.shape[:2]):
        scaled = cv2.resize(scaled, (scaled.shape[1] // 2 or 1, scaled.shape[0] // 2 or 1),
                            interpolation=cv2.INTER_AREA)
    return cv2.resize(scaled, size, interpolation=cv2.INTER_LINEAR), factor


def padded_to_multiple(image: np.ndarray, multiple: int) -> np.ndarray:
    """Return the image with black rows and columns added below and on the right."""
    below, right = (-side % multiple for side in image.shape[:2])
    if not below and not right:
        return image
    return cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT)


def planes(images: np.ndarray) -> np.ndarray:
    """
    Return images as network input, float32 ``(n, 3, height, width)``.

    :param images: uint8 ``(n, height, width, 3)``.
    """
    blob = np.empty((len(images), 3, *images.shape[1:3]), np.float32)
    for channels, image in zip(blob, images):
        for channel, plane in zip(channels, cv2.split(image)):
            channel[...] = plane
    return blob


def suppress(boxes: np.ndarray, scores: np.ndarray, threshold: float, *,
             of_smaller: bool = False) -> np.ndarray:
    """
    Return the indices of the boxes that non-maximum suppression keeps, best score first.

    :param boxes: float ``(n, 4)``: x0, y0, x1, y1.
    :param threshold: overlap above which the weaker box is dropped, intersection over union, [0,
        1].
    :param of_smaller: measure the overlap against the smaller box instead of the union.
    """
    order = np.argsort(-scores, kind='stable')[:_MOST_CANDIDATES]
    if len(order) < 2:
        return order
    x0, y0, x1, y1 = np.ascontiguousarray(boxes[order].T, np.float32)
    areas = (x1 - x0) * (y1 - y0)
    kept = []
    left = np.arange(len(order))
    while left.size:
        i, rest = left[0], left[1:]
        kept.append(i)
        # Most boxes do not touch this one: areas are computed for the few that do.
        near = (x0[rest] < x1[i]) & (x1[rest] > x0[i]) & (y0[rest] < y1[i]) & (y1[rest] > y0[i])
        if near.any():
            hits = rest[near]
            shared = ((np.minimum(x1[hits], x1[i]) - np.maximum(x0[hits], x0[i]))
                      * (np.minimum(y1[hits], y1[i]) - np.maximum(y0[hits], y0[i])))
            whole = (np.minimum(areas[hits], areas[i]) if of_smaller
                     else areas[hits] + areas[i] - shared)
            gone = np.zeros(len(rest), bool)
            gone[near] = shared > threshold * whole
            rest = rest[~gone]
        left = rest
    return order[kept]


def as_detections(boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray | None = None, *,
                  factor: float = 1.0) -> list[Detection]:
    """
    Return detections in pixels of the source image.

    :param boxes: float ``(n, 4)``: x0, y0, x1, y1 in pixels of the scaled image.
    :param landmarks: float ``(n, 5, 2)`` in the same pixels, or None.
    :param factor: scale of the scaled image relative to the source.
    """
    found = []
    for i, (box, score) in enumerate(zip(boxes / factor, scores)):
        x0, y0, x1, y1 = (float(value) for value in box)
        if not np.isfinite(box).all() or x1 <= x0 or y1 <= y0:
            continue
        points = None if landmarks is None else (landmarks[i] / factor).astype(np.float32)
        found.append(Detection(BoundingBox(x0, y0, x1 - x0, y1 - y0),
                               float(np.clip(score, 0, 1)), points))
    return found
