# SPDX-License-Identifier: Apache-2.0
"""How a device has changed of late, to tell a person from something slow that repeats itself."""

from collections import deque
from collections.abc import Callable

from fer_ros.home.kinds.base import State

#: What a person changes is changed within so long, seconds.
SLOW_S = 10.0
#: So many changes by others, at equal distances, are a writer's that repeats itself.
_REPEATS = 4
#: Nobody changes a lamp so often for long, seconds.
_SHORTEST_S = 8.0
#: The longest of equal distances is so many times the shortest.
_EVEN = 1.4
#: Its clock is so even, seconds.
_JITTER_S = 2.0
#: It comes so near to what it wrote before, in tolerances, or so many of its own steps, also over
#: some that were not seen.
_NEAR, _FAR, _MISSED = 0.75, 1.5, 10
#: A writer that has been silent for so long is gone, seconds.
_GONE_S = 3600.0


class Trail:
    """What a device has reported in the last seconds."""

    def __init__(self):
        self._states: deque[tuple[float, State]] = deque()

    def add(self, now_s: float, state: State) -> None:
        """Add a report."""
        self._states.append((now_s, state))
        while len(self._states) > 1 and now_s - self._states[1][0] >= SLOW_S:
            self._states.popleft()

    def restart(self, now_s: float, state: State | None) -> None:
        """Begin again: what came before is accounted for."""
        self._states.clear()
        if state is not None:
            self._states.append((now_s, state))

    def reference(self, now_s: float) -> State | None:
        """Return what the device last reported at least :data:`SLOW_S` ago, or the oldest."""
        known = [state for at_s, state in self._states if now_s - at_s >= SLOW_S]
        if known:
            return known[-1]
        return self._states[0][1] if self._states else None

    def adopt(self, old: 'Trail') -> None:
        """Go on with the trail of another policy file."""
        self._states = old._states


class ThirdWriter:
    """Recognizes something beside the bridge that changes a device again and again.

    :param distance: says how far two states are apart, in tolerances.
    """

    def __init__(self, distance: Callable[[State, State], float]):
        self._distance = distance
        self._writes: deque[tuple[float, State]] = deque(maxlen=_REPEATS)
        self._attributes: frozenset[str] = frozenset()
        self._known = False

    def add(self, now_s: float, state: State, attributes: frozenset[str]) -> bool:
        """Note a change by others; return whether it is now recognized to repeat itself."""
        if self._writes and now_s - self._writes[-1][0] > _GONE_S:
            self._writes.clear()
            self._known = False
        if self._writes and now_s - self._writes[-1][0] < _SHORTEST_S / 2:
            # A part of the same change.
            self._writes[-1] = self._writes[-1][0], state
            return False
        if self._known and not self.expected(now_s, state):
            return False
        self._writes.append((now_s, state))
        self._attributes |= attributes
        gaps = self._gaps
        even = len(gaps) == _REPEATS - 1 and gaps[0] >= _SHORTEST_S and gaps[-1] <= _EVEN * gaps[0]
        recognized = even and not self._known
        self._known = self._known or even
        return recognized

    @property
    def _gaps(self) -> list[float]:
        """The times between its changes, the shortest first, seconds."""
        times = [at_s for at_s, _ in self._writes]
        return sorted(later - earlier for earlier, later in zip(times, times[1:]))

    @property
    def _usual_s(self) -> float:
        gaps = self._gaps
        return gaps[len(gaps) // 2]

    def expected(self, now_s: float, state: State) -> bool:
        """Return whether a state would be the writer's next: at its time, and near its last."""
        if not self._known:
            return False
        usual_s, (last_s, last) = self._usual_s, self._writes[-1]
        turns = max(1, round((now_s - last_s) / usual_s))
        slack_s = _JITTER_S + max(abs(gap_s - usual_s * max(1, round(gap_s / usual_s)))
                                  for gap_s in self._gaps)
        steps = [self._distance(earlier, later) for (_, earlier), (_, later) in zip(
            self._writes, list(self._writes)[1:])]
        reach = max(_NEAR, _FAR * max(steps) * min(turns, _MISSED))
        return now_s - last_s < _GONE_S \
            and abs(now_s - last_s - turns * usual_s) <= min(slack_s, 0.2 * usual_s) \
            and self._distance(last, state) <= reach

    def problem(self, now_s: float) -> str:
        """Return what repeats itself, in words, or an empty string."""
        if not self._known or now_s - self._writes[-1][0] > _GONE_S:
            return ''
        return (f'something else changes its {" and ".join(sorted(self._attributes))} about every '
                f'{self._usual_s:.0f} s (a sun-following automation?), which is not taken '
                'for a person: take this light out of it, or let the rules leave that part of the '
                'light alone')
