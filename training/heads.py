# SPDX-License-Identifier: Apache-2.0
"""Let each label set read both heads: a linear map of their logits, folded into the last layer.

The FER+ logits carry information about the FER2013 label and vice versa. The map is fitted on
held-out faces; because it is linear, it costs nothing at run time.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

#: Strengths of regularization towards the head's own logits, chosen by cross-validation.
_PULLS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
_FOLDS = 5


@dataclass(frozen=True)
class HeadMap:
    """Linear map to new logits of a head: ``scale * own + (other - mean(other)) @ mix + shift``.

    :ivar mix: float64 ``(classes of the other head, classes of the own head)``.
    :ivar shift: float64 ``(classes of the own head,)``.
    """

    scale: float
    mix: np.ndarray
    shift: np.ndarray

    def __call__(self, own: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return the new logits of the head, same shape as ``own``."""
        return self.scale * own + (other - other.mean(axis=1, keepdims=True)) @ self.mix + (
            self.shift)


def fit(own: np.ndarray, other: np.ndarray, labels: np.ndarray,
        seed: int = 1) -> tuple[HeadMap | None, np.ndarray]:
    """Fit a map by cross-validated logistic regression.

    :param own: logits of the head, ``(n, classes)``.
    :param other: logits of the other head, ``(n, its classes)``.
    :param labels: int ``(n,)``, the classes of the head; rows with -1 are skipped in the fit.
    :returns: the map, or None when no map reads unseen faces better than the head alone; and the
        head's logits as they are for faces the map was not fitted on, for calibration.
    """
    known = np.flatnonzero(labels >= 0)
    if len(known) == 0:
        return None, own
    fold = np.random.default_rng(seed).permutation(len(labels)) % _FOLDS
    best, best_loss, best_logits = None, _loss(own[known], labels[known]), own
    for pull in _PULLS:
        unseen = own.astype(np.float64)
        for i in range(_FOLDS):
            rows = known[fold[known] != i]
            if len(rows) == 0:
                return None, own
            unseen[fold == i] = _fit(own[rows], other[rows], labels[rows], pull)(
                own[fold == i], other[fold == i])
        # Temperature is fitted afterwards, so only what it cannot fix counts.
        loss = _loss(unseen[known], labels[known])
        if loss < best_loss:
            best, best_loss, best_logits = pull, loss, unseen
    if best is None:
        return None, own
    return _fit(own[known], other[known], labels[known], best), best_logits


def _loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the least negative log-likelihood over the temperatures."""
    rows = np.arange(len(labels))
    return min(-log_softmax(logits / temperature)[rows, labels].mean()
               for temperature in np.geomspace(0.3, 3, 24))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return the logarithm of the softmax of each row, same shape."""
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def _fit(own: np.ndarray, other: np.ndarray, labels: np.ndarray, pull: float) -> HeadMap:
    own = own.astype(np.float64)
    other = other - other.mean(axis=1, keepdims=True, dtype=np.float64)
    classes, others = own.shape[1], other.shape[1]
    chosen = np.eye(classes)[labels]

    def unpack(values):
        return (values[0], values[1:1 + others * classes].reshape(others, classes),
                values[1 + others * classes:])

    def loss(values):
        scale, mix, shift = unpack(values)
        likelihood = log_softmax(scale * own + other @ mix + shift)
        slope = (np.exp(likelihood) - chosen) / len(labels)
        value = -likelihood[np.arange(len(labels)), labels].mean()
        gradient = [[(slope * own).sum()], (other.T @ slope + 2 * pull * mix).ravel(),
                    slope.sum(axis=0) + 2 * pull * shift]
        return value + pull * ((mix ** 2).sum() + (shift ** 2).sum()), np.concatenate(gradient)

    start = np.zeros(1 + (others + 1) * classes)
    start[0] = 1
    # Few faces may be separable without error, and the scale would then grow without bound.
    found = minimize(loss, start, jac=True, method='L-BFGS-B', options={'maxiter': 200})
    return HeadMap(*unpack(found.x))


def fold_in(own: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray],
            change: HeadMap) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel and bias of a dense head with the map in them.

    :param own: kernel ``(features, classes)`` and bias ``(classes,)`` of the head.
    :param other: the same of the other head, on the same features.
    """
    kernel = change.scale * own[0] + (
        other[0] - other[0].mean(axis=1, keepdims=True)) @ change.mix
    bias = change.scale * own[1] + (other[1] - other[1].mean()) @ change.mix + change.shift
    return kernel.astype(np.float32), bias.astype(np.float32)
