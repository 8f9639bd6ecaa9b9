# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: changes of the state, encoded once for all viewers."""

from collections import deque
from collections.abc import Callable, Iterator
import threading
import time

from fer_ros.dashboard.plain import dumps
from fer_ros.dashboard.state import DashboardState
from fer_ros.workers import Faults, Worker

#: Maximum interval of events of people and health, seconds: the page's time advances, and a dead
#: connection is detected.
_PULSE_S = 1.0
_KEPT = 64


def event(name: str, data: object) -> bytes:
    """Return an event in its wire format."""
    return f'event: {name}\ndata: {dumps(data)}\n\n'.encode()


class Events:
    """Publishes changes of the state while viewers are connected.

    :param now: returns the node's time, seconds.
    :param rate_hz: maximum rate of events of people and rooms.
    :param limit: maximum number of open streams.
    :param faults: where errors of its thread are recorded.
    """

    def __init__(self, state: DashboardState, now: Callable[[], float], *, rate_hz: float = 10.0,
                 limit: int = 10, faults: Faults | None = None):
        self._state, self._now, self._period_s = state, now, 1 / rate_hz
        self.limit = limit
        self._condition = threading.Condition()
        self._events: deque[tuple[int, bytes]] = deque(maxlen=_KEPT)
        self._number = 0
        self._closed = False
        self.taken = self.listeners = 0
        self.written = 0
        self._worker = Worker('dashboard events', self._follow, faults or Faults()).start()

    def close(self) -> None:
        """End all streams."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._worker.end()

    def hold(self, chunks: Iterator[bytes]) -> Iterator[bytes] | None:
        """Return a stream that counts as a viewer until closed; None if there are too many."""
        with self._condition:
            if self._closed or self.taken >= self.limit:
                return None
            self.taken += 1
        return _Held(chunks, self._release)

    def listen(self, hello: dict) -> Iterator[bytes] | None:
        """Return a stream of events, or None when there are too many viewers."""
        return self.hold(self._stream(hello))

    def _release(self) -> None:
        with self._condition:
            self.taken -= 1

    def _stream(self, hello: dict) -> Iterator[bytes]:
        # A browser whose connection breaks reconnects after a second.
        yield b'retry: 1000\n' + event('hello', hello)
        with self._condition:
            self.listeners += 1
            self._condition.notify_all()
        try:
            yield from self._changes()
        finally:
            with self._condition:
                self.listeners -= 1

    def _changes(self) -> Iterator[bytes]:
        number = None
        while True:
            with self._condition:
                if number is None or (self._events and self._events[0][0] > number + 1):
                    # At the start, and for a viewer that was too slow: send everything again.
                    number = self._number
                    chunk = None
                else:
                    self._condition.wait_for(
                        lambda seen=number: self._closed or self._number > seen, 5.0)
                    if self._closed:
                        return
                    chunk = b''.join(data for i, data in self._events if i > number)
                    number = self._number
            yield event('state', self._state.snapshot(self._now())) if chunk is None \
                else chunk or b': still here\n\n'

    def _follow(self) -> None:
        published: dict[str, int] = {}
        pulse_s = float('-inf')
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or self.listeners)
                if self._closed:
                    return
            began_s = time.monotonic()
            versions = self._state.versions()
            parts = []
            pulse = began_s - pulse_s >= _PULSE_S
            if pulse:
                pulse_s = began_s
            if pulse or versions['people'] != published.get('people'):
                parts.append(('people', {'time_s': round(self._now(), 3),
                                         'cameras': self._state.people_part()}))
            if versions['home'] != published.get('home'):
                parts.append(('home', self._state.home_part()))
            if pulse or versions['health'] != published.get('health'):
                parts.append(('health', self._state.health_part()))
            published = versions
            if parts:
                self._publish(b''.join(event(name, data) for name, data in parts))
            with self._condition:
                self._condition.wait_for(
                    lambda: self._closed,
                    max(0.001, self._period_s - (time.monotonic() - began_s)))

    def _publish(self, data: bytes) -> None:
        with self._condition:
            self._number += 1
            self.written += 1
            self._events.append((self._number, data))
            self._condition.notify_all()


class _Held:
    """A stream that releases its place whenever it ends, even if it was never started."""

    def __init__(self, chunks: Iterator[bytes], release: Callable[[], None]):
        self._chunks, self._release = chunks, release
        self._open = True

    def __iter__(self):
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        """Release the place; called by the web server at the end of every response."""
        if self._open:
            self._open = False
            self._chunks.close()
            self._release()
