# SPDX-License-Identifier: Apache-2.0
"""Stop the threads of nodes that are no longer spun."""

import threading
import time
from typing import Protocol
from weakref import WeakSet

from fer_ros.workers import Faults, Worker
from rclpy.context import Context
from rclpy.executors import Executor

#: Once the main thread has ended, check this often whether a node is still spun, seconds.
_CHECK_S = 0.1


class Releasable(Protocol):
    """A node that can stop its threads."""

    executor: Executor | None
    context: Context

    def release(self) -> None:
        """Stop the node's threads."""


_living: WeakSet['Releasable'] = WeakSet()
_watch = threading.Lock()
_faults = Faults()


def release_when_main_ends(node: Releasable) -> None:
    """Release the node when main has ended and no thread spins it: its threads block the exit.

    A program whose main thread ends while another one spins continues.
    """
    _living.add(node)
    # Held permanently by the only thread started.
    if _watch.acquire(blocking=False):
        Worker('release of nodes', _release_all, _faults, daemon=True).start()


def _release_all() -> None:
    threading.main_thread().join()
    while True:
        for node in list(_living):
            executor = node.executor    # stays set when the node is removed from it
            if executor is None or node not in executor.get_nodes() or not node.context.ok():
                _faults.survive('release of a node', node.release)
        time.sleep(_CHECK_S)
