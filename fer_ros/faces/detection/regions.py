# SPDX-License-Identifier: Apache-2.0
"""Square regions around known faces, which a detector searches instead of the whole image."""

from collections.abc import Sequence

import cv2
from fer_ros.faces.boxes import areas
from fer_ros.faces.detection.base import as_bgr, scaled_to
from fer_ros.types import BoundingBox
import numpy as np

#: Side of each region as the network gets it.
SIDE_PX = 160
# A region is at least this wide, in units of the face.
_MARGIN = 3.0
# The regions are searched only if they have at most this share of the whole image's pixels.
_WORTH = 0.6
# A found face is the known one if its center is within this part of the known one's side, and it
# is larger or smaller by at most this factor.
_OFF, _GROWTH = 0.5, 1.5


def regions_around(known: Sequence[BoundingBox], size: tuple[int, int], factor: float
                   ) -> np.ndarray | None:
    """
    Return a region for each face, int ``(n, 4)``: left, top, right, bottom, pixels.

    :param size: of the image, width and height, pixels.
    :param factor: of the scale at which the whole image is searched; faces in regions get no
        larger, but large ones become smaller.
    :return: None where that is hardly less work than the whole image.
    """
    if len(known) * SIDE_PX ** 2 > _WORTH * size[0] * size[1] * factor ** 2:
        return None
    found = []
    for box in known:
        side = round(max(_MARGIN * max(box.width, box.height), SIDE_PX / factor))
        # Moved into the image, where there is more to see.
        low = [int(min(max(center - side / 2, 0), max(length - side, 0)))
               for center, length in zip(box.center, size)]
        found.append((*low, *(min(start + side, length) for start, length in zip(low, size))))
    regions = np.array(found, int).reshape(-1, 4)
    return regions if (areas(regions) > 0).all() else None


def patch_of(image: np.ndarray, region: np.ndarray) -> tuple[np.ndarray, float]:
    """Return a region, uint8 ``(SIDE_PX, SIDE_PX, 3)``, black outside the image, and its scale."""
    left, top, right, bottom = region
    part = image[top:bottom, left:right]
    scaled, scale = scaled_to(part, 0, SIDE_PX)
    below, beside = (SIDE_PX - side for side in scaled.shape[:2])
    return as_bgr(cv2.copyMakeBorder(scaled, 0, below, 0, beside, cv2.BORDER_CONSTANT)), scale


def whole(boxes: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Return which boxes, float ``(n, 4)``, the region's border does not cut, bool ``(n,)``."""
    return ((boxes[:, :2] > region[:2]) & (boxes[:, 2:] < region[2:])).all(axis=1)


def same_faces(boxes: np.ndarray, known: BoundingBox) -> np.ndarray:
    """Return which boxes, float ``(n, 4)``, can be a known face, bool ``(n,)``."""
    side = max(known.width, known.height, 1.0)
    off = (boxes[:, :2] + boxes[:, 2:]) / 2 - known.center
    growth = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) / side
    return (np.hypot(*off.T) < _OFF * side) & (growth > 1 / _GROWTH) & (growth < _GROWTH)
