# SPDX-License-Identifier: Apache-2.0
"""Read FER2013 in its common layouts.

* the competition's ``fer2013.csv`` or ``icml_face_data.csv`` (columns emotion, pixels, Usage in
  any order), with the FER+ votes ``fer2013new.csv`` beside it where present (same rows, same
  order);
* folders ``train/<emotion>/*.{png,jpg}`` and ``test/`` or ``validation/``; ``Happy`` and
  ``happiness`` are happy.

A face of another class, such as contempt, is skipped and counted.
"""

import csv
from dataclasses import dataclass
import logging
from pathlib import Path
import warnings

import cv2
from fer_ros.cameras.encoded import read_image
from fer_ros.emotions.labels import LABELS
from fer_ros.errors import cut, ImageError
import numpy as np

IMAGE_SIZE_PX = 48
_SPLITS = ('train', 'validation', 'test')

#: FER+ columns in the order of ``fer2013new.csv``.
FERPLUS_COLUMNS = ('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear',
                   'contempt', 'unknown', 'NF')

#: The order of our FER+ output: the seven emotions of FER2013 in its order, then contempt.
FERPLUS_LABELS = (*LABELS, 'contempt')
FERPLUS_SOURCE = ('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral',
                   'contempt')
_FERPLUS_INDEX = [FERPLUS_COLUMNS.index(name) for name in FERPLUS_SOURCE]

#: The competition's file, and its other one.
_FILES = ('fer2013.csv', 'icml_face_data.csv')
#: Other folder names of emotions.
_SYNONYMS = {'anger': 'angry', 'disgusted': 'disgust', 'fearful': 'fear', 'afraid': 'fear',
             'happiness': 'happy', 'sadness': 'sad', 'surprised': 'surprise'}

_LOGGER = logging.getLogger(__name__)

_USAGES = {'Training': 'train', 'PublicTest': 'public', 'PrivateTest': 'private'}


class DatasetError(ValueError):
    """The data is missing or malformed; the message says what was expected where."""


@dataclass(frozen=True)
class Dataset:
    """Faces of one split.

    :ivar images: uint8 ``(n, 48, 48)`` grayscale.
    :ivar labels: int64 ``(n,)``, indices into :data:`fer_ros.emotions.labels.LABELS`.
    :ivar votes: float32 ``(n, 10)`` FER+ votes in the order of :data:`FERPLUS_COLUMNS`, or None.
    :ivar names: a name for each row, for reports.
    """

    images: np.ndarray
    labels: np.ndarray
    votes: np.ndarray | None
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self.labels)

    def subset(self, index: np.ndarray) -> 'Dataset':
        """Return the rows of ``index`` (a boolean mask or integer positions)."""
        index = np.arange(len(self))[index]
        return Dataset(self.images[index], self.labels[index],
                       None if self.votes is None else self.votes[index],
                       tuple(self.names[i] for i in index))


def load(path: str | Path) -> dict[str, Dataset]:
    """Read every split found at ``path``: keys are of 'train', 'public', 'private', 'test'.

    :param path: a folder in either layout, or the CSV file itself.
    :raises DatasetError: when there is nothing usable.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return _load_csv(path)
    for name in _FILES:
        if (path / name).is_file():
            return _load_csv(path / name)
    if any((path / split).is_dir() for split in _SPLITS):
        return _load_folders(path)
    what = 'is not a folder' if not path.exists() else 'holds neither'
    raise DatasetError(
        f'{path} {what}: expected fer2013.csv or icml_face_data.csv (columns '
        f'emotion,pixels,Usage) or folders train/<emotion>/ and test/<emotion>/ with '
        f'emotions {", ".join(LABELS)}')


def _load_csv(path: Path) -> dict[str, Dataset]:
    images, labels, usages = [], [], []
    csv.field_size_limit(1 << 20)
    others = 0
    # Spreadsheet programs write a byte-order mark.
    with open(path, newline='', encoding='utf-8-sig', errors='replace') as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        expected = {'emotion', 'pixels', 'Usage'}
        if not expected <= set(reader.fieldnames or ()):
            raise DatasetError(f'{path}: expected the columns emotion,pixels,Usage, found '
                               f'{cut(repr(reader.fieldnames or [])).strip("[]") or "none"}')
        for number, row in enumerate(reader, start=2):
            if row['emotion'] == str(len(LABELS)):
                others += 1
                continue
            try:
                image = _pixels(row['pixels'])
                label = int(row['emotion'])
                usage = _USAGES[row['Usage']]
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise DatasetError(f'{path}:{number}: not a FER2013 row ({error!r}); expected '
                                   'an emotion 0 to 6, 2304 pixels 0 to 255, and a Usage of '
                                   f'{", ".join(_USAGES)}') from error
            if image.size != IMAGE_SIZE_PX ** 2 or not 0 <= label < len(LABELS):
                raise DatasetError(f'{path}:{number}: {image.size} pixels and emotion {label}; '
                                   'expected 2304 pixels and an emotion 0 to 6')
            images.append(image)
            labels.append(label)
            usages.append(usage)
    if not images:
        raise DatasetError(f'{path}: no rows')
    if others:
        _LOGGER.warning('%s: %d rows of an eighth class skipped', path, others)
        if path.with_name('fer2013new.csv').is_file():
            raise DatasetError(f'{path} has rows of an eighth class, which cannot be joined with '
                               'fer2013new.csv beside it: remove them from both')
    votes = _load_votes(path.with_name('fer2013new.csv'), len(images))
    stack = np.stack(images).reshape(-1, IMAGE_SIZE_PX, IMAGE_SIZE_PX)
    everything = Dataset(stack, np.array(labels, np.int64), votes,
                         tuple(f'{usage}_{i}' for i, usage in enumerate(usages)))
    usages = np.array(usages)
    return {str(usage): everything.subset(usages == usage) for usage in np.unique(usages)}


def _pixels(text: str) -> np.ndarray:
    with warnings.catch_warnings():
        # Ten times as fast as split(), but it only warns about text that is not numeric.
        warnings.simplefilter('error')
        try:
            values = np.fromstring(text, np.int32, sep=' ')
        except (DeprecationWarning, ValueError) as error:
            raise ValueError('a pixel is not a number') from error
    if values.size and not 0 <= values.min() <= values.max() <= 255:
        raise ValueError(f'pixels from {values.min()} to {values.max()}')
    return values.astype(np.uint8)


def _load_votes(path: Path, rows: int) -> np.ndarray | None:
    if not path.is_file():
        return None
    with open(path, newline='') as file:
        reader = csv.DictReader(file)
        missing = set(FERPLUS_COLUMNS) - set(reader.fieldnames or ())
        if missing:
            raise DatasetError(f'{path}: FER+ columns missing: {", ".join(sorted(missing))}')
        try:
            votes = np.array([[float(row[name]) for name in FERPLUS_COLUMNS] for row in reader],
                             np.float32)
        except (TypeError, ValueError) as error:
            raise DatasetError(f'{path}: a vote is not a number ({error})') from error
    if len(votes) != rows:
        raise DatasetError(f'{path} has {len(votes)} rows, fer2013.csv beside it has {rows}: '
                           'the two must have the same rows in the same order')
    return votes


def _load_folders(path: Path) -> dict[str, Dataset]:
    splits = {}
    for split in _SPLITS:
        if not (path / split).is_dir():
            continue
        # If both exist, the validation split is the competition's public test.
        name = split if split != 'validation' else 'public' if (path / 'test').is_dir() \
            else 'test'
        images, labels, names = [], [], []
        for label, folder in enumerate(_emotion_folders(path / split)):
            for file in sorted(folder.iterdir()):
                if file.suffix.lower() not in ('.png', '.jpg', '.jpeg'):
                    continue
                try:
                    image = read_image(file, cv2.IMREAD_GRAYSCALE)
                except ImageError as error:
                    raise DatasetError(f'{error}: not a readable image') from error
                if image.shape != (IMAGE_SIZE_PX, IMAGE_SIZE_PX):
                    image = cv2.resize(image, (IMAGE_SIZE_PX, IMAGE_SIZE_PX),
                                       interpolation=cv2.INTER_AREA)
                images.append(image)
                labels.append(label)
                names.append(f'{split}/{folder.name}/{file.name}')
        if not images:
            raise DatasetError(f'{path / split}: no .png or .jpg image in any emotion folder')
        splits[name] = Dataset(np.stack(images), np.array(labels, np.int64), None, tuple(names))
    return splits


def _emotion_folders(split: Path) -> list[Path]:
    """Return the folder of each emotion in the order of the labels."""
    found = {}
    for folder in sorted(path for path in split.iterdir() if path.is_dir()):
        name = folder.name.lower()
        name = _SYNONYMS.get(name, name)
        if name not in LABELS:
            _LOGGER.warning('%s skipped: it is not one of %s', folder, ', '.join(LABELS))
        elif name in found:
            raise DatasetError(f'{folder} and {found[name].name} are both {name}: join them')
        else:
            found[name] = folder
    for emotion in LABELS:
        if emotion not in found:
            raise DatasetError(f'{split / emotion} is missing: expected one folder for each of '
                               f'{", ".join(LABELS)}')
    return [found[emotion] for emotion in LABELS]


def has_votes(dataset: Dataset) -> bool:
    """Return whether any face of the data has FER+ votes."""
    return dataset.votes is not None and bool(ferplus_targets(dataset.votes)[1].any())


def ferplus_targets(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn FER+ votes into a soft target and a weight.

    Votes for 'unknown' and 'not a face' carry no class: the target is the rest, normalized; the
    weight is their share, so that unreadable faces have no effect.

    :param votes: float ``(n, 10)`` in the order of :data:`FERPLUS_COLUMNS`.
    :returns: targets float32 ``(n, 8)`` in the order of :data:`FERPLUS_LABELS` (rows sum to 1),
        and weights float32 ``(n,)`` in [0, 1].
    """
    emotion_votes = votes[:, _FERPLUS_INDEX].astype(np.float32)
    # A single vote is most often a slip (E. Barsoum et al. 2016 drop them too).
    emotion_votes = np.where(emotion_votes > 1, emotion_votes, 0)
    total = emotion_votes.sum(axis=1)
    uniform = np.full(emotion_votes.shape[1], 1 / emotion_votes.shape[1], np.float32)
    targets = np.where(total[:, None] > 0, emotion_votes / np.maximum(total, 1)[:, None], uniform)
    weights = total / np.maximum(votes.sum(axis=1), 1)
    return targets.astype(np.float32), weights.astype(np.float32)


def readable(votes: np.ndarray) -> np.ndarray:
    """Return which faces at least half of the voters could read.

    :param votes: float ``(n, 10)`` in the order of :data:`FERPLUS_COLUMNS`.
    :returns: bool ``(n,)``; False where most voted 'unknown' or 'not a face'.
    """
    unread = votes[:, [FERPLUS_COLUMNS.index('unknown'), FERPLUS_COLUMNS.index('NF')]].sum(axis=1)
    return unread <= votes.sum(axis=1) / 2


def split_holdout(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split off a stratified part for model choice and calibration.

    :returns: (the rest, the held-out part); the same seed gives the same parts.
    """
    generator = np.random.default_rng(seed)
    held = np.zeros(len(dataset), bool)
    for label in range(len(LABELS)):
        rows = np.flatnonzero(dataset.labels == label)
        held[generator.permutation(rows)[:round(fraction * len(rows))]] = True
    return dataset.subset(~held), dataset.subset(held)


def concatenate(datasets: list[Dataset]) -> Dataset:
    """Return the rows of all; votes are kept when every one has them."""
    votes = [dataset.votes for dataset in datasets]
    return Dataset(np.concatenate([dataset.images for dataset in datasets]),
                   np.concatenate([dataset.labels for dataset in datasets]),
                   None if any(v is None for v in votes) else np.concatenate(votes),
                   tuple(name for dataset in datasets for name in dataset.names))
