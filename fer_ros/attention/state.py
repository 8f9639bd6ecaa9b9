# SPDX-License-Identifier: Apache-2.0
"""The attention of a person over time: a hidden Markov model with dwell."""

from dataclasses import dataclass
import math

from fer_ros.attention.eyes import LONGEST_BLINK_S
from fer_ros.errors import ConfigurationError
import numpy as np

CAMERA, AWAY, DOWN, CLOSED = STATES = ('camera', 'away', 'down', 'closed')
UNKNOWN = 'unknown'
# The least ratio of two densities: a filter that was certain could never change.
_FLOOR = 1e-3
_EYES_OPEN = 3  # states before this index are distinguished by the gaze


@dataclass(frozen=True)
class AttentionSettings:
    """Parameters of the attention filter.

    :ivar time_constant_s: how long a state lasts on average, seconds.
    :ivar correlation_s: how far apart readings of a gaze are independent, seconds.
    :ivar stationary: ``(4,)``: how much of their time people spend in each of :data:`STATES`.
    :ivar enter: a state is entered when its probability is at least this, [0.5, 1].
    :ivar unknown_after_s: without a reading for so long the state is unknown, seconds.
    :ivar down_deg: the middle of looking down (at a phone, a desk), pitch relative to the
        direction of the camera, degrees.
    """

    time_constant_s: float = 2.0
    correlation_s: float = 0.08
    stationary: tuple[float, ...] = (0.4, 0.35, 0.2, 0.05)
    enter: float = 0.55
    unknown_after_s: float = 0.5
    down_deg: float = -28.0

    def check(self) -> None:
        """Raise a ConfigurationError that names the first value out of range."""
        for name in ('time_constant_s', 'correlation_s', 'unknown_after_s'):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f'{name} is {getattr(self, name)}: it must be more than '
                                         '0 seconds')
        if not 0.5 <= self.enter <= 1:
            raise ConfigurationError(f'enter is {self.enter}: it must be in [0.5, 1]')
        shares = np.asarray(self.stationary, float)
        if shares.shape != (4,) or not (shares > 0).all():
            raise ConfigurationError(f'stationary is {list(self.stationary)}: it must be 4 '
                                     f'numbers above 0, of {", ".join(STATES)}')


@dataclass(frozen=True)
class Attention:
    """The state of one person.

    :ivar state: one of :data:`STATES`, or :data:`UNKNOWN`.
    :ivar probabilities: float64 ``(4,)`` in the order of :data:`STATES`, sum 1.
    :ivar duration_s: for how long the state has been the same, seconds.
    :ivar before: the state that has just ended; empty but in the frame of the change.
    :ivar reason: why the state is unknown; else empty.
    """

    state: str
    probabilities: np.ndarray
    duration_s: float
    before: str
    reason: str

    @property
    def probability(self) -> float:
        """Of the state; 0 when it is unknown."""
        return float(self.probabilities[STATES.index(self.state)]) \
            if self.state in STATES else 0.0


# Of the gaze and of the head, relative to the direction of the camera, when a person looks away
# and down: variances of yaw and pitch, square degrees. Heads follow the eyes part of the way.
_AWAY, _DOWN = np.diag([32.0, 16.0]) ** 2, np.diag([14.0, 9.0]) ** 2
_HEAD_CAMERA, _HEAD_AWAY, _HEAD_DOWN = (
    np.diag(sigmas) ** 2 for sigmas in ([20.0, 12.0], [28.0, 14.0], [20.0, 10.0]))
_HEAD_SHARE = 0.7
# How open the eyes are, relative to what is usual for the person: mean and standard deviation.
_LIDS_LEVEL, _LIDS_DOWN = (1.0, 0.15), (0.72, 0.15)


def odds(off_camera_deg: np.ndarray, covariance: np.ndarray, head_deg: np.ndarray,
         openness: float, settings: AttentionSettings) -> np.ndarray:
    """Return the densities of what is seen when looking at the camera, away and down, ``(3,)``.

    :param off_camera_deg: yaw and pitch of the gaze relative to the direction of the camera.
    :param covariance: float64 ``(2, 2)``, of what is not known of them, square degrees.
    :param head_deg: yaw and pitch of the head relative to the direction of the camera.
    :param openness: of the eyes, relative to what is usual for the person.
    """
    down = np.array([0.0, settings.down_deg])
    gaze = [_normal(off_camera_deg, covariance),
            _normal(off_camera_deg, covariance + _AWAY),
            _normal(off_camera_deg - down, covariance + _DOWN)]
    head = [_normal(head_deg, _HEAD_CAMERA), _normal(head_deg, _HEAD_AWAY),
            _normal(head_deg - _HEAD_SHARE * down, _HEAD_DOWN)]
    level, bent = (math.exp(-0.5 * ((min(openness, 1.1) - mean) / sigma) ** 2)
                   for mean, sigma in (_LIDS_LEVEL, _LIDS_DOWN))
    return np.array(gaze) * np.array(head) * (level, level, bent)


def _normal(miss: np.ndarray, covariance: np.ndarray) -> float:
    (a, b), (_, c) = covariance.tolist()
    x, y = miss.tolist()
    size = a * c - b * b
    return math.exp(-0.5 * (c * x * x - 2 * b * x * y + a * y * y) / size) / (
        2 * math.pi * math.sqrt(size))


class AttentionFilter:
    """Filters one person's attention with the forward step of a hidden Markov model.

    As in :class:`fer_ros.emotions.emotion_filter.EmotionFilter`: between readings the belief
    returns to the stationary distribution, a reading weighs by the time since the last. Eyes
    that close for the length of a blink say nothing; longer ones are the fourth state.
    """

    def __init__(self, settings: AttentionSettings):
        self._settings = settings
        self._stationary = np.asarray(settings.stationary, float)
        self._stationary = self._stationary / self._stationary.sum()
        self._belief = self._stationary.copy()
        self._state = UNKNOWN
        self._held_s = self._blind_s = 0.0
        self._first = True

    def update(self, interval_s: float, densities: np.ndarray | None, closed_s: float,
               reason: str) -> Attention:
        """Take in one frame.

        :param densities: of :func:`odds`; None where the gaze was not read.
        :param closed_s: for how long the eyes have been closed, 0 when they are open.
        :param reason: why neither was read; empty where they were.
        """
        settings = self._settings
        self._held_s += interval_s
        if reason:
            self._blind_s += interval_s
        else:
            self._blind_s = 0.0
            self._learn(interval_s, densities, closed_s)
        winner = int(self._belief.argmax())
        wanted = self._state
        if self._blind_s > settings.unknown_after_s or (self._first and reason):
            wanted = UNKNOWN
            self._belief = self._stationary.copy()
        elif not reason and self._belief[winner] >= settings.enter:
            wanted = STATES[winner]
        before = ''
        if wanted != self._state:
            before, self._state, self._held_s = self._state, wanted, 0.0
        if not reason:
            self._first = False
        return Attention(self._state, self._belief.copy(), self._held_s, before,
                         (reason or 'not sure yet') if self._state == UNKNOWN else '')

    def _learn(self, interval_s, densities, closed_s) -> None:
        stay = np.exp(-interval_s / self._settings.time_constant_s)
        predicted = stay * self._belief + (1 - stay) * self._stationary
        weight = 1.0 if self._first else min(1.0, interval_s / self._settings.correlation_s)
        likelihood = np.full(4, 1.0)
        if closed_s > LONGEST_BLINK_S:
            likelihood[:_EYES_OPEN] = _FLOOR
        elif closed_s == 0 and densities is not None and densities.max() > 0:
            likelihood[:_EYES_OPEN] = np.maximum(densities / densities.max(), _FLOOR)
            likelihood[_EYES_OPEN] = _FLOOR
        else:
            # A blink, the beginning of closed eyes, or a gaze that nobody can have: wait.
            predicted = self._belief
        self._belief = predicted * likelihood ** weight
        self._belief /= self._belief.sum()
