# SPDX-License-Identifier: Apache-2.0
"""The Haar cascade of the original study, with its settings, as a baseline."""

from pathlib import Path

import cv2
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection.base import FaceDetector
from fer_ros.faces.detection.images import as_gray, scaled_to
from fer_ros.types import BoundingBox, Detection
import numpy as np

_FILE = 'haarcascade_frontalface_default.xml'
# Debian and Ubuntu package OpenCV for Python without cv2.data.
_FOLDERS = ('/usr/share/opencv4/haarcascades', '/usr/share/opencv/haarcascades')
_SCALE_FACTOR = 1.3
_NEIGHBORS = 5


class HaarDetector(FaceDetector):
    """The Viola-Jones cascade with scale factor 1.3 and 5 neighbors, as in the study."""

    name = 'haar'

    def __init__(self, *, model_path: str = '', size_px: int = 0, minimum_face_px: float = 24):
        super().__init__(minimum_face_px=minimum_face_px)
        if not hasattr(cv2, 'CascadeClassifier'):
            raise ConfigurationError("detector 'haar' requires OpenCV 4, this is "
                                     f"{cv2.__version__}: choose another detector or install "
                                     "'opencv-python<5'")
        path = model_path or _shipped_cascade()
        self._cascade = None
        if Path(path).is_file():
            try:
                self._cascade = cv2.CascadeClassifier(str(path))
            except (cv2.error, SystemError):  # the latter from OpenCV's Python layer
                pass
        if self._cascade is None or self._cascade.empty():
            raise ConfigurationError(f"Haar cascade '{path}' cannot be read: give the path of "
                                     f'{_FILE} in model_path')
        self._size_px = size_px
        self.description = f'Haar cascade ({Path(path).name}, opencv {cv2.__version__})'

    def _detect(self, image: np.ndarray) -> list[Detection]:
        gray, factor = scaled_to(as_gray(image), self._size_px, max(image.shape[:2]))
        side = max(1, int(self._minimum_face_px * factor))
        boxes, _, weights = self._cascade.detectMultiScale3(
            gray, scaleFactor=_SCALE_FACTOR, minNeighbors=_NEIGHBORS, minSize=(side, side),
            outputRejectLevels=True)
        # The last stage's margin is not a probability; squashed, it still ranks the faces.
        return [Detection(BoundingBox(*(float(value) / factor for value in box)),
                          float(1 / (1 + np.exp(-weight))))
                for box, weight in zip(boxes, np.ravel(weights))]


def _shipped_cascade() -> str:
    folders = ((cv2.data.haarcascades,) if hasattr(cv2, 'data') else ()) + _FOLDERS
    for folder in folders:
        if (Path(folder) / _FILE).is_file():
            return str(Path(folder) / _FILE)
    raise ConfigurationError(f'{_FILE} is not installed (looked in {", ".join(folders)}): '
                             'give its path in model_path or choose another detector')
