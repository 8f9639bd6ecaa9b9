# SPDX-License-Identifier: Apache-2.0
"""Cut a face out of an image the way the classifier's training images are cut."""

import cv2
from fer_ros.core.types import BoundingBox
import numpy as np

#: Side of the square crop in units of the face box's side (the root of its area) where there are
#: no landmarks: FER2013's images show the face from above the brows to below the chin.
CROP_OVER_BOX = 1.25

#: Where the landmarks come to lie in the crop, fractions of its side, x and y, in the order of
#: :data:`fer_ros.core.types.LANDMARKS`.
TEMPLATE = np.array([[0.31, 0.38], [0.69, 0.38], [0.50, 0.58], [0.35, 0.77], [0.65, 0.77]],
                    np.float32)


def crop_transform(box: BoundingBox, landmarks: np.ndarray | None = None,
                   side_px: int = 48) -> np.ndarray:
    """
    Return the 2 x 3 matrix that takes source pixels to pixels of the crop.

    :param landmarks: float ``(5, 2)`` source pixels, or None: an upright square around the box.
    """
    if landmarks is not None:
        matrix = _similarity(np.asarray(landmarks, np.float64), TEMPLATE * side_px)
        if matrix is not None:
            return matrix
    scale = side_px / (CROP_OVER_BOX * max(np.sqrt(box.width * box.height), 1.0))
    x, y = box.centre
    return np.array([[scale, 0, side_px / 2 - scale * x], [0, scale, side_px / 2 - scale * y]])


def align_face(image: np.ndarray, box: BoundingBox, landmarks: np.ndarray | None = None,
               side_px: int = 48) -> np.ndarray:
    """
    Return the face as the classifier takes it: gray, square, the eyes level where known.

    Parts outside the image repeat its border.

    :param image: uint8 ``(height, width, 3)`` BGR or ``(height, width)`` gray.
    :param box: the face, pixels.
    :param landmarks: float ``(5, 2)`` pixels, or None for an upright square.
    :return: uint8 ``(side_px, side_px)``.
    """
    matrix = crop_transform(box, landmarks, side_px)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    corners = (np.array([[0, 0], [side_px, 0], [0, side_px], [side_px, side_px]])
               - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    height, width = image.shape[:2]
    x0, y0 = np.clip(np.floor(corners.min(axis=0)).astype(int) - 2, 0, (width - 1, height - 1))
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 3, (x0 + 1, y0 + 1),
                     (width, height))
    patch = image[y0:y1, x0:x1]
    if patch.ndim == 3:
        patch = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)
    shift = np.array([x0, y0], float)
    shrink = np.ones(2)
    if scale < 0.7:
        # Linear sampling of a large face skips pixels; average them first.
        size = (max(1, round(patch.shape[1] * scale)), max(1, round(patch.shape[0] * scale)))
        shrink = np.array([patch.shape[1] / size[0], patch.shape[0] / size[1]])
        patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
    local = np.empty((2, 3))
    local[:, :2] = matrix[:, :2] * shrink
    # Pixel centres lie at half pixels: the shift by one half keeps them there when averaging.
    local[:, 2] = matrix[:, 2] + matrix[:, :2] @ (shift + (shrink - 1) / 2)
    return cv2.warpAffine(patch, local, (side_px, side_px), flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)


def _similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray | None:
    """
    Return the least-squares rotation, scale and shift from one point set to the other.

    Umeyama's solution in the plane, where it is linear in the complex plane (IEEE PAMI 13(4),
    1991); None where the points coincide or are not finite.
    """
    if source.shape != target.shape or not np.isfinite(source).all():
        return None
    a, b = source @ (1, 1j), target @ (1, 1j)
    spread = np.sum(np.abs(a - a.mean()) ** 2)
    if spread < 1.0:
        return None
    factor = np.sum(np.conj(a - a.mean()) * (b - b.mean())) / spread
    if abs(factor) < 1e-3:
        return None
    shift = b.mean() - factor * a.mean()
    return np.array([[factor.real, -factor.imag, shift.real],
                     [factor.imag, factor.real, shift.imag]])
