# SPDX-License-Identifier: Apache-2.0
"""Measure how open the eyes are, and detect blinks and closed eyes over time."""

from collections import deque
from dataclasses import dataclass
import operator

from fer_ros.attention.mesh import Mesh
import numpy as np

#: A closure up to this long is a blink, seconds; a longer one is closed eyes.
LONGEST_BLINK_S = 0.5
# A shorter one is noise.
_SHORTEST_BLINK_S = 0.05
# Default openness of open eyes until learned; their share below which they are closed, and above
# which they are open again.
_USUAL, _CLOSED, _OPEN = 0.22, 0.52, 0.6
# Less where the head is bent by 24 degrees, ...
_DOWN = 0.14
# A lid that falls by this share within _FALL_S closes, whatever it measured before: eyes that
# look down are half closed already.
_FALL, _FALL_S = 0.25, 0.2
# Share of the time that the eyes measure less than what counts as open, and how fast that is
# learned, seconds.
_QUANTILE, _LEARN_S = 0.7, 20.0


def openness(mesh: Mesh) -> float:
    """Return the mean gap of the lids by the width of the eye; each eye counts as it is seen.

    Rendered heads: 0.18 to 0.28 open, 0.1 to 0.2 looking down, 0.02 to 0.18 closed.
    """
    return sum(map(operator.mul, map(_gap, mesh.eye_marks), mesh.eye_weights))


def _gap(marks: list[list[float]]) -> float:
    (ax, ay), (bx, by), _, (ux, uy), (lx, ly) = marks
    across, down = bx - ax, by - ay
    return abs(across * (uy - ly) - down * (ux - lx)) / max(1e-12, across ** 2 + down ** 2)


@dataclass(frozen=True)
class Eyes:
    """State of the eyes.

    :ivar openness: share of what this person's open eyes measure, mostly [0, 1.2].
    :ivar closed: now.
    :ivar closed_s: for how long they have been, seconds; 0 when open.
    :ivar blinked: True in the one frame in which a blink ended.
    :ivar blinks_per_min: over the last minute; NaN before ten seconds were seen.
    """

    openness: float
    closed: bool
    closed_s: float
    blinked: bool
    blinks_per_min: float


class EyeWatch:
    """Follows the lids of one person."""

    def __init__(self):
        self._usual = _USUAL
        self._seen_s = self._now_s = 0.0
        self._closed_since_s: float | None = None
        self._recent: deque[tuple[float, float]] = deque()
        self._blinks: deque[float] = deque()

    def update(self, measured: float, interval_s: float, pitch_deg: float = 0.0) -> Eyes:
        """Take in what :func:`openness` measured, so many seconds after the last time.

        :param pitch_deg: of the head; one that looks down has its lids half closed.
        """
        self._now_s += interval_s
        closed_before = self._closed_since_s is not None
        highest = max((value for _, value in self._recent), default=measured)
        share = measured / self._usual
        falls = share < 0.75 and (highest - measured) / self._usual > _FALL
        bent = _DOWN * min(1.0, max(0.0, -pitch_deg / 12 - 1))
        blinked = False
        if not closed_before:
            if share < _CLOSED - bent or falls:
                self._closed_since_s = self._now_s
                self._level = max(_OPEN * self._usual, (measured + highest) / 2) if falls else \
                    _OPEN * self._usual
            else:
                self._learn(measured, interval_s)
        elif measured > (self._level if (lasted_s := self._now_s - self._closed_since_s)
                         <= LONGEST_BLINK_S else (_OPEN - bent) * self._usual):
            # Lids that fell and stay half open only look down.
            self._closed_since_s = None
            blinked = _SHORTEST_BLINK_S <= lasted_s <= LONGEST_BLINK_S
            if blinked:
                self._blinks.append(self._now_s)
        self._seen_s += interval_s
        if self._closed_since_s is None:
            self._recent.append((self._now_s, measured))
        while self._recent and self._now_s - self._recent[0][0] > _FALL_S:
            self._recent.popleft()
        while self._blinks and self._now_s - self._blinks[0] > 60:
            self._blinks.popleft()
        closed = self._closed_since_s is not None
        rate = len(self._blinks) * 60 / min(60, self._seen_s) if self._seen_s >= 10 else np.nan
        return Eyes(share, closed, self._now_s - self._closed_since_s if closed else 0.0, blinked,
                    rate)

    def _learn(self, measured: float, interval_s: float) -> None:
        # A quantile by stochastic approximation; faster in the first seconds.
        speed = interval_s / min(_LEARN_S, 2 + self._seen_s)
        self._usual += speed * 0.15 * (_QUANTILE if measured > self._usual else _QUANTILE - 1)
        self._usual = float(np.clip(self._usual, 0.12, 0.4))
