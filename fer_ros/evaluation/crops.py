# SPDX-License-Identifier: Apache-2.0
"""Measure how framing, rotation, sampling and quality of a crop affect recognition."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
from fer_ros.attention.mesh import EYE_CORNERS, FaceMesher
from fer_ros.errors import ConfigurationError
from fer_ros.faces.alignment import align_face, CROP_OVER_BOX, crop_transform
from fer_ros.faces.detection import FaceDetector
from fer_ros.faces.detection.mtcnn import LandmarkNet
from fer_ros.faces.quality import face_quality
from fer_ros.types import BoundingBox, Detection
import numpy as np

#: Sides of the crop in units of the face box's side.
FRAMINGS = (0.9, 1.0, 1.08, 1.16, 1.25, 1.4, 1.6)
#: Bins of quality.
QUALITIES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.01)
_ENLARGED, _BORDER_PX = 4, 72
#: Tip of the nose and corners of the mouth among the dense landmarks.
_NOSE_AND_MOUTH = [1, 61, 291]


@dataclass(frozen=True)
class Sample:
    """
    A face with a known emotion, pasted into a photograph.

    :ivar photo: uint8 ``(height, width)``.
    :ivar landmarks: float ``(5, 2)`` pixels, or None.
    """

    photo: np.ndarray
    emotion: int
    box: BoundingBox
    landmarks: np.ndarray | None


def read_samples(path: str | Path, limit: int) -> Iterator[tuple[int, np.ndarray]]:
    """
    Yield emotion and uint8 ``(48, 48)`` image of the last rows of FER2013's CSV file.

    :raises ConfigurationError: when the file is not such a table.
    """
    try:
        with open(path, encoding='ascii') as file:
            rows = [line for line in file if line[:1].isdigit()][-limit:]
        for row in rows:
            emotion, pixels = row.split(',')[:2]
            values = np.array(pixels.strip('"\n ').split(), np.uint8)
            yield int(emotion), values.reshape(48, 48)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"'{path}' cannot be read as FER2013's CSV file, whose lines "
                                 f'begin with emotion,pixels: {error}') from error


def photographed(image: np.ndarray) -> np.ndarray:
    """Return the face enlarged, with a margin as in a photograph."""
    side = image.shape[0] * _ENLARGED
    large = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
    return cv2.copyMakeBorder(large, *[_BORDER_PX] * 4, cv2.BORDER_REPLICATE)


def find_samples(path: str | Path, limit: int, detector: FaceDetector) -> list[Sample]:
    """Return the faces that the detector finds, with the landmarks that the node would use."""
    net = None if detector.landmarks_follow_roll else LandmarkNet.if_installed()
    samples = []
    for emotion, image in read_samples(path, limit):
        photo = photographed(image)
        faces = detector.detect(photo)
        if faces:
            samples.append(Sample(photo, emotion, faces[0].box,
                                  _landmarks(photo, faces[0], net)))
    if not samples:
        raise ConfigurationError(f"no face found in '{path}'")
    return samples


def _landmarks(photo: np.ndarray, face, net: LandmarkNet | None) -> np.ndarray | None:
    if net is None:
        return face.landmarks
    points, scores = net.landmarks(cv2.cvtColor(photo, cv2.COLOR_GRAY2BGR), [face.box])
    return points[0] if scores[0] >= 0.5 else None


def framed(sample: Sample, framing: float) -> np.ndarray:
    """Return the crop with a framing other than the package's."""
    factor = framing / CROP_OVER_BOX
    box = sample.box
    x, y = box.center
    width, height = box.width * factor, box.height * factor
    return align_face(sample.photo, BoundingBox(x - width / 2, y - height / 2, width, height),
                      sample.landmarks)


def rolled(sample: Sample, degrees: float, detector: FaceDetector, net: LandmarkNet | None
           ) -> Sample | None:
    """Return the sample rotated and detected again, None if not detected."""
    matrix = cv2.getRotationMatrix2D(sample.box.center, degrees, 1)
    photo = cv2.warpAffine(sample.photo, matrix, sample.photo.shape[::-1],
                           borderMode=cv2.BORDER_REPLICATE)
    faces = detector.detect(photo)
    if not faces:
        return None
    return replace(sample, photo=photo, box=faces[0].box,
                   landmarks=_landmarks(photo, faces[0], net))


def dense(sample: Sample, mesher: FaceMesher) -> np.ndarray:
    """Return the crop with the eyes level by dense landmarks."""
    mesh = mesher.find(sample.photo, Detection(sample.box, 1.0, sample.landmarks))
    eyes = [mesh.points[list(corners), :2].mean(axis=0) for corners in EYE_CORNERS]
    return align_face(sample.photo, sample.box,
                      np.array([*eyes, *mesh.points[_NOSE_AND_MOUTH, :2]], float))


def sampled_singly(sample: Sample) -> np.ndarray:
    """Return the crop by linear sampling alone, which skips pixels of large faces."""
    matrix = crop_transform(sample.box, sample.landmarks)
    return cv2.warpAffine(sample.photo, matrix, (48, 48), flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)


#: Degradations of a photograph.
DAMAGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'none': lambda photo: photo,
    'blur 6 px': lambda photo: cv2.GaussianBlur(photo, (0, 0), 6),
    'blur 12 px': lambda photo: cv2.GaussianBlur(photo, (0, 0), 12),
    'light 1/8': lambda photo: photo // 8,
    'light 1/20': lambda photo: photo // 20,
    'contrast 1/8': lambda photo: (photo // 8 + 100).astype(np.uint8),
}


def damaged(sample: Sample, name: str) -> tuple[np.ndarray, float]:
    """Return crop and quality of the degraded sample."""
    crop = align_face(DAMAGES[name](sample.photo), sample.box, sample.landmarks)
    return crop, face_quality(crop, sample.box, sample.landmarks)


def shrunk(sample: Sample, side_px: float) -> tuple[np.ndarray, float]:
    """Return crop and quality of the sample with a face of this size."""
    box = sample.box
    factor = side_px / np.sqrt(box.width * box.height)
    size = tuple(max(1, round(n * factor)) for n in sample.photo.shape[::-1])
    photo = cv2.resize(sample.photo, size, interpolation=cv2.INTER_AREA)
    small = BoundingBox(*(value * factor for value in (box.x, box.y, box.width, box.height)))
    points = None if sample.landmarks is None else sample.landmarks * factor
    crop = align_face(photo, small, points)
    return crop, face_quality(crop, small, points)
