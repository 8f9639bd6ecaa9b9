# SPDX-License-Identifier: Apache-2.0
"""Spoil the pictures of eyes as cameras and uncertain landmarks do."""

import cv2
from fer_ros.attention.eye_histograms import SIDE
import numpy as np

# Standard deviations: turn (degrees), size (share), place (pixels). Largest blur and noise.
_TURN_DEG, _SIZE, _PLACE_PX, _BLUR_PX, _NOISE = 2.0, 0.03, 1.0, 1.8, 7.0


def spoil(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return pictures, uint8 ``(n, 64, 64)``, moved, blurred, of another contrast, with noise."""
    return np.stack([_spoil(picture, rng) for picture in pictures])


def _spoil(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    middle = (SIDE - 1) / 2
    move = cv2.getRotationMatrix2D((middle, middle), rng.normal(0, _TURN_DEG),
                                   rng.normal(1, _SIZE))
    move[:, 2] += rng.normal(0, _PLACE_PX, 2)
    result = cv2.warpAffine(picture, move, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    result = cv2.GaussianBlur(result.astype(np.float32), (0, 0), rng.uniform(0.1, _BLUR_PX))
    result = (result - 128) * rng.uniform(0.5, 1.15) + 128 + rng.uniform(-40, 30)
    noise = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), rng.uniform(0.5, 1.3))
    return np.clip(result + noise / noise.std() * rng.uniform(0, _NOISE), 0, 255).astype(np.uint8)
