# SPDX-License-Identifier: Apache-2.0
"""Metrics of a classifier and the calibration of its probabilities; numpy only."""

from dataclasses import dataclass

from fer_ros.emotions.classification import probabilities
from fer_ros.emotions.labels import LABELS
import numpy as np

from .datasets import FERPLUS_COLUMNS, FERPLUS_SOURCE


def confusion(labels: np.ndarray, predicted: np.ndarray,
              classes: int = len(LABELS)) -> np.ndarray:
    """Return counts, int64 ``(classes, classes)``: row the true class, column the predicted."""
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (labels, predicted), 1)
    return table


def recalls(table: np.ndarray) -> np.ndarray:
    """Return the recall of each class of a confusion table; NaN where the class is absent."""
    rows = table.sum(axis=1)
    return np.where(rows > 0, np.diag(table) / np.maximum(rows, 1), np.nan)


def macro_f1(table: np.ndarray) -> float:
    """Return the mean F1 of the classes that occur or are predicted."""
    counts = table.sum(axis=0) + table.sum(axis=1)
    present = counts > 0
    return float(np.mean(2 * np.diag(table)[present] / counts[present])) if present.any() else 0.0


def wilson_interval(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share (E. B. Wilson 1927)."""
    if total == 0:
        return 0.0, 1.0
    share, scale = right / total, 1 + z * z / total
    center = (share + z * z / (2 * total)) / scale
    half = z * np.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    return float(center - half), float(center + half)


def reliability(predictions: np.ndarray, labels: np.ndarray, bins: int = 15) -> np.ndarray:
    """Return rows (count, mean confidence, accuracy) of equal-width bins of the confidence.

    :param predictions: float ``(n, classes)`` probabilities.
    """
    confidence = predictions.max(axis=1)
    right = predictions.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    divisor = np.maximum(count, 1)
    return np.column_stack([count, np.bincount(place, confidence, bins) / divisor,
                            np.bincount(place, right, bins) / divisor])


def expected_calibration_error(predictions: np.ndarray, labels: np.ndarray,
                               bins: int = 15) -> float:
    """Return the mean distance of confidence and accuracy over the bins, weighted by count."""
    if len(labels) == 0:
        return float('nan')
    table = reliability(predictions, labels, bins)
    return float((table[:, 0] * abs(table[:, 1] - table[:, 2])).sum() / len(labels))


def rejection_curve(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return rows (threshold, share answered, accuracy of those) for thresholds 0 to 0.99.

    The accuracy is NaN where nothing is answered.
    """
    confidence = predictions.max(axis=1)
    right = predictions.argmax(axis=1) == labels
    thresholds = np.arange(100) / 100
    answered = confidence[None, :] >= thresholds[:, None]
    count = answered.sum(axis=1)
    accuracy = np.where(count > 0, (answered & right).sum(axis=1) / np.maximum(count, 1), np.nan)
    return np.column_stack([thresholds, count / max(1, len(labels)), accuracy])


def ferplus_majority(votes: np.ndarray, classes: int = 8) -> np.ndarray:
    """Return the FER+ majority class of each face, -1 where there is none.

    The rule of E. Barsoum et al. 2016: single votes are dropped; the top column must have more
    than half of the rest (votes for 'unknown' and 'not a face' among it) and be an emotion.

    :param votes: float ``(n, 10)`` in the order of ``FERPLUS_COLUMNS``.
    :param classes: 8, or 7 to skip the faces whose majority is contempt.
    :returns: int64 ``(n,)``, indices into ``FERPLUS_LABELS`` below ``classes``, or -1.
    """
    kept = np.where(votes > 1, votes, 0)
    top = kept.argmax(axis=1)
    clear = 2 * kept.max(axis=1) > kept.sum(axis=1)
    ours = np.full(len(FERPLUS_COLUMNS), -1)
    for index, name in enumerate(FERPLUS_SOURCE):
        ours[FERPLUS_COLUMNS.index(name)] = index
    result = np.where(clear, ours[top], -1)
    return np.where(result < classes, result, -1)


@dataclass(frozen=True)
class Calibration:
    """Calibration of a label set, fitted on faces the network was not trained on.

    :ivar temperature: see :class:`fer_ros.emotions.classification.LabelSet`.
    :ivar uncertain_below: see there.
    :ivar faces: how many faces it was fitted on.
    """

    temperature: float
    uncertain_below: float
    faces: int
    accuracy: float
    ece_before: float
    ece: float
    answered: float
    accuracy_answered: float


def poststratification_weights(sample: np.ndarray, population: np.ndarray) -> np.ndarray:
    """Return weights with which a sample has the population's shares of each stratum.

    :param sample: int ``(n,)``, the stratum of each member, 0 and more.
    :param population: int ``(m,)``, the same; strata that the sample lacks are skipped.
    :returns: float64 ``(n,)`` with mean 1.
    """
    strata = int(max(sample.max(initial=-1), population.max(initial=-1))) + 1
    wanted = np.bincount(population, minlength=strata).astype(np.float64)
    had = np.bincount(sample, minlength=strata)
    weights = (wanted / np.maximum(had, 1))[sample]
    if not weights.sum():
        return np.ones(len(sample))
    return weights * (len(sample) / weights.sum())


def calibrate(logits: np.ndarray, labels: np.ndarray,
              weights: np.ndarray | None = None) -> Calibration:
    """Fit the temperature and choose the threshold of 'uncertain'.

    The temperature minimizes the negative log-likelihood of the seven published probabilities
    (C. Guo et al. 2017). The threshold is that of the rejection curve with the largest excess of
    right over wrong answers: below it an answer is more often wrong than right.

    :param logits: float ``(n, >= 7)``.
    :param labels: int ``(n,)`` in [0, 7); rows with -1 are skipped.
    :param weights: how much each face counts for the temperature, ``(n,)``; None: equal.
    :raises ValueError: when no labeled face is left.
    """
    known = (labels >= 0) & (labels < len(LABELS))
    logits, labels = np.asarray(logits)[known], labels[known]
    weights = None if weights is None else weights[known]
    if len(labels) == 0:
        raise ValueError('no labeled faces to calibrate on')
    temperature = fit_temperature(logits, labels, weights)
    predictions = probabilities(logits, temperature)
    curve = rejection_curve(predictions, labels)
    excess = curve[:, 1] * (2 * np.nan_to_num(curve[:, 2]) - 1)
    best = curve[int(excess.argmax())]
    return Calibration(
        round(temperature, 4), float(best[0]), len(labels),
        float((predictions.argmax(axis=1) == labels).mean()),
        expected_calibration_error(probabilities(logits), labels),
        expected_calibration_error(predictions, labels), float(best[1]), float(best[2]))


def fit_temperature(logits: np.ndarray, labels: np.ndarray,
                    weights: np.ndarray | None = None) -> float:
    """Return the temperature of least (weighted) negative log-likelihood, from 0.05 to 20."""
    rows = np.arange(len(labels))

    def loss(log_temperature):
        chosen = probabilities(logits, np.exp(log_temperature))[rows, labels]
        return -np.average(np.log(np.maximum(chosen, 1e-30)), weights=weights)

    # The loss has one minimum in 1/T; golden-section search finds it without derivatives.
    low, high = np.log(0.05), np.log(20.0)
    ratio = (np.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        span = ratio * (high - low)
        if loss(high - span) <= loss(low + span):
            high = low + span
        else:
            low = high - span
    return float(np.exp((low + high) / 2))


def label_targets(label_set: str, labels: np.ndarray, votes: np.ndarray | None) -> np.ndarray:
    """Return the class of each face in a label set, -1 where that set has none.

    :returns: int64 ``(n,)``, indices into LABELS.
    """
    if label_set == 'ferplus':
        return np.full(len(labels), -1) if votes is None else ferplus_majority(votes, len(LABELS))
    return labels
