# SPDX-License-Identifier: Apache-2.0
"""Supervised threads: each thread of the package is a :class:`Worker`."""

from collections.abc import Callable
import logging
import threading
import time
import traceback

from fer_ros.backoff import Backoff
from fer_ros.health import Status, WARN
from fer_ros.masking import mask

#: A fault is reported for this long after it last happened, seconds.
REPORTED_S = 60.0
#: The traceback of a recurring fault is logged again after this long, seconds.
_REMIND_S = 600.0
#: Maximum number of different faults that are distinguished.
_KEPT = 64
#: ... and how many, the latest, are reported.
_SHOWN = 3
_MAXIMUM_TEXT = 200
#: A worker that has run for this long is restarted without a pause, seconds.
_HEALTHY_S = 10.0

_LOGGER = logging.getLogger(__name__)


class Faults:
    """Records unexpected exceptions of one part: logs each once, reports it for a while.

    Methods may be called by any thread.

    :param log: takes the text of a fault with its traceback.
    :param now_s: a clock that does not jump, seconds.
    :ivar count: number of faults.
    """

    def __init__(self, log: Callable[[str], object] = _LOGGER.error, *,
                 now_s: Callable[[], float] = time.monotonic):
        self._log, self._now_s = log, now_s
        self._lock = threading.Lock()
        self._logged_s: dict[tuple, float] = {}
        self._newest: dict[str, tuple[str, float]] = {}
        self.count = 0

    def add(self, where: str, error: BaseException) -> None:
        """Record an exception that was caught.

        :param where: the interrupted work, in words.
        """
        now_s = self._now_s()
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        key = (where, type(error), *((found.filename, found.lineno) for found in frame))
        text = mask(f'{type(error).__name__}: {error}')[:_MAXIMUM_TEXT].rstrip(': ')
        with self._lock:
            self.count += 1
            _put(self._newest, where, (text, now_s))
            known_s = self._logged_s.get(key)
            if known_s is not None and now_s - known_s < _REMIND_S:
                return
            _put(self._logged_s, key, now_s)
        details = mask(''.join(traceback.format_exception(error)))
        self._log(f'{where}: internal error; please report it:\n{details}')

    def survive(self, where: str, work: Callable, *arguments: object) -> bool:
        """Call ``work``; record an exception and return False if it raised."""
        try:
            work(*arguments)
        except Exception as error:
            self.add(where, error)
            return False
        return True

    @property
    def problem(self) -> str:
        """The faults of the last :data:`REPORTED_S`, in a sentence each; empty without one."""
        now_s = self._now_s()
        with self._lock:
            found = [f'{where}: internal error ({text}); it continued, the log has the traceback'
                     for where, (text, at_s) in self._newest.items() if now_s - at_s < REPORTED_S]
        return '; '.join(found[-_SHOWN:])

    def report(self, status: Status) -> None:
        """Add the faults to a status."""
        if self.count:
            status.values['internal errors'] = self.count
        if problem := self.problem:
            status.worsen(WARN, problem)


class Worker:
    """A thread that runs ``work`` until it returns; an exception is recorded, and it restarts.

    :param name: the thread's name in reports.
    :param work: called in the thread, and again, with growing pauses, after an exception.
    :param faults: where exceptions are recorded.
    :param daemon: whether the process may end while it runs.
    :param backoff: the pauses between restarts.
    """

    def __init__(self, name: str, work: Callable[[], object], faults: Faults, *,
                 daemon: bool = False, backoff: Backoff | None = None):
        self._name, self._work, self._faults = name, work, faults
        self._backoff = backoff or Backoff(shortest_s=0.1)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=daemon)

    def start(self) -> 'Worker':
        """Start the thread; return the worker."""
        self._thread.start()
        return self

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._thread.is_alive()

    def end(self, timeout_s: float | None = None) -> bool:
        """Wait for the work, which was asked to return; do not restart it.

        :returns: False if it is still running after the timeout.
        """
        self._ending.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
            return not self.alive
        return True

    def _run(self) -> None:
        while True:
            began_s = time.monotonic()
            try:
                self._work()
                return
            except BaseException as error:  # includes what libraries raise to end a process
                self._faults.add(self._name, error)
            if time.monotonic() - began_s > _HEALTHY_S:
                self._backoff.reset()
            if self._ending.wait(self._backoff.pause_s()):
                return


def _put(kept: dict, key: object, value: object) -> None:
    """Put a value last, and drop the oldest beyond what is kept."""
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > _KEPT:
        del kept[next(iter(kept))]
