# SPDX-License-Identifier: Apache-2.0
"""Decode images (JPEG, PNG, BMP, WebP, TIFF) up to a size limit.

:mod:`fer_ros` sets the same limit for OpenCV before it is loaded, whatever a header says.
"""

from pathlib import Path
import struct

import cv2
from fer_ros import MAXIMUM_PIXELS
from fer_ros.errors import ConfigurationError, ImageError
from fer_ros.files import read_bytes
import numpy as np

#: No image of :data:`MAXIMUM_PIXELS` takes more bytes in a supported format.
_MAXIMUM_BYTES = 256 * 2**20
#: Progressive JPEGs with more scans are refused: each scan costs a decode. Encoders write 10.
_MAXIMUM_SCANS = 64

_JPEG, _PNG, _BMP, _WEBP = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n', b'BM', b'WEBP'
_TIFF = (b'II*\0', b'MM\0*')
#: JPEG markers that start a frame in any coding; and markers without a length.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BARE = {0x01, *range(0xD0, 0xDA)}
_START_OF_SCAN = 0xDA
_SCAN = bytes((0xFF, _START_OF_SCAN))


def decode(data: bytes, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Return an encoded image as uint8 ``(h, w, 3)`` BGR.

    :param flags: OpenCV's; with IMREAD_GRAYSCALE the result is ``(h, w)``.
    :raises ImageError: when it cannot be decoded, has another format, or declares a size above
        :data:`MAXIMUM_PIXELS`: a few bytes can request all memory.
    """
    if not data:
        raise ImageError('it is empty (0 bytes)')
    read_size = _reader(data)
    if read_size is None:
        raise ImageError(f'cannot be decoded ({len(data)} bytes): it is not JPEG, PNG, BMP, WebP '
                         'or TIFF: let the camera publish one of these')
    size = read_size(data)
    if size is not None and size[0] * size[1] > MAXIMUM_PIXELS:
        raise ImageError(f'the image is {size[0]}x{size[1]} pixels: more than {MAXIMUM_PIXELS}')
    if data[:8] == _PNG and not _png_is_whole(data):
        # OpenCV takes as much memory as a chunk says it needs, 4 GiB for a few bytes.
        raise ImageError(f'cannot be decoded ({len(data)} bytes): truncated or damaged')
    if data[:3] == _JPEG and data.count(_SCAN) > _MAXIMUM_SCANS:
        raise ImageError(f'the JPEG has more than {_MAXIMUM_SCANS} scans')
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        reason = 'it is too large' if 'PIXELS' in str(error) else error.err or str(error)
        raise ImageError(f'cannot be decoded ({len(data)} bytes): {reason}') from error
    if image is None:
        raise ImageError(f'cannot be decoded ({len(data)} bytes): truncated or damaged')
    return image


def read_image(path: str | Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Return the image in a file, as :func:`decode` does.

    :raises ImageError: as :func:`decode`, and when the file cannot be read; names the file.
    """
    try:
        return decode(read_bytes(path, _MAXIMUM_BYTES), flags)
    except ConfigurationError as error:
        raise ImageError(str(error)) from error
    except ImageError as error:
        raise ImageError(f'{path}: {error}') from error


def declared_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height that an image declares, or None if not found.

    The layouts are those of ITU-T T.81 (JPEG), ISO/IEC 15948 (PNG), RFC 9649 (WebP), TIFF 6.0 and
    the BITMAPINFOHEADER of Windows.
    """
    read_size = _reader(data)
    return None if read_size is None else read_size(data)


def work(data: bytes) -> int:
    """Return about how much there is to decode: pixels, of each scan of a JPEG, and bytes."""
    size = declared_size(data)
    pixels = MAXIMUM_PIXELS if size is None else size[0] * size[1]
    scans = data.count(_SCAN) if data[:3] == _JPEG else 1
    return pixels * max(1, scans) + len(data)


def _reader(data: bytes):
    """Return the function that reads the size of this format, or None if not supported."""
    if data[:3] == _JPEG:
        return _jpeg_size
    if data[:8] == _PNG:
        return lambda data: struct.unpack('>II', data[16:24]) if len(data) >= 24 else None
    if data[:4] == b'RIFF' and data[8:12] == _WEBP:
        return _webp_size
    if data[:4] in _TIFF:
        return _tiff_size
    return _bmp_size if data[:2] == _BMP else None


def _png_is_whole(data: bytes) -> bool:
    """Return whether each chunk of a PNG, up to the last, is as long as it says."""
    at = len(_PNG)
    while at + 12 <= len(data):
        at += 12 + int.from_bytes(data[at:at + 4], 'big')
        if at <= len(data) and data[at - 8:at - 4] == b'IEND':
            return True
    return at == len(data)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at, found = 2, None
    while at + 9 <= len(data):
        if data[at] != 0xFF:# stray bytes, which decoders skip
            at = data.find(b'\xff', at)
            if at < 0:
                break
            continue
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack('>HH', data[at + 5:at + 9])
            if found is None or width * height > found[0] * found[1]:
                found = width, height
        if marker == _START_OF_SCAN:
            break
        # 0xFF may be repeated before a marker, and a stray zero may follow it.
        at += 1 if marker == 0xFF else 2 if marker in _BARE or marker == 0 else \
            2 + struct.unpack('>H', data[at + 2:at + 4])[0]
    return found


def _bmp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 26:
        return None
    if struct.unpack('<I', data[14:18])[0] == 12:    # OS/2 header
        return struct.unpack('<HH', data[18:22])
    width, height = struct.unpack('<ii', data[18:26])
    return abs(width), abs(height)    # a negative height means top to bottom


def _webp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b'VP8X':
        return tuple(1 + int.from_bytes(data[at:at + 3], 'little') for at in (24, 27))
    if kind == b'VP8L':
        bits = int.from_bytes(data[21:25], 'little')
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return tuple(value & 0x3FFF for value in struct.unpack('<HH', data[26:30]))


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    order = '<' if data[:2] == b'II' else '>'
    try:
        start, = struct.unpack_from(f'{order}I', data, 4)
        count, = struct.unpack_from(f'{order}H', data, start)
        tags = {}
        for index in range(count):
            tag, kind = struct.unpack_from(f'{order}HH', data, start + 2 + 12 * index)
            form = 'H' if kind == 3 else 'I'
            tags[tag], = struct.unpack_from(order + form, data, start + 10 + 12 * index)
    except struct.error:
        return None
    return (tags[256], tags[257]) if 256 in tags and 257 in tags else None
