# SPDX-License-Identifier: Apache-2.0
"""Augmentation of 48x48 grayscale faces on the CPU: one affine warp, light, noise, erasing.

Done with OpenCV rather than in the graph, so that it is the same for every Keras backend; a batch
of 128 takes a few milliseconds.
"""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the augmentation of a training face: half-ranges or probabilities."""

    flip: bool = True
    #: degrees
    rotation_deg: float = 15.0
    #: relative change of size
    scale: float = 0.12
    #: fraction of the image's side
    shift: float = 0.10
    #: relative difference of the horizontal and the vertical scale
    aspect: float = 0.08
    #: relative change of contrast
    contrast: float = 0.3
    #: change of brightness, fraction of the full range
    brightness: float = 0.15
    #: natural logarithm of gamma
    gamma: float = 0.3
    #: probability of evening the contrast out over tiles, or of a face darker and flatter than
    #: what surrounds it
    local_contrast: float = 0.0
    #: probability of lowering the resolution or blurring
    blur: float = 0.1
    #: probability of sensor noise
    noise: float = 0.1
    #: largest standard deviation of that noise at mid-gray, in gray levels
    noise_max: float = 12.0
    #: probability of JPEG compression, as in webcam images
    jpeg: float = 0.0
    #: probability of erasing a rectangle of 2 to 20 % of the area
    erase: float = 0.4


def augment(images: np.ndarray, config: Augmentation,
            generator: np.random.Generator) -> np.ndarray:
    """Return augmented copies.

    :param images: uint8 ``(n, side, side)``.
    :returns: uint8 of the same shape.
    """
    n, side = images.shape[0], images.shape[1]
    uniform = generator.uniform(-1, 1, (n, 9))
    chance = generator.uniform(0, 1, (n, 4))
    out = np.empty_like(images)
    levels = np.arange(256, dtype=np.float32) / 255
    for i in range(n):
        u = uniform[i]
        matrix = _affine(u, side, config, chance[i, 0])
        image = cv2.warpAffine(images[i], matrix, (side, side), flags=cv2.INTER_LINEAR,
                               borderMode=cv2.BORDER_REPLICATE)
        table = levels ** np.exp(config.gamma * u[6])
        table = (table - 0.5) * (1 + config.contrast * u[7]) + 0.5 + config.brightness * u[8]
        image = cv2.LUT(image, (table.clip(0, 1) * 255).astype(np.uint8))
        if config.local_contrast and generator.uniform() < config.local_contrast:
            image = _local_contrast(image, generator)
        if chance[i, 1] < config.blur:
            image = _lower_resolution(image, generator)
        if chance[i, 2] < config.noise:
            image = _sensor_noise(image, config.noise_max, generator)
        if config.jpeg and generator.uniform() < config.jpeg:
            image = _compress(image, generator)
        if chance[i, 3] < config.erase:
            image = np.array(image)
            _erase(image, generator)
        out[i] = image
    return out


def blend_shares(n: int, probability: float, generator: np.random.Generator) -> np.ndarray:
    """Return how much of each row of a batch comes from its neighbor: 0, or up to a half.

    :param probability: that a row is blended at all.
    :returns: float32 ``(n,)``.
    """
    shares = generator.uniform(0, 0.5, n) * (generator.uniform(0, 1, n) < probability)
    return shares.astype(np.float32)


def blend(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return each row mixed with the one before it (mixup, Zhang et al. 2018).

    :param values: float32 ``(n, ...)``: faces, targets or weights.
    :param shares: of :func:`blend_shares`.
    :returns: float32 of the same shape.
    """
    shares = shares.reshape((-1,) + (1,) * (values.ndim - 1))
    return values + shares * (np.roll(values, 1, axis=0) - values)


def _affine(u: np.ndarray, side: int, config: Augmentation, flip: float) -> np.ndarray:
    angle = np.deg2rad(config.rotation_deg * u[0])
    scale = np.exp(config.scale * u[1])
    aspect = np.exp(config.aspect * u[2] / 2)
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = linear @ np.diag([scale * aspect, scale / aspect])
    if config.flip and flip < 0.5:
        linear = linear @ np.diag([-1.0, 1.0])
    center = np.full(2, (side - 1) / 2)
    offset = center - linear @ center + config.shift * side * u[3:5]
    return np.column_stack([linear, offset])


def _local_contrast(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    side = image.shape[0]
    if generator.uniform() < 0.5:
        tiles = int(generator.integers(2, 7))
        return cv2.createCLAHE(generator.uniform(1, 4), (tiles, tiles)).apply(image)
    # A dark face before a bright ground: the middle is compressed and shifted down, softly.
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / side
    center_x, center_y = generator.uniform(-0.05, 0.05, 2)
    away = ((x - center_x) / 0.38) ** 2 + ((y - center_y) / 0.48) ** 2
    inside = 1 / (1 + np.exp((away - 1) * generator.uniform(3, 12)))
    flat = image.mean() + (image - image.mean()) * generator.uniform(0.4, 1)
    dark = flat - generator.uniform(0, 80)
    return (image + inside * (dark - image)).clip(0, 255).astype(np.uint8)


def _lower_resolution(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    side = image.shape[0]
    if generator.uniform() < 0.5:
        return cv2.GaussianBlur(image, (0, 0), generator.uniform(0.5, 1.8))
    small = int(generator.integers(14, side - 4))
    image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)


def _sensor_noise(image: np.ndarray, maximum: float, generator: np.random.Generator) -> np.ndarray:
    """Add read noise and shot noise, whose variance grows with the light (Foi et al. 2008)."""
    shot = generator.uniform()
    spread = generator.uniform(2, maximum) * np.sqrt(1 - shot + shot * image / 128.0)
    return (image + spread * generator.standard_normal(image.shape)).clip(0, 255).astype(np.uint8)


def _compress(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Compress with blocks of 8 px of a face that was 1 to 2.5 times as large in its picture."""
    side = image.shape[0]
    if generator.uniform() < 0.5:
        large = round(side * generator.uniform(1, 2.5))
        image = cv2.resize(image, (large, large), interpolation=cv2.INTER_LINEAR)
    quality = int(np.exp(generator.uniform(np.log(4), np.log(60))))
    _, data = cv2.imencode('.jpg', image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


def _erase(image: np.ndarray, generator: np.random.Generator) -> None:
    side = image.shape[0]
    area = generator.uniform(0.02, 0.2) * side * side
    ratio = np.exp(generator.uniform(-1, 1))
    height = min(side, max(1, round(float(np.sqrt(area * ratio)))))
    width = min(side, max(1, round(float(np.sqrt(area / ratio)))))
    y = int(generator.integers(0, side - height + 1))
    x = int(generator.integers(0, side - width + 1))
    image[y:y + height, x:x + width] = generator.integers(0, 256)
