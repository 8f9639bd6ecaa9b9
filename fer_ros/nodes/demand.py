# SPDX-License-Identifier: Apache-2.0
"""Work only while somebody subscribes to the result."""

from collections.abc import Callable

from fer_ros.nodes.base import ManagedNode
from rclpy.clock import Clock, ClockType


class Demand:
    """Call ``start`` when ``wanted`` becomes true and ``stop`` when it no longer is.

    ``wanted`` is asked four times a second: rclpy does not tell of subscribers that come and go.
    """

    def __init__(self, node: ManagedNode, wanted: Callable[[], bool], start: Callable[[], None],
                 stop: Callable[[], None]):
        self._node, self._wanted, self._start, self._stop = node, wanted, start, stop
        self.met = False
        self._timer = node.create_timer(0.25, self.follow,
                                        clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.follow()

    def follow(self) -> None:
        """Look now."""
        wanted = self._wanted()
        if wanted and not self.met:
            self.met = True
            self._start()
        elif self.met and not wanted:
            self.met = False
            self._stop()

    def close(self) -> None:
        """Stop for good."""
        self._node.destroy_timer(self._timer)
        if self.met:
            self.met = False
            self._stop()
