# SPDX-License-Identifier: Apache-2.0
"""Measure how late results are because of this machine's load."""

from collections import deque
from collections.abc import Sequence

#: Older frames do not count, seconds ...
_WINDOW_S = 2.0
#: ... unless fewer than this are left, which are not enough for a figure: a machine that processes
#: two frames per second is busy. Then the limit is this, seconds.
_ENOUGH, _LONGEST_WINDOW_S = 5, 10.0
#: The shortest delay grows by this, milliseconds per second: clocks drift by less, and a delay
#: that stays longer becomes the usual one.
_FORGET = 0.1
#: No transport delays a live frame for longer: the stamps come from another clock, seconds.
_PLAUSIBLE_S = 1.0
#: How long stamps are ignored after an implausible one, and at the start of a stream, seconds.
_IGNORE_S, _IGNORE_FIRST_S = 60.0, 10.0


class Lateness:
    """
    Lateness of the frames of the last two seconds, or of the last five frames.

    A frame's lateness is its processing time, plus its excess delay: by how much its delay from
    stamp to reception exceeds the shortest one. So a camera that is always 200 ms late, or has
    another clock, does not count as load. Stamps that stand still, go back or run at another
    speed than the clock give no delay; then the processing time counts alone.
    """

    def __init__(self):
        self._frames: deque[tuple[float, float, bool]] = deque(maxlen=1000)
        self._stamp_s: float | None = None
        self._shortest_s: float | None = None
        self._shortest_at_s = 0.0
        self._ignored_until_s: float | None = None

    def excess_delay_ms(self, received_s: float, clock_s: float, stamp_s: float) -> float:
        """
        Return by how much a frame's delay exceeds the shortest one, milliseconds.

        :param received_s: time of reception, by a clock that does not jump, seconds.
        :param clock_s: time of reception, by the clock of the stamps, seconds.
        :param stamp_s: its stamp, seconds.
        """
        if self._ignored_until_s is None:
            self._ignored_until_s = received_s + _IGNORE_FIRST_S
        moves = self._stamp_s is None or stamp_s > self._stamp_s
        self._stamp_s = stamp_s
        if not moves:
            self._shortest_s = None
            return 0.0
        delay_s = clock_s - stamp_s
        if self._shortest_s is not None:
            self._shortest_s += _FORGET * 1e-3 * max(0.0, received_s - self._shortest_at_s)
            if delay_s - self._shortest_s > _PLAUSIBLE_S:
                self._ignored_until_s = received_s + _IGNORE_S
                self._shortest_s = None
        if self._shortest_s is None or delay_s < self._shortest_s:
            self._shortest_s = delay_s
        self._shortest_at_s = received_s
        if received_s < self._ignored_until_s:
            return 0.0
        return (delay_s - self._shortest_s) * 1e3

    def add(self, now_s: float, late_ms: float, heavy: bool = False) -> None:
        """
        Count a frame whose results are published.

        :param now_s: a clock that does not jump, seconds.
        :param late_ms: its lateness, milliseconds.
        :param heavy: whether it needed a detection.
        """
        self._frames.append((now_s, late_ms, heavy))
        for _ in range(_outdated(self._frames, now_s)):
            self._frames.popleft()

    def late_ms(self, now_s: float) -> float | None:
        """
        Return how late frames are, milliseconds; None for too few frames.

        It is the median, or, if that is larger, the average of the means of frames with and
        without a detection: the shares of both depend on how many frames are skipped. The
        latest frame of each kind may be an accident and does not count.
        """
        frames = list(self._frames)  # whoever reports it is another thread than who adds
        frames = frames[_outdated(frames, now_s):]
        if len(frames) < _ENOUGH:
            return None
        means = []
        for kind in (False, True):
            values = sorted(late_ms for _, late_ms, heavy in frames if heavy is kind)
            if values:
                values = values[:-1] or values
                means.append(sum(values) / len(values))
        ordered = sorted(late_ms for _, late_ms, _ in frames)
        return max(sum(means) / len(means), ordered[len(ordered) // 2])


def _outdated(frames: Sequence[tuple[float, float, bool]], now_s: float) -> int:
    """Return how many of the first frames no longer count."""
    count = 0
    while count < len(frames) and now_s - frames[count][0] > (
            _WINDOW_S if len(frames) - count > _ENOUGH else _LONGEST_WINDOW_S):
        count += 1
    return count
