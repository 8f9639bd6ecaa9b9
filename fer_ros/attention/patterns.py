# SPDX-License-Identifier: Apache-2.0
"""Learn the order of a person's looks with the sequence model of home events."""

from collections import Counter
from dataclasses import dataclass

from fer_ros.habits.sequence import Context, ORDER, SequenceModel
import numpy as np

# Number of looks from which the next one is predicted.
_FEWEST = 8


@dataclass(frozen=True)
class Pattern:
    """Statistics of the order of a person's looks.

    :ivar shares: of the time, by zone, sum 1.
    :ivar expected: the zone that comes next most probably; empty while too little was seen.
    :ivar expected_probability: of that zone, [0, 1].
    :ivar surprise_bits: how unusual the last look was: -log2 of its probability; 0 while too
        little was seen.
    """

    shares: dict[str, float]
    expected: str
    expected_probability: float
    surprise_bits: float


NOTHING = Pattern({}, '', 0.0, 0.0)


class GazePattern:
    """Learns the looks of one person while their track lasts; nothing is stored."""

    def __init__(self):
        self._model = SequenceModel()
        self._recent: tuple[str, ...] = ()
        self._times_s: Counter = Counter()
        self.now = NOTHING

    def learn(self, zone: str, lasted_s: float, now_s: float) -> Pattern:
        """Take in a look that has ended.

        :param now_s: a clock of this session, seconds.
        """
        context = Context(self._recent, now_s)
        surprise = 0.0
        if len(self._model) >= _FEWEST:
            surprise = float(-np.log2(max(self._model.predict(context).of(zone), 1e-6)))
        self._model.learn(context, zone, lasted_s)
        self._recent = (zone, *self._recent)[:ORDER]
        self._times_s[zone] += lasted_s
        total = sum(self._times_s.values()) or 1.0
        expected, probability = '', 0.0
        if len(self._model) >= _FEWEST:
            prediction = self._model.predict(Context(self._recent, now_s))
            expected = prediction.most_probable or ''
            probability = prediction.of(expected) if expected else 0.0
        self.now = Pattern({name: time_s / total for name, time_s in self._times_s.items()},
                           expected, float(probability), surprise)
        return self.now
