# SPDX-License-Identifier: Apache-2.0
"""A buffer of one: the newest item wins, the replaced ones are counted."""

import threading
from typing import Generic, TypeVar

T = TypeVar('T')


class Newest(Generic[T]):
    """Hand items from one thread to another; a slow taker sees only the newest of each key."""

    def __init__(self):
        self._items: dict[str, T] = {}
        self._condition = threading.Condition()
        self._closed = self._finished = False
        self._replaced = 0

    @property
    def replaced(self) -> int:
        """How many items were replaced before anybody took them."""
        with self._condition:
            return self._replaced

    def put(self, item: T, key: str = '') -> None:
        """Put an item; one of the same key that is still waiting is dropped and counted."""
        with self._condition:
            if key in self._items:
                self._replaced += 1
            self._items[key] = item
            self._condition.notify()

    def take(self) -> dict[str, T] | None:
        """Wait for items and take all of them, one a key; None once there will be no more."""
        with self._condition:
            self._condition.wait_for(lambda: self._items or self._closed or self._finished)
            if self._closed or not self._items:
                return None
            items, self._items = self._items, {}
            return items

    def finish(self) -> None:
        """Say that nothing more will be put; what still waits can be taken."""
        with self._condition:
            self._finished = True
            self._condition.notify_all()

    def close(self) -> None:
        """Wake the taker for the last time; what still waits is dropped and counted."""
        with self._condition:
            self._closed = True
            self._replaced += len(self._items)
            self._items = {}
            self._condition.notify_all()
