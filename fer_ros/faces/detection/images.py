# SPDX-License-Identifier: Apache-2.0
"""Images as face detectors take them: checked, scaled, padded, as planes."""

import cv2
import numpy as np


def check_image(image: np.ndarray) -> None:
    """Raise ValueError unless the array is an image: uint8, gray or BGR, not empty."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or not (
            image.ndim == 2 or image.ndim == 3 and image.shape[2] == 3):
        actual = (f'{image.dtype} {image.shape}' if isinstance(image, np.ndarray)
               else type(image).__name__)
        raise ValueError('an image is a uint8 array of shape (height, width, 3) or '
                         f'(height, width), not {actual}')
    if image.size == 0:
        raise ValueError(f'the image is empty: its shape is {image.shape}')


def as_bgr(image: np.ndarray) -> np.ndarray:
    """Return a checked image with three channels."""
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image


def as_gray(image: np.ndarray) -> np.ndarray:
    """Return a checked image with one channel."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def scaled_to(image: np.ndarray, size_px: int, largest_px: int = 0) -> tuple[np.ndarray, float]:
    """
    Return the image scaled so that its longer side is ``size_px``, and the factor.

    :param size_px: 0 leaves it as it is unless it is longer than ``largest_px``.
    """
    longer = max(image.shape[:2])
    factor = size_px / longer if size_px else min(1.0, largest_px / longer)
    if factor == 1.0:
        return image, 1.0
    # A side that becomes less than a pixel still needs one.
    size = tuple(max(1, round(side * factor)) for side in image.shape[1::-1])
    # Below a factor of two linear sampling misses no pixel. Halving averages four pixels each and
    # is a tenth of the work of averaging at any other factor.
    scaled = image
    while min(scaled.shape[:2]) > 1 and 2 * max(size) <= max(scaled.shape[:2]):
        scaled = cv2.resize(scaled, (scaled.shape[1] // 2 or 1, scaled.shape[0] // 2 or 1),
                            interpolation=cv2.INTER_AREA)
    return cv2.resize(scaled, size, interpolation=cv2.INTER_LINEAR), factor


def padded_to_multiple(image: np.ndarray, multiple: int) -> np.ndarray:
    """Return the image with black rows and columns added below and on the right."""
    below, right = (-side % multiple for side in image.shape[:2])
    if not below and not right:
        return image
    return cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT)


def planes(images: np.ndarray) -> np.ndarray:
    """
    Return images as network input, float32 ``(n, 3, height, width)``.

    :param images: uint8 ``(n, height, width, 3)``.
    """
    blob = np.empty((len(images), 3, *images.shape[1:3]), np.float32)
    for channels, image in zip(blob, images):
        for channel, plane in zip(channels, cv2.split(image)):
            channel[...] = plane
    return blob
