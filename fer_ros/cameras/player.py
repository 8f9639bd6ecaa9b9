# SPDX-License-Identifier: Apache-2.0
"""Play a frame source at its pace, and again when it ends or fails."""

from collections.abc import Callable
import time

from fer_ros.backoff import Backoff
from fer_ros.cameras.sources import FrameSource
from fer_ros.errors import SourceError


class Player:
    """Plays a frame source at its pace, and again when it ends or fails.

    :param opener: opens the source; called again after a live source failed.
    :param retry: try again when opening or reading fails: for devices and streams.
    :param rate_hz: rate at which files are played; 0: their recorded rate, 10 Hz for folders.
    :param loop: start files again at their end.
    :param paced: False: return the frames of files as fast as they are read.
    :param wait: waits for this many seconds and returns True when it is time to stop.
    :param now_s: a monotonic clock, seconds.
    """

    def __init__(self, opener: Callable[[], FrameSource], *, retry: bool, rate_hz: float = 0.0,
                 loop: bool = False, paced: bool = True,
                 wait: Callable[[float], bool] | None = None,
                 now_s: Callable[[], float] = time.monotonic,
                 on_problem: Callable[[str], None] = lambda problem: None):
        self._opener = opener
        self._retry = retry
        self._requested_rate_hz = rate_hz
        self._loop = loop
        self._paced = paced
        self._wait = wait or (lambda seconds: bool(time.sleep(seconds)))
        self._now_s = now_s
        self._on_problem = on_problem
        self._backoff = Backoff()
        self.source: FrameSource | None = None
        self.failures = 0
        self.loops = 0
        self._skipped_before = 0
        #: opening, streaming, retrying, ended or failed
        self.state = 'opening'
        self.problem = ''

    @property
    def skipped(self) -> int:
        """Frames or files skipped because they could not be read, over all attempts."""
        return self._skipped_before + (0 if self.source is None else self.source.skipped)

    def frames(self):
        """Yield frames, uint8 ``(h, w, 3)`` BGR, until the end or until ``wait`` returns True.

        After an unexpected exception it may be called again, which opens the source again.

        :raises SourceError: when a source that is not live fails; a live one is tried again.
        """
        try:
            while True:
                try:
                    if self.source is None:
                        self.source = self._opener()
                    yield from self._play(self.source)
                    self.state = 'ended'
                    return
                except SourceError as error:
                    self._give_up()
                    self.failures += 1
                    self.problem = str(error)
                    if not self._retry:
                        self.state = 'failed'
                        raise
                    self.state = 'retrying'
                    pause_s = self._backoff.pause_s()
                    self._on_problem(f'{error}; trying again in {pause_s:g} s')
                    if self._wait(pause_s):
                        return
                except Exception:
                    self.failures += 1
                    self.state, self.problem = 'retrying', 'internal error, see the log'
                    raise
        finally:
            self._give_up()

    def _play(self, source: FrameSource):
        pace = _Pace(self._requested_rate_hz, source.rate_hz or 10.0)
        start_s = self._now_s()
        reported, before = '', source.skipped
        while True:
            frame = source.read()
            if source.last_skipped != reported:
                reported = source.last_skipped
                more = source.skipped - before - 1
                self._on_problem(f'skipped: {reported}'
                                 + (f' (and {more} before it)' if more else ''))
            before = source.skipped
            if frame is None:
                if not self._loop:
                    return
                self.loops += 1
                source.rewind()
                continue
            if not source.live and self._paced:
                pause_s = start_s + pace.due_s(source.time_s) - self._now_s()
                if pause_s < -1.0:
                    # The machine was suspended or too slow: go on from here, do not rush.
                    start_s -= pause_s
                elif pause_s > 0 and self._wait(pause_s):
                    return
            if self.state != 'streaming':
                self.state, self.problem = 'streaming', ''
                self._backoff.reset()
            yield frame

    def _give_up(self) -> None:
        source, self.source = self.source, None
        if source is not None:
            self._skipped_before += source.skipped
            source.close()


class _Pace:
    """Computes when each frame of a file is due, from the requested rate or the time stamps.

    A nominal rate may be wrong: browsers write 1000.
    """

    #: Longer gaps between two time stamps are not waited for, seconds.
    _LONGEST_S = 10.0

    def __init__(self, requested_hz: float, nominal_hz: float):
        self._requested, self._step_s = requested_hz > 0, 1 / (requested_hz or nominal_hz)
        self._due_s: float | None = None
        self._last_s: float | None = None

    def due_s(self, time_s: float | None) -> float:
        """Return when the next frame is due, seconds after the first.

        :param time_s: its time stamp, or None.
        """
        step_s = None if time_s is None or self._last_s is None else time_s - self._last_s
        self._last_s = time_s
        if not self._requested and step_s is not None and 0 < step_s <= self._LONGEST_S:
            self._step_s = step_s
        self._due_s = 0.0 if self._due_s is None else self._due_s + self._step_s
        return self._due_s
