# SPDX-License-Identifier: Apache-2.0
"""Estimate a person's constant: the systematic offset of their measured gaze.

People differ by up to 16 degrees vertically, for their lids and eyeballs do. What is most often
looked at is mostly the camera, or the screen that it stands on: where the gaze dwells tells the
constant. It is a Bayes filter on a grid; nothing of it outlasts the track.
"""

import numpy as np

#: How long "look here now" lasts, seconds.
LOOK_S = 3.0
# Assumed share of time that people look at the camera: by default, and when asked to.
_SHARE, _ASKED_SHARE = 0.4, 0.95
# Scatter of the gaze about what is looked at, degrees, and the density where they look else.
_SCATTER_DEG, _ELSEWHERE = np.array([3.5, 4.0]), 1 / (70 * 50)
_PEAK = 1 / (2 * np.pi * _SCATTER_DEG.prod())
# So far apart readings are independent: of a resting gaze many say no more than one.
_CORRELATION_S, _ASKED_CORRELATION_S = 0.5, 0.15
_STEP_DEG = 1.0


class PersonalConstant:
    """Estimates one person's constant.

    :param sigma_deg: standard deviations of yaw and pitch between people.
    """

    def __init__(self, sigma_deg: np.ndarray):
        sigma = np.maximum(sigma_deg, 1.0)
        #: Yaws and pitches of the grid; a column and a row.
        self._yaw, self._pitch = np.ogrid[tuple(
            slice(-round(2.5 * s), round(2.5 * s) + 1, _STEP_DEG) for s in sigma)]
        self._belief = self._bell(np.zeros(2), sigma)
        self._belief /= self._belief.sum()
        self._asked_s = 0.0
        self._settle()

    def look_here(self) -> None:
        """Treat the next seconds as a gaze at the camera."""
        self._asked_s = LOOK_S

    def learn(self, off_camera_deg: np.ndarray, interval_s: float) -> None:
        """Add a gaze relative to the direction of the camera, yaw and pitch in degrees."""
        asked = self._asked_s > 0
        self._asked_s = max(0.0, self._asked_s - interval_s)
        share = _ASKED_SHARE if asked else _SHARE
        likelihood = share * _PEAK * self._bell(off_camera_deg, _SCATTER_DEG) + \
            (1 - share) * _ELSEWHERE
        weight = min(1.0, interval_s / (_ASKED_CORRELATION_S if asked else _CORRELATION_S))
        self._belief *= likelihood ** weight
        self._belief /= self._belief.sum()
        self._settle()

    def _bell(self, middle_deg: np.ndarray, sigma_deg: np.ndarray) -> np.ndarray:
        """Return a normal distribution on the grid, with 1 in its middle."""
        (yaw, pitch), (wide, high) = middle_deg.tolist(), sigma_deg.tolist()
        return np.exp(-0.5 * ((self._yaw - yaw) / wide) ** 2) * \
            np.exp(-0.5 * ((self._pitch - pitch) / high) ** 2)

    def _settle(self) -> None:
        belief, yaw, pitch = self._belief, self._yaw[:, 0], self._pitch[0]
        yaws, pitches = belief.sum(axis=1), belief.sum(axis=0)
        self.mean_deg = np.array([yaws @ yaw, pitches @ pitch])
        yaw, pitch = yaw - self.mean_deg[0], pitch - self.mean_deg[1]
        both = yaw @ belief @ pitch
        #: Of the mean, float64 ``(2, 2)`` square degrees.
        self.covariance = np.array([[yaws @ yaw ** 2, both], [both, pitches @ pitch ** 2]])
