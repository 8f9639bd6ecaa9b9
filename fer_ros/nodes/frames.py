# SPDX-License-Identifier: Apache-2.0
"""Transform points of other frames to a camera's frame with tf2."""

from collections.abc import Sequence

from fer_ros.attention.zones import Zone
from fer_ros.conversions.attention import quaternion_to_rotation
from fer_ros.errors import ConfigurationError
from fer_ros.nodes.base import ManagedNode
import numpy as np
from rclpy.time import Time

try:
    import tf2_ros
except ImportError:
    tf2_ros = None


class PointsInFrames:
    """Locates zones defined in other frames relative to a camera.

    :ivar problem: which frame cannot be found now, and why; empty if none.
    :raises ConfigurationError: if there are such zones and tf2_ros is not installed.
    """

    def __init__(self, node: ManagedNode, zones: Sequence[Zone]):
        self._zones, self._buffer, self._listener = zones, None, None
        self.problem = ''
        if not zones:
            return
        if tf2_ros is None:
            raise ConfigurationError(
                f'zones: {zones[0].name} is in the frame {zones[0].frame}, which requires '
                'tf2_ros, which is not installed: apt install ros-$ROS_DISTRO-tf2-ros-py, or '
                "give the point in the camera's frame")
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def now(self, frame: str) -> dict[str, np.ndarray]:
        """Return the known points by name, float64 ``(3,)`` in a camera's frame."""
        points, self.problem = {}, ''
        for zone in self._zones:
            try:
                found = self._buffer.lookup_transform(frame, zone.frame, Time()).transform
            except tf2_ros.TransformException as error:
                self.problem = f'zone {zone.name} cannot be located: {error}'
                continue
            shift = found.translation
            points[zone.name] = quaternion_to_rotation(found.rotation) @ np.array(
                zone.point_m) + (shift.x, shift.y, shift.z)
        return points

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.unregister()
            self._listener = self._buffer = None
