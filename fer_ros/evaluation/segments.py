# SPDX-License-Identifier: Apache-2.0
"""Simulate people over time from images of real faces with known emotions."""

from collections.abc import Callable
from dataclasses import dataclass

from fer_ros.emotions.emotion_filter import EmotionFilter
from fer_ros.emotions.labels import Emotion, LABELS
from fer_ros.evaluation.emotions import filtered_labels, Recording
import numpy as np

_CLASSES = len(Emotion)
#: Profiles of people by name: the share of time of each emotion.
PERSONS = {
    'mostly neutral': np.where(np.arange(_CLASSES) == Emotion.NEUTRAL, 0.7, 0.05),
    'states even': np.full(_CLASSES, 1 / _CLASSES),
}
#: How long an image of a moving face is shown, and how long a state lasts, seconds.
PICTURE_S, STATE_S = 0.5, 2.0
#: A wrong label counts from this long after a change of state, seconds.
SETTLED_S = 1.0


@dataclass(frozen=True)
class ReadFaces:
    """
    Faces of a data set and a classifier's outputs for them.

    :ivar probabilities: float ``(n, 7)``.
    :ivar classes: int ``(n,)`` of :class:`Emotion`.
    :ivar mirrored: outputs for their mirror images, ``(n, 7)``; None: not computed.
    """

    probabilities: np.ndarray
    classes: np.ndarray
    mirrored: np.ndarray | None = None


def draw(faces: ReadFaces, shares: np.ndarray, *, moving: bool, rate_hz: float, duration_s: float,
         state_s: float = STATE_S, seed: int = 1, offset: np.ndarray | None = None,
         begin_neutral_s: float = 0.0) -> Recording:
    """
    Simulate a person with a sequence of states, each drawn by its share.

    Every other frame shows the mirror image, if its outputs are known.

    :param shares: ``(7,)``; classes without a face are skipped.
    :param moving: another image of the state's class each half second; else one for each state.
    :param state_s: how long each state lasts.
    :param offset: ``(7,)`` logits added to all outputs: the person's resting face.
    :param begin_neutral_s: the person starts with a neutral state of this length.
    """
    random = np.random.default_rng(seed)
    by_class = [np.flatnonzero(faces.classes == emotion) for emotion in range(_CLASSES)]
    present = shares * [len(rows) > 0 for rows in by_class]
    present = present / present.sum()
    stamps_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    states, shown = np.empty((2, len(stamps_s)), int)
    start_s = 0.0
    while start_s < duration_s:
        first = start_s < begin_neutral_s and len(by_class[Emotion.NEUTRAL]) > 0
        state = Emotion.NEUTRAL if first else random.choice(_CLASSES, p=present)
        length_s = begin_neutral_s if first else state_s
        here = (stamps_s >= start_s - 1e-9) & (stamps_s < start_s + length_s - 1e-9)
        pictures = random.choice(by_class[state], max(1, round(length_s / PICTURE_S)))
        if not moving:
            pictures[:] = pictures[0]
        place = ((stamps_s[here] - start_s + 1e-9) / PICTURE_S).astype(int)
        states[here], shown[here] = state, pictures[np.minimum(place, len(pictures) - 1)]
        start_s += length_s
    read = faces.probabilities[shown]
    if faces.mirrored is not None:
        read[1::2] = faces.mirrored[shown[1::2]]
    return Recording(stamps_s, states, read if offset is None else shifted(read, offset))


def shifted(probabilities: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return probabilities with an offset added to their logits, float ``(n, 7)``."""
    values = np.maximum(probabilities, 1e-6) * np.exp(offset)
    return values / values.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class SegmentFigures:
    """
    How well labels follow states.

    :ivar wrong: share of time with a wrong label, from one second after each change, [0, 1].
    :ivar delay_s: mean time from a change to the first correct label; a state that is never
        recognized counts with its whole length.
    :ivar recall: by label, the share of its states that are recognized at their end; None if
        there were none.
    """

    wrong: float
    delay_s: float
    recall: dict[str, float | None]


def measure(recordings: list[Recording], labels: list[list[str]]) -> SegmentFigures:
    """Compare the labels of all frames of all people with their states."""
    wrong, delays = [], []
    ends: dict[str, list[bool]] = {name: [] for name in LABELS}
    for recording, said in zip(recordings, labels):
        right = np.array(LABELS)[recording.states] == np.array(said)
        changes = [0, *(np.flatnonzero(np.diff(recording.states)) + 1), len(right)]
        for start, end in zip(changes, changes[1:]):
            since_s = recording.stamps_s[start:end] - recording.stamps_s[start]
            wrong += (~right[start:end][since_s >= SETTLED_S]).tolist()
            hits = np.flatnonzero(right[start:end])
            delays.append(since_s[hits[0]] if len(hits) else since_s[-1])
            ends[LABELS[recording.states[start]]].append(bool(right[end - 1]))
    return SegmentFigures(
        float(np.mean(wrong)) if wrong else 0.0, float(np.mean(delays)) if delays else 0.0,
        {name: float(np.mean(hits)) if hits else None for name, hits in ends.items()})


def single_frames(recordings: list[Recording]) -> SegmentFigures:
    """Measure the top class of each single frame."""
    return measure(recordings, [[LABELS[winner] for winner in one.probabilities.argmax(axis=1)]
                                for one in recordings])


def filtered(recordings: list[Recording], factory: Callable[[], EmotionFilter], *,
             look_neutral: bool = False) -> SegmentFigures:
    """
    Measure a filter, a new one for each person.

    :param look_neutral: the person looks neutral on request at the first frame.
    """
    return measure(recordings, [filtered_labels(one, factory(), look_neutral=look_neutral)
                                for one in recordings])


def resting_offsets(persons: int, seed: int = 1) -> list[np.ndarray]:
    """Return logit offsets, ``(7,)`` each, of people whose resting face looks sad or angry."""
    random = np.random.default_rng(seed)
    offsets = []
    for i in range(persons):
        offsets.append(np.zeros(_CLASSES))
        offsets[-1][(Emotion.SAD, Emotion.ANGRY)[i % 2]] = random.uniform(1.5, 3.5)
    return offsets
