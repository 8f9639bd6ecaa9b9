# SPDX-License-Identifier: Apache-2.0
"""Whether an eye can be seen where the landmarks say it is, or something covers it.

The landmark networks answer with an eye in any case, also on a bar, a hand or dark glasses, and
the frames of glasses pull them aside. Here histograms of oriented gradients of the eye's picture
go through a small network that was fitted on eyes that are and are not covered, and on gazes that
are and are not pulled (``fer-train eye-cover``).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
from fer_ros.attention.eye_histograms import BLOCKS, DIRECTIONS, SIDE
from fer_ros.errors import ConfigurationError
import numpy as np

COVER_FILE = Path(__file__).parents[1] / 'models' / 'eye_cover.npz'
#: Side of the small picture of which the grays count, pixels.
_SMALL = 8
FEATURES = BLOCKS ** 2 * DIRECTIONS // 2 + _SMALL ** 2 + 1
#: What is judged: is the eye covered, and is the gaze pulled aside.
COVERED, PULLED = JUDGED = range(2)
#: From these log odds each counts as so: a gaze, if it is pulled by 5 degrees on average.
COUNTS_FROM = np.array([0.0, -0.5], np.float32)
# The log odds are limited to this: one picture alone is never certain.
_SUREST = 5.0


def eye_features(pictures: np.ndarray, histograms: np.ndarray) -> np.ndarray:
    """Return what is judged of the pictures of eyes, float32 ``(n, FEATURES)``.

    :param pictures: uint8 ``(n, 64, 64)`` gray, right eyes upright or left ones mirrored.
    :param histograms: of them, as :func:`fer_ros.attention.eye_histograms.eye_histograms` returns
        them.
    """
    # Opposite directions together, mean of a block's cells.
    edges = histograms[..., :DIRECTIONS // 2] + histograms[..., DIRECTIONS // 2:]
    count = len(pictures)
    # One below the other: each small pixel is the mean of a square of one picture.
    small = cv2.resize(pictures.reshape(-1, SIDE), (_SMALL, count * _SMALL),
                       interpolation=cv2.INTER_AREA).reshape(count, -1).astype(np.float32)
    mean = small.mean(axis=1, keepdims=True)
    small -= mean
    scatter = np.sqrt((small * small).mean(axis=1, keepdims=True))
    return np.concatenate([edges.mean(axis=3).reshape(count, -1), small / (scatter + 8),
                           np.minimum(2.0, scatter / (mean + 5))], axis=1, dtype=np.float32)


@dataclass(frozen=True)
class EyeCover:
    """The fitted network: features less ``mean`` by ``scale``, one hidden layer.

    :ivar mean: float32 ``(FEATURES,)``, as ``scale``.
    :ivar inner: float32 ``(FEATURES + 1, hidden)``; the last row is the bias, as in ``outer``,
        ``(hidden + 1, 2)``.
    """

    mean: np.ndarray
    scale: np.ndarray
    inner: np.ndarray
    outer: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return the logarithms of the odds of :data:`JUDGED`, ``(n, 2)``."""
        hidden = np.tanh((features - self.mean) / self.scale @ self.inner[:-1] + self.inner[-1])
        return np.clip(hidden @ self.outer[:-1] + self.outer[-1], -_SUREST, _SUREST)

    def judge(self, pictures: np.ndarray, histograms: np.ndarray) -> np.ndarray:
        """Return the logarithms of the odds, ``(n, 2)``, for what :func:`eye_features` takes."""
        return self.logits(eye_features(pictures, histograms))


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
    if found.inner.shape[:1] != (FEATURES + 1,) or found.outer.shape[1:] != (len(JUDGED),):
        raise ConfigurationError(f'{path} is of another version: install the package again')
    return found
