# SPDX-License-Identifier: Apache-2.0
"""Running statistics for diagnostics: rates and latencies over the last events.

One thread adds to a statistic, and any may read it: who reads takes a copy and changes nothing.
"""

from collections import deque
import math

from fer_ros.health import ERROR, Status, WARN


class RateMeter:
    """Events per second over the last ``window_s`` seconds."""

    def __init__(self, window_s: float = 5.0):
        self._window_s = window_s
        self._times: deque[float] = deque(maxlen=10_000)

    def tick(self, now_s: float) -> None:
        """Count an event at ``now_s``; a clock that jumps back restarts the count."""
        if self._times and now_s < self._times[-1]:
            self._times.clear()
        self._times.append(now_s)
        while now_s - self._times[0] > self._window_s:
            self._times.popleft()

    def rate_hz(self, now_s: float) -> float:
        """Return the rate at ``now_s``, hertz; 0 with fewer than two events."""
        times = [time_s for time_s in list(self._times) if 0 <= now_s - time_s <= self._window_s]
        if len(times) < 2:
            return 0.0
        # The last gap counts once it is longer than the mean, so a stopped stream slows down.
        span = max(times[-1] - times[0], 1e-9)
        mean = span / (len(times) - 1)
        return 1.0 / max(mean, (now_s - times[0]) / len(times))


class MissedMessages:
    """Counts messages that were sent and did not arrive, by the numbers that senders give them.

    A sender counts up from 1. Several are told apart by how far they are, as long as their
    numbers differ.

    :ivar count: number of messages that were missed between others.
    """

    #: So many senders are remembered.
    _SENDERS = 8

    def __init__(self):
        self.count = 0
        self._latest: list[int] = []

    def add(self, number: int) -> None:
        """Take the number of a message that arrived."""
        before = max((latest for latest in self._latest if latest < number), default=None)
        if before is not None:
            self.count += number - before - 1
            self._latest.remove(before)
        self._latest = [*self._latest[1 - self._SENDERS:], number]


class ReadableShare:
    """Measures how many recent inputs were usable, and why the others were not.

    :param what: the inputs, in words, such as 'images on /image_raw'.
    :param window_s: inputs older than this no longer count, seconds.
    """

    #: Smaller shares of unusable inputs are only counted: a cable loses that much.
    _TOLERATED = 0.05
    #: Fewer unusable inputs may be accidental.
    _MANY = 3
    #: A slow source is judged by its last input for this many windows.
    _LONG = 6

    def __init__(self, what: str, window_s: float = 5.0):
        self._what, self._window_s = what, window_s
        self._inputs: deque[tuple[float, int, int]] = deque(maxlen=10_000)
        self._reason = ''

    def add(self, now_s: float, problem: str = '', *, used: int | None = None,
            unused: int | None = None) -> None:
        """Count an input, or several that came together.

        :param now_s: a clock that does not jump, seconds.
        :param problem: why it cannot be used, and what to do; empty: it can.
        :param used: how many can be used, and ``unused`` how many cannot; None: one,
            according to ``problem``.
        """
        used = int(not problem) if used is None else used
        self._inputs.append((now_s, used, int(bool(problem)) if unused is None else unused))
        while now_s - self._inputs[0][0] > self._window_s:
            self._inputs.popleft()
        self._reason = problem or self._reason

    def problem(self, now_s: float) -> tuple[bytes, str] | None:
        """Return level and message while too few inputs are usable; ERROR if none are."""
        inputs = list(self._inputs)
        recent = [entry for entry in inputs if now_s - entry[0] <= self._window_s]
        inputs = recent or [entry for entry in inputs[-1:]
                            if now_s - entry[0] <= self._LONG * self._window_s]
        good = sum(used for _, used, _ in inputs)
        bad = sum(unused for *_, unused in inputs)
        if bad <= self._TOLERATED * (good + bad):
            return None
        if not good:
            level = ERROR if bad >= self._MANY else WARN
            return level, f'none of the last {bad} {self._what} can be used: {self._reason}'
        return WARN, f'{bad} of the last {good + bad} {self._what} cannot be used: {self._reason}'

    def report(self, now_s: float, status: Status) -> None:
        """Add the problem to a status."""
        if found := self.problem(now_s):
            status.worsen(*found)


class LatencyWindow:
    """Median and 99th percentile of the last ``size`` latencies, milliseconds."""

    def __init__(self, size: int = 600):
        self._values: deque[float] = deque(maxlen=size)

    def add(self, latency_ms: float) -> None:
        """Add one latency; values that are not finite are skipped."""
        if math.isfinite(latency_ms):
            self._values.append(latency_ms)

    def __len__(self) -> int:
        """Return how many latencies are held."""
        return len(self._values)

    def quantile(self, q: float) -> float:
        """Return the nearest-rank quantile, milliseconds; NaN when there is none yet."""
        if not self._values:
            return math.nan
        ordered = sorted(self._values)
        return ordered[min(len(ordered) - 1, max(0, math.ceil(q * len(ordered)) - 1))]

    @property
    def median_ms(self) -> float:
        """The median, milliseconds."""
        return self.quantile(0.5)

    @property
    def p99_ms(self) -> float:
        """The 99th percentile, milliseconds."""
        return self.quantile(0.99)
