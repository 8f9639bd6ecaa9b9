# SPDX-License-Identifier: Apache-2.0
"""Load shedding: quality before time, by steps, without oscillation."""

from dataclasses import dataclass

#: Steps of the level: up to the first, detections are fewer; up to the second, optional work is
#: slower; up to the third, frames are skipped.
OPTIONAL_FROM, SKIP_FROM, HIGHEST = 1.0, 2.0, 3.0
#: How far detections move apart, and optional work slows down, at most.
MOST_STRETCH, MOST_SLOWER = 4.0, 4.0
#: So many frames per second are processed at least, where so many come.
LEAST_HZ = 5.0

#: The load is looked at this often, seconds.
_PERIOD_S = 0.5
#: The level rises by so much for each time the limit is exceeded by once itself, and at most by
#: ... in a period.
_RISE, _LEAST_RISE, _MOST_RISE = 0.25, 0.05, 0.3
#: It falls once the load has been below this share of the limit ...
_ROOM = 0.9
#: ... for so long, seconds; twice as long each time that a fall turned out to be too early, and
#: down to this share of it where there is much room, ...
_PATIENCE_S, _LONGEST_PATIENCE_S, _LEAST_WAIT = 4.0, 32.0, 0.1
#: ... by so much where there is hardly any room, and where all is room.
_FALL, _MOST_FALL = 0.1, 0.4
#: A rise so soon after a fall, in units of the patience, says that the fall was too early.
_TOO_EARLY = 2.0
#: Further from the mean level of all cameras, a level moves by so much in a period towards it; up
#: only where the load is more than this share of the limit.
_APART, _SETTLE, _CONTENTED = 0.3, 0.05, 0.6
#: How much of its rise is left to a camera that has given up more than the others.
_LEAST_PART = 0.3
#: A level below this is none.
_NONE = 1e-6
#: What was heard of others is forgotten, seconds.
_HEARD_S = 3.0


@dataclass(frozen=True)
class Shed:
    """
    What is given up at a level.

    :ivar level: 0 (nothing) to :data:`HIGHEST`.
    """

    level: float = 0.0

    @property
    def stretch(self) -> float:
        """By what the interval between detections is multiplied, 1 to :data:`MOST_STRETCH`."""
        return MOST_STRETCH ** min(1.0, self.level)

    @property
    def slower(self) -> float:
        """By what the rate of optional work is divided, 1 to :data:`MOST_SLOWER`."""
        return MOST_SLOWER ** min(1.0, max(0.0, self.level - OPTIONAL_FROM))

    def part(self, rate_hz: float) -> float:
        """Return the part of the frames that is processed where ``rate_hz`` come per second."""
        if self.level <= SKIP_FROM or rate_hz <= LEAST_HZ:
            return 1.0
        return (LEAST_HZ / rate_hz) ** min(1.0, self.level - SKIP_FROM)

    @property
    def words(self) -> str:
        """What is given up, in words; empty: nothing."""
        if self.level <= _NONE:
            return ''
        parts = [f'detections {self.stretch:.1f} times as far apart']
        if self.level > OPTIONAL_FROM:
            parts.append(f'optional work {self.slower:.1f} times slower')
        if self.level > SKIP_FROM:
            parts.append('some frames' if self.level < HIGHEST else
                         f'all frames but {LEAST_HZ:.0f} per second')
        return ', '.join(parts)


class LoadShedder:
    """
    The level of one camera, from how late its frames are and what its process uses.

    The level rises in proportion to the excess, at once, and falls by small steps after a time
    with room; each fall that had to be taken back doubles the time that is waited before the
    next. So it comes to rest where the load fits, and cameras that share a machine, each with a
    level of its own, come to similar ones: who is later rises more.

    :param latency_ms: the latency to defend, milliseconds; 0: nothing is given up for it.
    :param share: the share of the machine's processor time that the process may use, (0, 1].
    :param phase: tells apart cameras that would all fall at the same moment, [0, 1).
    :ivar shed: what is given up now.
    :ivar reason: why, in words; empty: nothing is given up.
    """

    def __init__(self, latency_ms: float, share: float = 1.0, *, phase: float = 0.0):
        self._latency_ms, self._share = latency_ms, share
        self._phase = phase
        self.reset()

    def reset(self) -> None:
        """Give up nothing, as at the start."""
        self.shed = Shed()
        self.reason = ''
        self._looked_s: float | None = None
        self._cpu_s = 0.0
        self._room_since_s: float | None = None
        self._fell_s = float('-inf')
        self._patience_s = _PATIENCE_S

    def due(self, now_s: float) -> bool:
        """Whether it is time for :meth:`step`."""
        return self._looked_s is None or not 0 <= now_s - self._looked_s < _PERIOD_S

    def step(self, now_s: float, late_ms: float | None, cpu_s: float = 0.0, cores: int = 1,
             others: float | None = None) -> Shed:
        """
        Look at the load, and return what is given up from now on.

        :param now_s: a clock that does not jump, seconds.
        :param late_ms: how late frames are, milliseconds; None: nothing is known of it.
        :param cpu_s: processor time that the process has used so far, seconds.
        :param cores: how many the machine has.
        :param others: the mean level of all cameras, if it is known.
        """
        before_s, self._looked_s = self._looked_s, now_s
        used, self._cpu_s = cpu_s - self._cpu_s, cpu_s
        if before_s is None or now_s <= before_s:
            return self.shed
        # After a pause the figures are of another time.
        if now_s - before_s > 4 * _PERIOD_S:
            self._room_since_s = None
            return self.shed
        share = used / (now_s - before_s) / cores
        by_time = late_ms / self._latency_ms if late_ms is not None and self._latency_ms else 0.0
        by_share = share / self._share if self._share < 1 else 0.0
        load = max(by_time, by_share)
        beyond = 0.0 if others is None else self.shed.level - others
        if load > 1:
            self._rise(now_s, load, beyond)
            self.reason = (
                f'results are {late_ms:.0f} ms late, {self._latency_ms:.0f} are allowed '
                '(defended_latency_ms)' if by_time >= by_share else
                f'the process uses {share:.0%} of the machine, {self._share:.0%} are allowed '
                '(processor_share)')
        elif beyond > _APART:
            self._set(self.shed.level - _SETTLE)
        elif beyond < -_APART and load > _CONTENTED:
            self._set(self.shed.level + _SETTLE)
        elif load >= _ROOM or late_ms is None and self._latency_ms and not by_share:
            self._room_since_s = None
        else:
            self._fall(now_s, load / _ROOM)
        return self.shed

    def _rise(self, now_s: float, load: float, beyond: float) -> None:
        if self.shed.level and now_s - self._fell_s < _TOO_EARLY * self._patience_s:
            self._patience_s = min(2 * self._patience_s, _LONGEST_PATIENCE_S)
            self._fell_s = float('-inf')
        self._room_since_s = None
        rise = min(max(_RISE * (load - 1), _LEAST_RISE), _MOST_RISE)
        # Who gives up more than the others rises less, so that they come together.
        self._set(self.shed.level + rise * min(1.5, max(_LEAST_PART, 1 - beyond)))

    def _fall(self, now_s: float, filled: float) -> None:
        """Fall if there has been room for long enough, of which ``filled`` is used, [0, 1)."""
        if self._room_since_s is None:
            self._room_since_s = now_s
        wait_s = self._patience_s * (1 + 0.5 * self._phase) * max(
            _LEAST_WAIT, filled ** 2)
        if now_s - self._room_since_s < wait_s:
            return
        if not self.shed.level:
            self._patience_s = _PATIENCE_S
            return
        # A fall that was borne shows that there is room again.
        if self._fell_s > float('-inf'):
            self._patience_s = max(_PATIENCE_S, self._patience_s / 2)
        fall = _FALL + (_MOST_FALL - _FALL) * (1 - filled)
        self._set(self.shed.level - fall)
        self._fell_s = self._room_since_s = now_s

    def _set(self, level: float) -> None:
        self.shed = Shed(min(HIGHEST, level) if level > _NONE else 0.0)
        self.reason = self.reason if self.shed.level else ''


class Heard:
    """What others have said of their load, as long as it is fresh."""

    def __init__(self):
        self._values: dict[str, tuple[float, float]] = {}

    def hear(self, node: str, value: float, now_s: float) -> None:
        """Record what a node said at ``now_s``, by a clock that does not jump, seconds."""
        self._values[node] = (value, now_s)
        self._values = {name: entry for name, entry in self._values.items()
                        if now_s - entry[1] <= _HEARD_S}

    def most(self, now_s: float) -> float:
        """Return the largest value that is fresh; 0 when there is none."""
        return max(self.values(now_s), default=0.0)

    def fresh(self, now_s: float) -> float | None:
        """Return the largest value that is fresh; None when there is none."""
        return max(self.values(now_s), default=None)

    def values(self, now_s: float) -> list[float]:
        """Return all values that are fresh."""
        return [value for value, heard_s in list(self._values.values())
                if now_s - heard_s <= _HEARD_S]
