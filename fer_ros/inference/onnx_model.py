# SPDX-License-Identifier: Apache-2.0
"""Run ONNX files with ONNX Runtime, or with OpenCV where that is not installed."""

from collections.abc import Sequence
import os
from pathlib import Path
from types import ModuleType

import cv2
from fer_ros.errors import ConfigurationError
import numpy as np

CPU_PROVIDER = 'CPUExecutionProvider'
_SUFFIX = 'ExecutionProvider'
_TYPES = {'tensor(float)': np.float32, 'tensor(float16)': np.float16,
          'tensor(double)': np.float64, 'tensor(uint8)': np.uint8}


class OnnxModel:
    """
    An ONNX network, loaded and ready to run.

    :param origin: the file's path, for messages.
    :param what: description of the file for messages.
    :param providers: ONNX Runtime's execution providers, the preferred first: see
        :func:`choose_providers`. Providers that cannot be used are skipped with a warning; the
        CPU always comes last.
    :ivar runtime: 'onnxruntime' or 'opencv', with the version and, if not the CPU, the
        provider.
    :ivar warnings: requested options that are not available, one line each.
    :ivar input_shape: the first input's shape; None where a size is open. Empty with OpenCV.
    :ivar input_type: the NumPy type of the first input.
    :ivar outputs: names of the outputs.
    :ivar output_shapes: their shapes; empty with OpenCV.
    :raises ConfigurationError: when the file cannot be used, or ``providers`` is malformed.
    """

    def __init__(self, model: bytes, *, origin: str | Path, threads: int = 1,
                 providers: Sequence[str] = (), what: str = 'face detector model'):
        self.input_shape: tuple[int | None, ...] = ()
        self.input_type: type | None = np.float32
        self.output_shapes: dict[str, tuple[int | None, ...]] = {}
        self.warnings: list[str] = []
        self._session = self._net = None
        # Since 1.29 its wheels report each process and model to Microsoft, and keep an
        # identifier of the machine on disk, unless this is set before the import.
        os.environ['ORT_DISABLE_TELEMETRY'] = '1'
        try:
            import onnxruntime
        except ImportError:
            onnxruntime = None
        chosen = choose_providers(providers, onnxruntime.get_available_providers()
                                  if onnxruntime else [], self.warnings)
        # Both runtimes raise their own classes (some plain RuntimeError) for files that they
        # cannot read; the only common base is Exception.
        try:
            if onnxruntime:
                self._start(onnxruntime, model, threads, chosen)
            else:
                self._net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
                self.outputs = tuple(self._net.getUnconnectedOutLayersNames())
                self.runtime = f'opencv {cv2.__version__}'
        except Exception as error:
            raise ConfigurationError(f"{what} '{origin}' cannot be loaded: it is damaged or not "
                                     f'an ONNX file ({_reason(error)})') from error

    def _start(self, onnxruntime: ModuleType, model: bytes, threads: int,
               providers: list[tuple[str, dict]]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, threads)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Image sizes vary; planning memory again for each costs more than it saves.
        options.enable_mem_pattern = False
        # Spinning idle workers take CPU time from other nodes.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        cpu = [(CPU_PROVIDER, {})]
        if providers:
            try:
                self._session = onnxruntime.InferenceSession(
                    model, options, providers=providers + cpu)
            except Exception as error:  # as above: a file that is not a model fails again below
                self.warnings.append(f'providers: {", ".join(name for name, _ in providers)} '
                                     f'failed ({_reason(error)}); running on the CPU')
        if self._session is None:
            self._session = onnxruntime.InferenceSession(model, options, providers=cpu)
        active = self._session.get_providers()
        # A provider whose libraries are missing is dropped without an error.
        lost = [name for name, _ in providers if name not in active]
        if lost and not self.warnings:
            self.warnings.append(f'providers: {", ".join(lost)} could not be started (are its '
                                 f'libraries installed and its device present?); running on '
                                 f'{" and ".join(active)}')
        image = self._session.get_inputs()[0]
        self._input = image.name
        self.input_shape = _shape(image)
        self.input_type = _TYPES.get(image.type)
        self.outputs = tuple(output.name for output in self._session.get_outputs())
        self.output_shapes = {output.name: _shape(output)
                              for output in self._session.get_outputs()}
        self.runtime = f'onnxruntime {onnxruntime.__version__}'
        if active[0] != CPU_PROVIDER:
            self.runtime += f' on {active[0].removesuffix(_SUFFIX)}'

    @property
    def metadata(self) -> dict[str, str]:
        """The file's embedded metadata; empty with OpenCV."""
        return dict(self._session.get_modelmeta().custom_metadata_map) if self._session else {}

    def run(self, blob: np.ndarray, outputs: tuple[str, ...] = ()) -> list[np.ndarray]:
        """Return the named outputs (all in the file's order if none is named)."""
        outputs = outputs or self.outputs
        if self._session:
            return self._session.run(outputs, {self._input: blob})
        self._net.setInput(blob)
        return list(self._net.forward(list(outputs)))


def asks_for_more(providers: Sequence[str]) -> bool:
    """Return whether any provider other than the CPU is requested."""
    return any(_key(entry) not in ('', 'cpu') for entry in providers)


def choose_providers(providers: Sequence[str], available: Sequence[str],
                     warnings: list[str]) -> list[tuple[str, dict[str, str]]]:
    """
    Return the available requested providers with their options, without the CPU.

    :param providers: each a name as ONNX Runtime has it, with or without 'ExecutionProvider', in
        any case, and its options after a colon: 'openvino:device_type=GPU,precision=FP16'.
    :param available: the providers of this ONNX Runtime; empty: it is not installed.
    :param warnings: gets a line for those that are not available.
    :raises ConfigurationError: for an option without a value.
    """
    by_name = {name.removesuffix(_SUFFIX).lower(): name for name in available}
    chosen, absent = [], []
    for entry in filter(None, (text.strip() for text in providers)):
        name, _, rest = entry.partition(':')
        options = parse_options(rest, f'providers: {entry}')
        key = _key(entry)
        if key == 'cpu':
            continue
        if key in by_name:
            chosen.append((by_name[key], options))
        else:
            absent.append(name.strip())
    if absent:
        has = ', '.join(sorted(by_name)) or 'no providers: it is not installed'
        warnings.append(
            f'providers: {", ".join(absent)} not in the installed ONNX Runtime (it has {has}); '
            'running without. Install the ONNX Runtime that has it, such as '
            f'onnxruntime-openvino, in place of onnxruntime')
    return chosen


def _key(entry: str) -> str:
    return entry.partition(':')[0].strip().lower().removesuffix(_SUFFIX.lower())


def parse_options(text: str, where: str) -> dict[str, str]:
    """Return 'key=value,key=value' as a mapping.

    :raises ConfigurationError: for a part without '='; the message begins with ``where``.
    """
    options = {}
    for part in filter(None, (part.strip() for part in text.split(','))):
        key, equals, value = part.partition('=')
        if not equals or not key.strip():
            raise ConfigurationError(f'{where}: {part!r} is not an option, expected key=value')
        options[key.strip()] = value.strip()
    return options


def _shape(node) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) and size > 0 else None for size in node.shape)


def _reason(error: Exception) -> str:
    return ' '.join(str(error).split())[:200] or type(error).__name__
