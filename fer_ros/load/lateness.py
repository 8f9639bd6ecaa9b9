# SPDX-License-Identifier: Apache-2.0
"""How late results are, as far as this machine is to blame for it."""

from collections import deque

#: Frames older than this say nothing of the load now, seconds.
_WINDOW_S = 2.0
#: Fewer frames say nothing.
_ENOUGH = 5
#: A way that has become longer for good (clocks drift by less) is the usual one after a while,
#: milliseconds per second.
_FORGET = 0.1
#: No transport holds a live frame back for longer: the stamps are not of this clock, seconds.
_CREDIBLE_S = 1.0
#: Stamps that were not believed are not believed for so long, and those of a new stream for so
#: long, seconds.
_DOUBT_S, _FIRST_DOUBT_S = 60.0, 10.0


class Lateness:
    """
    The lateness of the frames of the last two seconds.

    A frame's lateness is the time it has been here, and by how much its way from stamp to here
    was longer than the shortest one seen: a camera that is always 200 ms late, or has a clock of
    its own, is not the load's fault. Stamps that stand still, go back or run at another speed
    than the clock tell nothing of the way; then the time here counts alone.
    """

    def __init__(self):
        self._frames: deque[tuple[float, float, bool]] = deque(maxlen=1000)
        self._stamp_s: float | None = None
        self._shortest_s: float | None = None
        self._shortest_at_s = 0.0
        self._doubted_until_s: float | None = None

    def way_ms(self, received_s: float, clock_s: float, stamp_s: float) -> float:
        """
        Return by how much a frame's way here was longer than the shortest one, milliseconds.

        :param received_s: when it came, by a clock that does not jump, seconds.
        :param clock_s: when it came, by the clock of the stamps, seconds.
        :param stamp_s: its stamp, seconds.
        """
        if self._doubted_until_s is None:
            self._doubted_until_s = received_s + _FIRST_DOUBT_S
        moves = self._stamp_s is None or stamp_s > self._stamp_s
        self._stamp_s = stamp_s
        if not moves:
            self._shortest_s = None
            return 0.0
        way_s = clock_s - stamp_s
        if self._shortest_s is not None:
            self._shortest_s += _FORGET * 1e-3 * max(0.0, received_s - self._shortest_at_s)
            if way_s - self._shortest_s > _CREDIBLE_S:
                self._doubted_until_s = received_s + _DOUBT_S
                self._shortest_s = None
        if self._shortest_s is None or way_s < self._shortest_s:
            self._shortest_s = way_s
        self._shortest_at_s = received_s
        if received_s < self._doubted_until_s:
            return 0.0
        return (way_s - self._shortest_s) * 1e3

    def add(self, now_s: float, late_ms: float, heavy: bool = False) -> None:
        """
        Count a frame that is done.

        :param now_s: a clock that does not jump, seconds.
        :param late_ms: its lateness, milliseconds.
        :param heavy: whether a detection ran in it.
        """
        self._frames.append((now_s, late_ms, heavy))

    def late_ms(self, now_s: float) -> float | None:
        """
        Return how late frames are, milliseconds; None while too few say it.

        It is the median, or, where that is more, the mean of frames with a detection and of those
        without, half and half, however many there are of each: else who skips frames would look
        later than who does not. The very latest frame of each kind may be an accident and does
        not count.
        """
        while self._frames and now_s - self._frames[0][0] > _WINDOW_S:
            self._frames.popleft()
        if len(self._frames) < _ENOUGH:
            return None
        means = []
        for kind in (False, True):
            values = sorted(late_ms for _, late_ms, heavy in self._frames if heavy is kind)
            if values:
                values = values[:-1] or values
                means.append(sum(values) / len(values))
        ordered = sorted(late_ms for _, late_ms, _ in self._frames)
        return max(sum(means) / len(means), ordered[len(ordered) // 2])
