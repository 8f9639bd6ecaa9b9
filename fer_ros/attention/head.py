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
# A fit ends with a step that turns and moves the head by less, radians and meters (the next ones
# would be a sixth of it, and so on), or after so many.
_SMALL_STEP, _STEPS = 1e-3, 10
# Nothing of a head is nearer to the camera's plane, meters.
_NEAREST_M = 0.01
# Factors of each term of the correction: 1, yaw, pitch, roll, their squares and products.
_FACTORS = np.array([[0, 0, 0, 0, 1, 2, 3, 1, 1, 2], [0, 1, 2, 3, 1, 2, 3, 2, 3, 3]])


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
    angles = np.asarray(angles_deg, float)
    terms = np.ones((*angles.shape[:-1], 4))
    terms[..., 1:] = angles / 30
    return terms[..., _FACTORS[0]] * terms[..., _FACTORS[1]]


def estimate_pose(points: np.ndarray, camera: CameraModel, model: AttentionModel,
                  previous: HeadPose | None = None) -> HeadPose | None:
    """Fit the generic head to landmarks.

    :param points: float ``(468, 2 or 3)``, pixels.
    :param previous: of the same head a moment ago, which saves time.
    :returns: None where no head fits.
    """
    if any(camera.d):
        seen = cv2.undistortPoints(np.ascontiguousarray(points[:, :2], np.float64), camera.k,
                                   np.asarray(camera.d, np.float64))[:, 0].T
    else:
        seen = (points[:, :2].T - camera.k[:2, 2:]) / camera.k.diagonal()[:2, None]
    if previous is None:
        try:
            _, turn, move = cv2.solvePnP(model.shape, np.ascontiguousarray(seen.T), np.eye(3),
                                         None, flags=cv2.SOLVEPNP_SQPNP)
        except cv2.error:  # all points are in one place
            return None
        rotation, position = cv2.Rodrigues(turn)[0], move.ravel()
    else:
        rotation, position = previous.fitted, previous.position_m
    fitted, position, miss = _fit(model.shape.T, seen, rotation, position)
    if not (math.isfinite(miss) and position[2] > 0):
        return None
    width = max(1e-6, math.dist(seen[:, 33].tolist(), seen[:, 263].tolist()))
    angles = angles_of(fitted)
    return HeadPose(rotation_of(angles + pose_terms(angles) @ model.pose), position,
                    miss / width, fitted)


def _fit(shape, seen, rotation, position):
    """Return rotation, position and mean distance after steps of Gauss and Newton.

    OpenCV's solvePnPRefineLM takes three times as long for as many steps.

    :param shape: float64 ``(3, n)``; ``seen``: ``(2, n)``, at a distance of 1.
    """
    # Half the memory, so that all fits the cache next to the processor.
    shape, seen = shape.astype(np.float32), seen.astype(np.float32)
    slopes = np.zeros((6, 2, shape.shape[1]), np.float32)
    for _ in range(_STEPS):
        x, y, z = turned = rotation.astype(np.float32) @ shape
        near = 1 / np.maximum(z + np.float32(position[2]), np.float32(_NEAREST_M))
        drawn = (turned[:2] + position[:2, None].astype(np.float32)) * near
        miss, far, across = (seen - drawn).ravel(), drawn * near, turned * near
        # By turns about the camera's axes, then by moves along them.
        np.multiply(far, -y, out=slopes[0])
        np.multiply(far, x, out=slopes[1])
        slopes[0, 1] -= across[2]
        slopes[1, 0] += across[2]
        slopes[2, 0], slopes[2, 1] = -across[1], across[0]
        slopes[3, 0] = slopes[4, 1] = near
        slopes[5] = -far
        rows = slopes.reshape(6, -1)
        try:
            change = np.linalg.solve(rows @ rows.T, rows @ miss).tolist()
        except np.linalg.LinAlgError:
            return rotation, position, math.nan
        rotation = cv2.Rodrigues(np.array(change[:3]))[0] @ rotation
        position = position + change[3:]
        if max(map(abs, change)) < _SMALL_STEP:
            break
    return rotation, position, float(np.linalg.norm(miss)) / math.sqrt(shape.shape[1])
