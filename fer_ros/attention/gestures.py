# SPDX-License-Identifier: Apache-2.0
"""Detect nods and shakes of the head from its pitch and yaw over time."""

from collections import deque
from collections.abc import Sequence

NOD, SHAKE = 'nod', 'shake'
# What counts: so many turns back and forth within so long, each of so many degrees.
_WINDOW_S, _TURNS = 1.6, 3
_SWING_DEG = {NOD: 5.0, SHAKE: 7.0}
# The other axis moves less than this share of it.
_OTHER = 0.7
# Pause before the next gesture is reported.
_PAUSE_S = 0.5


class GestureWatch:
    """Detects nods and shakes; requires 8 readings per second."""

    def __init__(self):
        self._angles: deque[tuple[float, float, float]] = deque()
        self._now_s, self._quiet_until_s = 0.0, 0.0

    def update(self, yaw_deg: float, pitch_deg: float, interval_s: float) -> str:
        """Update with the head's angles; return :data:`NOD`, :data:`SHAKE` or an empty string."""
        self._now_s += interval_s
        self._angles.append((self._now_s, pitch_deg, yaw_deg))
        while self._now_s - self._angles[0][0] > _WINDOW_S:
            self._angles.popleft()
        if self._now_s < self._quiet_until_s:
            # Still the same one, as long as it goes on.
            _, *angles = zip(*self._angles)
            if any(max(values) - min(values) > _SWING_DEG[SHAKE] for values in angles):
                self._quiet_until_s = self._now_s + _PAUSE_S
            return ''
        if len(self._angles) < 4:
            return ''
        _, pitch, yaw = zip(*self._angles)
        for name, moving, other in ((NOD, pitch, yaw), (SHAKE, yaw, pitch)):
            if _turns(moving, _SWING_DEG[name]) >= _TURNS and \
                    max(other) - min(other) < _OTHER * (max(moving) - min(moving)):
                self._quiet_until_s = self._now_s + _PAUSE_S
                return name
        return ''

    def lose(self) -> None:
        """Forget what was seen: the head was out of sight."""
        self._angles.clear()


def _turns(values: Sequence[float], swing: float) -> int:
    """Return how often values swing from rise to fall and back by at least so much."""
    turns, low, high, direction = 0, values[0], values[0], 0
    for value in values[1:]:
        low, high = min(low, value), max(high, value)
        if direction <= 0 and value - low >= swing:
            turns, direction, high = turns + 1, 1, value
            low = value
        elif direction >= 0 and high - value >= swing:
            turns, direction, low = turns + 1, -1, value
            high = value
    return turns
