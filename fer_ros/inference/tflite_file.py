# SPDX-License-Identifier: Apache-2.0
"""
Write small convolutional networks as TensorFlow Lite files, in memory.

The numbers of fields and operators are those of TensorFlow Lite's schema (schema.fbs, version 3).
All activations are float32 ``(n, height, width, channels)``. The input of the loaded file may be
resized.
"""

from collections.abc import Sequence

from fer_ros.inference.int8_weights import in_int8
import numpy as np

_VERSION = 3
_FLOAT32, _INT32, _INT8 = 0, 2, 9
_SAME, _VALID = 0, 1
_NO_ACTIVATION, _RELU = 0, 1
# BuiltinOperator, the type of its options (BuiltinOptions), and the slots of these.
_ADD, _CONCATENATION, _CONVOLUTION, _DEPTHWISE = (0, 11), (2, 10), (3, 1), (4, 2)
_DEPTH_TO_SPACE, _LOGISTIC, _MAX_POOL, _PRELU = (5, 94), (14, 0), (17, 5), (54, 0)


class TfliteGraph:
    """
    Builds a network; methods return the number of the tensor that they add.

    :param input_shape: ``(n, height, width, channels)``.
    :raises ImportError: when the package flatbuffers is not installed, which LiteRT brings.
    """

    def __init__(self, input_shape: Sequence[int]):
        import flatbuffers  # by those alone who write a file
        self._builder = flatbuffers.Builder(1 << 19)
        self._kinds: list[tuple[int, int]] = []
        self._shapes: list[tuple[int, ...]] = []
        self._tensors: list[int] = []
        # The first buffer is empty: that of the tensors without fixed contents.
        self._buffers = [self._table(0, {})]
        self._operators: list[int] = []
        self.input = self._tensor(tuple(input_shape), 'input')

    def convolution(self, source: int, weight: np.ndarray, bias: np.ndarray, *,
                    strides: tuple[int, int] = (1, 1), padded: bool = True,
                    relu: bool = False, int8: bool = False) -> int:
        """
        Add a convolution.

        :param weight: float32 ``(outputs, height, width, inputs)``.
        :param strides: vertical and horizontal.
        :param padded: keep the size (divided by the strides), instead of using whole windows only.
        :param int8: keep the weights in 8 bits, a quarter of the memory. The input is rounded to
            8 bits too, between its own least and largest value.
        """
        weights = self._constant_int8(weight) if int8 else self._constant(weight)
        return self._operator(
            _CONVOLUTION, [source, weights, self._constant(bias)],
            self._strided(source, weight.shape[1:3], strides, padded, len(weight)),
            {0: ('b', _SAME if padded else _VALID), 1: ('i', strides[1]), 2: ('i', strides[0]),
             3: ('b', _RELU if relu else _NO_ACTIVATION)})

    def depthwise(self, source: int, weight: np.ndarray, bias: np.ndarray, *,
                  relu: bool = False) -> int:
        """
        Add a depthwise convolution that keeps the size.

        :param weight: float32 ``(height, width, channels)``.
        """
        return self._operator(
            _DEPTHWISE, [source, self._constant(weight[None]), self._constant(bias)],
            self._shapes[source],
            {0: ('b', _SAME), 1: ('i', 1), 2: ('i', 1), 3: ('i', 1),
             4: ('b', _RELU if relu else _NO_ACTIVATION)})

    def halved(self, source: int, window: int = 2, *, padded: bool = False) -> int:
        """
        Add the maximum of each window of so many rows and columns, two apart.

        :param padded: as of :meth:`convolution`.
        """
        return self._operator(
            _MAX_POOL, [source], self._strided(source, (window, window), (2, 2), padded,
                                               self._shapes[source][3]),
            {0: ('b', _SAME if padded else _VALID), 1: ('i', 2), 2: ('i', 2), 3: ('i', window),
             4: ('i', window)})

    def doubled(self, source: int) -> int:
        """Add each value four times, two by two."""
        n, height, width, channels = self._shapes[source]
        # Unlike the operator made for it, this needs no size, so that the input may be resized.
        copies = self._operator(_CONCATENATION, [source] * 4, (n, height, width, 4 * channels),
                                {0: ('i', 3)})
        return self._operator(_DEPTH_TO_SPACE, [copies], (n, 2 * height, 2 * width, channels),
                              {0: ('i', 2)})

    def sum(self, first: int, second: int) -> int:
        """Add the sum of two tensors of the same shape."""
        return self._operator(_ADD, [first, second], self._shapes[first], {})

    def prelu(self, source: int, slopes: np.ndarray) -> int:
        """Add the values, those below zero times the slope of their channel."""
        return self._operator(_PRELU, [source, self._constant(slopes.reshape(1, 1, -1))],
                              self._shapes[source], {})

    def sigmoid(self, source: int) -> int:
        """Add the logistic function of each value."""
        return self._operator(_LOGISTIC, [source], self._shapes[source], {})

    def file(self, outputs: Sequence[int]) -> bytes:
        """Return the file; its outputs are these tensors, in this order."""
        builder = self._builder
        graph = self._table(5, {
            0: ('o', self._offsets(self._tensors)), 1: ('o', self._numbers([self.input])),
            2: ('o', self._numbers(outputs)), 3: ('o', self._offsets(self._operators))})
        codes = [self._table(4, {0: ('b', kind), 2: ('i', 1), 3: ('i', kind)})
                 for kind, _ in self._kinds]
        builder.Finish(self._table(5, {
            0: ('i', _VERSION), 1: ('o', self._offsets(codes)), 2: ('o', self._offsets([graph])),
            4: ('o', self._offsets(self._buffers))}), file_identifier=b'TFL3')
        return bytes(builder.Output())

    def _strided(self, source: int, window: Sequence[int], strides: Sequence[int], padded: bool,
                 channels: int) -> tuple[int, ...]:
        """Return the shape of what windows see."""
        n, *sides, _ = self._shapes[source]
        return (n, *(-(-side // stride) if padded else (side - length) // stride + 1
                     for side, length, stride in zip(sides, window, strides)), channels)

    def _operator(self, kind: tuple[int, int], inputs: list[int], shape: tuple[int, ...],
                  options: dict[int, tuple[str, int]]) -> int:
        output = self._tensor(shape)
        if kind not in self._kinds:
            self._kinds.append(kind)
        fields = {0: ('i', self._kinds.index(kind)), 1: ('o', self._numbers(inputs)),
                  2: ('o', self._numbers([output]))}
        if kind[1]:
            fields[4] = ('o', self._table(7, options))
            fields[3] = ('B', kind[1])
        self._operators.append(self._table(5, fields))
        return output

    def _constant(self, values: np.ndarray) -> int:
        return self._tensor(values.shape, buffer=self._buffer(values),
                            kind=_FLOAT32 if values.dtype == np.float32 else _INT32)

    def _constant_int8(self, values: np.ndarray) -> int:
        small, scales = in_int8(values.reshape(len(values), -1))
        create = self._builder.CreateNumpyVector
        quantization = self._table(4, {2: ('o', create(scales)),
                                       3: ('o', create(np.zeros(len(scales), np.int64)))})
        return self._tensor(values.shape, buffer=self._buffer(small), kind=_INT8,
                            quantization=quantization)

    def _buffer(self, values: np.ndarray) -> int:
        contents = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        # Aligned, because the run time reads the numbers in place.
        self._builder.Prep(16, len(contents))
        self._buffers.append(self._table(1, {0: ('o', self._builder.CreateNumpyVector(contents))}))
        return len(self._buffers) - 1

    def _tensor(self, shape: tuple[int, ...], name: str = '', *, buffer: int = 0,
                kind: int = _FLOAT32, quantization: int = 0) -> int:
        number = len(self._tensors)
        self._shapes.append(shape)
        fields = {0: ('o', self._numbers(shape)), 1: ('b', kind), 2: ('i', buffer),
                  3: ('o', self._builder.CreateString(name or f'tensor{number}'))}
        if quantization:
            fields[4] = ('o', quantization)
        self._tensors.append(self._table(5, fields))
        return number

    def _numbers(self, values: Sequence[int]) -> int:
        return self._builder.CreateNumpyVector(np.array(values, np.int32))

    def _offsets(self, offsets: Sequence[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return self._builder.EndVector()

    def _table(self, slots: int, fields: dict[int, tuple[str, int]]) -> int:
        """Add a table of so many slots; fields are type (byte, int, offset) and value by slot."""
        builder = self._builder
        builder.StartObject(slots)
        for slot, (kind, value) in fields.items():
            # A default that no value has: all are written.
            if kind == 'o':
                builder.PrependUOffsetTRelativeSlot(slot, value, 0)
            elif kind == 'i':
                builder.PrependInt32Slot(slot, value, -1)
            elif kind == 'B':
                builder.PrependUint8Slot(slot, value, 0)
            else:
                builder.PrependInt8Slot(slot, value, -1)
        return builder.EndObject()
