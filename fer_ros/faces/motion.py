# SPDX-License-Identifier: Apache-2.0
"""Motion of face boxes: constant-velocity Kalman filters, all tracks at once."""

import numpy as np

# Standard deviations in units of the face's side: of a detected box, ...
_POSITION_NOISE, _SIZE_NOISE = 0.035, 0.06
# ... of a face's first speed (sides per second) and its acceleration (sides per second squared).
_FIRST_SPEED, _FIRST_GROWTH = 2.0, 0.5
_ACCELERATION, _GROWTH_ACCELERATION = 3.0, 0.8
_GROWTH_LASTS_S = 0.3
_SMALLEST_PX = 1.0


class BoxMotion:
    """
    Tracks center, width and height of each box with constant velocity and white acceleration.

    Y. Bar-Shalom, X. R. Li, T. Kirubarajan: Estimation with Applications to Tracking and
    Navigation, 2001, 6.2.2; noise is proportional to the face's side, so neither frame rate nor
    resolution changes the behavior.

    :ivar state: float ``(n, 4, 2)``: value (pixels) and speed (pixels per second) of center x,
        center y, width and height.
    :ivar covariance: float ``(n, 4, 2, 2)`` of the same.
    """

    def __init__(self):
        self.state = np.zeros((0, 4, 2))
        self.covariance = np.zeros((0, 4, 2, 2))

    def __len__(self) -> int:
        return len(self.state)

    @property
    def values(self) -> np.ndarray:
        """Center x, center y, width and height, pixels, ``(n, 4)``."""
        return self.state[:, :, 0]

    @property
    def variance(self) -> np.ndarray:
        """Variance of the predicted measurement of each box, ``(n, 4)``, pixels²."""
        return self.covariance[:, :, 0, 0] + _noise(self.sides)

    @property
    def sides(self) -> np.ndarray:
        """Root of each box's area, pixels, ``(n,)``."""
        return np.sqrt(np.prod(self.state[:, 2:, 0], axis=1))

    def predict(self, dt_s: float) -> None:
        """Advance all boxes by an interval, seconds."""
        move = np.array([[1, dt_s], [0, 1]])
        scale = np.array([_ACCELERATION] * 2 + [_GROWTH_ACCELERATION] * 2)
        strength = (self.sides[:, None] * scale) ** 2 * dt_s
        noise = np.array([[dt_s ** 2 / 3, dt_s / 2], [dt_s / 2, 1]])
        self.state = self.state @ move.T
        # A face does not grow for long: unseen, its box would swell or vanish.
        self.state[:, 2:, 1] *= np.exp(-dt_s / _GROWTH_LASTS_S)
        self._keep_sizes()
        self.covariance = (move @ self.covariance @ move.T
                           + strength[:, :, None, None] * noise)

    def correct(self, row: int, box: np.ndarray, doubt: float = 1.0) -> None:
        """Correct one box by a detection, ``(4,)``, with ``doubt`` times the usual noise."""
        covariance = self.covariance[row]
        variance = covariance[:, 0, 0] + _noise(self.sides[row]) * doubt ** 2
        gain = covariance[:, :, 0] / variance[:, None]
        self.state[row] += gain * (box - self.state[row, :, 0])[:, None]
        self.covariance[row] -= gain[:, :, None] * covariance[:, None, 0, :]
        self._keep_sizes()

    def add(self, box: np.ndarray, side: float, doubt: np.ndarray) -> None:
        """Start to track a box.

        :param box: center x, center y, width and height, pixels, ``(4,)``.
        :param side: how large the face is, pixels.
        :param doubt: noise of each value, in units of the usual, ``(4,)``.
        """
        covariance = np.zeros((1, 4, 2, 2))
        covariance[0, :, 0, 0] = _noise(side) * doubt ** 2
        covariance[0, :, 1, 1] = (side * np.array([_FIRST_SPEED] * 2 + [_FIRST_GROWTH] * 2)) ** 2
        self.state = np.concatenate([self.state, np.stack([box, np.zeros(4)], axis=1)[None]])
        self.covariance = np.concatenate([self.covariance, covariance])

    def keep(self, rows: list[int]) -> None:
        """Forget all boxes but these."""
        self.state, self.covariance = self.state[rows], self.covariance[rows]

    def rescale(self, x_factor: float, y_factor: float) -> None:
        """Adapt to a change of the image's resolution."""
        factors = np.array([x_factor, y_factor, x_factor, y_factor])
        self.state *= factors[:, None]
        self.covariance *= (factors ** 2)[:, None, None]

    def _keep_sizes(self) -> None:
        self.state[:, 2:, 0] = np.maximum(self.state[:, 2:, 0], _SMALLEST_PX)


def _noise(sides: np.ndarray | float) -> np.ndarray:
    """Variance of a detected box's values for sides of any shape ``(...)``: ``(..., 4)``."""
    return np.multiply.outer(sides, [_POSITION_NOISE] * 2 + [_SIZE_NOISE] * 2) ** 2
