# SPDX-License-Identifier: Apache-2.0
"""Conversions between image messages and arrays."""

from array import array
from collections.abc import Callable

import cv2
from fer_ros import MAXIMUM_PIXELS
from fer_ros.cameras.encoded import decode
from fer_ros.errors import ImageError, shown
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

try:
    from cv_bridge import CvBridge
    from cv_bridge.boost import cv_bridge_boost  # noqa: F401 (its compiled part)
except (ImportError, SystemError):  # not installed, or built for another NumPy
    CvBridge = None

#: encoding: (channels, bytes per channel, OpenCV conversion to bgr8 or None)
_ENCODINGS = {
    'bgr8': (3, 1, None),
    'rgb8': (3, 1, cv2.COLOR_RGB2BGR),
    'bgra8': (4, 1, cv2.COLOR_BGRA2BGR),
    'rgba8': (4, 1, cv2.COLOR_RGBA2BGR),
    'mono8': (1, 1, None),
    '8UC1': (1, 1, None),
    '8UC3': (3, 1, None),
    'mono16': (1, 2, None),
    '16UC1': (1, 2, None),
    'yuv422_yuy2': (2, 1, cv2.COLOR_YUV2BGR_YUY2),
    'yuv422': (2, 1, cv2.COLOR_YUV2BGR_UYVY),
    'uyvy': (2, 1, cv2.COLOR_YUV2BGR_UYVY),
    'yuyv': (2, 1, cv2.COLOR_YUV2BGR_YUY2),
    'bayer_rggb8': (1, 1, cv2.COLOR_BayerBG2BGR),
    'bayer_bggr8': (1, 1, cv2.COLOR_BayerRG2BGR),
    'bayer_gbrg8': (1, 1, cv2.COLOR_BayerGR2BGR),
    'bayer_grbg8': (1, 1, cv2.COLOR_BayerGB2BGR),
}
#: A luma plane, then a plane of both chroma with half the rows: OpenCV conversion to bgr8.
_PLANAR = {'nv12': cv2.COLOR_YUV2BGR_NV12, 'nv21': cv2.COLOR_YUV2BGR_NV21}
ENCODINGS = (*_ENCODINGS, *_PLANAR)
#: Numbers of bits that cameras use of 16.
_BITS = (10, 12, 14, 16)

#: Encodings that cv_bridge reads if it is installed; every version supports them.
_CV_BRIDGE_ENCODINGS = ('bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8', '8UC1', '8UC3')
BRIDGE = CvBridge() if CvBridge is not None else None


def image_to_array(message: Image, *, bridge: 'CvBridge | None' = BRIDGE) -> np.ndarray:
    """Return the image of a message as an array.

    :param bridge: reads the encodings that it can read without a copy; None: not used.
    :returns: uint8 ``(h, w, 3)`` BGR, or ``(h, w)`` for gray encodings; for 16 bits the upper 8 of
        those that the image uses. Encodings without conversion share the message's memory: do not
        write to it.
    :raises ImageError: for an unknown encoding, a size of zero or above
        :data:`MAXIMUM_PIXELS`, or data that is too short for the size.
    """
    layout = (1, 1, None) if message.encoding in _PLANAR else _ENCODINGS.get(message.encoding)
    if layout is None:
        raise ImageError(f'unknown encoding {shown(message.encoding)}: let the camera publish '
                         f'bgr8, or another of {", ".join(ENCODINGS)}')
    channels, depth, conversion = layout
    planar = message.encoding in _PLANAR
    width, height = message.width, message.height
    if width == 0 or height == 0:
        raise ImageError(f'the image is {width}x{height} pixels: nothing to see')
    if width * height > MAXIMUM_PIXELS:
        raise ImageError(f'the image is {width}x{height} pixels: more than {MAXIMUM_PIXELS}')
    row_bytes = width * channels * depth
    if message.step < row_bytes:
        raise ImageError(f'step is {message.step} bytes: a row of {width} {message.encoding} '
                         f'pixels has {row_bytes}')
    # The last row need not be padded.
    needed = message.step * ((height * 3 // 2 if planar else height) - 1) + row_bytes
    if len(message.data) < needed:
        raise ImageError(f'truncated: {len(message.data)} bytes of data, {width}x{height} '
                         f'{message.encoding} with step {message.step} needs {needed}')
    if width % 2 and (channels == 2 or planar):
        raise ImageError(f'the width {width} is odd: {message.encoding} has pairs of pixels')
    if planar:
        return _read_planar(message)
    pixels = _pixels(message, channels * depth, bridge)
    if depth == 2:
        return _upper_bits(np.ascontiguousarray(pixels).view(
            '>u2' if message.is_bigendian else '<u2')[..., 0])
    return pixels if conversion is None else _converted(pixels, conversion, message)


def _upper_bits(values: np.ndarray) -> np.ndarray:
    """Return the upper 8 of the bits that an image uses; cameras may use only 10 or 12 of 16.

    :param values: uint16 ``(h, w)``.
    """
    used = next(bits for bits in _BITS if values.max() < 1 << bits)
    return (values >> (used - 8)).astype(np.uint8)


def _read_planar(message: Image) -> np.ndarray:
    if message.height % 2:
        raise ImageError(f'the height {message.height} is odd: {message.encoding} has pairs of '
                         'rows')
    rows = message.height * 3 // 2
    pixels = _view(message.data, (rows, message.width), (message.step, 1))
    return _converted(pixels, _PLANAR[message.encoding], message)


def _converted(pixels: np.ndarray, conversion: int, message: Image) -> np.ndarray:
    try:
        return cv2.cvtColor(np.ascontiguousarray(pixels), conversion)
    except cv2.error as error:
        raise ImageError(f'a {message.width}x{message.height} image cannot be read as '
                         f'{message.encoding}: {error.err or error}') from error


def _pixels(message: Image, pixel_bytes: int, bridge) -> np.ndarray:
    """Return the bytes of each pixel, ``(h, w, pixel_bytes)`` or ``(h, w)``; shares the memory."""
    height, width, step = message.height, message.width, message.step
    # ROS 2's cv_bridge copies padded rows and ROS 1's shears them; with NumPy 2 it fails for a
    # foreign byte order, although bytes have none.
    if bridge is not None and message.encoding in _CV_BRIDGE_ENCODINGS \
            and step == width * pixel_bytes and not message.is_bigendian:
        return bridge.imgmsg_to_cv2(message, 'passthrough')
    shape, strides = (height, width, pixel_bytes), (step, pixel_bytes, 1)
    if pixel_bytes == 1:
        shape, strides = shape[:2], strides[:2]
    return _view(message.data, shape, strides)


def _view(data: array, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """Return a read-only uint8 array in the memory of ``data``.

    NumPy's as_strided leaves an entry in Python's table of names with each call, which makes it
    grow from 1 to 4 MiB after some ten thousand images.
    """
    view = np.ndarray(shape, np.uint8, data, 0, strides)
    view.flags.writeable = False
    return view


def compressed_to_array(message: CompressedImage,
                        decode: Callable[[bytes], np.ndarray] = decode) -> np.ndarray:
    """Return a JPEG or PNG image as uint8 ``(h, w, 3)`` BGR.

    :param decode: of a :class:`fer_ros.cameras.decoding.StreamDecoder`, for the images of one.
    :raises ImageError: when it cannot be decoded, or is larger than :data:`MAXIMUM_PIXELS`.
    """
    try:
        return decode(bytes(message.data))
    except ImageError as error:
        raise ImageError(f'compressed image ({shown(message.format)}): {error}') from error


def array_to_image(image: np.ndarray, encoding: str, header: Header | None = None) -> Image:
    """Return a message of an image that already has the encoding's layout.

    :param image: uint8 ``(h, w)`` or ``(h, w, channels)``.
    """
    channels = 1 if image.ndim == 2 else image.shape[2]
    layout = _ENCODINGS.get(encoding)
    if layout is None or layout[1] != 1 or layout[0] != channels or image.dtype != np.uint8:
        raise ImageError(f'an array of {image.dtype} {image.shape} is not a {encoding!r} image')
    message = Image(height=image.shape[0], width=image.shape[1], encoding=encoding,
                    step=image.shape[1] * channels)
    if header is not None:
        message.header = header
    # Assigning bytes or a list would check every element.
    data = array('B')
    data.frombytes(np.ascontiguousarray(image).data)
    message.data = data
    return message


def pixel_bytes(encoding: str) -> int:
    """Return the bytes of a pixel in one of the encodings of :func:`bgr_to_image`."""
    channels, depth, _ = _ENCODINGS[encoding]
    return channels * depth


def bgr_to_image(image: np.ndarray, encoding: str, header: Header | None = None) -> Image:
    """Return a message of a BGR image in another encoding.

    :param image: uint8 ``(h, w, 3)`` BGR or ``(h, w)`` gray.
    :param encoding: 'bgr8', 'rgb8', 'mono8', 'bgra8', 'rgba8' or 'yuv422_yuy2' (even width).
    """
    if image.ndim == 2 and encoding != 'mono8':
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    codes = {'rgb8': cv2.COLOR_BGR2RGB, 'mono8': cv2.COLOR_BGR2GRAY,
             'bgra8': cv2.COLOR_BGR2BGRA, 'rgba8': cv2.COLOR_BGR2RGBA}
    if encoding == 'yuv422_yuy2':
        image = _bgr_to_yuy2(image)
    elif encoding in codes and image.ndim == 3:
        image = cv2.cvtColor(image, codes[encoding])
    return array_to_image(image, encoding, header)


def _bgr_to_yuy2(image: np.ndarray) -> np.ndarray:
    if image.shape[1] % 2:
        raise ImageError(f'the width {image.shape[1]} is odd: yuv422_yuy2 has pairs of pixels; '
                         'use another width or encoding')
    # ITU-R BT.601 with studio swing, the inverse of OpenCV's COLOR_YUV2BGR_YUY2.
    blue, green, red = (image[..., i].astype(np.float32) for i in range(3))
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    u = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    v = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    out = np.empty((*image.shape[:2], 2), np.float32)
    out[..., 0] = luma
    out[:, 0::2, 1] = (u[:, 0::2] + u[:, 1::2]) / 2
    out[:, 1::2, 1] = (v[:, 0::2] + v[:, 1::2]) / 2
    return np.rint(out).clip(0, 255).astype(np.uint8)
