# SPDX-License-Identifier: Apache-2.0
"""Run ONNX files with ONNX Runtime, or with OpenCV where that is not installed."""

import importlib.util
import logging
import os
from pathlib import Path

import cv2
from fer_ros.core.errors import ConfigurationError
import numpy as np

_logger = logging.getLogger(__name__)


def package_file(package: str, name: str) -> Path | None:
    """Return the path of a file inside an installed package, whose code is not run, or None."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / name
        if path.is_file():
            return path
    return None


def read_model(path: str | Path) -> bytes:
    """Return a model file's bytes; ConfigurationError when it cannot be read or is empty."""
    try:
        model = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"face detector model '{path}' cannot be read ({error.strerror}): give the path of "
            'an ONNX file in model_path, or leave it empty') from error
    if not model:
        raise ConfigurationError(f"face detector model '{path}' is empty: download it again")
    return model


class OnnxModel:
    """
    One ONNX network.

    :ivar runtime: 'onnxruntime' or 'opencv', with the version.
    :ivar input_shape: the first input's shape; None where a size is open. Empty with OpenCV.
    :ivar outputs: names of the outputs.
    """

    def __init__(self, model: bytes, *, origin: str | Path, threads: int = 1):
        self.input_shape: tuple[int | None, ...] = ()
        self._session = self._net = None
        # From 1.29 on its wheels tell Microsoft about each process and model, and keep an
        # identifier of the machine on disk, unless this is set before it is imported.
        os.environ['ORT_DISABLE_TELEMETRY'] = '1'
        try:
            import onnxruntime
        except ImportError:
            onnxruntime = None
        # Both run times raise classes of their own (some of them plain RuntimeError) for files
        # they cannot read, and share no base but Exception.
        try:
            if onnxruntime:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = max(1, threads)
                options.inter_op_num_threads = 1
                options.log_severity_level = 3
                # Image sizes vary; planning memory anew for each costs more than it saves.
                options.enable_mem_pattern = False
                # Idle workers that spin take the processor from the other nodes.
                options.add_session_config_entry('session.intra_op.allow_spinning', '0')
                self._session = onnxruntime.InferenceSession(
                    model, options, providers=['CPUExecutionProvider'])
                image = self._session.get_inputs()[0]
                self._input = image.name
                self.input_shape = tuple(size if isinstance(size, int) else None
                                         for size in image.shape)
                self.outputs = tuple(output.name for output in self._session.get_outputs())
                self.runtime = f'onnxruntime {onnxruntime.__version__}'
            else:
                self._net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
                self.outputs = tuple(self._net.getUnconnectedOutLayersNames())
                self.runtime = f'opencv {cv2.__version__}'
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else 'no reason'
            raise ConfigurationError(f"face detector model '{origin}' cannot be loaded: it is "
                                     f'damaged or not an ONNX file ({reason})') from error

    def run(self, blob: np.ndarray, outputs: tuple[str, ...] = ()) -> list[np.ndarray]:
        """Return the named outputs (all in the file's order when none is named)."""
        outputs = outputs or self.outputs
        if self._session:
            return self._session.run(outputs, {self._input: blob})
        self._net.setInput(blob)
        return list(self._net.forward(list(outputs)))
