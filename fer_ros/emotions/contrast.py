# SPDX-License-Identifier: Apache-2.0
"""Raise the contrast of low-contrast faces."""

import cv2
import numpy as np

#: Fine contrast of a face (gray levels) at which its contrast is evened fully ...
FLAT = 17.0
#: ... and from which it stays as it is: seven of ten FER2013 faces have more.
CLEAR = 25.0
# Detail is what a box filter of this fraction of the side removes.
_BOX = 0.23
_TILES = (4, 4)
# Axes of the ellipse of the face, in sides of the crop.
_AXES = (0.35, 0.44)


def fine_contrast(crop: np.ndarray) -> float:
    """
    Return the standard deviation of the face's details, gray levels.

    Details are the crop less its local mean; the face is an ellipse in the middle, so that a
    bright background, hair and collar do not count.

    :param crop: uint8 ``(side, side)``.
    """
    side = crop.shape[0]
    box = max(3, round(_BOX * side) | 1)
    details = cv2.subtract(crop, cv2.blur(crop, (box, box)), dtype=cv2.CV_32F)
    return float(cv2.meanStdDev(details, mask=_ellipse(side))[1][0, 0])


def even_contrast(crop: np.ndarray) -> np.ndarray:
    """
    Return the crop with its contrast evened out over 4 x 4 tiles, the more the flatter it is.

    A dark face before a bright wall, a young face in soft light and a hazy image have little
    contrast inside the face, whatever that of the whole crop; a network trained on
    press photographs then predicts 'neutral' or 'surprise'. Contrast-limited adaptive histogram
    equalization (K. Zuiderveld, Graphics Gems IV, 1994) is blended in with a weight that falls
    from 1 at :data:`FLAT` to 0 at :data:`CLEAR`.

    :param crop: uint8 ``(side, side)``; it is not changed.
    :returns: uint8 ``(side, side)``; the crop itself where it is clear.
    """
    weight = float(np.clip((CLEAR - fine_contrast(crop)) / (CLEAR - FLAT), 0, 1))
    if weight == 0:
        return crop
    # Created for each face: the object is not thread-safe, and creating it costs nothing.
    evened = cv2.createCLAHE(clipLimit=1.0, tileGridSize=_TILES).apply(crop)
    return cv2.addWeighted(evened, weight, crop, 1 - weight, 0)


_ellipses: dict[int, np.ndarray] = {}


def _ellipse(side: int) -> np.ndarray:
    if side not in _ellipses:
        y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / side
        _ellipses[side] = ((x / _AXES[0]) ** 2 + (y / _AXES[1]) ** 2 < 1).astype(np.uint8)
    return _ellipses[side]
