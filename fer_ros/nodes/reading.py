# SPDX-License-Identifier: Apache-2.0
"""Convert the messages of a topic, and report what cannot be used."""

from collections.abc import Callable
import time
from typing import TypeVar

from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status
from fer_ros.statistics import ReadableShare

T = TypeVar('T')


class Reading:
    """Converts the messages of one topic and counts skipped parts.

    :param what: the contents, in words: faces or emotions.
    :param convert: called with a message and a list, to which it adds a sentence for each skipped
        part.
    :ivar skipped: number of skipped parts.
    :ivar last_problem: why the last part was skipped, or empty.
    """

    def __init__(self, node: ManagedNode, what: str, topic: str,
                 convert: Callable[[object, list[str]], list[T]]):
        self._node, self._what, self._convert = node, f'{what} on {topic}', convert
        self._share = ReadableShare(self._what)
        self.skipped, self.last_problem = 0, ''

    def read(self, message: object) -> list[T] | None:
        """Return the contents of a message; None if it has contents, but none are usable."""
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
        """Add the problem to a node's status."""
        self._share.report(time.monotonic(), status)
