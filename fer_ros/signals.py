# SPDX-License-Identifier: Apache-2.0
"""Signals that are heeded at once, whatever the main thread does.

Python runs the handler of a signal in the main thread, between two instructions. A signal that
comes after the last of them before a call that blocks is heeded only when that call returns, and
one that comes inside a library when the library is done: of 3405 processes that were interrupted
just before they waited, 3 went on waiting. Here a thread sees to it.

This module imports nothing that takes time or may be missing.
"""

from collections.abc import Callable
import os
import signal
import threading

from fer_ros.workers import Faults, Worker

#: So long the main thread may take to heed a signal before it is woken again, seconds.
_GRACE_S = 0.2

_reader = -1
#: Whom the main thread has called last for a signal that it leaves to the thread.
_left: dict[int, '_Heeded'] = {}


def heed(action: Callable[[], object], *numbers: signal.Signals) -> None:
    """Call ``action`` when one of the signals comes, until another handler is set for it.

    To be called by the main thread.

    :param action: called by another thread, so that it may take a lock which the main thread
        holds when the signal comes; it never waits.
    """
    _listen()
    for number in numbers:
        signal.signal(number, _Heeded(action))


def interrupt() -> None:
    """Let Ctrl-C raise KeyboardInterrupt in the main thread, also where that waits for something.

    To be called by the main thread.
    """
    _listen()
    signal.signal(signal.SIGINT, _Interrupt())


class _Heeded:
    """A handler of which the thread that hears of all signals does the work."""

    def __init__(self, action: Callable[[], object]):
        self._action = action
        self.heeded = False

    def __call__(self, number: int, _) -> None:
        """Leave the signal to the thread, which may come to it when another handler is set."""
        _left[number] = self

    def see_to(self, number: int) -> None:
        """Heed a signal, in the thread that hears of all."""
        self.heeded = True
        self._action()


class _Interrupt:
    """A handler that only the main thread may call."""

    def __init__(self):
        self._raised = threading.Event()

    def __call__(self, *_) -> None:
        self._raised.set()
        raise KeyboardInterrupt

    def see_to(self, number: int) -> None:
        """Wake the main thread until it has called the handler."""
        while not self._raised.wait(_GRACE_S):
            signal.pthread_kill(threading.main_thread().ident, number)
        _drain()
        self._raised.clear()


def _listen() -> None:
    """Let each signal that Python handles write its number into a pipe, and a thread read it."""
    global _reader
    if _reader >= 0:
        return
    _reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    # A child has this pipe, but not the thread.
    os.register_at_fork(after_in_child=_forget)
    Worker('signals', _hear, Faults(), daemon=True).start()


def _forget() -> None:
    global _reader
    _reader = -1
    _left.clear()
    signal.set_wakeup_fd(-1)


def _hear() -> None:
    while numbers := set(os.read(_reader, 64)):
        for number in numbers:
            handler, left = signal.getsignal(number), _left.pop(number, None)
            if isinstance(handler, (_Heeded, _Interrupt)):
                handler.see_to(number)
            elif left is not None and not left.heeded:
                left.see_to(number)


def _drain() -> None:
    """Forget the signals that have woken the main thread."""
    os.set_blocking(_reader, False)
    try:
        os.read(_reader, 4096)
    except BlockingIOError:
        pass
    os.set_blocking(_reader, True)
