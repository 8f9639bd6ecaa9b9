# SPDX-License-Identifier: Apache-2.0
"""Find the landmarks of one face in a still image as accurately as possible."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from fer_ros.attention.head import AttentionModel
from fer_ros.attention.mesh import FaceMesher, Mesh
from fer_ros.attention.reader import roll_by
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.faces.boxes import intersection_over_union
from fer_ros.faces.detection import FaceDetector
from fer_ros.types import BoundingBox, Detection
import numpy as np

#: A detection with at least this overlap (intersection over union) is the wanted face.
_SAME_FACE = 0.2
_T = TypeVar('_T')


def find_mesh(image: np.ndarray, box: BoundingBox, detector: FaceDetector, mesher: FaceMesher,
              camera: CameraModel, model: AttentionModel | None) -> Mesh:
    """Return the landmarks of the face at ``box``; the box itself is used if nothing is detected.

    :param model: the head model that turns the face upright again; None: by its eyes only.
    """
    face = best_at(box, detector.detect(image), lambda face: face.box) or Detection(box, 0.0)
    return mesher.find(image, face, roll_by(camera, model))


def best_at(box: BoundingBox, faces: Iterable[_T],
            box_of: Callable[[_T], BoundingBox]) -> _T | None:
    """Return the face with the largest overlap with a box, None if it is too small."""
    faces = list(faces)
    if not faces:
        return None
    shared = intersection_over_union(_edges([box]), _edges(map(box_of, faces)))[0]
    best = int(shared.argmax())
    return faces[best] if shared[best] > _SAME_FACE else None


def _edges(boxes: Iterable[BoundingBox]) -> np.ndarray:
    return np.array([(b.x, b.y, b.x + b.width, b.y + b.height) for b in boxes], float)
