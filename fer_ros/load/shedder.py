# SPDX-License-Identifier: Apache-2.0
"""Load shedding: give up quality before time, in steps, without oscillation."""

from dataclasses import dataclass

#: Steps of the level: below the first, detections become rarer; below the second, optional work
#: becomes slower; below the third, frames are skipped.
OPTIONAL_FROM, SKIP_FROM, HIGHEST = 1.0, 2.0, 3.0
#: Largest factors of the interval between detections and of the slowdown of optional work.
MAXIMUM_STRETCH, MAXIMUM_SLOWDOWN = 4.0, 4.0
#: At least this many frames per second are processed, if as many are received.
MINIMUM_HZ = 5.0

#: Interval between evaluations of the load, seconds.
_PERIOD_S = 0.5
#: The level rises from this share of the latency to defend on: the shortest way from the stamp and
#: the way to the reader, which nobody here can shorten, come on top.
_DEFENDED = 0.9
#: Rise of the level per period: proportional to the excess over the limit, within bounds.
_RISE, _SMALLEST_RISE, _LARGEST_RISE = 0.25, 0.05, 0.3
#: The level falls once the load has been below this share of the limit ...
_ROOM = 0.9
#: ... for this long, seconds; twice as long after each fall that was too early, up to a limit,
#: and down to this share of it if the load is low, ...
_PATIENCE_S, _LONGEST_PATIENCE_S, _SHORTEST_WAIT = 4.0, 32.0, 0.1
#: ... by this much just below that share, and without any load.
_FALL, _LARGEST_FALL = 0.1, 0.4
#: A rise this soon after a fall, in units of the patience, means that the fall was too early.
_TOO_EARLY = 2.0
#: A level further than this from the mean of all cameras moves towards it by this step per period;
#: upwards only if the load is above this share of the limit.
_APART, _SETTLE, _RELAXED = 0.3, 0.05, 0.6
#: Smallest share of the rise for a camera whose level is above the mean.
_SMALLEST_PART = 0.3
#: A lower level counts as 0.
_NONE = 1e-6


@dataclass(frozen=True)
class Shed:
    """
    What is given up at a level.

    :ivar level: 0 (nothing) to :data:`HIGHEST`.
    """

    level: float = 0.0

    @property
    def stretch(self) -> float:
        """The factor of the interval between detections, 1 to :data:`MAXIMUM_STRETCH`."""
        return MAXIMUM_STRETCH ** min(1.0, self.level)

    @property
    def slowdown(self) -> float:
        """The factor by which optional work is slowed down, 1 to :data:`MAXIMUM_SLOWDOWN`."""
        return MAXIMUM_SLOWDOWN ** min(1.0, max(0.0, self.level - OPTIONAL_FROM))

    def part(self, rate_hz: float) -> float:
        """Return the share of frames to process if ``rate_hz`` are received per second."""
        if self.level <= SKIP_FROM or rate_hz <= MINIMUM_HZ:
            return 1.0
        return (MINIMUM_HZ / rate_hz) ** min(1.0, self.level - SKIP_FROM)

    @property
    def words(self) -> str:
        """What is given up, in words, or empty."""
        if self.level <= _NONE:
            return ''
        parts = [f'detections {self.stretch:.1f} times as far apart']
        if self.level > OPTIONAL_FROM:
            parts.append(f'optional work {self.slowdown:.1f} times slower')
        if self.level > SKIP_FROM:
            parts.append('some frames' if self.level < HIGHEST else
                         f'all frames but {MINIMUM_HZ:.0f} per second')
        return ', '.join(parts)


class LoadShedder:
    """
    Controls the level of one camera by how late its frames are and what its process uses.

    The level rises at once, in proportion to the excess, and falls in small steps after a time
    with low load. Each fall that proves too early doubles the wait before the next one. So it
    settles where the load fits the limit. Cameras that share a machine have separate levels,
    which become similar: the later one rises more.

    :param latency_ms: the latency to defend, milliseconds; 0: none.
    :param share: the share of the machine's processor time that the process may use, (0, 1].
    :param phase: different for each camera, so that they do not all fall at once, [0, 1).
    :ivar shed: what is given up now.
    :ivar reason: why, in words, or empty.
    """

    def __init__(self, latency_ms: float, share: float = 1.0, *, phase: float = 0.0):
        self._latency_ms, self._share = latency_ms, share
        self._phase = phase
        self.reset()

    def reset(self) -> None:
        """Return to the initial state, in which nothing is given up."""
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
        Evaluate the load, and return what is given up from now on.

        :param now_s: a clock that does not jump, seconds.
        :param late_ms: how late frames are, milliseconds; None: unknown.
        :param cpu_s: the process's processor time so far, seconds.
        :param cores: number of the machine's cores.
        :param others: the mean level of all cameras, if known.
        """
        before_s, self._looked_s = self._looked_s, now_s
        used, self._cpu_s = cpu_s - self._cpu_s, cpu_s
        if before_s is None or now_s <= before_s:
            return self.shed
        # After a pause the figures are out of date; frames that take as long are not a pause.
        if now_s - before_s > 4 * _PERIOD_S + 2e-3 * (late_ms or 0.0):
            self._room_since_s = None
            return self.shed
        share = used / (now_s - before_s) / cores
        by_time = (late_ms / (_DEFENDED * self._latency_ms)
                   if late_ms is not None and self._latency_ms else 0.0)
        by_share = share / self._share if self._share < 1 else 0.0
        load = max(by_time, by_share)
        beyond = 0.0 if others is None else self.shed.level - others
        if load > 1:
            self._rise(now_s, load, beyond)
            self.reason = (
                f'results are {late_ms:.0f} ms late, {self._latency_ms:.0f} are defended '
                '(defended_latency_ms)' if by_time >= by_share else
                f'the process uses {share:.0%} of the machine, {self._share:.0%} are allowed '
                '(processor_share)')
        elif beyond > _APART:
            self._set(self.shed.level - _SETTLE)
        elif beyond < -_APART and load > _RELAXED:
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
        rise = min(max(_RISE * (load - 1), _SMALLEST_RISE), _LARGEST_RISE)
        # A camera above the mean rises less, so that the levels converge.
        self._set(self.shed.level + rise * min(1.5, max(_SMALLEST_PART, 1 - beyond)))

    def _fall(self, now_s: float, filled: float) -> None:
        """Fall if the load has been low for long enough.

        :param filled: the load as a share of what counts as low, [0, 1).
        """
        if self._room_since_s is None:
            self._room_since_s = now_s
        wait_s = self._patience_s * (1 + 0.5 * self._phase) * max(
            _SHORTEST_WAIT, filled ** 2)
        if now_s - self._room_since_s < wait_s:
            return
        if not self.shed.level:
            self._patience_s = _PATIENCE_S
            return
        # The last fall was not too early.
        if self._fell_s > float('-inf'):
            self._patience_s = max(_PATIENCE_S, self._patience_s / 2)
        fall = _FALL + (_LARGEST_FALL - _FALL) * (1 - filled)
        self._set(self.shed.level - fall)
        self._fell_s = self._room_since_s = now_s

    def _set(self, level: float) -> None:
        self.shed = Shed(min(HIGHEST, level) if level > _NONE else 0.0)
        self.reason = self.reason if self.shed.level else ''
