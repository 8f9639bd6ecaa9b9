# SPDX-License-Identifier: Apache-2.0
"""Corruptions of face images by cameras and rooms, at five strengths, for robustness."""

from collections.abc import Callable

import cv2
import numpy as np

STRENGTHS = (1, 2, 3, 4, 5)


def corrupt(images: np.ndarray, name: str, strength: int) -> np.ndarray:
    """Return corrupted copies, the same for the same input.

    :param images: uint8 ``(n, side, side)``.
    :param name: a key of :data:`CORRUPTIONS`.
    :param strength: 1 (slight) to 5 (severe).
    :returns: uint8 of the same shape.
    """
    if strength not in STRENGTHS:
        raise ValueError(f'strength is {strength}, expected one of {STRENGTHS}')
    generator = np.random.default_rng((strength, list(CORRUPTIONS).index(name)))
    change = CORRUPTIONS[name]
    return np.stack([change(image, strength, generator) for image in images])


def _levels(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    return cv2.LUT(image, values.clip(0, 255).astype(np.uint8))


def _darker(image, strength, _):
    return _levels(image, np.arange(256) * (1, 0.75, 0.55, 0.4, 0.25, 0.15)[strength])


def _brighter(image, strength, _):
    return _levels(image, np.arange(256) + (0, 30, 60, 90, 120, 150)[strength])


def _contrast(image, strength, _):
    return _levels(image, (np.arange(256) - 128) * (1, 0.7, 0.5, 0.35, 0.2, 0.1)[strength] + 128)


def _blur(image, strength, _):
    # Standard deviation in pixels of a face 48 px wide.
    return cv2.GaussianBlur(image, (0, 0), (0, 0.6, 1.0, 1.5, 2.0, 2.5)[strength])


def _noise(image, strength, generator):
    spread = (0, 6, 12, 20, 30, 42)[strength]
    return (image + generator.normal(0, spread, image.shape)).clip(0, 255).astype(np.uint8)


def _low_resolution(image, strength, _):
    side = image.shape[0]
    small = round(side * (1, 0.75, 0.6, 0.45, 0.35, 0.25)[strength])
    image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)


def _move(image, angle_deg=0.0, x=0.0, y=0.0):
    side = image.shape[0]
    center = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((center, center), angle_deg, 1.0)
    matrix[:, 2] += x * side, y * side
    return cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)


def _rotation(image, strength, generator):
    return _move(image, generator.choice((-1, 1)) * (0, 8, 15, 22, 30, 40)[strength])


def _off_centre(image, strength, generator):
    angle = generator.uniform(0, 2 * np.pi)
    distance = (0, 0.05, 0.10, 0.15, 0.20, 0.25)[strength]
    return _move(image, x=distance * np.cos(angle), y=distance * np.sin(angle))


def _cover(image, top, bottom, share, generator):
    # A gray band that grows from the middle, like sunglasses, a mask or a hand.
    side = image.shape[0]
    half = round(side * share / 2)
    covered = image.copy()
    covered[round(top * side):round(bottom * side), side // 2 - half:side // 2 + half] = (
        generator.integers(0, 256))
    return covered


def _eyes_hidden(image, strength, generator):
    return _cover(image, 0.25, 0.48, (0, 0.3, 0.45, 0.6, 0.8, 1)[strength], generator)


def _mouth_hidden(image, strength, generator):
    return _cover(image, 0.62, 0.92, (0, 0.2, 0.35, 0.5, 0.7, 1)[strength], generator)


def _jpeg(image, strength, _):
    quality = (100, 40, 25, 15, 8, 4)[strength]
    _, data = cv2.imencode('.jpg', image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


CORRUPTIONS: dict[str, Callable] = {
    'darker': _darker, 'brighter': _brighter, 'contrast': _contrast, 'blur': _blur,
    'noise': _noise, 'low_resolution': _low_resolution, 'rotation': _rotation,
    'off_centre': _off_centre, 'eyes_hidden': _eyes_hidden, 'mouth_hidden': _mouth_hidden,
    'jpeg': _jpeg}
