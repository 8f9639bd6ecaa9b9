# SPDX-License-Identifier: Apache-2.0
"""Small running figures for diagnostics: rates and latencies over the last events."""

from collections import deque
import math


class RateMeter:
    """Events per second over the last ``window_s`` seconds."""

    def __init__(self, window_s: float = 5.0):
        self._window_s = window_s
        self._times: deque[float] = deque(maxlen=10_000)

    def tick(self, now_s: float) -> None:
        """Count an event at ``now_s``; a clock that jumps back starts the count anew."""
        if self._times and now_s < self._times[-1]:
            self._times.clear()
        self._times.append(now_s)

    def rate_hz(self, now_s: float) -> float:
        """Return the rate at ``now_s``, hertz; 0 when there were fewer than two events."""
        while self._times and not 0 <= now_s - self._times[0] <= self._window_s:
            self._times.popleft()
        if len(self._times) < 2:
            return 0.0
        # The newest gap counts once it is longer than the mean: a stream that stopped slows down.
        span = max(self._times[-1] - self._times[0], 1e-9)
        mean = span / (len(self._times) - 1)
        return 1.0 / max(mean, (now_s - self._times[0]) / len(self._times))


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
