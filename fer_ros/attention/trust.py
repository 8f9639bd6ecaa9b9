# SPDX-License-Identifier: Apache-2.0
"""Check whether a reading of a head can be trusted."""

from collections.abc import Sequence

from fer_ros.attention.gaze import gaze_angles_of
from fer_ros.attention.reader import FACE_SCORE, HeadReading
from fer_ros.cameras.camera_model import CameraModel
from fer_ros.faces.boxes import intersection_over_smaller
import numpy as np

#: A face narrower than this has too few pixels in its eyes.
SMALLEST_FACE_PX = 32
# Landmarks go from cheek to cheek: one so near the border says that it cuts the face, pixels.
_BORDER_PX = 2
# A hidden eye that counts this much, of two, cannot be missed: of a face whose half is covered,
# the landmarks make one that is turned.
_NEEDED_EYE = 0.1
# Landmarks that miss the head by more, relative to the distance of the eyes' corners, are none.
_WORST_FIT = 0.16
# Beyond this the far half of the face is a guess, degrees from the direction of the camera.
_PROFILE_DEG = 62.0
# From here the far eye is narrow.
_TURNED_DEG = 25.0
# Eyes turn no further in the head to a side, up and down, degrees, read as roughly as they are.
_ASIDE_DEG, _UP_DEG, _DOWN_DEG = 60.0, 30.0, 45.0
# Part of a face's box that another's may cover.
_MOST_COVERED = 0.25


def camera_problem(camera: CameraModel, width_px: int, height_px: int) -> str:
    """Return why a calibration cannot be that of images of this size; empty: it can."""
    if camera.width_px < 1 or camera.height_px < 1 or abs(
            camera.width_px / camera.height_px / (width_px / height_px) - 1) > 0.02:
        return (f'camera_info is of {camera.width_px}x{camera.height_px} images, these are '
                f'{width_px}x{height_px}')
    wide, high = camera.k[0, 0] / camera.width_px, camera.k[1, 1] / camera.height_px
    x, y = camera.k[0, 2] / camera.width_px, camera.k[1, 2] / camera.height_px
    if not (0.2 < wide < 10 and 0.2 < high < 10 and 0.2 < x < 0.8 and 0.2 < y < 0.8):
        return (f'camera_info has a focal length of {camera.k[0, 0]:.0f} px and its middle at '
                f'{camera.k[0, 2]:.0f}, {camera.k[1, 2]:.0f}, which no camera has')
    return ''


def distrust(heads: Sequence[HeadReading], width_px: int, height_px: int) -> list[str]:
    """Return for each head why it cannot be trusted, empty where it can."""
    alone = [_alone(head, width_px, height_px) for head in heads]
    if len(heads) < 2:
        return alone
    boxes = np.array([(box.x, box.y, box.x + box.width, box.y + box.height)
                      for box in (head.face.box for head in heads)])
    return [reason or _among(i, boxes) for i, reason in enumerate(alone)]


def _alone(head: HeadReading, width_px: int, height_px: int) -> str:
    if head.mesh is None or head.pose is None:
        return 'no head fits the landmarks'
    left, top, right, bottom = head.mesh.extent
    if right - left < SMALLEST_FACE_PX:
        return f'the face is smaller than {SMALLEST_FACE_PX} pixels'
    box = head.face.box
    # The network squeezes a face that is cut into what is left of it: the box tells that, too.
    if min(left, top, box.x) < _BORDER_PX or \
            max(right, box.x + box.width - 1) > width_px - 1 - _BORDER_PX or \
            bottom > height_px - 1 - _BORDER_PX:
        return "the image's border cuts the face"
    if head.mesh.score < FACE_SCORE:
        return 'the face is covered'
    if head.pose.error > _WORST_FIT:
        return 'the landmarks fit no head: the face is covered or turned away'
    yaw, pitch, _ = head.pose.angles_deg.tolist()
    turned_deg = abs(yaw - float(gaze_angles_of(-head.pose.position_m)[0]))
    if turned_deg > _PROFILE_DEG:
        return 'the face is in profile'
    # The far eye of a turned head is not needed.
    if any(hidden and (weight > _NEEDED_EYE or turned_deg < _TURNED_DEG)
           for hidden, weight in zip(head.hidden, head.mesh.eye_weights)):
        return 'the eyes are covered' if all(head.hidden) else 'one eye is covered'
    gaze_yaw, gaze_pitch = head.gaze_deg.tolist()
    if head.pulled or abs(gaze_yaw - yaw) > _ASIDE_DEG or \
            not -_DOWN_DEG < gaze_pitch - pitch < _UP_DEG:
        return 'the eyes cannot be read: glasses, or something before them'
    return ''


def _among(row: int, boxes: np.ndarray) -> str:
    others = np.arange(len(boxes)) != row
    covered = intersection_over_smaller(boxes[row:row + 1], boxes[others])
    return 'another face overlaps' if (covered > _MOST_COVERED).any() else ''
