# SPDX-License-Identifier: Apache-2.0
"""
Give the convolutions of a TensorFlow Lite file weights of 8 bits, in memory.

Inputs and outputs remain float32: LiteRT measures the range of each convolution's input while it
runs ("dynamic range"), so that no calibration is needed. The numbers of fields are those of
TensorFlow Lite's schema (schema.fbs, version 3).
"""

import struct

import numpy as np

_FLOAT32, _INT8 = 0, 9
_CONVOLUTION = 3
# Fields of the tables.
_MODEL_CODES, _MODEL_GRAPHS, _MODEL_BUFFERS = 1, 2, 4
_CODE_OLD, _CODE = 0, 3
_GRAPH_TENSORS, _GRAPH_OPERATORS = 0, 3
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_BUFFER = 0, 1, 2
_OPERATOR_CODE, _OPERATOR_INPUTS = 0, 1
_LARGEST = 127


def with_int8_convolutions(content: bytes, fewest_channels: int = 16) -> bytes:
    """Return the file with 8-bit weights, symmetric and with a scale per output channel.

    What replaces something is appended, and the references to it are changed.

    :param content: of a file with float32 weights.
    :param fewest_channels: convolutions with fewer inputs or outputs stay as they are.
    :raises ImportError: when the package flatbuffers is not installed, which LiteRT brings.
    :raises ValueError: when it is not such a file.
    """
    try:
        return _File(content).converted(fewest_channels)
    except (struct.error, IndexError, ValueError) as error:
        raise ValueError(f'not a TensorFlow Lite file: {error}') from error


def in_int8(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights as int8 and the float32 scale of each row, of which they are multiples.

    :param values: float ``(rows, n)``.
    """
    scales = np.maximum(np.abs(values).max(axis=1) / _LARGEST, 1e-12).astype(np.float32)
    return np.rint(values / scales[:, None]).astype(np.int8), scales


class _File:
    """A file, read and changed in place."""

    def __init__(self, content: bytes):
        if content[4:8] != b'TFL3':
            raise ValueError('it does not begin like one')
        self._bytes = bytearray(content)

    def converted(self, fewest_channels: int) -> bytes:
        model = self._target(0)
        codes = [max(self._number(code, _CODE_OLD, 'b'), self._number(code, _CODE, 'i'))
                 for code in self._tables(model, _MODEL_CODES)]
        buffers = self._tables(model, _MODEL_BUFFERS)
        graph, = self._tables(model, _MODEL_GRAPHS)
        tensors = self._tables(graph, _GRAPH_TENSORS)
        weights = {self._numbers(operator, _OPERATOR_INPUTS)[1]
                   for operator in self._tables(graph, _GRAPH_OPERATORS)
                   if codes[self._number(operator, _OPERATOR_CODE, 'I')] == _CONVOLUTION}
        places, _ = self._vector(graph, _GRAPH_TENSORS)
        for index in sorted(weights):
            tensor = tensors[index]
            shape = tuple(self._numbers(tensor, _TENSOR_SHAPE).tolist())
            number = self._number(tensor, _TENSOR_BUFFER, 'I')
            if self._number(tensor, _TENSOR_TYPE, 'b') != _FLOAT32 or \
                    min(shape[0], shape[-1]) < fewest_channels:
                continue
            start, length = self._vector(buffers[number], 0)
            values = np.frombuffer(bytes(self._bytes[start:start + length]), '<f4').reshape(
                shape[0], -1)
            small, scales = in_int8(values)
            self._refer(self._field(buffers[number], 0), self._append(_vector(small)))
            self._refer(places + 4 * index, self._append(_tensor(shape, number, scales)))
        return bytes(self._bytes)

    def _append(self, part: bytes) -> int:
        """Add a finished table or vector; return its place."""
        self._bytes.extend(bytes(-len(self._bytes) % 16))
        place = len(self._bytes)
        self._bytes.extend(part)
        return place + struct.unpack_from('<I', part)[0]

    def _refer(self, place: int, to: int) -> None:
        struct.pack_into('<I', self._bytes, place, to - place)

    def _target(self, place: int) -> int:
        return place + struct.unpack_from('<I', self._bytes, place)[0]

    def _field(self, table: int, field: int) -> int:
        """Return the place of a field; 0: the table does not have it."""
        kinds = table - struct.unpack_from('<i', self._bytes, table)[0]
        if 4 + 2 * field >= struct.unpack_from('<H', self._bytes, kinds)[0]:
            return 0
        offset = struct.unpack_from('<H', self._bytes, kinds + 4 + 2 * field)[0]
        return table + offset if offset else 0

    def _number(self, table: int, field: int, kind: str) -> int:
        place = self._field(table, field)
        return struct.unpack_from(f'<{kind}', self._bytes, place)[0] if place else 0

    def _vector(self, table: int, field: int) -> tuple[int, int]:
        """Return the place of a vector's first entry and the number of entries."""
        place = self._field(table, field)
        if not place:
            return 0, 0
        vector = self._target(place)
        return vector + 4, struct.unpack_from('<I', self._bytes, vector)[0]

    def _numbers(self, table: int, field: int) -> np.ndarray:
        start, count = self._vector(table, field)
        return np.frombuffer(bytes(self._bytes[start:start + 4 * count]), '<i4')

    def _tables(self, table: int, field: int) -> list[int]:
        start, count = self._vector(table, field)
        return [self._target(start + 4 * i) for i in range(count)]


def _vector(values: np.ndarray) -> bytes:
    """Return a vector of bytes, aligned, because the run time reads the numbers in place."""
    contents = values.tobytes()
    return struct.pack('<I8xI', 12, len(contents)) + contents


def _tensor(shape: tuple[int, ...], buffer: int, scales: np.ndarray) -> bytes:
    """Return the table of a tensor of 8-bit weights, finished."""
    import flatbuffers  # by those alone who change a file
    builder = flatbuffers.Builder(256 + 16 * len(scales))
    scale, zero = (builder.CreateNumpyVector(values) for values in (
        scales, np.zeros(len(scales), np.int64)))
    builder.StartObject(7)
    builder.PrependUOffsetTRelativeSlot(2, scale, 0)
    builder.PrependUOffsetTRelativeSlot(3, zero, 0)
    quantization = builder.EndObject()
    size, name = builder.CreateNumpyVector(np.array(shape, np.int32)), builder.CreateString('')
    builder.StartObject(8)
    builder.PrependUOffsetTRelativeSlot(_TENSOR_SHAPE, size, 0)
    builder.PrependInt8Slot(_TENSOR_TYPE, _INT8, _FLOAT32)
    builder.PrependUint32Slot(_TENSOR_BUFFER, buffer, 0)
    builder.PrependUOffsetTRelativeSlot(3, name, 0)
    builder.PrependUOffsetTRelativeSlot(4, quantization, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())
