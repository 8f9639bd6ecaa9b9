# SPDX-License-Identifier: Apache-2.0
"""What a network takes: the size, channels and scaling of its input."""

from dataclasses import dataclass

import cv2
from fer_ros.emotions.contrast import even_contrast
import numpy as np

from .fields import Fields

_LARGEST_SIDE_PX = 1024
_KEYS = ('side_px', 'color', 'colour', 'layout', 'range', 'mean', 'std', 'dtype', 'scaling',
         'even_contrast')


@dataclass(frozen=True)
class InputFormat:
    """A network's input: square images, ``(pixel in range - mean) / std`` per channel.

    :ivar side_px: the side, pixels.
    :ivar color: 'gray', or the order of the channels: 'rgb' or 'bgr'.
    :ivar layout: 'NHWC' or 'NCHW'.
    :ivar range: values of black and white before mean and deviation, such as (0, 255).
    :ivar mean: one number, or one per channel.
    :ivar std: as ``mean``; more than 0.
    :ivar even_contrast: apply :func:`fer_ros.emotions.contrast.even_contrast` to gray crops first.
    """

    side_px: int
    color: str = 'gray'
    layout: str = 'NHWC'
    range: tuple[float, float] = (0.0, 255.0)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    even_contrast: bool = False

    @property
    def channels(self) -> int:
        """The number of channels, 1 or 3."""
        return 1 if self.color == 'gray' else 3

    @property
    def encoding(self) -> str:
        """The encoding of the crops: 'mono8' or 'bgr8'."""
        return 'mono8' if self.color == 'gray' else 'bgr8'

    @property
    def crop_shape(self) -> tuple[int, ...]:
        """The shape of a crop: ``(side, side)``, or ``(side, side, 3)`` BGR."""
        return (self.side_px, self.side_px) + ((3,) if self.channels == 3 else ())

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one input without the batch."""
        side = self.side_px
        return ((side, side, self.channels) if self.layout == 'NHWC'
                else (self.channels, side, side))

    def __str__(self) -> str:
        return f'{self.side_px}x{self.side_px} {"grayscale" if self.channels == 1 else self.color}'

    def fit(self, crop: np.ndarray) -> np.ndarray:
        """Return a crop of any size, gray or BGR, with this format's size and channels."""
        if crop.ndim == 2 and self.channels == 3:
            crop = cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR)
        elif crop.ndim == 3 and self.channels == 1:
            crop = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        side = self.side_px
        if crop.shape[:2] == (side, side):
            return crop
        return cv2.resize(crop, (side, side), interpolation=(
            cv2.INTER_AREA if crop.shape[0] > side else cv2.INTER_LINEAR))

    def blob(self, crops: np.ndarray) -> np.ndarray:
        """Return the network's input, float32 ``(n, *sample_shape)``.

        :param crops: uint8 ``(n, *crop_shape)``.
        """
        if self.even_contrast:
            crops = np.stack([even_contrast(crop) for crop in crops])
        if self.channels == 1:
            crops = crops[..., None]
        elif self.color == 'rgb':
            crops = crops[..., ::-1]
        low, high = self.range
        scale = ((high - low) / 255) / np.array(self.std)
        shift = (low - np.array(self.mean)) / np.array(self.std)
        values = crops.astype(np.float32)
        if (scale != 1).any() or (shift != 0).any():
            values = values * scale.astype(np.float32) + shift.astype(np.float32)
        return values if self.layout == 'NHWC' else np.ascontiguousarray(
            values.transpose(0, 3, 1, 2))


def read_input(fields: Fields) -> InputFormat:
    """Return the format that the part ``input`` of a metadata file describes.

    :raises ConfigurationError: names the field.
    """
    fields.refuse_unknown(_KEYS)
    key = 'colour' if 'colour' in fields and 'color' not in fields else 'color'
    color = fields.text(key, choices=('gray', 'grayscale', 'rgb', 'bgr'))
    color = 'gray' if color == 'grayscale' else color
    counts = (1,) if color == 'gray' else (1, 3)
    low, high = fields.numbers('range', (2,), (0, 255))
    if not low < high:
        raise fields.error('range', [low, high], 'the lower number first')
    std = fields.numbers('std', counts, 1.0)
    if not all(number > 0 for number in std):
        raise fields.error('std', list(std), 'numbers above 0')
    return InputFormat(
        fields.whole('side_px', low=1, high=_LARGEST_SIDE_PX), color,
        fields.text('layout', 'NHWC', ('NHWC', 'NCHW')), (low, high),
        fields.numbers('mean', counts, 0.0), std, _even_contrast(fields, color))


def _even_contrast(fields: Fields, color: str) -> bool:
    value = fields.get('even_contrast', False)
    if not isinstance(value, bool) or value and color != 'gray':
        raise fields.error('even_contrast', value, 'true (for gray input only) or false')
    return value
