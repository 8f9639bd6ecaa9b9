# SPDX-License-Identifier: Apache-2.0
"""Conversions of camera intrinsics and depth images."""

from fer_ros.cameras.camera_model import CameraModel
from fer_ros.errors import cut, ImageError, shown
import numpy as np
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

#: Maximum number of coefficients of a distortion model.
_MAXIMUM_COEFFICIENTS = 14


def camera_to_message(camera: CameraModel, header: Header) -> CameraInfo:
    """Return a camera's intrinsics as a message."""
    return CameraInfo(header=header, width=camera.width_px, height=camera.height_px,
                      distortion_model=camera.distortion_model, d=[float(v) for v in camera.d],
                      k=camera.k.ravel(), r=camera.r.ravel(), p=camera.p.ravel())


def message_to_camera(message: CameraInfo) -> CameraModel | None:
    """Return a camera's intrinsics, or None if the message marks it as not calibrated.

    With a region of interest, those of the region; all-zero R and P count as unknown.

    :raises ImageError: for impossible values, naming the field as in calibration files.
    """
    if not np.any(message.k):
        return None
    k, p = np.array(message.k).reshape(3, 3), np.array(message.p).reshape(3, 4)
    width, height, roi = message.width, message.height, message.roi
    known = bool(p.any())
    if roi.width and roi.height and (roi.width, roi.height) != (width, height):
        if roi.x_offset + roi.width > width or roi.y_offset + roi.height > height:
            raise ImageError('roi is not inside the image')
        width, height = roi.width, roi.height
        for matrix in (k, p):
            matrix[0, 2] -= roi.x_offset
            matrix[1, 2] -= roi.y_offset
    r = np.array(message.r).reshape(3, 3)
    camera = CameraModel(width, height, k, tuple(message.d[:_MAXIMUM_COEFFICIENTS]),
                         r if r.any() else None, p if known else None,
                         cut(message.distortion_model))
    if camera.problem:
        raise ImageError(camera.problem)
    return camera


def depth_to_array(message: Image) -> np.ndarray:
    """Return a depth image (REP-118) as float32 ``(h, w)`` meters, NaN where unknown.

    :raises ImageError: when it is neither 16UC1 (millimeters) nor 32FC1 (meters), or too short.
    """
    kinds = {'16UC1': '2', 'mono16': '2', '32FC1': '4'}
    if message.encoding not in kinds:
        raise ImageError(f'a depth image is 16UC1 or 32FC1, not {shown(message.encoding)}')
    kind = ('>' if message.is_bigendian else '<') + \
        ('f' if message.encoding == '32FC1' else 'u') + kinds[message.encoding]
    row_bytes = message.width * int(kinds[message.encoding])
    if message.step < row_bytes or len(message.data) < message.step * message.height:
        raise ImageError(f'truncated: {len(message.data)} bytes of depth, {message.width}x'
                         f'{message.height} with step {message.step}')
    rows = np.frombuffer(message.data, np.uint8)[:message.step * message.height]
    rows = np.ascontiguousarray(rows.reshape(message.height, message.step)[:, :row_bytes])
    depth = rows.view(kind).astype(np.float32)
    if message.encoding != '32FC1':
        depth = np.where(depth > 0, depth * np.float32(1e-3), np.float32(np.nan))
    return depth
