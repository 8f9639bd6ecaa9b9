# SPDX-License-Identifier: Apache-2.0
"""Locate a face in front of the camera from its box, the camera model and a face width."""

import cv2
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.types import BoundingBox
import numpy as np

_FISHEYE = ('equidistant', 'fisheye')


def place_face(box: BoundingBox, camera: CameraModel, face_width_m: float,
               depth_m: float | None = None) -> tuple[float, float, float]:
    """Return the center of a face in the camera's optical frame (REP-103), meters.

    x points right, y down, z forward. By the pinhole model a thing of width W at distance Z is
    f W / Z pixels wide, hence ``Z = f * face_width_m / box.width``.

    :param box: in pixels of the image the camera model is for; its width is above 0.
    :param face_width_m: the assumed width of a face's box.
    :param depth_m: the measured distance along z, which replaces the assumption.
    """
    z = depth_m if depth_m is not None else float(camera.k[0, 0]) * face_width_m / box.width
    x, y = _ray(box.center, camera)
    return x * z, y * z, z


def _ray(pixel: tuple[float, float], camera: CameraModel) -> tuple[float, float]:
    point = np.array([[pixel]], np.float64)
    distortion = np.asarray(camera.d, np.float64)
    if camera.distortion_model in _FISHEYE and distortion.size == 4:
        undistorted = cv2.fisheye.undistortPoints(point, camera.k, distortion)
    else:
        # OpenCV supports 4, 5, 8, 12 and 14 coefficients; others are treated as undistorted.
        known = distortion if distortion.size in (4, 5, 8, 12, 14) else None
        undistorted = cv2.undistortPoints(point, camera.k, known)
    return float(undistorted[0, 0, 0]), float(undistorted[0, 0, 1])


def depth_at(depth: np.ndarray, box: BoundingBox) -> float | None:
    """Return the median depth in the middle of a box, meters, or None if none is measured.

    :param depth: float32 ``(h, w)`` meters, NaN where unknown, registered to the image.
    """
    inner = BoundingBox(box.x + box.width / 4, box.y + box.height / 4, box.width / 2,
                        box.height / 2).clipped(depth.shape[1], depth.shape[0])
    x, y = int(inner.x), int(inner.y)
    patch = depth[y:y + max(1, round(inner.height)), x:x + max(1, round(inner.width))]
    known = patch[np.isfinite(patch) & (patch > 0)]
    return float(np.median(known)) if known.size else None
