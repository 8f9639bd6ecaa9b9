# SPDX-License-Identifier: Apache-2.0
"""Whether an eye can be seen where the landmarks say it is, or something covers it.

The landmark networks answer with an eye in any case, also on a bar, a hand or dark glasses. Here
histograms of oriented gradients (N. Dalal, B. Triggs, CVPR 2005) of the eye's picture go through
a small network that was fitted on eyes that are and are not covered (``fer-train eye-cover``).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
from fer_ros.errors import ConfigurationError
import numpy as np

COVER_FILE = Path(__file__).parents[1] / 'models' / 'eye_cover.npz'
#: Side of an eye's picture, pixels, and of the small one of which the grays count.
SIDE, _SMALL = 64, 8
_BLUR = 1.0
_HISTOGRAMS = cv2.HOGDescriptor((SIDE, SIDE), (32, 32), (16, 16), (16, 16), 8)
FEATURES = _HISTOGRAMS.getDescriptorSize() + _SMALL ** 2 + 1
# The log odds are limited to this: one picture alone is never certain.
_SUREST = 5.0


def eye_features(picture: np.ndarray) -> np.ndarray:
    """Return what is judged of an eye's picture, float32 ``(FEATURES,)``.

    :param picture: uint8 ``(64, 64)`` gray, a right eye upright or a left one mirrored.
    """
    picture = cv2.GaussianBlur(picture, (0, 0), _BLUR)
    small = cv2.resize(picture, (_SMALL, _SMALL), interpolation=cv2.INTER_AREA).astype(np.float32)
    mean, scatter = cv2.meanStdDev(picture)
    mean, scatter = float(mean[0, 0]), float(scatter[0, 0])
    return np.concatenate([_HISTOGRAMS.compute(picture).ravel(),
                           (small.ravel() - small.mean()) / (small.std() + 8),
                           [min(2.0, scatter / (mean + 5))]], dtype=np.float32)


@dataclass(frozen=True)
class EyeCover:
    """The fitted network: features less ``mean`` by ``scale``, one hidden layer, one output.

    :ivar mean: float32 ``(FEATURES,)``, as ``scale``.
    :ivar inner: float32 ``(FEATURES + 1, hidden)``; the last row is the bias, as in ``outer``,
        ``(hidden + 1,)``.
    """

    mean: np.ndarray
    scale: np.ndarray
    inner: np.ndarray
    outer: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return the logarithms of the odds that eyes are covered, for ``(n, FEATURES)``."""
        hidden = np.tanh((features - self.mean) / self.scale @ self.inner[:-1] + self.inner[-1])
        return np.clip(hidden @ self.outer[:-1] + self.outer[-1], -_SUREST, _SUREST)

    def judge(self, pictures: np.ndarray) -> np.ndarray:
        """Return the logarithms of the odds, ``(n,)``, for uint8 pictures ``(n, 64, 64)``."""
        return self.logits(np.stack([eye_features(picture) for picture in pictures]))


@cache
def load_eye_cover(path: Path = COVER_FILE) -> EyeCover:
    """Read the network that ships, or another one."""
    try:
        with np.load(path) as values:
            found = EyeCover(*(np.asarray(values[name], np.float32)
                               for name in ('mean', 'scale', 'inner', 'outer')))
    except (OSError, KeyError, ValueError) as error:
        raise ConfigurationError(f'{path} cannot be read ({error}): install the package again'
                                 ) from error
    if found.inner.shape[:1] != (FEATURES + 1,):
        raise ConfigurationError(f'{path} is of another version: install the package again')
    return found
