# SPDX-License-Identifier: Apache-2.0
"""How a device has changed of late, to tell a person from something slow that repeats itself."""

from collections import deque

from fer_ros.home.kinds.base import State

#: What a person changes is changed within so long, seconds.
SLOW_S = 10.0
#: So many changes by others, at equal distances, are a writer's that repeats itself.
_REPEATS = 4
#: Nobody changes a lamp so often for long, seconds.
_SHORTEST_S = 8.0
#: The longest of equal distances is so many times the shortest.
_EVEN = 1.4
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
    """Recognizes something beside the bridge that changes a device again and again."""

    def __init__(self):
        self._times: deque[float] = deque(maxlen=_REPEATS)
        self._attributes: frozenset[str] = frozenset()
        self._known = False

    def add(self, now_s: float, attributes: frozenset[str]) -> bool:
        """Note a change by others; return whether it is now recognized to repeat itself."""
        if self._times and now_s - self._times[-1] > _GONE_S:
            self._times.clear()
            self._known = False
        if self._known and not self.expected(now_s) \
                or self._times and now_s - self._times[-1] < _SHORTEST_S / 2:
            # Somebody else's, or a part of the same change.
            return False
        self._times.append(now_s)
        self._attributes |= attributes
        gaps = self._gaps
        even = len(gaps) == _REPEATS - 1 and min(gaps) >= _SHORTEST_S \
            and max(gaps) <= _EVEN * min(gaps)
        recognized = even and not self._known
        self._known = self._known or even
        return recognized

    @property
    def _gaps(self) -> list[float]:
        times = list(self._times)
        return [later - earlier for earlier, later in zip(times, times[1:])]

    def expected(self, now_s: float) -> bool:
        """Return whether a change now would be the writer's next."""
        if not self._known:
            return False
        gaps = sorted(self._gaps)
        usual_s, passed_s = gaps[len(gaps) // 2], now_s - self._times[-1]
        turns = max(1, round(passed_s / usual_s))
        return passed_s < _GONE_S and abs(passed_s - turns * usual_s) <= 0.2 * usual_s

    def problem(self, now_s: float) -> str:
        """Return what repeats itself, in words, or an empty string."""
        if not self._known or now_s - self._times[-1] > _GONE_S:
            return ''
        gaps = sorted(self._gaps)
        return (f'something else changes its {" and ".join(sorted(self._attributes))} about every '
                f'{gaps[len(gaps) // 2]:.0f} s (a sun-following automation?), which is not taken '
                'for a person: take this light out of it, or let the rules leave that part of the '
                'light alone')
