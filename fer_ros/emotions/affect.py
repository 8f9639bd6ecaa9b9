# SPDX-License-Identifier: Apache-2.0
"""Valence and arousal of an emotion distribution."""

from collections.abc import Sequence

from fer_ros.emotions.labels import Emotion
from fer_ros.stamps import FrameClock
import numpy as np

#: Valence and arousal of each emotion, rows in the order of :class:`Emotion`, each [-1, 1]: the
#: mean ratings of pleasure and arousal for 'angry', 'disgusted', 'fearful', 'happy', 'sad' and
#: 'surprised' in J. A. Russell, A. Mehrabian: Evidence for a three-factor theory of emotions,
#: Journal of Research in Personality 11(3), 273-294, 1977; neutral is the origin.
VALENCE_AROUSAL = np.array([
    [-0.51, 0.59],
    [-0.60, 0.35],
    [-0.64, 0.60],
    [0.81, 0.51],
    [-0.63, -0.27],
    [0.40, 0.67],
    [0.00, 0.00],
], np.float32)


def valence_arousal(probabilities: np.ndarray) -> tuple[float, float]:
    """
    Return the expected valence (pleasant is 1) and arousal (excited is 1), each [-1, 1].

    :param probabilities: ``(7,)`` in the order of :class:`Emotion`, sum 1.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.shape != (len(Emotion),):
        raise ValueError(f'expected {len(Emotion)} probabilities, not an array of shape '
                         f'{probabilities.shape}')
    valence, arousal = np.clip(probabilities @ VALENCE_AROUSAL, -1, 1)
    return float(valence), float(arousal)


class AffectFilter:
    """
    Smooths the valence and arousal that a network predicts for each face.

    A first-order low-pass: over an interval dt a new reading has the weight 1 - exp(-dt / time
    constant), the first one of a face in full. NaN (no reading) leaves a value as it is.

    :param time_constant_s: 0: no smoothing.
    :param forget_s: a face unseen for longer starts again, seconds.
    """

    def __init__(self, *, time_constant_s: float, forget_s: float = 10.0):
        self._time_constant_s = time_constant_s
        self._forget_s = forget_s
        self._clock = FrameClock(forget_s)
        self.reset()

    def reset(self) -> None:
        """Forget all faces."""
        self._states: dict[int, tuple[float, np.ndarray]] = {}
        self._now_s = 0.0
        self._clock.reset()

    def update(self, stamp_s: float,
               readings: Sequence[tuple[int, np.ndarray]]) -> list[np.ndarray]:
        """
        Process a frame and return each face's values, float ``(2,)``, NaN before a first reading.

        :param readings: track id and ``(2,)`` valence and arousal, [-1, 1], of each face.
        """
        self._now_s += self._clock.advance(stamp_s)
        self._states = {track: state for track, state in self._states.items()
                        if self._now_s - state[0] <= self._forget_s}
        result = []
        for track, reading in readings:
            seen_s, value = self._states.get(track, (self._now_s, np.full(2, np.nan)))
            share = 1.0
            if self._time_constant_s > 0:
                share -= np.exp(-(self._now_s - seen_s) / self._time_constant_s)
            moved = np.where(np.isnan(value), reading, value + share * (reading - value))
            value = np.where(np.isnan(reading), value, moved)
            self._states[track] = self._now_s, value
            result.append(value)
        return result
