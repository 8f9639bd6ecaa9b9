# SPDX-License-Identifier: Apache-2.0
"""One status per node on /diagnostics, once per second (REP-107).

It does not use diagnostic_updater, whose timer follows the node's clock: a node whose simulated
clock stands still would look dead, and there is no documented way to replace that timer.
"""

from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from fer_ros.health import ERROR, OK, SILENCE, Status, WARN
from fer_ros.masking import mask
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

_PERIOD_S = 1.0

__all__ = ['Diagnostics', 'ERROR', 'OK', 'SILENCE', 'Status', 'WARN']


class Diagnostics:
    """Publishes the status from ``collect`` at 1 Hz, in any state of the node."""

    def __init__(self, node: Node, collect: Callable[[], Status]):
        self._node = node
        self._collect = collect
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # Steady: a node whose simulated clock stands still must not look dead.
        self._timer = node.create_timer(_PERIOD_S, self.publish,
                                        clock=Clock(clock_type=ClockType.STEADY_TIME))

    def publish(self) -> None:
        """Publish now."""
        status = self._collect()
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        # The name has the form that diagnostic_updater gives it.
        message.status.append(DiagnosticStatus(
            level=status.level, name=f'{self._node.get_name()}: status',
            message=mask(status.message),
            hardware_id='none', values=[KeyValue(key=key, value=mask(text))
                                        for key, text in status.texts().items()]))
        self._publisher.publish(message)

