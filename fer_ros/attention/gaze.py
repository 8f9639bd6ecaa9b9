# SPDX-License-Identifier: Apache-2.0
"""From irises and head to the direction of gaze.

The place of the irises, relative to the lids and to where the generic head has its eyeballs, says
how far the eyes are turned; how much, is fitted (a ridge regression with all products of two
terms), since lids, lashes and shadows hide the vertical. Histograms of oriented gradients of the
eyes' pictures say in the same regression what the landmarks miss.
"""

from fer_ros.attention.eye_histograms import CELLS, DIRECTIONS
from fer_ros.attention.eyes import LOWER_LID, UPPER_LID, weights_of
from fer_ros.attention.head import AttentionModel, HeadPose
from fer_ros.attention.mesh import Mesh
from fer_ros.cameras.camera_model import CameraModel
import numpy as np

#: Half the distance between the eyes' rotation centers of the generic head, meters.
HALF_EYE_DISTANCE_M = 0.031
# The person's right and left.
_SIDES = np.array([[-1.0], [1.0]])
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
    eyes = mesh.eyes.astype(float)
    middle = (eyes[:, 0] + eyes[:, 8]) / 2
    iris = eyes[:, -5:].mean(axis=1)
    # From the person's right to their left, so that both eyes have the same axes.
    across = (eyes[:, 8] - eyes[:, 0]) * _SIDES[::-1]
    axes = np.stack([across, across[:, ::-1] * (-1, 1)], axis=2) / np.maximum(
        (across ** 2).sum(axis=1), 1e-12)[:, None, None]
    lids = [eyes[:, part].mean(axis=1) for part in (UPPER_LID, LOWER_LID)]
    places = (np.stack([iris, *lids], axis=1) - middle[:, None]) @ axes
    balls = pose.position_m + _SIDES * HALF_EYE_DISTANCE_M * pose.rotation[:, 0]
    seen = np.ones((2, 3))
    seen[:, :2] = (iris - camera.k[:2, 2]) / camera.k[[0, 1], [0, 1]]
    offsets_cm = 100 * (seen * balls[:, 2:] - balls) @ pose.rotation
    weights = weights_of(mesh)
    eye = weights @ np.column_stack([places[:, 0] * (5, 10), places[:, 1:, 1] * 5,
                                     offsets_cm[:, :2]])
    terms = np.concatenate([[1], eye, pose.angles_deg / 30, [weights[0] - 0.5]])
    return np.outer(terms, terms)[_PRODUCTS]


def look_terms(mesh: Mesh, mean: np.ndarray) -> np.ndarray:
    """Return the histograms of both eyes for yaw and for pitch, float32 ``(2, LOOK_TERMS)``.

    A left eye's picture is mirrored, so for yaw it counts negatively.

    :param mean: float ``(LOOK_TERMS,)``, of an eye's histograms.
    """
    looks = mesh.histograms[:, _COLUMNS, _ROWS].reshape(2, LOOK_TERMS) - mean
    right, left = weights_of(mesh)
    return np.array([[right, -left], [right, left]], np.float32) @ looks


def estimate_gaze(mesh: Mesh, pose: HeadPose, camera: CameraModel,
                  model: AttentionModel) -> np.ndarray:
    """Return yaw and pitch of the gaze relative to the camera's axes, float64 ``(2,)`` degrees."""
    looks = (look_terms(mesh, model.looks_mean) * model.looks.T).sum(axis=1)
    return pose.angles_deg[:2] + gaze_terms(mesh, pose, camera) @ model.gaze + looks


def direction_of(angles_deg: np.ndarray) -> np.ndarray:
    """Return unit vectors ``(..., 3)`` in the camera frame of yaw and pitch ``(..., 2)``."""
    yaw, pitch = np.moveaxis(np.radians(angles_deg), -1, 0)
    return np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), -np.cos(yaw) * np.cos(pitch)],
                    axis=-1)


def gaze_angles_of(direction: np.ndarray) -> np.ndarray:
    """Return yaw and pitch in degrees ``(..., 2)`` of unit vectors in the camera frame."""
    x, y, z = np.moveaxis(np.asarray(direction, float), -1, 0)
    return np.degrees(np.stack([np.arctan2(x, -z), np.arcsin(np.clip(-y, -1, 1))], axis=-1))


def angle_between_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angles in degrees between vectors ``(..., 3)``."""
    cosine = (a * b).sum(axis=-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))
