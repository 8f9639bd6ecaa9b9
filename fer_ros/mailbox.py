# SPDX-License-Identifier: Apache-2.0
"""A mailbox between threads that keeps only the latest item."""

import threading
from typing import Generic, TypeVar

T = TypeVar('T')


class LatestMailbox(Generic[T]):
    """Passes items between threads; keeps the latest item per key and counts the replaced."""

    def __init__(self):
        self._items: dict[str, T] = {}
        self._condition = threading.Condition()
        self._closed = self._finished = False
        self._replaced = 0

    @property
    def replaced(self) -> int:
        """Number of items that were replaced before they were taken."""
        with self._condition:
            return self._replaced

    def put(self, item: T, key: str = '') -> None:
        """Put an item; a waiting one of the same key is dropped and counted."""
        with self._condition:
            if key in self._items:
                self._replaced += 1
            self._items[key] = item
            self._condition.notify()

    def take(self) -> dict[str, T] | None:
        """Wait for items and take all of them, by key; None once there will be no more."""
        with self._condition:
            self._condition.wait_for(lambda: self._items or self._closed or self._finished)
            if self._closed or not self._items:
                return None
            items, self._items = self._items, {}
            return items

    def finish(self) -> None:
        """Announce that nothing more will be put; waiting items can still be taken."""
        with self._condition:
            self._finished = True
            self._condition.notify_all()

    def close(self) -> None:
        """Wake the taker for the last time; waiting items are dropped and counted."""
        with self._condition:
            self._closed = True
            self._replaced += len(self._items)
            self._items = {}
            self._condition.notify_all()
