# SPDX-License-Identifier: Apache-2.0
"""Estimate the FER2013 label distribution from the FER+ votes.

A FER2013 label is one person's noisy opinion of a face, and ten more opinions of that face are
known. Label smoothing by these votes, instead of evenly, teaches the network which other labels
are plausible.
"""

from fer_ros.emotions.labels import LABELS
import numpy as np
from scipy.optimize import minimize

from .heads import log_softmax

#: Regularization of the weights; the fit has about 150 of them for thousands of faces.
_PULL = 1e-4
#: Added to the shares before their logarithm is taken: half a vote of ten.
_HALF_A_VOTE = 0.05


def label_shares(votes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Estimate how often each FER2013 label is assigned to a face with these votes.

    A multinomial logistic regression of the labels on the votes' shares and their logarithms.

    :param votes: ``(n, 10)``, votes of each face, 'unknown' and 'not a face' among them.
    :param labels: int ``(n,)``, the FER2013 labels.
    :returns: float32 ``(n, 7)``; rows sum to 1.
    """
    shares = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    features = np.column_stack([shares, np.log(shares + _HALF_A_VOTE), np.ones(len(shares))])
    chosen = np.eye(len(LABELS))[labels]

    def loss(values):
        weights = values.reshape(features.shape[1], len(LABELS))
        likelihood = log_softmax(features @ weights)
        gradient = features.T @ (np.exp(likelihood) - chosen) / len(labels) + 2 * _PULL * weights
        return (-(likelihood * chosen).sum() / len(labels) + _PULL * (weights ** 2).sum(),
                gradient.ravel())

    found = minimize(loss, np.zeros(features.shape[1] * len(LABELS)), jac=True,
                     method='L-BFGS-B', options={'maxiter': 200})
    weights = found.x.reshape(features.shape[1], len(LABELS))
    return np.exp(log_softmax(features @ weights)).astype(np.float32)
