# SPDX-License-Identifier: Apache-2.0
"""Estimate the head pose from landmarks by fitting a generic head.

Frames: the camera's is optical (REP 103): x right, y down, z away. The head's has x to the
person's own left, y up and z out of the face; its origin is the middle between the rotation
centers of the eyes. Angles in degrees: yaw to the person's own left, pitch up, roll to their own
left shoulder; R = diag(1, -1, -1) Ry(yaw) Rx(-pitch) Rz(-roll), all 0 where the head is upright
and its z axis is antiparallel to the camera's.
"""

from dataclasses import dataclass, fields
from functools import cache, cached_property
import math
from pathlib import Path

import cv2
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.errors import ConfigurationError
import numpy as np

MODEL_FILE = Path(__file__).parents[1] / 'models' / 'attention.npz'
FLIP = np.diag([1.0, -1.0, -1.0])
# OpenCV's own for a head that was not seen before. From where it was a moment ago, five steps get
# within 0.1 degrees of twenty, in half of the time.
_STEPS, _STEPS_ON = ((cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, steps, 1.2e-7)
                     for steps in (20, 5))


@dataclass(frozen=True)
class AttentionModel:
    """The fitted model (``fer-train attention``): a generic head and corrections.

    :ivar shape: float64 ``(468, 3)``, meters, head frame.
    :ivar pose: float64 ``(10, 3)``: what is added to yaw, pitch and roll, degrees, by
        :func:`pose_terms`.
    :ivar gaze: float64 ``(TERMS, 2)``: what is added to the head's yaw and pitch to get the
        gaze's, degrees, by :func:`fer_ros.attention.gaze.gaze_terms`.
    :ivar looks: float32 ``(LOOK_TERMS, 2)``: the same, by
        :func:`fer_ros.attention.gaze.look_terms`.
    :ivar looks_mean: float32 ``(LOOK_TERMS,)``: mean histograms of an eye.
    :ivar sigmas: float64 ``(3, 3)``, standard deviations on people it was not fitted on, degrees:
        of yaw, pitch and roll of a head; of yaw and pitch of a gaze less the person's constant;
        of yaw and pitch of that constant (the third of the latter two is 0).
    """

    shape: np.ndarray
    pose: np.ndarray
    gaze: np.ndarray
    looks: np.ndarray
    looks_mean: np.ndarray
    sigmas: np.ndarray


@cache
def load_model(path: Path = MODEL_FILE) -> AttentionModel:
    """Load the shipped model, or another one."""
    try:
        with np.load(path) as values:
            return AttentionModel(*(
                np.asarray(values[field.name], np.float32 if 'looks' in field.name
                           else np.float64) for field in fields(AttentionModel)))
    except (OSError, KeyError, ValueError) as error:
        raise ConfigurationError(f'attention model {path} cannot be read ({error}): install the '
                                 'package again') from error


@dataclass(frozen=True)
class HeadPose:
    """Position and rotation of a head.

    :ivar rotation: float64 ``(3, 3)``, head to camera frame.
    :ivar position_m: float64 ``(3,)``, middle between the eyes, camera frame.
    :ivar error: root mean square of the landmarks' distances from the head's, relative to the
        distance of the outer corners of the eyes; large if the landmarks are not a face.
    :ivar fitted: float64 ``(3, 3)``, the rotation without the corrections.
    """

    rotation: np.ndarray
    position_m: np.ndarray
    error: float
    fitted: np.ndarray

    @cached_property
    def angles_deg(self) -> np.ndarray:
        """Yaw, pitch and roll, float64 ``(3,)``."""
        return angles_of(self.rotation)

    @cached_property
    def fitted_deg(self) -> np.ndarray:
        """Yaw, pitch and roll without the corrections, float64 ``(3,)``."""
        return angles_of(self.fitted)


def angles_of(rotation: np.ndarray) -> np.ndarray:
    """Return yaw, pitch and roll in degrees of rotations ``(..., 3, 3)``, as ``(..., 3)``."""
    if rotation.ndim == 2:  # much faster for one
        (_, _, x), (down, right, y), (_, _, z) = rotation.tolist()
        return np.array([math.degrees(math.atan2(x, -z)),
                         math.degrees(math.asin(min(1.0, max(-1.0, -y)))),
                         math.degrees(-math.atan2(-down, -right))])
    turned = FLIP @ rotation
    yaw = np.arctan2(turned[..., 0, 2], turned[..., 2, 2])
    pitch = np.arcsin(np.clip(turned[..., 1, 2], -1, 1))
    roll = -np.arctan2(turned[..., 1, 0], turned[..., 1, 1])
    return np.degrees(np.stack([yaw, pitch, roll], axis=-1))


def rotation_of(angles_deg: np.ndarray) -> np.ndarray:
    """Return the rotation ``(3, 3)`` of yaw, pitch and roll in degrees."""
    yaw, pitch, roll = np.radians(angles_deg).tolist()
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    return np.array([[cy * cr + sy * sp * sr, cy * sr - sy * sp * cr, sy * cp],
                     [cp * sr, -cp * cr, -sp],
                     [sy * cr - cy * sp * sr, sy * sr + cy * sp * cr, -cy * cp]])


def pose_terms(angles_deg: np.ndarray) -> np.ndarray:
    """Return the terms of the pose correction, ``(..., 10)``: all up to the second order."""
    yaw, pitch, roll = np.moveaxis(np.asarray(angles_deg, float) / 30, -1, 0)
    return np.stack([np.ones_like(yaw), yaw, pitch, roll, yaw * yaw, pitch * pitch, roll * roll,
                     yaw * pitch, yaw * roll, pitch * roll], axis=-1)


def estimate_pose(points: np.ndarray, camera: CameraModel, model: AttentionModel,
                  previous: HeadPose | None = None) -> HeadPose | None:
    """Fit the generic head to landmarks.

    :param points: float ``(468, 2 or 3)``, pixels.
    :param previous: of the same head a moment ago, which saves time.
    :returns: None where no head fits.
    """
    pixels = np.ascontiguousarray(points[:, :2], np.float64)
    distortion = np.asarray(camera.d, np.float64) if any(camera.d) else None
    if previous is None:
        good, turn, move = cv2.solvePnP(model.shape, pixels, camera.k, distortion,
                                        flags=cv2.SOLVEPNP_SQPNP)
        if not good:
            return None
    else:
        turn, move = cv2.Rodrigues(previous.fitted)[0], previous.position_m.reshape(3, 1).copy()
    turn, move = cv2.solvePnPRefineLM(model.shape, pixels, camera.k, distortion, turn, move,
                                      _STEPS if previous is None else _STEPS_ON)
    if not (np.isfinite(turn).all() and np.isfinite(move).all()) or move[2] <= 0:
        return None
    drawn, _ = cv2.projectPoints(model.shape, turn, move, camera.k, distortion)
    misses = np.linalg.norm(drawn[:, 0] - pixels, axis=1)
    width = max(1e-6, float(np.linalg.norm(pixels[33] - pixels[263])))
    fitted = cv2.Rodrigues(turn)[0]
    angles = angles_of(fitted)
    return HeadPose(rotation_of(angles + pose_terms(angles) @ model.pose), move.ravel(),
                    float(np.sqrt((misses ** 2).mean()) / width), fitted)
