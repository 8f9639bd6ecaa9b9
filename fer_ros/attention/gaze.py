# SPDX-License-Identifier: Apache-2.0
"""From irises and head to the direction of gaze.

The place of the irises, relative to the lids and to where the generic head has its eyeballs, says
how far the eyes are turned; how much, is fitted (a ridge regression with all products of two
terms), since lids, lashes and shadows hide the vertical. Histograms of oriented gradients of the
eyes' pictures say in the same regression what the landmarks miss.
"""

import math

from fer_ros.attention.eye_histograms import CELLS, DIRECTIONS
from fer_ros.attention.head import AttentionModel, HeadPose
from fer_ros.attention.mesh import Mesh
from fer_ros.cameras.camera_model import CameraModel
import numpy as np

#: Half the distance between the eyes' rotation centers of the generic head, meters.
HALF_EYE_DISTANCE_M = 0.031
# The person's right and left.
_SIDES = (-1, 1)
# How each single term changes in the mirror.
_MIRRORED = np.array([1, -1, 1, 1, 1, -1, 1, -1, 1, -1, -1])
_PRODUCTS = np.triu_indices(len(_MIRRORED))
TERMS = len(_PRODUCTS[0])
#: Which terms yaw depends on, those that change sign in the mirror, and which pitch, bool
#: ``(TERMS, 2)``: faces are symmetric.
SHARES = (np.outer(_MIRRORED, _MIRRORED)[_PRODUCTS][:, None] == (-1, 1))
# Blocks of the histograms that show the eye and not its brow, columns and rows.
_COLUMNS, _ROWS = slice(1, 6), slice(1, 5)
LOOK_TERMS = 5 * 4 * CELLS * DIRECTIONS


def gaze_terms(mesh: Mesh, pose: HeadPose, camera: CameraModel) -> np.ndarray:
    """Return the terms of the regression, float64 ``(TERMS,)``.

    Each eye counts by how wide it is in the image: of a turned head the far one is hidden.
    """
    eyes = np.array([_eye_terms(marks, side, pose, camera)
                     for marks, side in zip(mesh.eye_marks, _SIDES)])
    terms = np.concatenate([[1], np.dot(mesh.eye_weights, eyes), pose.angles_deg / 30,
                            [mesh.eye_weights[0] - 0.5]])
    return terms[_PRODUCTS[0]] * terms[_PRODUCTS[1]]


def _eye_terms(marks: list[list[float]], side: int, pose: HeadPose, camera: CameraModel
               ) -> tuple[float, ...]:
    """Return the places of iris and lids between the corners, and of the iris on the eyeball."""
    (ax, ay), (bx, by), iris, upper, lower = marks
    # From the person's right to their left, so that both eyes have the same axes.
    across, down = side * (ax - bx), side * (ay - by)
    size = max(across ** 2 + down ** 2, 1e-12)
    middle_x, middle_y = (ax + bx) / 2, (ay + by) / 2

    def height(place: list[float]) -> float:
        return (across * (place[1] - middle_y) - down * (place[0] - middle_x)) / size
    aside = (across * (iris[0] - middle_x) + down * (iris[1] - middle_y)) / size
    (fx, _, cx), (_, fy, cy), _ = camera.k.tolist()
    (rx, ux, _), (ry, uy, _), (rz, uz, _) = pose.rotation.tolist()
    x, y, z = pose.position_m.tolist()
    shift = side * HALF_EYE_DISTANCE_M
    x, y, z = x + shift * rx, y + shift * ry, z + shift * rz
    # From the eyeball to where the iris is seen at its distance.
    x, y = z * (iris[0] - cx) / fx - x, z * (iris[1] - cy) / fy - y
    return (5 * aside, 10 * height(iris), 5 * height(upper), 5 * height(lower),
            100 * (x * rx + y * ry), 100 * (x * ux + y * uy))


def look_terms(mesh: Mesh, mean: np.ndarray) -> np.ndarray:
    """Return the histograms of both eyes for yaw and for pitch, float32 ``(2, LOOK_TERMS)``.

    A left eye's picture is mirrored, so for yaw it counts negatively.

    :param mean: float ``(LOOK_TERMS,)``, of an eye's histograms.
    """
    looks = mesh.histograms[:, _COLUMNS, _ROWS].reshape(2, LOOK_TERMS) - mean
    right, left = mesh.eye_weights
    return np.array([[right, -left], [right, left]], np.float32) @ looks


def estimate_gaze(mesh: Mesh, pose: HeadPose, camera: CameraModel,
                  model: AttentionModel) -> np.ndarray:
    """Return yaw and pitch of the gaze relative to the camera's axes, float64 ``(2,)`` degrees."""
    looks = (look_terms(mesh, model.looks_mean) * model.looks.T).sum(axis=1)
    return pose.angles_deg[:2] + gaze_terms(mesh, pose, camera) @ model.gaze + looks


def direction_of(angles_deg: np.ndarray) -> np.ndarray:
    """Return unit vectors ``(..., 3)`` in the camera frame of yaw and pitch ``(..., 2)``."""
    if angles_deg.ndim == 1:  # much faster for one
        yaw, pitch = map(math.radians, angles_deg.tolist())
        return np.array([math.sin(yaw) * math.cos(pitch), -math.sin(pitch),
                         -math.cos(yaw) * math.cos(pitch)])
    yaw, pitch = np.moveaxis(np.radians(angles_deg), -1, 0)
    return np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), -np.cos(yaw) * np.cos(pitch)],
                    axis=-1)


def gaze_angles_of(direction: np.ndarray) -> np.ndarray:
    """Return yaw and pitch in degrees ``(..., 2)`` of vectors ``(..., 3)`` in the camera frame."""
    if direction.ndim == 1:
        x, y, z = direction.tolist()
        return np.array([math.degrees(math.atan2(x, -z)),
                         math.degrees(math.atan2(-y, math.hypot(x, z)))])
    x, y, z = np.moveaxis(direction, -1, 0)
    return np.degrees(np.stack([np.arctan2(x, -z), np.arctan2(-y, np.hypot(x, z))], axis=-1))


def angle_between_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angles in degrees between vectors ``(..., 3)``."""
    if a.ndim == b.ndim == 1:
        cosine = float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))
        return np.float64(math.degrees(math.acos(min(1.0, max(-1.0, cosine)))))
    cosine = (a * b).sum(axis=-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))
