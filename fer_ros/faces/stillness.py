# SPDX-License-Identifier: Apache-2.0
"""Whether anything moved in the picture of a camera that stands still, or in a part of it."""

import cv2
import numpy as np

#: Length of the thumbnail's longer side, pixels.
_SIDE_PX = 64
#: A cell of the thumbnail that changed by more than sensors' noise has moved, of 255.
_MOVED = 7
#: Of larger pictures so many pixels along the longer side are looked at.
_SAMPLES_PX = 320


class Stillness:
    """Compare pictures with the last one that was searched, as thumbnails."""

    def __init__(self):
        self._reference: np.ndarray | None = None
        self._newest: np.ndarray | None = None

    def reset(self) -> None:
        """Forget the pictures."""
        self._reference = self._newest = None

    def see(self, image: np.ndarray) -> None:
        """Take the next picture, uint8 ``(height, width)`` or ``(height, width, 3)``."""
        self._newest = _thumbnail(image)
        self._scale = (self._newest.shape[1] / image.shape[1],
                       self._newest.shape[0] / image.shape[0]) * 2

    def searched(self) -> None:
        """Compare with the picture that was seen last from now on."""
        self._reference = self._newest

    def still(self, ignored: np.ndarray | None = None) -> bool:
        """
        Return whether nothing has moved between the picture that was searched and the last one.

        :param ignored: boxes in which anything may move, float ``(n, 4)``: left, top, right,
            bottom, pixels.
        """
        before, now = self._reference, self._newest
        if before is None or before.shape != now.shape:
            return False
        moved = cv2.absdiff(now, before)
        if ignored is not None:
            # A cell counts only if it lies wholly outside.
            outer = np.maximum(np.floor(ignored * self._scale + (0, 0, 1, 1)).astype(int), 0)
            for left, top, right, bottom in outer.tolist():
                moved[top:bottom, left:right] = 0
        return int(moved.max()) <= _MOVED


def _thumbnail(image: np.ndarray) -> np.ndarray:
    image = _fitted(image, _SAMPLES_PX, cv2.INTER_NEAREST)
    return _fitted(image, _SIDE_PX, cv2.INTER_AREA)


def _fitted(image: np.ndarray, side_px: int, method: int) -> np.ndarray:
    height, width = image.shape[:2]
    factor = side_px / max(height, width)
    if factor >= 1:
        return image
    return cv2.resize(image, (max(1, round(width * factor)), max(1, round(height * factor))),
                      interpolation=method)
