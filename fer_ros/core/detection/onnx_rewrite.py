# SPDX-License-Identifier: Apache-2.0
"""Free an ONNX model from the input size it was exported with, without the ``onnx`` package."""

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Field numbers of onnx.proto3.
_MODEL_IR_VERSION, _MODEL_GRAPH = 1, 7
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO = 5, 11, 12, 13
_TENSOR_NAME = 8
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR, _TENSOR_TYPE_SHAPE = 1, 2
_SHAPE_DIM, _DIM_VALUE, _DIM_PARAM = 1, 1, 2

# From this version of the format on, initializers need not be listed among the inputs.
_IR_VERSION_FREE_INITIALIZERS = 4


def free_input_size(model: bytes) -> bytes:
    """
    Return the model with its image input's batch, height and width left open.

    Weights that old exporters list among the inputs are taken out of them, which also lets the
    run time fold constants. Only fully convolutional models make sense afterwards.

    :param model: a serialised ``ModelProto`` whose one true input is laid out NCHW.
    :raises ValueError: when the bytes are not such a model.
    """
    try:
        return b''.join(_model_fields(model))
    except IndexError:
        raise ValueError('truncated or damaged ONNX file') from None


def _model_fields(model: bytes) -> Iterator[bytes]:
    graph_seen = False
    for number, kind, value in _fields(model):
        if number == _MODEL_IR_VERSION and kind == _VARINT:
            value = max(value, _IR_VERSION_FREE_INITIALIZERS)
        elif number == _MODEL_GRAPH and kind == _BYTES:
            graph_seen = True
            value = b''.join(_graph_fields(value))
        yield _field(number, kind, value)
    if not graph_seen:
        raise ValueError('no graph in the file: it is not an ONNX model')


def _graph_fields(graph: bytes) -> Iterator[bytes]:
    fields = list(_fields(graph))
    weights = {_first(value, _TENSOR_NAME) for number, _, value in fields
               if number == _GRAPH_INITIALIZER}
    for number, kind, value in fields:
        if number == _GRAPH_VALUE_INFO:
            continue  # shapes of intermediate tensors, worked out for the old size
        if number == _GRAPH_INPUT:
            if _first(value, _VALUE_NAME) in weights:
                continue
            value = _open_shape(value, b'NHW')
        elif number == _GRAPH_OUTPUT:
            value = _without_shape(value)
        yield _field(number, kind, value)


def _open_shape(value_info: bytes, names: bytes) -> bytes:
    """Name the dimensions 0, 2 and 3 of a four-dimensional tensor instead of numbering them."""
    def dims(shape: bytes) -> bytes:
        parts = [value for number, _, value in _fields(shape) if number == _SHAPE_DIM]
        if len(parts) != 4:
            raise ValueError('the model takes no image: its input has '
                             f'{len(parts)} dimensions instead of 4')
        for index, name in zip((0, 2, 3), names):
            parts[index] = _field(_DIM_PARAM, _BYTES, bytes([name]))
        return b''.join(_field(_SHAPE_DIM, _BYTES, part) for part in parts)
    return _edit(value_info, (_VALUE_TYPE, _TYPE_TENSOR, _TENSOR_TYPE_SHAPE), dims)


def _without_shape(value_info: bytes) -> bytes:
    def drop(tensor: bytes) -> bytes:
        return b''.join(_field(*field) for field in _fields(tensor)
                        if field[0] != _TENSOR_TYPE_SHAPE)
    return _edit(value_info, (_VALUE_TYPE, _TYPE_TENSOR), drop)


def _edit(message: bytes, path: tuple[int, ...], change) -> bytes:
    """Apply ``change`` to the sub-message at ``path``, a chain of field numbers."""
    if not path:
        return change(message)
    return b''.join(
        _field(number, kind, _edit(value, path[1:], change) if number == path[0] else value)
        for number, kind, value in _fields(message))


def _first(message: bytes, wanted: int):
    return next((value for number, _, value in _fields(message) if number == wanted), None)


def _fields(message: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, position = _read_varint(message, position)
        elif kind in (_BYTES, _FIXED32, _FIXED64):
            if kind == _BYTES:
                length, position = _read_varint(message, position)
            else:
                length = 4 if kind == _FIXED32 else 8
            if position + length > len(message):
                raise IndexError
            value, position = message[position:position + length], position + length
        else:
            raise ValueError('not an ONNX model')
        yield number, kind, value


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError('not an ONNX model')


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, kind: int, value: int | bytes) -> bytes:
    tag = _varint(number << 3 | kind)
    if kind == _VARINT:
        return tag + _varint(value)
    return tag + (_varint(len(value)) if kind == _BYTES else b'') + value
