# SPDX-License-Identifier: Apache-2.0
"""Conversions between ROS messages and dataclasses; no other package converts.

Images, faces and stamps, which nearly every node uses, are imported here. The other modules
require libraries or messages that not every node needs, and are imported where they are used:
:mod:`~fer_ros.conversions.cameras`, :mod:`~fer_ros.conversions.home`,
:mod:`~fer_ros.conversions.markers`, and :mod:`~fer_ros.conversions.optional` for messages of
packages that may not be installed.
"""

from fer_ros.conversions.faces import (
    box_to_roi,
    emotions_to_message,
    faces_to_message,
    message_to_emotions,
    message_to_faces,
    roi_to_box,
)
from fer_ros.conversions.images import (
    array_to_image,
    bgr_to_image,
    compressed_to_array,
    image_to_array,
    pixel_bytes,
)
from fer_ros.conversions.stamps import s_to_stamp, serialized_stamp, stamp_to_s

__all__ = (
    'array_to_image', 'bgr_to_image', 'box_to_roi', 'compressed_to_array', 'emotions_to_message',
    'faces_to_message', 'image_to_array', 'message_to_emotions', 'message_to_faces',
    'pixel_bytes', 'roi_to_box', 's_to_stamp', 'serialized_stamp', 'stamp_to_s')
