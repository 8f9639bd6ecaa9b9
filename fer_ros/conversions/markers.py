# SPDX-License-Identifier: Apache-2.0
"""Conversion from located faces to rviz markers."""

from collections.abc import Iterable

from builtin_interfaces.msg import Duration
from fer_ros.emotions.colors import bgr
from fer_ros.types import FaceEmotion
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray


def emotions_to_markers(placed: Iterable[tuple[FaceEmotion, tuple[float, float, float], float]],
                        gone: Iterable[int], header: Header, *, text_height_m: float,
                        lifetime_s: float) -> MarkerArray:
    """Return a translucent box and a text per face, and deletions of faces that left.

    :param placed: a face's emotion, its center in the header's frame, and its width, meters.
    :param gone: track ids whose markers are removed.
    :param lifetime_s: a marker disappears after this long, seconds.
    """
    message = MarkerArray()
    nanoseconds = round(lifetime_s * 1e9)
    lifetime = Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
    for emotion, (x, y, z), width_m in placed:
        blue, green, red = (channel / 255 for channel in bgr(emotion.label))
        height_m = width_m * emotion.box.height / max(emotion.box.width, 1e-6)
        common = {'header': header, 'id': emotion.track_id % 2**31, 'action': Marker.ADD,
                  'lifetime': lifetime}
        message.markers.append(Marker(
            ns='face', type=Marker.CUBE, scale=Vector3(x=width_m, y=height_m, z=0.02),
            color=ColorRGBA(r=red, g=green, b=blue, a=0.4), pose=_pose(x, y, z), **common))
        # The optical frame's y points down: this puts the text above the face.
        message.markers.append(Marker(
            ns='label', type=Marker.TEXT_VIEW_FACING, scale=Vector3(z=text_height_m),
            color=ColorRGBA(r=red, g=green, b=blue, a=1.0),
            pose=_pose(x, y - height_m / 2 - text_height_m, z),
            text=f'#{emotion.track_id} {emotion.label} {emotion.confidence:.0%}', **common))
    message.markers += [
        Marker(header=header, ns=ns, id=track_id % 2**31, action=Marker.DELETE)
        for track_id in gone for ns in ('face', 'label')]
    return message


def _pose(x: float, y: float, z: float) -> Pose:
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(w=1.0))
