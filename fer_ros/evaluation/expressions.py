# SPDX-License-Identifier: Apache-2.0
"""Evaluate rendered heads that vary one factor at a time: expression, age, skin tone."""

from collections.abc import Iterator
import csv
from dataclasses import dataclass
from pathlib import Path

from fer_ros.cameras.encoded import read_image
from fer_ros.cameras.sources import open_source
from fer_ros.emotions.classification import EmotionClassifier
from fer_ros.emotions.emotion_filter import EmotionFilter
from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection import FaceDetector
from fer_ros.faces.face_finder import FaceFinder
from fer_ros.faces.tracking import FaceTracker
from fer_ros.types import Face
import numpy as np

_WORDS = {'smile': 'happy'}
# A still is shown to the filter for this long, at this rate, and judged in the second half.
_STILL_S, _RATE_HZ = 2.0, 15.0


@dataclass(frozen=True)
class Shown:
    """
    Results for one still or video.

    :ivar person: the head's name.
    :ivar age: 'young' or 'old'.
    :ivar tone: the skin tone; empty for videos.
    :ivar stamps_s: float ``(n,)``.
    :ivar truth: the true label of each frame.
    :ivar frames: the label of each single frame; empty if no face was found.
    :ivar labels: the filtered label; 'uncertain' keeps the previous one.
    """

    person: str
    age: str
    tone: str
    stamps_s: np.ndarray
    truth: tuple[str, ...]
    frames: tuple[str, ...]
    labels: tuple[str, ...]


def read_stills(folder: Path, detector: FaceDetector,
                classifier: EmotionClassifier) -> Iterator[Shown]:
    """
    Yield the results of each image in ``tones.csv``, in the second of two seconds.

    :raises ConfigurationError: for a missing or malformed table.
    :raises ImageError: for an image that cannot be read.
    """
    for row in _rows(folder / 'tones.csv', ('image', 'person', 'age', 'tone', 'label')):
        image = read_image(folder / row['image'])
        faces = _finder(detector, classifier).process(image, 0.0)
        stamps_s = np.arange(round(_STILL_S * _RATE_HZ)) / _RATE_HZ
        labels, frames = _labels(classifier, [(stamp_s, faces) for stamp_s in stamps_s])
        half = slice(len(stamps_s) // 2, None)
        yield Shown(row['person'], row['age'], row['tone'], stamps_s[half],
                    (row['label'],) * len(stamps_s[half]), frames[half], labels[half])


def read_videos(folder: Path, detector: FaceDetector,
                classifier: EmotionClassifier) -> Iterator[Shown]:
    """
    Yield the results of each ``videos/expressions_<person>_<age>.mp4`` with a table beside it.

    :raises ConfigurationError: when there is none, or a table cannot be read.
    :raises SourceError: for a video that cannot be read.
    """
    tables = sorted((folder / 'videos').glob('expressions_*_*.csv'))
    if not tables:
        raise ConfigurationError(f"'{folder / 'videos'}' has no expressions_<person>_<age>.csv "
                                 'beside videos of that name')
    for table in tables:
        rows = list(_rows(table, ('time_s', 'label')))
        stamps_s = np.array([_number(table, row['time_s']) for row in rows])
        finder = _finder(detector, classifier)
        found = list(zip(stamps_s.tolist(), (
            finder.process(image, stamp_s)
            for stamp_s, image in zip(stamps_s.tolist(), _images(table.with_suffix('.mp4'))))))
        if len(found) < len(rows):
            raise ConfigurationError(f"'{table.with_suffix('.mp4')}' has {len(found)} frames, the "
                                     f'table beside it has {len(rows)}')
        labels, frames = _labels(classifier, found)
        _, person, age = table.stem.split('_', 2)
        yield Shown(person, age, '', stamps_s, tuple(row['label'] for row in rows), frames, labels)


def _finder(detector: FaceDetector, classifier: EmotionClassifier) -> FaceFinder:
    form = classifier.input
    return FaceFinder(detector, FaceTracker(), crop_side_px=form.side_px,
                      crop_color=form.channels == 3)


def _labels(classifier: EmotionClassifier, found: list[tuple[float, list[Face]]]
            ) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the filtered and single-frame labels of the largest face in each frame."""
    emotion_filter = EmotionFilter.of(classifier)
    labels, frames = [], []
    for stamp_s, faces in found:
        face = max(faces, key=lambda one: one.box.width * one.box.height, default=None)
        if face is None:
            frames.append('')
            emotion_filter.update(stamp_s, [])
            labels.append(labels[-1] if labels else UNCERTAIN)
            continue
        row = classifier.classify(face.crop[None])[0]
        frames.append(LABELS[int(row.argmax())])
        label = emotion_filter.update(stamp_s, [(face, row)])[0].label
        labels.append(labels[-1] if label == UNCERTAIN and labels else label)
    return tuple(labels), tuple(frames)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    try:
        with open(path, newline='', encoding='utf-8') as file:
            reader = csv.DictReader(file)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise ConfigurationError(f"'{path}' has no column {', '.join(sorted(missing))}")
            for number, row in enumerate(reader, start=2):
                row['label'] = _WORDS.get(row['label'], row['label'])
                if row['label'] not in LABELS:
                    raise ConfigurationError(f"'{path}' line {number}: label is "
                                             f"'{row['label']}', expected smile or one of "
                                             f'{", ".join(LABELS)}')
                yield row
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"'{path}' cannot be read: {error}") from error


def _number(path: Path, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigurationError(f"'{path}': time_s is '{text}', expected seconds") from error


def _images(path: Path) -> Iterator[np.ndarray]:
    source = open_source(str(path))
    try:
        while (image := source.read()) is not None:
            yield image
    finally:
        source.close()


@dataclass(frozen=True)
class ExpressionFigures:
    """
    Metrics of a group of stills or videos.

    :ivar frames: share of single frames with the correct label, [0, 1].
    :ivar right: share of frames with the correct filtered label.
    :ivar by_label: that share for each label that occurs.
    :ivar changes: mean number of changes of the label in a video, and of the true label.
    :ivar delay_s: mean time from a change of the true label to the first correct label; a state
        that is never recognized counts with its whole length.
    """

    frames: float
    right: float
    by_label: dict[str, float]
    changes: tuple[float, float]
    delay_s: float


def measure(shown: list[Shown]) -> ExpressionFigures:
    """Return the metrics of a group of stills or videos, at least one."""
    truth = np.concatenate([one.truth for one in shown])
    right = np.concatenate([np.array(one.labels) == np.array(one.truth) for one in shown])
    frames = np.concatenate([np.array(one.frames) == np.array(one.truth) for one in shown])
    delays = []
    for one in shown:
        changes = [i for i in range(1, len(one.truth)) if one.truth[i] != one.truth[i - 1]]
        for start, end in zip(changes, [*changes[1:], len(one.truth)]):
            hit = next((i for i in range(start, end) if one.labels[i] == one.truth[i]), end - 1)
            delays.append(one.stamps_s[hit] - one.stamps_s[start])
    return ExpressionFigures(
        float(frames.mean()), float(right.mean()),
        {label: float(right[truth == label].mean()) for label in LABELS if label in truth},
        (_changes([one.labels for one in shown]), _changes([one.truth for one in shown])),
        float(np.mean(delays)) if delays else 0.0)


def _changes(sequences: list[tuple[str, ...]]) -> float:
    return float(np.mean([sum(a != b for a, b in zip(labels, labels[1:]))
                          for labels in sequences]))
