# SPDX-License-Identifier: Apache-2.0
"""Conversions from attention to messages and frames (REP 155)."""

import array
from collections.abc import Iterable, Sequence
import math

from builtin_interfaces.msg import Duration
import cv2
from fer_ros.attention.person import PersonReading
from fer_ros.attention.state import STATES, UNKNOWN
from fer_ros.conversions.faces import box_to_roi
from fer_ros.conversions.optional import MESH_POINTS
from fer_ros.errors import cut
from fer_ros.msg import AttentionArray, FaceAttention
from fer_ros.types import PersonAttention
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseWithCovariance,
    Quaternion,
    Transform,
    TransformStamped,
    Vector3,
)
import numpy as np
from std_msgs.msg import Header

#: Our head frame (x left, y up, z out of the face) in the axes of REP 155's face frame.
_TO_FACE = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])


def attention_to_message(readings: Sequence[PersonReading], header: Header, image_width: int,
                         image_height: int, camera_assumed: bool) -> AttentionArray:
    """Return the attention of the people in one image as a message."""
    return AttentionArray(
        header=header, image_width=image_width, image_height=image_height,
        camera_assumed=camera_assumed, faces=[_person(reading) for reading in readings])


def _person(reading: PersonReading) -> FaceAttention:
    attention, face = reading.attention, reading.head.face
    known = reading.rotation is not None
    return FaceAttention(
        track_id=face.track_id, roi=box_to_roi(face.box), label=attention.state,
        state=STATES.index(attention.state) if attention.state in STATES
        else FaceAttention.UNKNOWN,
        probabilities=attention.probabilities.astype(np.float32),
        state_duration=_duration(attention.duration_s), ended=attention.before,
        reason=attention.reason, known=known, zone=reading.zone,
        zone_duration=_duration(reading.zone_s), expected_zone=reading.pattern.expected,
        expected_zone_probability=reading.pattern.expected_probability,
        surprise=reading.pattern.surprise_bits, gesture=reading.gesture,
        **(_known(reading) if known else {'blinks_per_minute': float('nan')}))


def _known(reading: PersonReading) -> dict[str, object]:
    """Return the fields of a person whose head is known."""
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = reading.pose_covariance[:3, :3]
    covariance[3:, 3:] = reading.rotation @ reading.pose_covariance[3:, 3:] @ reading.rotation.T
    x, y, z = reading.position_m.tolist()
    gaze_x, gaze_y, gaze_z = reading.gaze.tolist()
    sigma_yaw, sigma_pitch = np.radians(np.sqrt(reading.gaze_covariance.diagonal())).tolist()
    mesh = reading.head.mesh
    points = np.concatenate([mesh.points[:, :2], mesh.irises.reshape(-1, 2)])
    return {
        'head': PoseWithCovariance(
            pose=Pose(position=Point(x=x, y=y, z=z),
                      orientation=rotation_to_quaternion(face_frame(reading.rotation))),
            covariance=covariance.ravel()),
        'gaze': Vector3(x=gaze_x, y=gaze_y, z=gaze_z),
        'gaze_sigma_yaw': sigma_yaw, 'gaze_sigma_pitch': sigma_pitch,
        'look_probability': reading.looks, 'eye_openness': float(reading.eyes.openness),
        'eyes_closed': reading.eyes.closed,
        'closed_duration': _duration(reading.eyes.closed_s), 'blinked': reading.eyes.blinked,
        'blinks_per_minute': float(reading.eyes.blinks_per_min),
        'landmarks': array.array('f', points.astype(np.float32).tobytes())}


def message_to_attention(message: AttentionArray) -> list[PersonAttention]:
    """Return what the people of a message attend to; values that are not numbers are skipped."""
    return [_attention(face) for face in message.faces]


def _attention(face: FaceAttention) -> PersonAttention:
    eyes = gaze = None
    points = message_to_landmarks(face) if face.known else None
    sides = np.array([face.gaze.x, face.gaze.y])
    if points is not None and face.roi.width and face.roi.height and np.isfinite(sides).all():
        corner, size = (face.roi.x_offset, face.roi.y_offset), (face.roi.width, face.roi.height)
        place = points[[MESH_POINTS, MESH_POINTS + 5]].mean(axis=0)
        eyes = tuple(((place - corner) / size).tolist())
        gaze = tuple(np.clip(sides, -1, 1).tolist())
    return PersonAttention(
        face.track_id, face.label if face.label in STATES else UNKNOWN, cut(face.zone),
        _seconds(face.state_duration), _seconds(face.zone_duration), cut(face.reason),
        cut(face.expected_zone), float(np.nan_to_num(face.expected_zone_probability)), eyes, gaze)


def _seconds(duration: Duration) -> float:
    return duration.sec + duration.nanosec * 1e-9


def message_to_landmarks(message: FaceAttention) -> np.ndarray | None:
    """Return the landmarks of a message, float32 ``(478, 2)`` pixels, or None."""
    points = np.array(message.landmarks, np.float32).reshape(-1, 2)
    return points if len(points) == 478 and np.isfinite(points).all() else None


def face_frame(rotation: np.ndarray) -> np.ndarray:
    """Return the rotation of REP 155's face frame: x out of the face, y left, z up."""
    return rotation @ _TO_FACE


def gaze_frame(direction: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return the rotation of REP 155's gaze frame: z along the gaze, y down.

    :param up: up vector of the head, float64 ``(3,)``.
    """
    right = _cross(direction, up)
    right /= max(math.hypot(*right.tolist()), 1e-9)
    return np.column_stack([right, _cross(direction, right), direction])


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # np.cross takes ten times as long for one.
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def rotation_to_quaternion(rotation: np.ndarray) -> Quaternion:
    """Return a rotation matrix ``(3, 3)`` as a message."""
    turn = cv2.Rodrigues(np.asarray(rotation, float))[0].ravel().tolist()
    angle = math.hypot(*turn)
    share = math.sin(angle / 2) / angle if angle > 1e-9 else 0.5
    x, y, z = (value * share for value in turn)
    return Quaternion(x=x, y=y, z=z, w=math.cos(angle / 2))


def message_to_transforms(message: AttentionArray, names: Iterable[str | int | None]
                          ) -> list[TransformStamped]:
    """Return ``face_<name>`` and ``gaze_<name>`` of the people whose head is known.

    :param names: one for each person, in their order; None: no frames for this one.
    """
    frames = []
    for face, name in zip(message.faces, names):
        if not face.known or name is None:
            continue
        pose = face.head.pose
        place = Vector3(x=pose.position.x, y=pose.position.y, z=pose.position.z)
        gaze = np.array([face.gaze.x, face.gaze.y, face.gaze.z])
        turned = quaternion_to_rotation(pose.orientation)
        for kind, orientation in (('face', pose.orientation), ('gaze', rotation_to_quaternion(
                gaze_frame(gaze, turned[:, 2])))):
            frames.append(TransformStamped(
                header=message.header, child_frame_id=f'{kind}_{name}',
                transform=Transform(translation=place, rotation=orientation)))
    return frames


def quaternion_to_rotation(q: Quaternion) -> np.ndarray:
    """Return a quaternion of length 1 as a rotation matrix ``(3, 3)``."""
    vector = np.array([q.x, q.y, q.z])
    sine = float(np.linalg.norm(vector))
    angle = 2 * np.arctan2(sine, q.w)
    return cv2.Rodrigues(vector * (angle / sine if sine > 1e-12 else 2.0))[0]


def _duration(seconds: float) -> Duration:
    nanoseconds = max(0, round(seconds * 1e9))
    return Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
