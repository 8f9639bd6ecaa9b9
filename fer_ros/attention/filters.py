# SPDX-License-Identifier: Apache-2.0
"""Filters over time that know their uncertainty: of a rotation, a position, and a gaze.

The first two are Kalman filters of constant velocity (R. E. Kalman 1960); that of the rotation
keeps its error in the tangent space (J. Sola: Quaternion kinematics for the error-state Kalman
filter, 2017). Eyes rest and jump: the filter of the gaze is a random walk that starts again where
a measurement lies too far off to be noise.
"""

import math

import cv2
import numpy as np

# Squared Mahalanobis distances that one measurement in a thousand exceeds, for 2 and 3 degrees.
_GATE_2, _GATE_3 = 13.8, 16.3
_AXES = np.eye(3)
# Of place and speed: what keeps the one, the other, and what adds the second to the first.
_PLACE, _SPEED = np.kron(np.diag([1.0, 0.0]), _AXES), np.kron(np.diag([0.0, 1.0]), _AXES)
_PLACE_BY_SPEED = np.eye(6, k=3)


class RotationFilter:
    """Constant velocity on rotations.

    :param noise_deg: standard deviations of a measured rotation about the axes of the head
        (pitch, yaw, roll).
    :param acceleration_deg: how the turning changes, degrees per second squared and root hertz.
    """

    def __init__(self, noise_deg: tuple[float, float, float], acceleration_deg: float):
        # The axes do not depend on each other: of each, the variances of angle and rate, and their
        # covariance, radians and seconds.
        self._noise = np.radians(noise_deg) ** 2
        self._push = math.radians(acceleration_deg) ** 2
        self.rotation: np.ndarray | None = None

    def update(self, rotation: np.ndarray, interval_s: float) -> np.ndarray:
        """Take in a measured rotation ``(3, 3)`` and return the filtered one."""
        if self.rotation is None:
            self._start(rotation)
            return self.rotation
        self.predict(interval_s)
        miss = cv2.Rodrigues(self.rotation.T @ rotation)[0].ravel()
        certainty = 1 / (self._angle + self._noise)
        if certainty @ (miss * miss) > _GATE_3 * 4:
            self._start(rotation)
            return self.rotation
        gain, rate_gain = self._angle * certainty, self._both * certainty
        self.rotation = self.rotation @ cv2.Rodrigues(gain * miss)[0]
        self._rate = self._rate + rate_gain * miss
        self._speed = self._speed - rate_gain * self._both
        self._angle, self._both = (1 - gain) * self._angle, (1 - gain) * self._both
        return self.rotation

    def predict(self, interval_s: float) -> None:
        """Go on by the velocity; what is known grows less."""
        t, push = interval_s, self._push
        self.rotation = self.rotation @ cv2.Rodrigues(self._rate * t)[0]
        self._angle = self._angle + 2 * t * self._both + t * t * self._speed + push * t ** 3 / 3
        self._both = self._both + t * self._speed + push * t * t / 2
        self._speed = self._speed + push * t

    @property
    def covariance(self) -> np.ndarray:
        """Of the rotation about the head's own axes, float64 ``(3, 3)``, radians squared."""
        return np.diag(self._angle)

    @property
    def rate_deg(self) -> np.ndarray:
        """How fast the head turns about its own axes, float64 ``(3,)`` degrees per second."""
        return np.degrees(self._rate)

    def _start(self, rotation: np.ndarray) -> None:
        self.rotation = rotation
        self._rate, self._both = np.zeros((2, 3))
        self._angle, self._speed = self._noise, np.full(3, math.radians(60) ** 2)


class PositionFilter:
    """Constant velocity of a point.

    :param noise: standard deviation of a measured point relative to its distance, across the
        line of sight and along it.
    :param acceleration: meters per second squared and root hertz.
    """

    def __init__(self, noise: tuple[float, float] = (0.005, 0.03), acceleration: float = 1.0):
        self._relative, self._push = noise, acceleration ** 2
        self.position: np.ndarray | None = None

    def update(self, position: np.ndarray, interval_s: float) -> np.ndarray:
        """Take in a measured point, float64 ``(3,)`` meters, and return the filtered one."""
        squared = float(position @ position)
        across, along = (share * share for share in self._relative)
        noise = across * squared * _AXES + (along - across) * position * position[:, None]
        if self.position is not None:
            self.position = self.position + self._speed * interval_s
            self._cov = _carried(self._cov, interval_s, self._push)
            miss = position - self.position
            certainty = np.linalg.inv(self._cov[:3, :3] + noise)
            if miss @ certainty @ miss <= _GATE_3 * 4:
                gain = self._cov[:, :3] @ certainty
                step = gain @ miss
                self.position, self._speed = self.position + step[:3], self._speed + step[3:]
                self._cov = self._cov - gain @ self._cov[:3]
                return self.position
        self.position, self._speed = np.array(position, float), np.zeros(3)
        self._cov = np.zeros((6, 6))
        self._cov[:3, :3], self._cov[3:, 3:] = noise, np.eye(3) * 0.25
        return self.position

    @property
    def covariance(self) -> np.ndarray:
        """Of the point, float64 ``(3, 3)``, square meters."""
        return self._cov[:3, :3]


class GazeFilter:
    """A direction that rests and jumps.

    :param noise_deg: standard deviation of a measured yaw and pitch.
    :param drift_deg: how far the gaze drifts while it rests, degrees per root second.
    """

    def __init__(self, noise_deg: tuple[float, float] = (1.5, 2.0), drift_deg: float = 6.0):
        # Of both angles apart: they do not depend on each other.
        self._noise = np.square(noise_deg)
        self._drift = drift_deg ** 2
        self.angles_deg: np.ndarray | None = None

    def update(self, angles_deg: np.ndarray, interval_s: float) -> np.ndarray:
        """Take in a measured yaw and pitch, float64 ``(2,)``, and return the filtered ones."""
        if self.angles_deg is not None:
            self.wait(interval_s)
            miss = angles_deg - self.angles_deg
            certainty = 1 / (self._variance + self._noise)
            if certainty @ (miss * miss) <= _GATE_2:
                gain = self._variance * certainty
                self.angles_deg = self.angles_deg + gain * miss
                self._variance = (1 - gain) * self._variance
                return self.angles_deg
        self.angles_deg, self._variance = np.array(angles_deg, float), self._noise
        return self.angles_deg

    def wait(self, interval_s: float) -> None:
        """Let time pass without a measurement, as in a blink: the gaze stays where it was."""
        self._variance = self._variance + self._drift * interval_s

    @property
    def covariance(self) -> np.ndarray:
        """Of yaw and pitch, float64 ``(2, 2)``, square degrees."""
        return np.diag(self._variance)


def _carried(covariance: np.ndarray, interval_s: float, push: float) -> np.ndarray:
    """Return the covariance of place and speed ``(6, 6)`` after a time of white acceleration."""
    t = interval_s
    carry = _PLACE + _SPEED + t * _PLACE_BY_SPEED
    carried = carry @ covariance @ carry.T + push * (
        t ** 3 / 3 * _PLACE + t * t / 2 * (_PLACE_BY_SPEED + _PLACE_BY_SPEED.T) + t * _SPEED)
    # What is not symmetric of it, from rounding, would grow.
    return (carried + carried.T) / 2
