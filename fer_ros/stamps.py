# SPDX-License-Identifier: Apache-2.0
"""Intervals between frames with unreliable stamps, and frames chosen at a lower rate."""

# Used as the interval until two stamps define it.
_USUAL_S = 1 / 30
# A frame may come this much early, as a fraction of the interval between chosen ones.
_EARLY = 0.2


class FrameClock:
    """
    Measures the time from frame to frame.

    A stamp that repeats or goes back (a looped recording, a clock set back) defines no interval:
    the last valid one is used. A stamp that returns to the latest one or beyond, as after a
    single wrong stamp or a corrected clock, counts from there.

    :param longest_s: an interval longer than this is a pause and never used for another, seconds.
    """

    def __init__(self, longest_s: float):
        self._longest_s = longest_s
        self.reset()

    def reset(self) -> None:
        """Start again: the next stamp is the first."""
        self._previous_s: float | None = None
        self._newest_s = 0.0
        self._interval_s = _USUAL_S

    def advance(self, stamp_s: float) -> float:
        """Return the seconds since the previous frame, more than 0; 0 for the first frame."""
        if self._previous_s is None:
            self._previous_s = self._newest_s = stamp_s
            return 0.0
        told_s = stamp_s - (self._newest_s if stamp_s >= self._newest_s else self._previous_s)
        if told_s > 0:
            self._interval_s = told_s
        elif self._interval_s > self._longest_s:
            self._interval_s = _USUAL_S
        self._previous_s = stamp_s
        self._newest_s = max(self._newest_s, stamp_s)
        return self._interval_s


class FrameChoice:
    """Chooses frames of a stream at a lower rate, which is kept on average.

    A frame is due again after a stamp that went back.
    """

    def __init__(self):
        self._chosen_s: float | None = None
        self._due_from_s = 0.0

    def due(self, stamp_s: float, interval_s: float) -> bool:
        """Return whether a frame is due if so many seconds should lie between two."""
        return self._late_s(stamp_s, interval_s) >= -_EARLY * interval_s

    def choose(self, stamp_s: float, interval_s: float) -> bool:
        """Return whether a frame is due, and count it if so."""
        late_s = self._late_s(stamp_s, interval_s)
        if late_s < -_EARLY * interval_s:
            return False
        # The frames' rate may not be a multiple of ours.
        self._due_from_s = stamp_s - (min(late_s, 0.5 * interval_s)
                                      if late_s < interval_s else 0.0)
        self._chosen_s = stamp_s
        return True

    def _late_s(self, stamp_s: float, interval_s: float) -> float:
        if self._chosen_s is None or self._chosen_s > stamp_s:
            return 0.0
        return stamp_s - self._due_from_s - interval_s
