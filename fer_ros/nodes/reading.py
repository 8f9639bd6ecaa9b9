# SPDX-License-Identifier: Apache-2.0
"""What the messages of a topic hold, as the core takes it; what cannot be used is reported."""

from collections.abc import Callable
import time
from typing import TypeVar

from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status
from fer_ros.statistics import ReadableShare

T = TypeVar('T')


class Reading:
    """Convert messages of one topic.

    :param what: what they hold, in words: faces or emotions.
    :param convert: called with a message and a list, to which it adds a sentence for each part
        that it has skipped.
    :ivar skipped: how many parts were skipped.
    :ivar last_problem: why the last of them was, or empty.
    """

    def __init__(self, node: ManagedNode, what: str, topic: str,
                 convert: Callable[[object, list[str]], list[T]]):
        self._node, self._what, self._convert = node, f'{what} on {topic}', convert
        self._share = ReadableShare(self._what)
        self.skipped, self.last_problem = 0, ''

    def read(self, message: object) -> list[T] | None:
        """Return what a message holds; None: something, but nothing of it can be used."""
        problems: list[str] = []
        found = self._convert(message, problems)
        nothing = bool(problems) and not found
        self._share.add(time.monotonic(), problems[0] if problems else '',
                        used=0 if nothing else max(1, len(found)), unused=len(problems))
        if problems:
            self.skipped += len(problems)
            self.last_problem = problems[0]
            more = f' (and {len(problems) - 1} more)' if len(problems) > 1 else ''
            self._node.get_logger().error(f'{self._what}: {problems[0]}{more}',
                                          throttle_duration_sec=5.0)
        return None if nothing else found

    def report(self, status: Status) -> None:
        """Add what is wrong to what a node says of itself."""
        self._share.report(time.monotonic(), status)
