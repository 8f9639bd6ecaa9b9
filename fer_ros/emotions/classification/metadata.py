# SPDX-License-Identifier: Apache-2.0
"""Load the metadata of a weights file: a file with the same stem beside it.

docs/models.md describes every field. Invalid values are refused by the field's name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
import os
from pathlib import Path
import re
from typing import Any

import cv2
from fer_ros.emotions.contrast import even_contrast
from fer_ros.emotions.labels import Emotion, LABELS
from fer_ros.errors import ConfigurationError
import numpy as np

from .fields import Fields, read_file, SUFFIXES, UNKNOWN
from .label_mapping import emotion_of, is_further

MODEL_DIR = Path(__file__).parents[2] / 'models'

#: The weights used when no path is given.
DEFAULT_MODEL = 'fernet_int8.tflite'
#: The variant that a network's name without a variant means.
DEFAULT_VARIANT = 'int8'

METADATA_FORMAT = 1

#: Suffixes of weights; each has a runtime in :mod:`.runtimes`.
MODEL_SUFFIXES = ('.tflite', '.onnx', '.keras')

#: The logit of an emotion that a model does not have: never predicted.
NO_LOGIT = -1e4
_LARGEST_SIDE_PX = 1024
_INPUT_KEYS = ('side_px', 'color', 'colour', 'layout', 'range', 'mean', 'std', 'dtype', 'scaling',
               'even_contrast')
_KEYS = ('format', 'name', 'sha256', 'input', 'label_sets', 'default_label_set', 'valence',
         'arousal')
_LABEL_SET_KEYS = ('labels', 'output', 'activation', 'map', 'temperature', 'uncertain_below',
                   'training_shares', 'neutral_reading')


@dataclass(frozen=True)
class InputFormat:
    """A network's input: square images, ``(pixel in range - mean) / std`` per channel.

    :ivar side_px: the side, pixels.
    :ivar color: 'gray', or the order of the channels: 'rgb' or 'bgr'.
    :ivar layout: 'NHWC' or 'NCHW'.
    :ivar range: values of black and white before mean and deviation, such as (0, 255).
    :ivar mean: one number, or one per channel.
    :ivar std: as ``mean``; more than 0.
    :ivar even_contrast: apply :func:`fer_ros.emotions.contrast.even_contrast` to gray crops first.
    """

    side_px: int
    color: str = 'gray'
    layout: str = 'NHWC'
    range: tuple[float, float] = (0.0, 255.0)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    even_contrast: bool = False

    @property
    def channels(self) -> int:
        """The number of channels, 1 or 3."""
        return 1 if self.color == 'gray' else 3

    @property
    def encoding(self) -> str:
        """The encoding of the crops: 'mono8' or 'bgr8'."""
        return 'mono8' if self.color == 'gray' else 'bgr8'

    @property
    def crop_shape(self) -> tuple[int, ...]:
        """The shape of a crop: ``(side, side)``, or ``(side, side, 3)`` BGR."""
        return (self.side_px, self.side_px) + ((3,) if self.channels == 3 else ())

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one input without the batch."""
        side = self.side_px
        return ((side, side, self.channels) if self.layout == 'NHWC'
                else (self.channels, side, side))

    def __str__(self) -> str:
        return f'{self.side_px}x{self.side_px} {"grayscale" if self.channels == 1 else self.color}'

    def fit(self, crop: np.ndarray) -> np.ndarray:
        """Return a crop of any size, gray or BGR, with this format's size and channels."""
        if crop.ndim == 2 and self.channels == 3:
            crop = cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR)
        elif crop.ndim == 3 and self.channels == 1:
            crop = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        side = self.side_px
        if crop.shape[:2] == (side, side):
            return crop
        return cv2.resize(crop, (side, side), interpolation=(
            cv2.INTER_AREA if crop.shape[0] > side else cv2.INTER_LINEAR))

    def blob(self, crops: np.ndarray) -> np.ndarray:
        """Return the network's input, float32 ``(n, *sample_shape)``.

        :param crops: uint8 ``(n, *crop_shape)``.
        """
        if self.even_contrast:
            crops = np.stack([even_contrast(crop) for crop in crops])
        if self.channels == 1:
            crops = crops[..., None]
        elif self.color == 'rgb':
            crops = crops[..., ::-1]
        low, high = self.range
        scale = ((high - low) / 255) / np.array(self.std)
        shift = (low - np.array(self.mean)) / np.array(self.std)
        values = crops.astype(np.float32)
        if (scale != 1).any() or (shift != 0).any():
            values = values * scale.astype(np.float32) + shift.astype(np.float32)
        return values if self.layout == 'NHWC' else np.ascontiguousarray(
            values.transpose(0, 3, 1, 2))


@dataclass(frozen=True)
class LabelSet:
    """A classification output of a network and the meaning of its values.

    :ivar labels: the classes in the order of the output, in the model's own words.
    :ivar output: the output's name in the model.
    :ivar temperature: logits are divided by it before the softmax, > 0 (C. Guo et al. 2017).
    :ivar uncertain_below: a top class below this is reported as uncertain, [0, 1].
    :ivar activation: what the output contains: 'logits', or 'softmax' (probabilities).
    :ivar emotions: the emotion that each label means; None: the label is not published.
    :ivar training_shares: float64 ``(7,)`` in the order of our emotions, sum 1: class shares of
        the training data, which the probabilities reflect; None: unknown.
    :ivar neutral_reading: float64 ``(7,)`` in that order: the geometric mean of the
        probabilities of neutral faces outside the training data; None: unknown.
    """

    labels: tuple[str, ...]
    output: str
    temperature: float = 1.0
    uncertain_below: float = 0.0
    activation: str = 'logits'
    emotions: tuple[Emotion | None, ...] = ()
    training_shares: np.ndarray | None = field(default=None, compare=False)
    neutral_reading: np.ndarray | None = field(default=None, compare=False)

    @property
    def further(self) -> tuple[str, ...]:
        """The labels that are not among our emotions."""
        return tuple(label for label, emotion in zip(self.labels, self.emotions)
                     if emotion is None)

    @property
    def missing(self) -> tuple[str, ...]:
        """Our emotions that the model does not have."""
        return tuple(emotion.label for emotion in Emotion if emotion not in self.emotions)

    def logits(self, values: np.ndarray) -> np.ndarray:
        """Return an output's values as logits in our order, then those of additional labels.

        The probabilities of labels with the same emotion are added; an emotion without a label
        gets :data:`NO_LOGIT`.

        :param values: float ``(n, labels)``.
        :returns: float32 ``(n, 7 + further)``.
        """
        if self.activation == 'softmax':
            with np.errstate(invalid='ignore'):
                values = np.log(np.maximum(values, 1e-12))
        if self.emotions[:len(Emotion)] == tuple(Emotion) and \
                set(self.emotions[len(Emotion):]) <= {None}:
            return values
        columns = []
        for emotion in Emotion:
            own = [i for i, meant in enumerate(self.emotions) if meant is emotion]
            columns.append(np.logaddexp.reduce(values[:, own], axis=1) if own
                           else np.full(len(values), NO_LOGIT))
        columns += [values[:, i] for i, meant in enumerate(self.emotions) if meant is None]
        return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Scalar:
    """A single value in a network's output.

    :ivar output: the output's name.
    :ivar index: its index in the output.
    :ivar range: the values that are scaled to -1 and 1.
    """

    output: str
    index: int
    range: tuple[float, float]

    def read(self, values: np.ndarray) -> np.ndarray:
        """Return the value in each row of ``(n, values)``, [-1, 1]; NaN stays NaN."""
        low, high = self.range
        number = values[:, self.index].astype(np.float64)
        return np.clip((number - low) / (high - low) * 2 - 1, -1, 1)


@dataclass(frozen=True)
class ModelMetadata:
    """The metadata of a weights file.

    :ivar path: the weights.
    :ivar source: the metadata file.
    :ivar sha256: hexadecimal checksum of the weights; empty: not checked.
    :ivar label_sets: label sets by name.
    :ivar valence: which output is the valence, or None; ``arousal`` likewise.
    :ivar values: the parsed file (data, recipe, results).
    """

    path: Path
    source: Path
    name: str
    sha256: str
    input: InputFormat
    label_sets: dict[str, LabelSet]
    default_label_set: str
    valence: Scalar | None
    arousal: Scalar | None
    values: dict[str, Any] = field(repr=False)

    @property
    def input_side_px(self) -> int:
        """The side of the crops, pixels."""
        return self.input.side_px

    def notes(self, label_set: str) -> Iterator[str]:
        """Yield what a user should know about the labels of a set, one line each."""
        entry = self.label_sets[label_set]
        if entry.missing:
            yield (f'model {self.name} does not have {", ".join(entry.missing)}: never published '
                   f'with the labels {label_set}')
        if any(word.lower() != 'contempt' for word in entry.further):
            yield (f'model {self.name} also has {", ".join(entry.further)}: skipped, the '
                   'other probabilities are scaled to sum to 1')


def find_model(model_path: str | os.PathLike = '') -> Path:
    """Return the weights file for a path, the name of a shipped model, or '' (the default).

    :param model_path: the name may be a network's ('fernet') or a file's ('fernet_float16').
    :raises ConfigurationError: when there is no such file.
    """
    name = os.fspath(model_path)
    if not name:
        path = MODEL_DIR / DEFAULT_MODEL
    else:
        path = Path(name).expanduser()
        if not path.is_file() and path.name == name:
            shipped = [MODEL_DIR / (name if path.suffix else f'{stem}.tflite')
                       for stem in (name, f'{name}_{DEFAULT_VARIANT}')]
            path = next((file for file in shipped if file.is_file()), path)
    if not path.is_file():
        names = ', '.join(sorted(p.stem for p in MODEL_DIR.glob('*.tflite'))) or 'none'
        raise ConfigurationError(
            f'model {path}: no such file; give the path of a .tflite, .onnx or .keras model with '
            f'its metadata beside it, or the name of a shipped one ({names})')
    if path.suffix not in MODEL_SUFFIXES:
        raise ConfigurationError(f'model {path}: expected a file that ends in '
                                 f'{", ".join(MODEL_SUFFIXES)}')
    return path


def find_metadata(path: Path) -> Path:
    """Return the metadata file beside a weights file.

    :raises ConfigurationError: when there is none, or more than one.
    """
    found = [path.with_suffix(suffix) for suffix in SUFFIXES
             if path.with_suffix(suffix).is_file()]
    if not found:
        raise ConfigurationError(
            f'model {path}: its metadata {path.stem}.json or {path.stem}.yaml is missing; '
            f'"fer-model describe {path}" writes a draft, "fer-train export" writes both files')
    if len(found) > 1:
        raise ConfigurationError(f'model {path}: both {found[0].name} and {found[1].name} are '
                                 'beside it: keep one')
    return found[0]


def load_metadata(path: str | os.PathLike = '') -> ModelMetadata:
    """Read and check the metadata beside a weights file.

    :param path: as for :func:`find_model`.
    :raises ConfigurationError: when the file is missing or malformed, or its labels match none of
        this package's emotions; the message names the field.
    """
    path = find_model(path)
    source = find_metadata(path)
    fields = Fields(read_file(source), source)
    if fields.get('format') != METADATA_FORMAT:
        raise fields.error('format', fields.get('format'), str(METADATA_FORMAT))
    fields.refuse_unknown(_KEYS, similar_only=True)
    form = _input(fields.part('input'))
    label_sets = {name: _label_set(part) for name, part in fields.parts('label_sets')}
    if not label_sets:
        raise fields.error('label_sets', {}, 'at least one')
    sha256 = fields.text('sha256', '') and fields.text('sha256').lower()
    if sha256 and not re.fullmatch('[0-9a-f]{64}', sha256):
        raise fields.error('sha256', sha256, '64 hexadecimal digits')
    return ModelMetadata(
        path, source, fields.text('name', path.stem), sha256, form, label_sets,
        fields.text('default_label_set', next(iter(label_sets)), tuple(label_sets)),
        *(_scalar(fields.part(name)) if name in fields else None
          for name in ('valence', 'arousal')), fields.values)


def _input(fields: Fields) -> InputFormat:
    fields.refuse_unknown(_INPUT_KEYS)
    key = 'colour' if 'colour' in fields and 'color' not in fields else 'color'
    color = fields.text(key, choices=('gray', 'grayscale', 'rgb', 'bgr'))
    color = 'gray' if color == 'grayscale' else color
    counts = (1,) if color == 'gray' else (1, 3)
    low, high = fields.numbers('range', (2,), (0, 255))
    if not low < high:
        raise fields.error('range', [low, high], 'the lower number first')
    std = fields.numbers('std', counts, 1.0)
    if not all(number > 0 for number in std):
        raise fields.error('std', list(std), 'numbers above 0')
    return InputFormat(
        fields.whole('side_px', low=1, high=_LARGEST_SIDE_PX), color,
        fields.text('layout', 'NHWC', ('NHWC', 'NCHW')), (low, high),
        fields.numbers('mean', counts, 0.0), std, _even_contrast(fields, color))


def _even_contrast(fields: Fields, color: str) -> bool:
    value = fields.get('even_contrast', False)
    if not isinstance(value, bool) or value and color != 'gray':
        raise fields.error('even_contrast', value, 'true (for gray input only) or false')
    return value


def _label_set(fields: Fields) -> LabelSet:
    fields.refuse_unknown(_LABEL_SET_KEYS, similar_only=True)
    labels = fields.get('labels')
    if not isinstance(labels, list) or not labels or \
            not all(isinstance(label, str) for label in labels):
        raise fields.error('labels', labels, 'a list of strings (words such as no and on in '
                                             'quotes)')
    if UNKNOWN in labels:
        raise fields.error('labels', UNKNOWN, "the network's classes in its order")
    for label in labels:
        if labels.count(label) > 1:
            raise fields.error('labels', label, 'each label once')
    emotions = _emotions(fields, labels)
    return LabelSet(tuple(labels), fields.text('output'),
                    fields.number('temperature', 1.0, above=0),
                    fields.number('uncertain_below', 0.0, low=0, high=1),
                    fields.text('activation', 'logits', ('logits', 'softmax')), emotions,
                    *(_distribution(fields, key, emotions)
                      for key in ('training_shares', 'neutral_reading')))


def _distribution(fields: Fields, key: str,
                  emotions: tuple[Emotion | None, ...]) -> np.ndarray | None:
    """Return a value for each label as shares of our emotions, or None if absent."""
    if key not in fields:
        return None
    values = fields.numbers(key, (len(emotions),))
    if not all(0 < value <= 1 for value in values):
        raise fields.error(key, list(values), 'a number above 0, at most 1, for each label')
    shares = np.zeros(len(Emotion))
    for emotion, value in zip(emotions, values):
        if emotion is not None:
            shares[emotion] += value
    # An emotion that the model does not have is never predicted, whatever the divisor.
    shares[shares == 0] = shares.max()
    return shares / shares.sum()


def _emotions(fields: Fields, labels: list[str]) -> tuple[Emotion | None, ...]:
    """Return what each label means: by ``map``, or else by the common names."""
    chosen = fields.part('map') if 'map' in fields else Fields({}, fields._source)
    for word, label in chosen.values.items():
        if word not in labels:
            raise chosen.error(str(word), label, f'a label of the model: {", ".join(labels)}')
        if label is not None and label not in LABELS:
            raise chosen.error(str(word), label, f'one of {", ".join(LABELS)}, or null to skip '
                               'it')
    emotions = []
    for word in labels:
        if word in chosen.values:
            label = chosen.values[word]
            emotions.append(None if label is None else Emotion[label.upper()])
            continue
        emotion = emotion_of(word)
        if emotion is None and not is_further(word):
            raise fields.error('labels', word, f'one of {", ".join(LABELS)}; say in '
                               f'{fields.place("map")} which it means, or null to skip it')
        if emotion is not None and emotion in emotions:
            raise fields.error('labels', word, f'one label that means {emotion.label}; say in '
                               f'{fields.place("map")} that both do')
        emotions.append(emotion)
    if not any(emotion is not None for emotion in emotions):
        raise fields.error('labels', labels, f'at least one of {", ".join(LABELS)}')
    return tuple(emotions)


def _scalar(fields: Fields) -> Scalar:
    fields.refuse_unknown(('output', 'index', 'range'))
    low, high = fields.numbers('range', (2,), (-1, 1))
    if low == high:
        raise fields.error('range', [low, high], 'two different numbers')
    return Scalar(fields.text('output'), fields.whole('index', 0, low=0, high=10_000), (low, high))
