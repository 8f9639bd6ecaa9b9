# SPDX-License-Identifier: Apache-2.0
"""Draw heads and gazes on images."""

import cv2
from fer_ros.attention.colors import COLORS_BGR
from fer_ros.cameras.camera_model import CameraModel
import numpy as np

_AXES_BGR = ((60, 60, 230), (60, 180, 60), (230, 120, 40))


def draw_axes(image: np.ndarray, rotation: np.ndarray, position_m: np.ndarray,
              camera: CameraModel, length_m: float = 0.06) -> None:
    """Draw the axes of a head, x red, y green, z blue, on a BGR image."""
    start = _pixel(position_m, camera)
    for axis, color in zip(rotation.T, _AXES_BGR):
        cv2.line(image, start, _pixel(position_m + length_m * axis, camera), color, 2,
                 cv2.LINE_AA)


def draw_gaze(image: np.ndarray, direction: np.ndarray, position_m: np.ndarray,
              camera: CameraModel, color: tuple[int, int, int], length_m: float = 0.12) -> None:
    """Draw an arrow from between the eyes along a gaze on a BGR image."""
    cv2.arrowedLine(image, _pixel(position_m, camera),
                    _pixel(position_m + length_m * direction, camera), color, 2, cv2.LINE_AA,
                    tipLength=0.25)


def mark_gaze(image: np.ndarray, eyes_px: np.ndarray, direction: np.ndarray, state: str,
              reach_px: float) -> None:
    """Draw a small arrow from between the eyes along a gaze; a dot where it is at the camera.

    :param image: uint8 ``(h, w, 3)`` BGR, drawn on.
    :param eyes_px: float ``(2,)``, the middle between the eyes.
    :param direction: of the gaze, camera frame.
    :param reach_px: length of an arrow that lies in the image's plane.
    """
    start = tuple(round(float(value)) for value in eyes_px)
    end = tuple(round(float(value)) for value in eyes_px + reach_px * direction[:2])
    color = COLORS_BGR[state]
    cv2.circle(image, start, max(2, round(reach_px / 20)), color, -1, cv2.LINE_AA)
    if state != 'camera':
        cv2.arrowedLine(image, start, end, color, 2, cv2.LINE_AA, tipLength=0.25)


def _pixel(point: np.ndarray, camera: CameraModel) -> tuple[int, int]:
    x, y, z = point
    u, v = camera.k[:2, :2] @ (x, y) / max(z, 1e-3) + camera.k[:2, 2]
    return round(float(np.clip(u, -1e4, 1e4))), round(float(np.clip(v, -1e4, 1e4)))
