# SPDX-License-Identifier: Apache-2.0
"""One person over time: filtered head and gaze, eyes, constant and state of attention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
from types import MappingProxyType

from fer_ros.attention.constant import PersonalConstant
from fer_ros.attention.eyes import Eyes, EyeWatch, openness
from fer_ros.attention.filters import GazeFilter, PositionFilter, RotationFilter
from fer_ros.attention.gaze import angle_between_deg, direction_of, gaze_angles_of
from fer_ros.attention.gestures import GestureWatch
from fer_ros.attention.head import angles_of, AttentionModel
from fer_ros.attention.patterns import GazePattern, NOTHING, Pattern
from fer_ros.attention.reader import HeadReading
from fer_ros.attention.state import (
    Attention,
    AttentionFilter,
    AttentionSettings,
    CAMERA,
    odds,
)
from fer_ros.attention.zones import NO_ZONE, Zone, zone_of, ZoneWatch
import numpy as np

#: From this probability a single reading counts as a look at the camera (best F1).
LOOKS_FROM = 0.4
_LOOK_SCALE_DEG, _LOOK_SLOPE, _LOOK_MIDDLE = np.array([12.0, 14.0]), 5.7, 0.78
# Eyes that have just opened are not yet where they look, seconds.
_AFTER_BLINK_S = 0.06
# How fast the usual pitch of the head is learned, seconds.
_USUAL_S = 6.0


@dataclass(frozen=True)
class PersonReading:
    """Present estimates for one person.

    :ivar rotation: float64 ``(3, 3)``, head to camera frame, filtered; None where not known.
    :ivar position_m: float64 ``(3,)``, middle between the eyes, camera frame, filtered.
    :ivar pose_covariance: float64 ``(6, 6)``: x, y, z in meters, then rotation about the head's
        own axes in radians; what the network and the generic head always do wrong is in it.
    :ivar gaze_deg: float64 ``(2,)``, yaw and pitch relative to the camera's axes, less what is
        known of the person's constant, filtered; None where not known.
    :ivar gaze_covariance: float64 ``(2, 2)``, square degrees.
    :ivar off_camera_deg: angle between the gaze and the direction of the camera.
    :ivar looks: probability that the person looks at the camera now, from the gaze alone.
    :ivar zone: what the person looks at, and ``zone_s`` for how long, seconds.
    :ivar gesture: 'nod' or 'shake' in the one reading in which it is recognized, else empty.
    """

    head: HeadReading
    attention: Attention
    rotation: np.ndarray | None = None
    position_m: np.ndarray | None = None
    pose_covariance: np.ndarray | None = None
    gaze_deg: np.ndarray | None = None
    gaze_covariance: np.ndarray | None = None
    off_camera_deg: float = np.nan
    looks: float = 0.0
    eyes: Eyes | None = None
    zone: str = NO_ZONE
    zone_s: float = 0.0
    pattern: Pattern = NOTHING
    gesture: str = ''

    @property
    def gaze(self) -> np.ndarray | None:
        """Unit vector of the gaze in the camera frame, float64 ``(3,)``."""
        return None if self.gaze_deg is None else direction_of(self.gaze_deg)


class Person:
    """Tracks one person while their track lasts."""

    def __init__(self, model: AttentionModel, settings: AttentionSettings,
                 zones: Sequence[Zone] = ()):
        pose, gaze, constant = model.sigmas
        self._systematic = np.diag(np.radians(pose[[1, 0, 2]]) ** 2)
        self._gaze_systematic = np.diag(gaze[:2] ** 2)
        self._settings = settings
        self.constant = PersonalConstant(constant[:2])
        self._turn = RotationFilter((1.0, 0.8, 0.6), 400.0)
        self._place = PositionFilter()
        self._gaze = GazeFilter()
        self._eyes = EyeWatch()
        self._state = AttentionFilter(settings)
        self._zones, self._zone, self._pattern = zones, ZoneWatch(), GazePattern()
        self._gesture = GestureWatch()
        self._since_open_s, self._missed_s, self._now_s = 1.0, 0.0, 0.0
        # What is read of a head that faces the camera: the pitch's zero differs between people.
        self._usual_deg = np.zeros(2)

    def update(self, reading: HeadReading, reason: str, interval_s: float,
               points_m: Mapping[str, np.ndarray] = MappingProxyType({})) -> PersonReading:
        """Take in what the next image shows.

        :param reason: why the reading cannot be trusted; empty: it can.
        :param points_m: of zones with a frame of their own, see :func:`zone_of`.
        """
        self._now_s += interval_s
        if reason or reading.pose is None or reading.gaze_deg is None:
            attention = self._state.update(interval_s, None, 0.0, reason or 'no head was found')
            self._missed_s += interval_s
            self._gesture.lose()
            self._zone.update(NO_ZONE, interval_s)
            return PersonReading(reading, attention)
        unseen_s, self._missed_s = self._missed_s + interval_s, 0.0
        rotation = self._turn.update(reading.pose.rotation, unseen_s)
        position = self._place.update(reading.pose.position_m, unseen_s)
        eyes = self._eyes.update(openness(reading.mesh), interval_s,
                                 float(reading.pose.angles_deg[1]))
        self._since_open_s = 0.0 if eyes.closed else self._since_open_s + interval_s
        seen = self._since_open_s > _AFTER_BLINK_S
        if seen or self._gaze.angles_deg is None:
            self._gaze.update(reading.gaze_deg, interval_s)
        else:
            self._gaze.wait(interval_s)
        camera_deg = gaze_angles_of(-position)
        off = self._gaze.angles_deg - camera_deg
        if seen:
            self.constant.learn(off, interval_s)
        off = off - self.constant.mean_deg
        gaze_deg = camera_deg + off
        covariance = self._gaze.covariance + self.constant.covariance + self._gaze_systematic
        head_deg = angles_of(rotation)[:2] - camera_deg
        densities = odds(off, covariance, head_deg - self._usual_deg, eyes.openness,
                         self._settings)
        attention = self._state.update(interval_s, densities if seen else None, eyes.closed_s, '')
        if attention.state == CAMERA and seen:
            share = min(1.0, interval_s / _USUAL_S)
            self._usual_deg[1] += share * min(8.0, max(-8.0, head_deg[1] - self._usual_deg[1]))
        pose_covariance = np.zeros((6, 6))
        pose_covariance[:3, :3] = self._place.covariance
        pose_covariance[3:, 3:] = self._turn.covariance + self._systematic
        gaze = direction_of(gaze_deg)
        self._look(gaze if seen else None, position, attention, interval_s, points_m)
        yaw, pitch, _ = reading.pose.angles_deg.tolist()
        return PersonReading(
            reading, attention, rotation, position, pose_covariance, gaze_deg, covariance,
            float(angle_between_deg(gaze, -position)), looks_probability(off), eyes,
            self._zone.zone, self._zone.since_s, self._pattern.now,
            self._gesture.update(yaw, pitch, unseen_s))

    def _look(self, gaze: np.ndarray | None, position_m: np.ndarray, attention: Attention,
              interval_s: float, points_m: Mapping[str, np.ndarray]) -> None:
        zone = NO_ZONE if gaze is None else zone_of(
            gaze, position_m, attention.state == CAMERA, self._zones, points_m)
        left = self._zone.update(zone, interval_s)
        if left is not None:
            self._pattern.learn(*left, self._now_s)


def looks_probability(off_camera_deg: np.ndarray) -> float:
    """Return how likely a gaze is at the camera (within 10 degrees), from one reading, [0, 1].

    A logistic curve, fitted on rendered heads that the model had not seen; the vertical counts
    less, for it is read less surely.

    :param off_camera_deg: yaw and pitch relative to the direction of the camera.
    """
    distance = math.hypot(*(off_camera_deg / _LOOK_SCALE_DEG).tolist())
    return 1 / (1 + math.exp(min(50.0, _LOOK_SLOPE * (distance - _LOOK_MIDDLE))))
