# SPDX-License-Identifier: Apache-2.0
"""Find LiteRT under the package names it has had."""

from collections.abc import Callable, Iterable
import importlib
from types import ModuleType
from typing import Any

from fer_ros.errors import ConfigurationError
from fer_ros.requirements import REQUIREMENTS
import numpy as np


def litert() -> ModuleType:
    """Return the module that has ``Interpreter`` and ``load_delegate``.

    :raises ConfigurationError: when no LiteRT is installed.
    """
    try:
        return import_first(REQUIREMENTS['LiteRT'].modules)
    except ImportError as error:
        raise ConfigurationError('no LiteRT runtime found: install ai-edge-litert '
                                 '(pip install ai-edge-litert) or tflite-runtime') from error


def interpreter(content: bytes, threads: int, what: str) -> Any:
    """Return an ``Interpreter`` for a network, ready to run.

    :param what: description of the file for messages.
    :raises ConfigurationError: when it is not a network, or LiteRT is not installed.
    """
    run_time = litert()
    try:
        made = run_time.Interpreter(model_content=content, num_threads=threads)
        made.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(f'{what} cannot be loaded: it is damaged or not a TensorFlow '
                                 f'Lite file ({error})') from error
    return made


class ResizedNetwork:
    """
    A network whose input may have another shape in each call.

    :raises ConfigurationError: as :func:`interpreter`.
    """

    def __init__(self, content: bytes, threads: int, what: str):
        self._interpreter = interpreter(content, threads, what)
        # Asked for once: each answer takes 20 us per tensor.
        place, = self._interpreter.get_input_details()
        self._input, self._shape = place['index'], None
        self._outputs = [output['index'] for output in self._interpreter.get_output_details()]

    def run(self, shape: tuple[int, ...], fill: Callable[[np.ndarray], None]) -> list[np.ndarray]:
        """
        Return the outputs in the file's order.

        :param shape: of the input.
        :param fill: writes the input into the array that it gets, and does not keep it.
        """
        network = self._interpreter
        if shape != self._shape:
            network.resize_tensor_input(self._input, shape, strict=False)
            network.allocate_tensors()
            self._shape = shape
        # In place: without a copy, and without another array for each image.
        fill(network.tensor(self._input)())
        network.invoke()
        return [network.get_tensor(output) for output in self._outputs]


def import_first(names: Iterable[str]) -> ModuleType:
    """Return the first module that can be imported.

    :raises ImportError: the error of the last one.
    """
    *others, last = names
    for name in others:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return importlib.import_module(last)
