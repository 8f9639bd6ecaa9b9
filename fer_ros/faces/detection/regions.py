# SPDX-License-Identifier: Apache-2.0
"""Square regions around known faces, which a detector searches instead of the whole image."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
from fer_ros.faces.detection.images import as_bgr, scaled_to
from fer_ros.types import BoundingBox
import numpy as np

# A region is at least this wide, in units of the face, ...
_MARGIN = 2.4
# ... and is searched again while this much, in the same units, is left around the face, and it is
# not wider than this.
_LEFT, _WIDEST = 0.6, 3.6
# A region's side as the network gets it is a multiple of the first, and one of these.
_STEP_PX, _SMALLEST_PX, _LARGEST_PX = 32, 96, 224
# The regions are searched only if they have at most this share of the whole image's pixels.
_WORTH = 0.6
# A found face is the known one if its center is within this part of the known one's side, and it
# is larger or smaller by at most this factor.
_OFF, _GROWTH = 0.5, 1.5
# Another face counts only if this much is left around it, in units of its longer side.
_ROOM = 0.15


@dataclass(frozen=True)
class Regions:
    """
    Where to search, a square for each known face.

    :ivar boxes: int ``(n, 4)``: left, top, right, bottom, pixels of the image.
    :ivar side_px: side to which each is scaled.
    :ivar factor: of the scale at which the whole image is searched.
    """

    boxes: np.ndarray
    side_px: int
    factor: float

    def patch(self, image: np.ndarray, i: int) -> tuple[np.ndarray, float]:
        """Return a region, uint8 ``(side_px, side_px, 3)``, and the factor of its scale.

        What lies outside the image is black.
        """
        left, top, right, bottom = self.boxes[i]
        scaled, scale = scaled_to(image[top:bottom, left:right], 0, self.side_px)
        below, beside = (self.side_px - side for side in scaled.shape[:2])
        if below or beside:
            scaled = cv2.copyMakeBorder(scaled, 0, below, 0, beside, cv2.BORDER_CONSTANT)
        return as_bgr(scaled), scale

    def fit(self, known: Sequence[BoundingBox], size: tuple[int, int]) -> bool:
        """Return whether they still lie well around the faces, in an image of this size."""
        if len(known) != len(self.boxes):
            return False
        for (left, top, right, bottom), box in zip(self.boxes.tolist(), known):
            side = max(box.width, box.height)
            away = _LEFT * side
            if max(right - left, bottom - top) > max(_WIDEST * side,
                                                     _SMALLEST_PX / self.factor + 4) \
                    or 0 < left > box.x - away or 0 < top > box.y - away \
                    or size[0] > right < box.x + box.width + away \
                    or size[1] > bottom < box.y + box.height + away:
                return False
        return True


def regions_around(known: Sequence[BoundingBox], size: tuple[int, int], factor: float
                   ) -> Regions | None:
    """
    Return regions in which the faces lie in the middle.

    :param size: of the image, width and height, pixels.
    :param factor: of the scale at which the whole image is searched. It is the regions' too,
        except for large faces.
    :return: None where that is hardly less work than the whole image.
    """
    sides = [max(box.width, box.height, 1.0) for box in known]
    side_px = int(np.clip(np.ceil(_MARGIN * max(sides) * factor / _STEP_PX) * _STEP_PX,
                          _SMALLEST_PX, _LARGEST_PX))
    if len(known) * side_px ** 2 > _WORTH * size[0] * size[1] * factor ** 2:
        return None
    found = []
    for box, side in zip(known, sides):
        # Whole when halved twice, which is fast.
        length = int(-max(_MARGIN * side, side_px / factor) // 4 * -4)
        # Moved into the image, where there is more to see.
        low = [int(min(max(center - length / 2, 0), max(whole - length, 0)))
               for center, whole in zip(box.center, size)]
        found.append((*low, *(min(start + length, whole) for start, whole in zip(low, size))))
    return Regions(np.array(found, int), side_px, factor)


def whole_in(boxes: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Return which boxes, float ``(n, 4)``, the region's border cannot cut, bool ``(n,)``."""
    # Of a face that is cut, the box covers the part that is seen.
    room = _ROOM * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)[:, None]
    return ((boxes[:, :2] - room > region[:2]) & (boxes[:, 2:] + room < region[2:])).all(axis=1)


def same_faces(boxes: np.ndarray, known: BoundingBox) -> np.ndarray:
    """Return which boxes, float ``(n, 4)``, can be a known face, bool ``(n,)``."""
    side = max(known.width, known.height, 1.0)
    off = (boxes[:, :2] + boxes[:, 2:]) / 2 - known.center
    growth = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) / side
    return (np.hypot(*off.T) < _OFF * side) & (growth > 1 / _GROWTH) & (growth < _GROWTH)
