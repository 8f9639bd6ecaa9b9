# SPDX-License-Identifier: Apache-2.0
"""Track the broker's acknowledgements and denials."""

import threading

from fer_ros.home.policy.servers import Broker

#: Maximum number of unmatched answers and questions.
_KEPT = 256


class Answers:
    """Matches the broker's answers with publications and subscriptions by message id.

    Methods may be called by any thread; an answer may come before its question is known here.

    :ivar awaited: topics by kind and message id, and ``early`` the refusals that came before.
    """

    def __init__(self, broker: Broker):
        self._broker = broker
        self._denied: dict[str, str] = {}
        # Never held while paho is called: paho calls back while it holds its own locks.
        self._lock = threading.Lock()
        self.awaited: dict[tuple[str, int], str] = {}
        self.early: dict[tuple[str, int], str] = {}

    @property
    def denied(self) -> dict[str, str]:
        """Topics that the broker's access list denies, with a sentence each."""
        with self._lock:
            return dict(self._denied)

    def clear(self) -> None:
        """Forget everything: a new connection."""
        with self._lock:
            self.awaited.clear()
            self.early.clear()
            self._denied.clear()

    def expect(self, kind: str, mid: int, topic: str) -> None:
        """Expect the broker's answer, which may have come already."""
        with self._lock:
            refusal = self.early.pop((kind, mid), None)
            if refusal is None:
                self.awaited[kind, mid] = topic
                while len(self.awaited) > _KEPT:
                    self.awaited.pop(next(iter(self.awaited)))
            else:
                self._note(kind, topic, refusal)

    def take(self, kind: str, mid: int, refusal: str) -> None:
        """Take the broker's answer; an empty refusal is consent."""
        with self._lock:
            topic = self.awaited.pop((kind, mid), None)
            if topic is None:
                self.early[kind, mid] = refusal
                while len(self.early) > _KEPT:
                    self.early.pop(next(iter(self.early)))
            else:
                self._note(kind, topic, refusal)

    def _note(self, kind: str, topic: str, refusal: str) -> None:
        """Keep what is denied; called with the lock."""
        if not refusal:
            if kind == 'publish':
                self._denied.pop(topic, None)
            return
        broker = self._broker
        what = 'publishing on' if kind == 'publish' else 'subscribing to'
        self._denied[topic] = (
            f'broker {broker.host}:{broker.effective_port} denies {what} {topic} ({refusal}): '
            f"allow it for user {broker.username!r} in the broker's access list")
