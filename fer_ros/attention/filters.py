# SPDX-License-Identifier: Apache-2.0
"""Filters over time that know their uncertainty: of a rotation, a position, and a gaze.

The first two are Kalman filters of constant velocity (R. E. Kalman 1960); that of the rotation
keeps its error in the tangent space (J. Sola: Quaternion kinematics for the error-state Kalman
filter, 2017). Eyes rest and jump: the filter of the gaze is a random walk that starts again where
a measurement lies too far off to be noise.
"""

import cv2
import numpy as np

# Squared Mahalanobis distances that one measurement in a thousand exceeds, for 2 and 3 degrees.
_GATE_2, _GATE_3 = 13.8, 16.3


class RotationFilter:
    """Constant velocity on rotations.

    :param noise_deg: standard deviations of a measured rotation about the axes of the head
        (pitch, yaw, roll).
    :param acceleration_deg: how the turning changes, degrees per second squared and root hertz.
    """

    def __init__(self, noise_deg: tuple[float, float, float], acceleration_deg: float):
        self._noise = np.diag(np.radians(noise_deg) ** 2)
        self._push = np.radians(acceleration_deg) ** 2
        self.rotation: np.ndarray | None = None

    def update(self, rotation: np.ndarray, interval_s: float) -> np.ndarray:
        """Take in a measured rotation ``(3, 3)`` and return the filtered one."""
        if self.rotation is None:
            self._start(rotation)
            return self.rotation
        self.predict(interval_s)
        miss = cv2.Rodrigues(self.rotation.T @ rotation)[0].ravel()
        certainty = np.linalg.inv(self._cov[:3, :3] + self._noise)
        if miss @ certainty @ miss > _GATE_3 * 4:
            self._start(rotation)
            return self.rotation
        gain = self._cov[:, :3] @ certainty
        step = gain @ miss
        self.rotation = self.rotation @ cv2.Rodrigues(step[:3])[0]
        self._rate += step[3:]
        self._cov = self._cov - gain @ self._cov[:3]
        return self.rotation

    def predict(self, interval_s: float) -> None:
        """Go on by the velocity; what is known grows less."""
        self.rotation = self.rotation @ cv2.Rodrigues(self._rate * interval_s)[0]
        self._cov = _carried(self._cov, interval_s, self._push)

    @property
    def covariance(self) -> np.ndarray:
        """Of the rotation about the head's own axes, float64 ``(3, 3)``, radians squared."""
        return self._cov[:3, :3]

    @property
    def rate_deg(self) -> np.ndarray:
        """How fast the head turns about its own axes, float64 ``(3,)`` degrees per second."""
        return np.degrees(self._rate)

    def _start(self, rotation: np.ndarray) -> None:
        self.rotation = rotation
        self._rate = np.zeros(3)
        self._cov = np.zeros((6, 6))
        self._cov[:3, :3], self._cov[3:, 3:] = self._noise, np.eye(3) * np.radians(60) ** 2


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
        distance = float(np.linalg.norm(position))
        sight = position / max(distance, 1e-6)
        across, along = (np.array(self._relative) * distance) ** 2
        noise = across * np.eye(3) + (along - across) * np.outer(sight, sight)
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
        self._noise = np.diag(np.square(noise_deg))
        self._drift = drift_deg ** 2
        self.angles_deg: np.ndarray | None = None

    def update(self, angles_deg: np.ndarray, interval_s: float) -> np.ndarray:
        """Take in a measured yaw and pitch, float64 ``(2,)``, and return the filtered ones."""
        if self.angles_deg is not None:
            self.wait(interval_s)
            miss = angles_deg - self.angles_deg
            certainty = np.linalg.inv(self._cov + self._noise)
            if miss @ certainty @ miss <= _GATE_2:
                gain = self._cov @ certainty
                self.angles_deg = self.angles_deg + gain @ miss
                self._cov = self._cov - gain @ self._cov
                return self.angles_deg
        self.angles_deg, self._cov = np.array(angles_deg, float), self._noise.copy()
        return self.angles_deg

    def wait(self, interval_s: float) -> None:
        """Let time pass without a measurement, as in a blink: the gaze stays where it was."""
        self._cov = self._cov + np.eye(2) * self._drift * interval_s

    @property
    def covariance(self) -> np.ndarray:
        """Of yaw and pitch, float64 ``(2, 2)``, square degrees."""
        return self._cov


def _carried(covariance: np.ndarray, interval_s: float, push: float) -> np.ndarray:
    """Return the covariance of place and speed ``(6, 6)`` after a time of white acceleration."""
    # What is not symmetric of it, from rounding, would grow.
    covariance = (covariance + covariance.T) / 2
    t, one = interval_s, np.eye(3) * push
    place, both, speed = covariance[:3, :3], covariance[:3, 3:], covariance[3:, 3:]
    carried = np.empty((6, 6))
    carried[:3, :3] = place + t * (both + both.T) + t * t * speed + one * (t ** 3 / 3)
    carried[:3, 3:] = both + t * speed + one * (t * t / 2)
    carried[3:, :3] = carried[:3, 3:].T
    carried[3:, 3:] = speed + one * t
    return carried
