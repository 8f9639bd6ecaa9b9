# SPDX-License-Identifier: Apache-2.0
"""Landmarks, head pose and gaze of the faces of a stream, each found from where it was before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fer_ros.attention.eye_cover import COUNTS_FROM, COVERED, load_eye_cover, PULLED
from fer_ros.attention.gaze import estimate_gaze
from fer_ros.attention.head import AttentionModel, estimate_pose, HeadPose
from fer_ros.attention.mesh import FaceMesher, Mesh
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.types import Detection, Face
import numpy as np

#: Landmarks that lie further from the middle of the face's box than this, in its longer side,
#: belong to another face or to none: they are found again.
_FURTHEST = 0.5
#: Below this score the landmarks' crop does not contain a face.
FACE_SCORE = 0.5
# A new picture of the eyes counts by this share beside those before.
_NEW = 0.5
# Glasses stay: a gaze once pulled counts as so until these log odds, lest it flickers.
_PULLED_UNTIL = -1.0


@dataclass(frozen=True)
class HeadReading:
    """Results for one head in one image.

    :ivar mesh: None where no landmarks were found.
    :ivar pose: with corrections; None where no head fits.
    :ivar gaze_deg: float64 ``(2,)``, yaw and pitch relative to the camera's axes; or None.
    :ivar hidden: whether something covers the right and the left eye.
    :ivar pulled: whether something before the eyes, as a frame of glasses, pulls the gaze aside.
    """

    face: Face
    mesh: Mesh | None = None
    pose: HeadPose | None = None
    gaze_deg: np.ndarray | None = None
    hidden: tuple[bool, bool] = (False, False)
    pulled: bool = False


class HeadReader:
    """Reads the heads in a stream of images.

    :param mesher: finds landmarks; readers of several streams may share it, not its thread.
    :param model: the generic head and corrections.
    """

    def __init__(self, mesher: FaceMesher, model: AttentionModel):
        self._mesher, self._model = mesher, model
        self._cover = load_eye_cover()
        self.reset()

    def reset(self) -> None:
        """Forget all heads."""
        self._before: dict[int, HeadReading] = {}
        self._covers: dict[int, np.ndarray] = {}

    def read(self, image: np.ndarray, faces: Sequence[Face],
             camera: CameraModel) -> list[HeadReading]:
        """Return what an image shows of its faces, in their order.

        :param image: uint8 ``(height, width, 3)`` BGR or ``(height, width)`` gray.
        """
        readings = [self._read(image, face, camera) for face in faces]
        for track_id in self._covers.keys() - {face.track_id for face in faces}:
            del self._covers[track_id]
        # Landmarks drift from what covers a face to the rest of it: they are found again.
        self._before = {reading.face.track_id: reading for reading in readings
                        if reading.pose is not None and reading.mesh.score >= FACE_SCORE
                        and not any(reading.hidden)}
        return readings

    def _read(self, image, face, camera) -> HeadReading:
        before = self._before.get(face.track_id)
        points = None if before is None else _moved(before, face)
        if points is not None:
            mesh = self._mesher.refine(image, points, float(before.pose.fitted_deg[2]))
        else:
            mesh, before = self._mesher.find(
                image, Detection(face.box, face.score, face.landmarks),
                roll_by(camera, self._model)), None
        pose = estimate_pose(mesh.points, camera, self._model,
                             previous=before.pose if before else None)
        if pose is None:
            return HeadReading(face, mesh)
        return HeadReading(face, mesh, pose, estimate_gaze(mesh, pose, camera, self._model),
                           *self._judge(face.track_id, mesh))

    def _judge(self, track_id: int, mesh: Mesh) -> tuple[tuple[bool, bool], bool]:
        odds = self._cover.judge(mesh.pictures, mesh.histograms)
        odds += (1 - _NEW) * (self._covers.get(track_id, odds) - odds)
        self._covers[track_id] = odds
        right, left = odds[:, COVERED] > COUNTS_FROM[COVERED]
        before = self._before.get(track_id)
        limit = _PULLED_UNTIL if before is not None and before.pulled else COUNTS_FROM[PULLED]
        pulled = np.dot(mesh.eye_weights, odds[:, PULLED]) > limit
        return (bool(right), bool(left)), bool(pulled)


def roll_by(camera: CameraModel, model: AttentionModel | None
            ) -> Callable[[np.ndarray], float | None]:
    """Return what tells the roll of landmarks by laying the head over them; None: nothing."""
    def roll_of(points: np.ndarray) -> float | None:
        pose = model and estimate_pose(points, camera, model)
        return pose.fitted_deg[2] if pose else None
    return roll_of


def _moved(before: HeadReading, face: Face) -> np.ndarray | None:
    """Return landmarks moved as the face's box has; None: they are not this face's.

    Of somebody who walks, the crop would else cut the face, which then seems turned.
    """
    mesh, box = before.mesh, face.box
    (x, y), (x_before, y_before) = box.center, before.face.box.center
    move_x, move_y = x - x_before, y - y_before
    left, top, right, bottom = mesh.extent
    apart = max(abs((left + right) / 2 + move_x - x), abs((top + bottom) / 2 + move_y - y))
    if apart >= _FURTHEST * max(box.width, box.height):
        return None
    return mesh.points + np.array([move_x, move_y, 0.0], np.float32)
