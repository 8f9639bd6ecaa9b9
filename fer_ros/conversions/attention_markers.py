# SPDX-License-Identifier: Apache-2.0
"""Conversion from attention to rviz markers: the axes of each head and a ray along each gaze."""

from builtin_interfaces.msg import Duration
from fer_ros.attention.colors import COLORS_BGR
from fer_ros.conversions.attention import quaternion_to_rotation
from fer_ros.msg import AttentionArray
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
import numpy as np
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

_AXIS_M, _RAY_M, _WIDTH_M = 0.1, 0.6, 0.012


def attention_to_markers(message: AttentionArray, lifetime_s: float) -> MarkerArray:
    """Return the axes (x red, y green, z blue) and gaze of each person with a known head pose."""
    result = MarkerArray()
    nanoseconds = round(lifetime_s * 1e9)
    common = {'header': message.header, 'action': Marker.ADD,
              'lifetime': Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9),
              'pose': Pose(orientation=Quaternion(w=1.0))}
    for face in message.faces:
        if not face.known:
            continue
        place = face.head.pose.position
        start = np.array([place.x, place.y, place.z])
        axes = Marker(ns='head', id=face.track_id % 2**31, type=Marker.LINE_LIST,
                      scale=Vector3(x=_WIDTH_M), **common)
        for i, axis in enumerate(quaternion_to_rotation(face.head.pose.orientation).T):
            color = ColorRGBA(r=float(i == 0), g=float(i == 1), b=float(i == 2), a=1.0)
            axes.points += [place, _point(start + _AXIS_M * axis)]
            axes.colors += [color, color]
        blue, green, red = (channel / 255 for channel in COLORS_BGR[face.label])
        gaze = np.array([face.gaze.x, face.gaze.y, face.gaze.z])
        result.markers += [axes, Marker(
            ns='gaze', id=face.track_id % 2**31, type=Marker.ARROW,
            scale=Vector3(x=_WIDTH_M, y=3 * _WIDTH_M, z=4 * _WIDTH_M),
            color=ColorRGBA(r=red, g=green, b=blue, a=0.9),
            points=[place, _point(start + _RAY_M * gaze)], **common)]
    return result


def _point(values: np.ndarray) -> Point:
    x, y, z = values.tolist()
    return Point(x=x, y=y, z=z)
