# SPDX-License-Identifier: Apache-2.0
"""Whether anything moved in the picture of a camera that stands still."""

import cv2
import numpy as np

#: Length of the thumbnail's longer side, pixels.
_SIDE_PX = 64
#: A cell of the thumbnail that changed by more than sensors' noise has moved, of 255.
_MOVED = 7
#: Of larger pictures so many pixels along the longer side are looked at.
_SAMPLES_PX = 320


class Stillness:
    """Compare pictures with the last one that was looked at, as thumbnails."""

    def __init__(self):
        self._reference: np.ndarray | None = None
        self._newest: np.ndarray | None = None

    def reset(self) -> None:
        """Forget the picture."""
        self._reference = self._newest = None

    def still(self, image: np.ndarray) -> bool:
        """
        Return whether nothing has moved since :meth:`looked`.

        :param image: uint8 ``(height, width)`` or ``(height, width, 3)``.
        """
        self._newest = _thumbnail(image)
        before = self._reference
        return before is not None and before.shape == self._newest.shape and bool(
            cv2.absdiff(self._newest, before).max() <= _MOVED)

    def looked(self) -> None:
        """Compare with the picture of the last :meth:`still` from now on."""
        self._reference = self._newest


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
