# SPDX-License-Identifier: Apache-2.0
"""Encoded images (JPEG, PNG and what else OpenCV reads) as arrays, never of any size."""

import struct

import cv2
from fer_ros.errors import ImageError
import numpy as np

#: Images of more pixels are refused: no camera makes them, and one would stall the pipeline.
MAXIMUM_PIXELS = 128 * 1024 * 1024

_PNG = b'\x89PNG\r\n\x1a\n'
#: Markers of JPEG that start a frame, whatever its coding; and those without a length.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BARE = {0x01, *range(0xD0, 0xDA)}


def decode(data: bytes) -> np.ndarray:
    """Return an encoded image as uint8 ``(h, w, 3)`` BGR.

    :raises ImageError: when it cannot be decoded, or says that it is larger than
        :data:`MAXIMUM_PIXELS`: a few kilobytes can ask for all memory.
    """
    size = declared_size(data)
    if size is not None and size[0] * size[1] > MAXIMUM_PIXELS:
        raise ImageError(f'the image is {size[0]}x{size[1]} pixels: more than {MAXIMUM_PIXELS}')
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as error:
        raise ImageError(f'cannot be decoded ({len(data)} bytes): {error}') from error
    if image is None:
        raise ImageError(f'cannot be decoded ({len(data)} bytes): empty, truncated, or not JPEG '
                         'or PNG')
    return image


def declared_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height that a PNG or JPEG says it has, or None for others.

    The layouts are those of ISO/IEC 15948 (PNG) and ITU-T T.81 (JPEG).
    """
    if data[:8] == _PNG and len(data) >= 24:
        return struct.unpack('>II', data[16:24])
    if data[:2] != b'\xff\xd8':
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack('>HH', data[at + 5:at + 9])
            return width, height
        # 0xFF may be repeated before a marker.
        at += 1 if marker == 0xFF else 2 if marker in _BARE else \
            2 + struct.unpack('>H', data[at + 2:at + 4])[0]
    return None
