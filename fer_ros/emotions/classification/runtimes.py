# SPDX-License-Identifier: Apache-2.0
"""Run a classifier's weights: LiteRT, ONNX Runtime (or OpenCV), and Keras for comparisons.

Every runtime has ``description`` (what runs where), ``warnings`` (requested options that are not
available), ``input_shape`` and ``output_shapes`` (None where a size is open), and ``run``.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
import ctypes
from dataclasses import dataclass
import importlib
from pathlib import Path
from types import ModuleType

from fer_ros.errors import ConfigurationError, FerError
from fer_ros.inference.litert import import_first, litert
from fer_ros.inference.onnx_model import asks_for_more, OnnxModel, parse_options
import numpy as np

Shape = tuple[int | None, ...]

_DELEGATE_FUNCTIONS = ('tflite_plugin_create_delegate', 'tflite_plugin_destroy_delegate')
#: Where a Keras model's custom layer is: installed with the extra, or in the source tree.
_NETWORK_MODULES = ('fer_ros_training.networks', 'training.networks')


@dataclass(frozen=True)
class Acceleration:
    """Where a network should run; what is not available falls back to the CPU.

    :ivar threads: CPU threads, at least 1.
    :ivar providers: for ONNX Runtime, see :func:`fer_ros.inference.onnx_model.choose_providers`.
    :ivar delegate: path of a LiteRT delegate's library; empty: none.
    :ivar delegate_options: 'key=value,key=value' for it.
    """

    threads: int = 1
    providers: tuple[str, ...] = ()
    delegate: str = ''
    delegate_options: str = ''


class Runtime(ABC):
    """A loaded network.

    :ivar metadata: the file's embedded metadata.
    """

    description = ''
    input_shape: Shape = ()
    output_shapes: dict[str, Shape] = {}
    metadata: dict[str, str] = {}

    def __init__(self):
        self.warnings: list[str] = []

    @abstractmethod
    def run(self, images: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        """Return the named outputs for float32 images ``(n, ...)`` in the network's layout.

        :raises ModelFailure: when the runtime fails.
        """


class ModelFailure(FerError):
    """A loaded network cannot be run; the message is the runtime's first line."""


def load(path: Path, content: bytes, acceleration: Acceleration) -> Runtime:
    """Load a weights file by its suffix.

    :raises ConfigurationError: when the file is damaged, or its runtime is not installed.
    """
    if path.suffix == '.keras':
        return Keras(path)
    runtime = OnnxRuntime if path.suffix == '.onnx' else LiteRt
    loaded = runtime(path, content, acceleration)
    if path.suffix == '.onnx' and acceleration.delegate:
        loaded.warnings.append(f'delegate: ignored, {path.name} is not a LiteRT model; see '
                               'providers')
    if path.suffix != '.onnx' and asks_for_more(acceleration.providers):
        loaded.warnings.append(f'providers: ignored, {path.name} is not an ONNX model; see '
                               'delegate')
    return loaded


class LiteRt(Runtime):
    """A LiteRT interpreter whose batch is resized to the number of faces."""

    def __init__(self, path: Path, content: bytes, acceleration: Acceleration):
        super().__init__()
        module = litert()
        delegates = []
        if acceleration.delegate:
            delegates = self._delegates(module, acceleration)
        try:
            try:
                self._load(module, content, acceleration.threads, delegates)
            except (RuntimeError, ValueError) as error:
                if not delegates:
                    raise
                self._load(module, content, acceleration.threads, [])
                self._fall_back(acceleration, error)
        except (RuntimeError, ValueError) as error:
            raise ConfigurationError(f'model {path}: not a LiteRT model, or damaged '
                                     f'({_first_line(error)})') from error
        self.description = f'LiteRT, {_count(acceleration.threads, "thread")}'
        if delegates and not self.warnings:
            self.description = f'LiteRT with delegate {Path(acceleration.delegate).name}'

    def _delegates(self, module: ModuleType, acceleration: Acceleration) -> list:
        options = parse_options(acceleration.delegate_options, 'delegate_options')
        try:
            # Checked first, because a delegate object that could not be created prints a
            # traceback when it is deleted.
            library = ctypes.CDLL(acceleration.delegate)
            for function in _DELEGATE_FUNCTIONS:
                getattr(library, function)
            return [module.load_delegate(acceleration.delegate, options)]
        # A missing file or one that is not a library; a library that is not a delegate; a
        # delegate that finds no device.
        except (OSError, AttributeError, RuntimeError, ValueError) as error:
            self._fall_back(acceleration, error)
            return []

    def _fall_back(self, acceleration: Acceleration, error: Exception) -> None:
        self.warnings.append(f'delegate: {acceleration.delegate} cannot be used '
                             f'({_first_line(error)}); running on the CPU')

    def _load(self, module: ModuleType, content: bytes, threads: int, delegates: list) -> None:
        self._interpreter = module.Interpreter(model_content=content, num_threads=threads,
                                               experimental_delegates=delegates)
        self._interpreter.allocate_tensors()
        inputs = self._interpreter.get_input_details()
        if len(inputs) != 1:
            raise ValueError(f'{len(inputs)} inputs, expected 1')
        self._input = inputs[0]
        outputs = {entry['name']: entry for entry in self._interpreter.get_output_details()}
        if self._interpreter.get_signature_list():
            # The converter names the tensors; a signature has the model's names.
            outputs = self._interpreter.get_signature_runner().get_output_details()
        self._outputs = outputs
        signature = [int(size) for size in self._input.get('shape_signature',
                                                           self._input['shape'])]
        self.input_shape = tuple(size if size > 0 else None for size in signature)
        self.output_shapes = {name: (None, *map(int, entry['shape'][1:]))
                              for name, entry in outputs.items()}
        self._batch = int(self._input['shape'][0])

    def run(self, images: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        """Return the named outputs."""
        try:
            if len(images) != self._batch:
                self._interpreter.resize_tensor_input(self._input['index'], images.shape,
                                                      strict=False)
                self._interpreter.allocate_tensors()
                self._batch = len(images)
            self._interpreter.set_tensor(self._input['index'], _quantized(images, self._input))
            self._interpreter.invoke()
            return [_dequantized(self._interpreter.get_tensor(self._outputs[name]['index']),
                                 self._outputs[name]) for name in outputs]
        except (RuntimeError, ValueError) as error:
            self._batch = 0
            raise ModelFailure(_first_line(error)) from error


def _quantized(images: np.ndarray, entry: dict) -> np.ndarray:
    kind = np.dtype(entry['dtype'])
    scale, zero = entry['quantization']
    if kind.kind == 'f' or not scale:
        return images.astype(kind)
    limits = np.iinfo(kind)
    return np.rint(images / scale + zero).clip(limits.min, limits.max).astype(kind)


def _dequantized(values: np.ndarray, entry: dict) -> np.ndarray:
    scale, zero = entry['quantization']
    if values.dtype.kind == 'f' or not scale:
        return values.astype(np.float32)
    return (values.astype(np.float32) - zero) * np.float32(scale)


class OnnxRuntime(Runtime):
    """An ONNX file in ONNX Runtime, or in OpenCV where that is not installed."""

    def __init__(self, path: Path, content: bytes, acceleration: Acceleration):
        super().__init__()
        self._model = OnnxModel(content, origin=path, threads=acceleration.threads,
                                providers=acceleration.providers, what='model')
        self.warnings = self._model.warnings
        self.input_shape = self._model.input_shape
        self.output_shapes = self._model.output_shapes or dict.fromkeys(self._model.outputs, ())
        self.metadata = self._model.metadata
        self.description = (f'{self._model.runtime}, '
                            f'{_count(acceleration.threads, "thread")}')
        if self._model.input_type is None:
            raise ConfigurationError(f'model {path}: its input type is not one that images have '
                                     '(float, float16, double, uint8)')

    def run(self, images: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        """Return the named outputs."""
        kind = self._model.input_type
        if kind is np.uint8:
            images = np.rint(images).clip(0, 255)
        try:
            found = self._model.run(images.astype(kind, copy=False), tuple(outputs))
        except Exception as error:  # the runtime's classes share no other base
            raise ModelFailure(_first_line(error)) from error
        return [np.asarray(values, np.float32) for values in found]


class Keras(Runtime):
    """A Keras model, to compare with its exported files."""

    description = 'Keras'

    def __init__(self, path: Path):
        super().__init__()
        try:
            keras = importlib.import_module('keras')
            # Its custom layer must be registered before the model is read.
            import_first(_NETWORK_MODULES)
        except ImportError as error:
            raise ConfigurationError(
                f'model {path} requires Keras and the training extra of this package '
                f'({error}); install them, or use a .tflite model') from error
        try:
            self._model = keras.saving.load_model(path, compile=False)
        except (OSError, TypeError, ValueError) as error:
            raise ConfigurationError(f'model {path}: Keras cannot read it '
                                     f'({error})') from error
        self._to_numpy = keras.ops.convert_to_numpy
        self.input_shape = tuple(self._model.input_shape)
        outputs = self._model.output
        if not isinstance(outputs, dict):
            raise ConfigurationError(f'model {path}: its outputs have no names, expected a Keras '
                                     'model that returns a dict')
        self.output_shapes = {key: tuple(value.shape) for key, value in outputs.items()}

    def run(self, images: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        """Return the named outputs."""
        found = self._model(images, training=False)
        return [self._to_numpy(found[name]).astype(np.float32) for name in outputs]


def _first_line(error: Exception) -> str:
    return ' '.join(str(error).split())[:200] or type(error).__name__


def _count(number: int, word: str) -> str:
    return f'{number} {word}{"s" if number != 1 else ""}'
