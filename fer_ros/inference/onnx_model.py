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
    One ONNX network.

    :param origin: the file's path, for messages.
    :param what: what the file is, for messages.
    :param providers: ONNX Runtime's execution providers, the preferred first: see
        :func:`choose_providers`. What cannot be used is skipped with a warning; the processor
        always comes last.
    :ivar runtime: 'onnxruntime' or 'opencv', with the version and, where it is not the processor,
        the provider.
    :ivar warnings: what was asked for and could not be had, a line each.
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
        # From 1.29 on its wheels tell Microsoft about each process and model, and keep an
        # identifier of the machine on disk, unless this is set before it is imported.
        os.environ['ORT_DISABLE_TELEMETRY'] = '1'
        try:
            import onnxruntime
        except ImportError:
            onnxruntime = None
        chosen = choose_providers(providers, onnxruntime.get_available_providers()
                                  if onnxruntime else [], self.warnings)
        # Both run times raise classes of their own (some of them plain RuntimeError) for files
        # they cannot read, and share no base but Exception.
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
        # Image sizes vary; planning memory anew for each costs more than it saves.
        options.enable_mem_pattern = False
        # Idle workers that spin take the processor from the other nodes.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        cpu = [(CPU_PROVIDER, {})]
        if providers:
            try:
                self._session = onnxruntime.InferenceSession(
                    model, options, providers=providers + cpu)
            except Exception as error:  # as above: a file that is no model fails again below
                self.warnings.append(f'providers: {", ".join(name for name, _ in providers)} '
                                     f'failed ({_reason(error)}); running on the processor')
        if self._session is None:
            self._session = onnxruntime.InferenceSession(model, options, providers=cpu)
        active = self._session.get_providers()
        # A provider whose libraries are missing is dropped without an error.
        lost = [name for name, _ in providers if name not in active]
        if lost and not self.warnings:
            self.warnings.append(f'providers: {", ".join(lost)} could not be started (are its '
                                 f'libraries and its device there?); running on '
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
        """What the file says of itself; empty with OpenCV."""
        return dict(self._session.get_modelmeta().custom_metadata_map) if self._session else {}

    def run(self, blob: np.ndarray, outputs: tuple[str, ...] = ()) -> list[np.ndarray]:
        """Return the named outputs (all in the file's order when none is named)."""
        outputs = outputs or self.outputs
        if self._session:
            return self._session.run(outputs, {self._input: blob})
        self._net.setInput(blob)
        return list(self._net.forward(list(outputs)))


def asks_for_more(providers: Sequence[str]) -> bool:
    """Tell whether anything but the processor is among the providers."""
    return any(_key(entry) not in ('', 'cpu') for entry in providers)


def choose_providers(providers: Sequence[str], available: Sequence[str],
                     warnings: list[str]) -> list[tuple[str, dict[str, str]]]:
    """
    Return the providers that can be tried, with their options, without the processor.

    :param providers: each a name as ONNX Runtime has it, with or without 'ExecutionProvider', in
        any case, and its options after a colon: 'openvino:device_type=GPU,precision=FP16'.
    :param available: what this ONNX Runtime was built with; empty: it is not installed.
    :param warnings: gets a line for what is not available.
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
        has = ', '.join(sorted(by_name)) or 'no provider: it is not installed'
        warnings.append(
            f'providers: {", ".join(absent)} not in the installed ONNX Runtime (it has {has}); '
            'running without. Install the ONNX Runtime that has it, such as '
            f'onnxruntime-openvino, in place of onnxruntime')
    return chosen


def _key(entry: str) -> str:
    return entry.partition(':')[0].strip().lower().removesuffix(_SUFFIX.lower())


def parse_options(text: str, where: str) -> dict[str, str]:
    """Return 'key=value,key=value' as a mapping.

    :raises ConfigurationError: for a part that has no '='; begins with ``where``.
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
