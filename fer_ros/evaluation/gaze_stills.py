# SPDX-License-Identifier: Apache-2.0
"""Landmarks of one face in a still image, found as well as they can be."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from fer_ros.attention.head import AttentionModel
from fer_ros.attention.mesh import FaceMesher, Mesh
from fer_ros.attention.reader import roll_by
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.faces.detection import FaceDetector
from fer_ros.types import BoundingBox, Detection
import numpy as np

#: Overlap (intersection over union) from which a detection is the face that is looked for.
_SAME_FACE = 0.2
_T = TypeVar('_T')


def find_mesh(image: np.ndarray, box: BoundingBox, detector: FaceDetector, mesher: FaceMesher,
              camera: CameraModel, model: AttentionModel | None) -> Mesh:
    """Return the landmarks of the face at ``box``, which serves itself if no detection is there.

    :param model: the head by which the face is turned upright once more; None: by its eyes only.
    """
    face = best_at(box, detector.detect(image), lambda face: face.box) or Detection(box, 0.0)
    return mesher.find(image, face, roll_by(camera, model))


def best_at(box: BoundingBox, faces: Iterable[_T],
            box_of: Callable[[_T], BoundingBox]) -> _T | None:
    """Return the face that overlaps a box most, None when none does enough."""
    best = max(faces, key=lambda face: overlap(box_of(face), box), default=None)
    return best if best is not None and overlap(box_of(best), box) > _SAME_FACE else None


def overlap(a: BoundingBox, b: BoundingBox) -> float:
    """Return the intersection over union of two boxes."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a.width * a.height + b.width * b.height - width * height)
