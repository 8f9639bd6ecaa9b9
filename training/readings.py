# SPDX-License-Identifier: Apache-2.0
"""Model metadata for the temporal filter: class shares and the output for a neutral face."""

from fer_ros.emotions.labels import Emotion, LABELS
import numpy as np

from .datasets import Dataset, ferplus_targets

# Classes without a face are rare, not impossible.
_LEAST = 1e-4


def training_shares(head: str, dataset: Dataset) -> np.ndarray:
    """Return the share of each class of a head in the targets of its training.

    Of FER+ these are the votes, each face weighted as in training. Label smoothing is skipped:
    the calibrated probabilities do not carry it.

    :param dataset: the faces trained on, with votes for 'ferplus'.
    :returns: float64 ``(classes,)``, sum 1.
    """
    if head == 'ferplus':
        targets, weights = ferplus_targets(dataset.votes)
        shares = weights.astype(np.float64) @ targets
    else:
        shares = np.bincount(dataset.labels, minlength=len(LABELS)).astype(np.float64)
    return _distribution(shares)


def neutral_reading(logits: np.ndarray, classes: np.ndarray, temperature: float) -> np.ndarray:
    """Return the geometric mean of the probabilities of neutral faces.

    :param logits: ``(n, classes of the head)`` of faces not trained on.
    :param classes: int ``(n,)``, the true class of each face, -1 where there is none.
    :returns: float64 ``(classes of the head,)``, sum 1; uniform without a neutral face.
    """
    neutral = np.asarray(logits, np.float64)[classes == Emotion.NEUTRAL] / temperature
    if not len(neutral):
        return np.full(logits.shape[1], 1 / logits.shape[1])
    mean = (neutral - neutral.mean(axis=1, keepdims=True)).mean(axis=0)
    return _distribution(np.exp(mean - mean.max()))


def _distribution(values: np.ndarray) -> np.ndarray:
    shares = np.maximum(values / values.sum(), _LEAST)
    return shares / shares.sum()
