# SPDX-License-Identifier: Apache-2.0
"""Emotions of face crops from a network that carries its own labels and calibration.

The run time is LiteRT; a ``.keras`` model runs too where Keras is installed. Beside every weights
file lies a metadata file of the same stem (``.json``), and loading refuses what does not match it:
see :func:`load_metadata`.
"""

from dataclasses import dataclass, field
import hashlib
import importlib
import json
import math
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .emotions import LABELS
from .errors import ConfigurationError

MODEL_DIR = Path(__file__).parent.parent / 'models'

#: The weights used when no path is given.
DEFAULT_MODEL = 'fernet_int8.tflite'

METADATA_FORMAT = 1

#: Faces of one invocation; more are done in several, so that memory stays bounded.
MAX_BATCH = 16

_LITERT_MODULES = ('ai_edge_litert.interpreter', 'tflite_runtime.interpreter',
                   'tensorflow.lite.python.interpreter')
#: Where a Keras model's custom layer is: installed with the extra, or in the source tree.
_NETWORK_MODULES = ('fer_ros_training.networks', 'training.networks')


@dataclass(frozen=True)
class LabelSet:
    """One output of a network, and what its numbers mean.

    :ivar labels: the classes in the order of the output; the first seven are
        :data:`fer_ros.core.emotions.LABELS`, further ones are left out of what is published.
    :ivar output: the output's name in the model.
    :ivar temperature: logits are divided by it before the softmax, > 0 (C. Guo et al. 2017).
    :ivar uncertain_below: a winner less probable than this should be called uncertain, [0, 1].
    """

    labels: tuple[str, ...]
    output: str
    temperature: float = 1.0
    uncertain_below: float = 0.0


@dataclass(frozen=True)
class ModelMetadata:
    """What a weights file is, as its metadata file says.

    :ivar path: the weights.
    :ivar sha256: hexadecimal checksum of the weights.
    :ivar input_side_px: side of the square grayscale input.
    :ivar label_sets: by name.
    :ivar values: the whole file as read (data, recipe, figures).
    """

    path: Path
    name: str
    sha256: str
    input_side_px: int
    label_sets: dict[str, LabelSet]
    default_label_set: str
    values: dict[str, Any] = field(repr=False)


def find_model(model_path: str | os.PathLike = '') -> Path:
    """Return the weights file for a path, the name of a shipped model, or '' (the default).

    :raises ConfigurationError: when there is no such file.
    """
    name = os.fspath(model_path)
    if not name:
        path = MODEL_DIR / DEFAULT_MODEL
    else:
        path = Path(name).expanduser()
        shipped = MODEL_DIR / (name if path.suffix else f'{name}.tflite')
        if not path.is_file() and path.name == name and shipped.is_file():
            path = shipped
    if not path.is_file():
        names = ', '.join(sorted(p.stem for p in MODEL_DIR.glob('*.tflite'))) or 'none'
        raise ConfigurationError(
            f'model {path}: no such file; give the path of a .tflite or .keras model with its '
            f'.json beside it, or the name of a shipped one ({names})')
    return path


def load_metadata(path: str | os.PathLike) -> ModelMetadata:
    """Read and check the metadata beside a weights file.

    :param path: as for :func:`find_model`.
    :raises ConfigurationError: when the file is missing or malformed, or its labels are not this
        package's in this package's order.
    """
    path = find_model(path)
    source = path.with_suffix('.json')
    try:
        values = json.loads(source.read_text(encoding='utf-8'))
    except OSError as error:
        raise ConfigurationError(
            f'model {path}: its metadata {source.name} cannot be read ({error.strerror}); export '
            'the model with "python -m training export", which writes both') from error
    except ValueError as error:
        raise ConfigurationError(f'{source}: not a JSON file ({error})') from error
    try:
        if values['format'] != METADATA_FORMAT:
            raise ConfigurationError(f'{source}: format {values["format"]!r} is not known, '
                                     f'expected {METADATA_FORMAT}')
        image = values['input']
        if image['colour'] != 'grayscale' or image['range'] != [0, 255]:
            raise ConfigurationError(
                f'{source}: input of colour {image["colour"]!r} and range {image["range"]!r}, '
                "expected 'grayscale' and [0, 255]; scaling belongs inside the model")
        label_sets = {name: LabelSet(tuple(entry['labels']), str(entry['output']),
                                     float(entry['temperature']),
                                     float(entry['uncertain_below']))
                      for name, entry in values['label_sets'].items()}
        metadata = ModelMetadata(path, str(values['name']), str(values['sha256']),
                                 int(image['side_px']), label_sets,
                                 str(values['default_label_set']), values)
    except ConfigurationError:
        raise
    except KeyError as error:
        raise ConfigurationError(f'{source}: the key {error} is missing') from error
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError(f'{source}: malformed ({error})') from error
    _check(metadata, source)
    return metadata


def _check(metadata: ModelMetadata, source: Path) -> None:
    for name, entry in metadata.label_sets.items():
        if entry.labels[:len(LABELS)] != LABELS:
            raise ConfigurationError(
                f'{source}: the labels of {name} are {", ".join(map(str, entry.labels))}; '
                f'expected {", ".join(LABELS)} in this order (others may follow). Export the '
                'model again with its outputs in this order')
        if not (math.isfinite(entry.temperature) and entry.temperature > 0):
            raise ConfigurationError(f'{source}: the temperature of {name} is '
                                     f'{entry.temperature}, expected more than 0')
        if not 0 <= entry.uncertain_below <= 1:
            raise ConfigurationError(f'{source}: uncertain_below of {name} is '
                                     f'{entry.uncertain_below}, expected 0 to 1')
    if metadata.default_label_set not in metadata.label_sets:
        raise ConfigurationError(f'{source}: default_label_set {metadata.default_label_set!r} is '
                                 f'none of {", ".join(metadata.label_sets) or "no label sets"}')
    if metadata.input_side_px < 1:
        raise ConfigurationError(f'{source}: side_px is {metadata.input_side_px}, expected a '
                                 'positive number of pixels')


class EmotionClassifier:
    """Calibrated probabilities of the seven emotions for batches of aligned faces.

    Not safe for use by several threads at once.

    :param model_path: a ``.tflite`` or ``.keras`` file, the name of a shipped model, or '' for
        the default one.
    :param threads: threads of the run time, at least 1.
    :param label_set: which annotators' notion of the emotions is published, a key of the
        metadata's label sets ('fer2013' or 'ferplus'); '' for the model's default.
    :raises ConfigurationError: when the model cannot be used.
    """

    def __init__(self, model_path: str | os.PathLike = '', *, threads: int = 1,
                 label_set: str = ''):
        if threads < 1:
            raise ConfigurationError(f'threads is {threads}, expected at least 1')
        self.metadata = load_metadata(model_path)
        self.label_set = label_set or self.metadata.default_label_set
        if self.label_set not in self.metadata.label_sets:
            raise ConfigurationError(
                f'label_set {label_set!r} is not in model {self.metadata.name}; it has '
                f'{", ".join(self.metadata.label_sets)}')
        content = self.metadata.path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.metadata.sha256:
            raise ConfigurationError(
                f'model {self.metadata.path}: its SHA-256 is {digest[:12]}..., the metadata '
                f'beside it says {self.metadata.sha256[:12]}...; the file is damaged or is not '
                'the one the metadata belongs to')
        backend = _Keras if self.metadata.path.suffix == '.keras' else _LiteRt
        self._backend = backend(self.metadata, content, threads)

    @property
    def name(self) -> str:
        """The model's name, as published with its results."""
        return self.metadata.name

    @property
    def input_side_px(self) -> int:
        """The side of the crops, pixels."""
        return self.metadata.input_side_px

    @property
    def uncertain_below(self) -> float:
        """The probability below which a winner should be called uncertain, [0, 1]."""
        return self.metadata.label_sets[self.label_set].uncertain_below

    def classify(self, crops: np.ndarray) -> np.ndarray:
        """Return the probabilities of the emotions in each crop.

        :param crops: uint8 ``(n, side, side)`` grayscale, n may be 0; a sequence of crops does.
        :returns: float32 ``(n, 7)`` in the order of :class:`fer_ros.core.emotions.Emotion`; each
            row sums to 1.
        :raises ValueError: when the crops have another shape or type.
        """
        return probabilities(self.logits(crops)[self.label_set],
                             self.metadata.label_sets[self.label_set].temperature)

    def logits(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """Return the raw outputs of every label set, float32 ``(n, classes)``, uncalibrated."""
        crops = np.asarray(crops)
        side = self.input_side_px
        if len(crops) == 0:
            crops = np.empty((0, side, side), np.uint8)
        if crops.shape[1:] != (side, side) or crops.dtype != np.uint8:
            raise ValueError(f'crops of shape {crops.shape} and type {crops.dtype}, expected '
                             f'uint8 (n, {side}, {side})')
        names = self.metadata.label_sets
        chunks = [self._backend.run(crops[i:i + MAX_BATCH, :, :, None].astype(np.float32))
                  for i in range(0, len(crops), MAX_BATCH)]
        if not chunks:
            return {name: np.empty((0, len(entry.labels)), np.float32)
                    for name, entry in names.items()}
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the softmax over the seven emotions, float32 ``(n, 7)``.

    Further classes (contempt) are left out before it, which equals dropping them afterwards and
    normalising what is left.
    """
    scaled = np.asarray(logits, np.float64)[:, :len(LABELS)] / temperature
    scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
    exponentials = np.exp(scaled)
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)


class _LiteRt:
    """A LiteRT interpreter whose batch is resized to the number of faces."""

    def __init__(self, metadata: ModelMetadata, content: bytes, threads: int):
        self._metadata = metadata
        try:
            self._interpreter = _interpreter_class()(model_content=content, num_threads=threads)
            runner = self._interpreter.get_signature_runner()
            inputs, outputs = runner.get_input_details(), runner.get_output_details()
        except (RuntimeError, ValueError) as error:
            raise ConfigurationError(f'model {metadata.path}: not a LiteRT model with a signature '
                                     f'({error})') from error
        side = metadata.input_side_px
        shapes = [list(map(int, entry['shape'][1:])) for entry in inputs.values()]
        if shapes != [[side, side, 1]]:
            raise ConfigurationError(f'model {metadata.path}: inputs of shape {shapes}, the '
                                     f'metadata says {side}x{side} grayscale')
        self._input = next(iter(inputs.values()))['index']
        self._outputs = {}
        for name, entry in metadata.label_sets.items():
            found = outputs.get(entry.output)
            if found is None or found['shape'][-1] != len(entry.labels):
                raise ConfigurationError(
                    f'model {metadata.path}: {len(entry.labels)} labels for the output '
                    f'{entry.output!r}, the model has '
                    f'{ {key: int(value["shape"][-1]) for key, value in outputs.items()} }')
            self._outputs[name] = found['index']
        self._batch = 0

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the logits of float32 ``(n, side, side, 1)`` by label set."""
        if len(images) != self._batch:
            self._interpreter.resize_tensor_input(self._input, images.shape, strict=False)
            self._interpreter.allocate_tensors()
            self._batch = len(images)
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index)
                for name, index in self._outputs.items()}


def _interpreter_class() -> type:
    try:
        return _import_first(_LITERT_MODULES).Interpreter
    except ImportError as error:
        raise ConfigurationError('no LiteRT run time found: install ai-edge-litert '
                                 '(pip install ai-edge-litert) or tflite-runtime') from error


def _import_first(names: tuple[str, ...]) -> ModuleType:
    for name in names[:-1]:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return importlib.import_module(names[-1])


class _Keras:
    """A Keras model, for comparison with what was exported from it."""

    def __init__(self, metadata: ModelMetadata, content: bytes, threads: int):
        del content, threads
        try:
            keras = importlib.import_module('keras')
            # Its custom layer has to be known before the model is read.
            _import_first(_NETWORK_MODULES)
        except ImportError as error:
            raise ConfigurationError(
                f'model {metadata.path} needs Keras and the training extra of this package '
                f'({error}); install them, or use a .tflite model') from error
        try:
            self._model = keras.saving.load_model(metadata.path, compile=False)
        except (OSError, TypeError, ValueError) as error:
            raise ConfigurationError(f'model {metadata.path}: Keras cannot read it '
                                     f'({error})') from error
        self._to_numpy = keras.ops.convert_to_numpy
        self._outputs = {name: entry.output for name, entry in metadata.label_sets.items()}
        shapes = {key: tuple(value.shape) for key, value in self._model.output.items()}
        expected = {entry.output: (None, len(entry.labels))
                    for entry in metadata.label_sets.values()}
        side = metadata.input_side_px
        if self._model.input_shape != (None, side, side, 1) or any(
                shapes.get(key) != value for key, value in expected.items()):
            raise ConfigurationError(
                f'model {metadata.path}: input {self._model.input_shape} and outputs {shapes}, '
                f'the metadata says {side}x{side} grayscale and outputs {expected}')

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the logits of float32 ``(n, side, side, 1)`` by label set."""
        outputs = self._model(images, training=False)
        return {name: self._to_numpy(outputs[key]).astype(np.float32)
                for name, key in self._outputs.items()}
