# SPDX-License-Identifier: Apache-2.0
"""Match items of several inputs by stamp."""

from collections import OrderedDict
from collections.abc import Callable
import threading

from std_msgs.msg import Header


class Synchronizer:
    """Matches items of several inputs by exact stamp, like message_filters' TimeSynchronizer.

    message_filters is not used: it subscribes by itself, without QoS overrides or a separate
    thread, and is not among the wheels of the desktop environment. One difference: a full input
    drops the item that arrived first, not the one with the lowest stamp, so that a clock that
    was set back does not block new items.

    :param inputs: number of inputs.
    :param queue_size: number of items that each input keeps while waiting for the others.
    :param matched: called with one item of each input, in their order, in the thread that added
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
        """Drop waiting items; the count of dropped items is kept."""
        with self._lock:
            for queue in self._queues:
                queue.clear()
