# SPDX-License-Identifier: Apache-2.0
"""Rate how reliably an emotion can be read from a face."""

import math

import cv2
from fer_ros.types import BoundingBox
import numpy as np

# Each factor rises from 0 at the first to 1 at the second value.
_SIZE_PX = (12.0, 40.0)
_SHARPNESS = (0.05, 0.20)
_CONTRAST = (4.0, 25.0)
_BRIGHTNESS = (8.0, 50.0)
_TURN = (0.75, 0.25)
# The limits above hold for gray crops of this side.
_SIDE_PX = 48


def face_quality(crop: np.ndarray, box: BoundingBox,
                 landmarks: np.ndarray | None = None) -> float:
    """
    Return the quality of a face, [0, 1].

    The square root of the product of these factors, each [0, 1]; one bad factor lowers it all:

    - size: the root of the box's area, 0 at 12 px, 1 from 40 px;
    - sharpness: mean absolute Laplacian over the crop's standard deviation, 0 at 0.05, 1 from
      0.20: a blurred face has edges lower than its contrast promises;
    - light: standard deviation (0 at 4, 1 from 25 gray levels) times mean (0 at 8, 1 from 50);
    - pose, where there are landmarks: how far the nose is off the middle between the eyes, over
      half their distance: 1 up to 0.25, 0 from 0.75 (a profile).

    :param crop: uint8 ``(side, side)`` or ``(side, side, 3)`` BGR from
        :func:`fer_ros.faces.alignment.align_face`; judged in gray, a larger one at 48 pixels.
    """
    if crop.ndim == 3:
        crop = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    if crop.shape[0] > _SIDE_PX:
        crop = cv2.resize(crop, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    mean, deviation = (value.item() for value in cv2.meanStdDev(crop))
    laplacian = cv2.Laplacian(crop, cv2.CV_16S)
    sharpness = cv2.norm(laplacian, cv2.NORM_L1) / crop.size / (deviation + 1.0)
    quality = (_ramp(math.sqrt(max(box.width * box.height, 0)), _SIZE_PX)
               * _ramp(sharpness, _SHARPNESS)
               * _ramp(deviation, _CONTRAST) * _ramp(mean, _BRIGHTNESS))
    if landmarks is not None:
        quality *= _ramp(turn(landmarks), _TURN)
    return math.sqrt(quality)


def turn(landmarks: np.ndarray) -> float:
    """Return how far the head is turned to a side: 0 is frontal, 1 has the nose over an eye."""
    left, right, nose = np.asarray(landmarks, np.float64)[:3].tolist()
    x, y = right[0] - left[0], right[1] - left[1]
    length = math.hypot(x, y)
    if not length > 1e-6:
        return 1.0
    along = ((nose[0] - (left[0] + right[0]) / 2) * x
             + (nose[1] - (left[1] + right[1]) / 2) * y) / length
    return abs(along) / (length / 2)


def _ramp(value: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return min(1.0, max(0.0, (value - low) / (high - low)))
