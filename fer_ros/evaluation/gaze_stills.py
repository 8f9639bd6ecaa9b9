# SPDX-License-Identifier: Apache-2.0
"""Landmarks of one face in a still image, found as well as they can be."""

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
    faces = list(faces)
    if not faces:
        return None
    shared = intersection_over_union(_edges([box]), _edges(map(box_of, faces)))[0]
    best = int(shared.argmax())
    return faces[best] if shared[best] > _SAME_FACE else None


def _edges(boxes: Iterable[BoundingBox]) -> np.ndarray:
    return np.array([(b.x, b.y, b.x + b.width, b.y + b.height) for b in boxes], float)
