# SPDX-License-Identifier: Apache-2.0
"""Read and write the parts of the protocol-buffer wire format that ONNX files use."""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_LONGEST_VARINT_BITS = 63


def fields(message: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """
    Yield field number, wire type and value of each field of a message.

    :raises ValueError: when the bytes end too early or are not a message.
    """
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, position = _read_varint(message, position)
        elif kind in (BYTES, FIXED32, FIXED64):
            if kind == BYTES:
                length, position = _read_varint(message, position)
            else:
                length = 4 if kind == FIXED32 else 8
            if position + length > len(message):
                raise ValueError('the file is truncated')
            value, position = message[position:position + length], position + length
        else:
            raise ValueError('the file is not a protocol-buffer message')
        yield number, kind, value


def field(number: int, value: int | bytes | str, kind: int | None = None) -> bytes:
    """Return one field; whole numbers become varints, bytes and text length-delimited."""
    if kind is None:
        kind = VARINT if isinstance(value, int) else BYTES
    tag = _varint(number << 3 | kind)
    if kind == VARINT:
        return tag + _varint(value)
    if isinstance(value, str):
        value = value.encode()
    return tag + (_varint(len(value)) if kind == BYTES else b'') + value


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message) and shift <= _LONGEST_VARINT_BITS:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError('the file is truncated')


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
