# SPDX-License-Identifier: Apache-2.0
"""Read the weights of an ONNX model, or free its input size, without the ``onnx`` package."""

from collections.abc import Callable, Iterator

from fer_ros.faces.detection.protobuf import BYTES, field, fields, VARINT
import numpy as np

# Field numbers of onnx.proto.
_MODEL_IR_VERSION, _MODEL_GRAPH = 1, 7
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO = 5, 11, 12, 13
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_FLOATS, _TENSOR_NAME, _TENSOR_BYTES = 1, 2, 4, 8, 9
_TENSOR_TYPE_FLOAT = 1
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR, _TENSOR_TYPE_SHAPE = 1, 2
_SHAPE_DIM, _DIM_PARAM = 1, 2

# Since this version of the format initializers need not be listed among the inputs.
_IR_VERSION_FREE_INITIALIZERS = 4


def free_input_size(model: bytes) -> bytes:
    """
    Return the model with its image input's batch, height and width left open.

    Weights that old exporters list among the inputs are removed from them, which also lets the
    runtime fold constants. Only fully convolutional models are valid afterwards.

    :param model: a serialized ``ModelProto`` whose only real input is laid out NCHW.
    :raises ValueError: when the bytes are not such a model.
    """
    out, graph_seen = [], False
    for number, kind, value in fields(model):
        if number == _MODEL_IR_VERSION and kind == VARINT:
            value = max(value, _IR_VERSION_FREE_INITIALIZERS)
        elif number == _MODEL_GRAPH and kind == BYTES:
            graph_seen = True
            value = b''.join(_graph_fields(value))
        out.append(field(number, value, kind))
    if not graph_seen:
        raise ValueError('the file has no graph: it is not an ONNX model')
    return b''.join(out)


def initializers(model: bytes) -> dict[str, np.ndarray]:
    """
    Return the float32 weights of a model by their names.

    :raises ValueError: when the bytes are not a model, or a weight is damaged.
    """
    weights = {}
    graph = _first(model, _MODEL_GRAPH)
    for number, _, tensor in fields(graph or b''):
        if number != _GRAPH_INITIALIZER or _first(tensor, _TENSOR_TYPE) != _TENSOR_TYPE_FLOAT:
            continue
        # In either of two fields; numbers of a list are packed.
        values = np.frombuffer(_first(tensor, _TENSOR_BYTES) or _first(tensor, _TENSOR_FLOATS)
                               or b'', '<f4')
        shape = [size for field_number, _, size in fields(tensor) if field_number == _TENSOR_DIMS]
        weights[_first(tensor, _TENSOR_NAME).decode()] = values.reshape(shape)
    return weights


def _graph_fields(graph: bytes) -> Iterator[bytes]:
    parts = list(fields(graph))
    weights = {_first(value, _TENSOR_NAME) for number, _, value in parts
               if number == _GRAPH_INITIALIZER}
    for number, kind, value in parts:
        if number == _GRAPH_VALUE_INFO:
            continue  # shapes of intermediate tensors, computed for the old size
        if number == _GRAPH_INPUT:
            if _first(value, _VALUE_NAME) in weights:
                continue
            value = _edit(value, (_VALUE_TYPE, _TYPE_TENSOR, _TENSOR_TYPE_SHAPE), _open_shape)
        elif number == _GRAPH_OUTPUT:
            value = _edit(value, (_VALUE_TYPE, _TYPE_TENSOR), _without_shape)
        yield field(number, value, kind)


def _open_shape(shape: bytes) -> bytes:
    """Name batch, height and width instead of numbering them."""
    dims = [value for number, _, value in fields(shape) if number == _SHAPE_DIM]
    if len(dims) != 4:
        raise ValueError(f'its input has {len(dims)} dimensions, an image has 4')
    for index, name in zip((0, 2, 3), 'NHW'):
        dims[index] = field(_DIM_PARAM, name)
    return b''.join(field(_SHAPE_DIM, dim) for dim in dims)


def _without_shape(tensor: bytes) -> bytes:
    return b''.join(field(number, value, kind) for number, kind, value in fields(tensor)
                    if number != _TENSOR_TYPE_SHAPE)


def _edit(message: bytes, path: tuple[int, ...], change: Callable[[bytes], bytes]) -> bytes:
    """Apply ``change`` to the sub-message at ``path``, a chain of field numbers."""
    if not path:
        return change(message)
    return b''.join(
        field(number, _edit(value, path[1:], change) if number == path[0] else value, kind)
        for number, kind, value in fields(message))


def _first(message: bytes, field_number: int) -> int | bytes | None:
    return next((value for number, _, value in fields(message) if number == field_number), None)
