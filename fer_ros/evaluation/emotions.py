# SPDX-License-Identifier: Apache-2.0
"""Measure how fast and how steadily a filter follows a person's state."""

from collections.abc import Callable
from dataclasses import dataclass

from fer_ros.emotions.emotion_filter import EmotionFilter
from fer_ros.emotions.labels import Emotion, LABELS, UNCERTAIN
from fer_ros.types import BoundingBox, Face
import numpy as np

_CLASSES = len(Emotion)


@dataclass(frozen=True)
class Recording:
    """
    A person's states and a classifier's outputs for them.

    :ivar stamps_s: float ``(n,)``.
    :ivar states: int ``(n,)``, values of :class:`Emotion`.
    :ivar probabilities: float32 ``(n, 7)``.
    """

    stamps_s: np.ndarray
    states: np.ndarray
    probabilities: np.ndarray


def simulate(*, rate_hz: float = 30.0, duration_s: float = 120.0, hold_s: float = 6.0,
             accuracy: float = 0.7, memory_s: float = 0.25, seed: int = 1) -> Recording:
    """
    Simulate a person whose emotion changes every few seconds, and an imperfect classifier.

    The classifier's logits are those of the state, raised by a margin, plus Ornstein-Uhlenbeck
    noise per class: like a real one's, its errors last longer than a frame. The margin is set
    so that single frames reach the requested accuracy.

    :param hold_s: mean time between changes, seconds; each is between half and one and a half.
    :param accuracy: share of single frames that are correct, (1/7, 1).
    :param memory_s: time constant of the errors, seconds.
    """
    random = np.random.default_rng(seed)
    count = int(duration_s * rate_hz)
    stamps_s = np.arange(count) / rate_hz
    states = np.empty(count, int)
    start, state = 0.0, int(random.integers(_CLASSES))
    while start < duration_s:
        end = start + hold_s * random.uniform(0.5, 1.5)
        states[(stamps_s >= start) & (stamps_s < end)] = state
        state = int((state + random.integers(1, _CLASSES)) % _CLASSES)
        start = end
    stay = np.exp(-1 / (rate_hz * memory_s))
    noise = np.empty((count, _CLASSES))
    noise[0] = random.normal(size=_CLASSES)
    for i in range(1, count):
        noise[i] = stay * noise[i - 1] + np.sqrt(1 - stay ** 2) * random.normal(size=_CLASSES)
    own = np.eye(_CLASSES)[states]
    low, high = 0.0, 10.0
    for _ in range(30):
        margin = (low + high) / 2
        right = float(((noise + margin * own).argmax(axis=1) == states).mean())
        low, high = (margin, high) if right < accuracy else (low, margin)
    # Scaled by the margin, these logits are calibrated: unit noise of equal variance has the
    # log-likelihood ratio margin * x between two classes.
    logits = margin * (noise + margin * own)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Recording(stamps_s, states,
                     (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))


@dataclass(frozen=True)
class TimeFigures:
    """
    How a sequence of labels follows the states.

    :ivar false_switches_per_min: changes of the label to anything but the current state,
        per minute.
    :ivar delay_s: median time from a change of state to the first correct label, seconds; a
        state that is never recognized counts with its whole length.
    :ivar right: share of frames with the correct label, [0, 1].
    """

    false_switches_per_min: float
    delay_s: float
    right: float


def measure(recording: Recording, labels: list[str]) -> TimeFigures:
    """Compare the label of each frame with the states."""
    truth = [LABELS[state] for state in recording.states]
    false = sum(1 for i in range(1, len(labels))
                if labels[i] != labels[i - 1] and labels[i] not in (truth[i], UNCERTAIN))
    changes = [0, *(np.flatnonzero(np.diff(recording.states)) + 1), len(truth)]
    delays = []
    for start, end in zip(changes[1:-1], changes[2:]):
        hit = next((i for i in range(start, end) if labels[i] == truth[start]), end - 1)
        delays.append(recording.stamps_s[hit] - recording.stamps_s[start])
    minutes = (recording.stamps_s[-1] - recording.stamps_s[0]) / 60
    right = float(np.mean([label == state for label, state in zip(labels, truth)]))
    return TimeFigures(float(false / max(minutes, 1e-9)),
                       float(np.median(delays)) if delays else 0.0, right)


def filtered_labels(recording: Recording, emotion_filter: EmotionFilter, *,
                    look_neutral: bool = False) -> list[str]:
    """
    Return the filter's label for each frame; 'uncertain' keeps the previous label.

    :param look_neutral: the person looks neutral on request at the first frame.
    """
    face = Face(1, BoundingBox(0, 0, 100, 100), 1.0)
    labels = []
    for stamp_s, probabilities in zip(recording.stamps_s, recording.probabilities):
        label = emotion_filter.update(float(stamp_s), [(face, probabilities)])[0].label
        if look_neutral and not labels:
            emotion_filter.look_neutral()
        labels.append(labels[-1] if label == UNCERTAIN and labels else label)
    return labels


def averaged_labels(recording: Recording, window_s: float) -> list[str]:
    """Return the top classes of a moving average over the last seconds."""
    rate_hz = 1 / float(np.median(np.diff(recording.stamps_s)))
    window = max(1, round(window_s * rate_hz))
    sums = np.cumsum(np.vstack([np.zeros(_CLASSES), recording.probabilities]), axis=0)
    first = np.maximum(np.arange(len(recording.stamps_s)) + 1 - window, 0)
    means = sums[1:] - sums[first]
    return [LABELS[winner] for winner in means.argmax(axis=1)]


def average_with_delay(recordings: list[Recording], delay_s: float
                       ) -> tuple[float, list[TimeFigures]]:
    """Return the window of the moving average with this mean delay, seconds, and its results."""
    def figures(window_s: float) -> list[TimeFigures]:
        return [measure(recording, averaged_labels(recording, window_s))
                for recording in recordings]
    return _closest(figures, delay_s)


def _closest(figures: Callable[[float], list[TimeFigures]], delay_s: float
             ) -> tuple[float, list[TimeFigures]]:
    best = None
    for window_s in np.geomspace(0.03, 6.0, 40):
        found = figures(float(window_s))
        error = abs(np.mean([one.delay_s for one in found]) - delay_s)
        if best is None or error < best[0]:
            best = (error, float(window_s), found)
    return best[1], best[2]
