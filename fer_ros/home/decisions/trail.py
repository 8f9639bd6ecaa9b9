# SPDX-License-Identifier: Apache-2.0
"""Recent changes of a device, to distinguish people from slow or repeated writers."""

from collections import deque
from dataclasses import dataclass, replace

from fer_ros.home.kinds.base import Kind, State
from fer_ros.home.light import Tolerance

#: A person's change takes at most this long, seconds.
SLOW_S = 10.0
#: This many changes at equal intervals are a repeated writer's.
_REPEATS = 4
#: A person does not change a lamp this often for long, seconds.
_SHORTEST_S = 8.0
#: The longest of equal distances is so many times the shortest at most, and so many seconds
#: longer: a person who comes about every hour is not a clock.
_EVEN, _EVEN_S = 1.4, 10.0
#: Its clock is so even, seconds.
_JITTER_S = 2.0
#: It comes so near to what it wrote before, in tolerances, or so many of its own steps, also over
#: some that were not seen.
_NEAR, _FAR, _MISSED = 0.75, 1.5, 10
#: Where its next turn is known no better, in turns, nothing is expected.
_UNSURE = 0.15
#: A writer that has been silent for so long is told of no more, and later is gone, seconds.
_SILENT_S, _GONE_S = 3600.0, 86400.0


class Trail:
    """Holds the reports of a device in the last seconds."""

    def __init__(self):
        self._states: deque[tuple[float, State]] = deque()

    def add(self, now_s: float, state: State) -> None:
        """Add a report."""
        self._states.append((now_s, state))
        while len(self._states) > 1 and now_s - self._states[1][0] >= SLOW_S:
            self._states.popleft()

    def restart(self, now_s: float, state: State | None) -> None:
        """Start again after earlier reports have been handled."""
        self._states.clear()
        if state is not None:
            self._states.append((now_s, state))

    def reference(self, now_s: float) -> State | None:
        """Return what the device last reported at least :data:`SLOW_S` ago, or the oldest."""
        known = [state for at_s, state in self._states if now_s - at_s >= SLOW_S]
        if known:
            return known[-1]
        return self._states[0][1] if self._states else None


@dataclass(frozen=True)
class _Write:
    at_s: float
    state: State
    attributes: frozenset[str]


class ThirdWriter:
    """Recognizes another writer that changes a device repeatedly."""

    def __init__(self, kind: Kind, tolerance: Tolerance):
        self._kind, self._tolerance = kind, tolerance
        self._writes: deque[_Write] = deque(maxlen=_REPEATS)
        self._known = False
        #: The first change in its rhythm, and how many turns of it the newest came after that.
        self._first_s, self._turns = 0.0, 0

    def add(self, now_s: float, state: State, attributes: frozenset[str], *,
            expected: bool = False) -> bool:
        """Note a change by others; return whether it is now recognized to repeat itself.

        :param expected: that :meth:`expected` said so of it.
        """
        last = self._writes[-1] if self._writes else None
        if last is not None and now_s - last.at_s > _GONE_S:
            self._writes.clear()
            self._known = False
        elif last is not None and now_s - last.at_s < _SHORTEST_S / 2:
            # A part of the same change.
            self._writes[-1] = replace(last, state=state)
            return False
        if self._known and not expected:
            return False
        if self._known:
            self._turns += self._passed(now_s)
        self._writes.append(_Write(now_s, state, attributes))
        times = [write.at_s for write in self._writes]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        recognized = not self._known and len(gaps) == _REPEATS - 1 \
            and min(gaps) >= _SHORTEST_S \
            and max(gaps) <= min(_EVEN * min(gaps), min(gaps) + _EVEN_S)
        if recognized:
            self._known, self._first_s, self._turns = True, times[0], len(gaps)
        return recognized

    @property
    def _attributes(self) -> frozenset[str]:
        return frozenset().union(*(write.attributes for write in self._writes))

    @property
    def _every_s(self) -> float:
        """How often it changes the device, the more exact the longer it is known, seconds."""
        return (self._writes[-1].at_s - self._first_s) / self._turns

    def _passed(self, now_s: float) -> int:
        """Return how many of its turns have passed since the last that was seen."""
        return max(1, round((now_s - self._writes[-1].at_s) / self._every_s))

    def expected(self, now_s: float, state: State, moved: frozenset[str]) -> bool:
        """Return whether a change would be the writer's next.

        It comes at its time, changes what the writer changes and nothing else, and makes nearly of
        that what the writer last made of it; a person does not.

        :param moved: what has changed with it.
        """
        if not self._known or not moved <= self._attributes:
            return False
        last, every_s, turns = self._writes[-1], self._every_s, self._passed(now_s)
        slack_s = _JITTER_S * (1 + turns / self._turns)
        if slack_s > _UNSURE * every_s or abs(now_s - last.at_s - turns * every_s) > slack_s:
            return False
        step = max(self._apart(*pair) for pair in zip(self._writes, list(self._writes)[1:]))
        reach = max(_NEAR, _FAR * step * min(turns, _MISSED))
        return self._apart(last, _Write(now_s, state, moved)) <= reach

    def _apart(self, one: _Write, other: _Write) -> float:
        """Return how far two are apart in what the writer changes, in tolerances."""
        return self._kind.distance(one.state, self._kind.adjusted(
            one.state, other.state, self._attributes), self._tolerance)

    def problem(self, now_s: float) -> str:
        """Return what repeats itself, in words, or an empty string."""
        if not self._known or now_s - self._writes[-1].at_s > _SILENT_S:
            return ''
        return (f'something else changes its {" and ".join(sorted(self._attributes))} about every '
                f'{self._every_s:.0f} s (a sun-following automation?), which is not taken '
                'for a person: take this light out of it, or let the rules leave that part of the '
                'light alone')
