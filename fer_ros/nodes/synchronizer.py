# SPDX-License-Identifier: Apache-2.0
"""Bring together what carries the same stamp."""

from collections import OrderedDict
from collections.abc import Callable
import threading

from std_msgs.msg import Header


class Synchronizer:
    """Match items of several inputs by exact stamp, like message_filters' TimeSynchronizer.

    Its own code, since message_filters subscribes by itself, without QoS overrides and a thread of
    its own, and is not among the wheels of the desk environment. The one difference: of a full
    input the item that came first is dropped, not that of the lowest stamp, so that a clock that
    was set back does not keep new items out.

    :param inputs: how many there are.
    :param queue_size: how many items each input keeps while the others are awaited.
    :param matched: called with one item of each input, in their order, in the thread that brought
        the last of them.
    """

    def __init__(self, inputs: int, queue_size: int, matched: Callable[..., None]):
        self._queues = tuple(OrderedDict() for _ in range(inputs))
        self._queue_size = queue_size
        self._matched = matched
        self._lock = threading.Lock()
        self._dropped = [0] * inputs

    def add(self, index: int, header: Header, item: object) -> None:
        """Add an item to an input; an earlier one of the same stamp is replaced."""
        stamp = (header.stamp.sec, header.stamp.nanosec)
        mine = self._queues[index]
        with self._lock:
            mine[stamp] = item
            if not all(stamp in queue for queue in self._queues):
                if len(mine) > self._queue_size:
                    mine.popitem(last=False)
                    self._dropped[index] += 1
                return
            items = [queue.pop(stamp) for queue in self._queues]
        self._matched(*items)

    def dropped(self, index: int) -> int:
        """Return how many items of an input have been dropped without a match."""
        with self._lock:
            return self._dropped[index]

    def clear(self) -> None:
        """Forget what waits; what has been dropped stays counted."""
        with self._lock:
            for queue in self._queues:
                queue.clear()
