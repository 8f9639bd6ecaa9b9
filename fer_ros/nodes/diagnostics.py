# SPDX-License-Identifier: Apache-2.0
"""One status a node on /diagnostics, once a second (REP-107).

Through ``diagnostic_updater`` where it is installed, the same messages without it.
"""

from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from fer_ros.core.health import ERROR, OK, Status, WARN
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

try:
    import diagnostic_updater
except ImportError:
    diagnostic_updater = None

__all__ = ['Diagnostics', 'ERROR', 'OK', 'Status', 'WARN']


class Diagnostics:
    """Publish what ``collect`` returns, at 1 Hz, whatever state the node is in."""

    def __init__(self, node: Node, collect: Callable[[], Status]):
        self._node = node
        self._collect = collect
        self._publisher = self._updater = None
        period_s = 1.0
        if diagnostic_updater is not None:
            self._updater = diagnostic_updater.Updater(node)
            self._updater.setHardwareID('none')
            self._updater.add('status', self._fill)
            period_s = self._updater.period
            # It follows the node's clock.
            node.destroy_timer(self._updater.timer)
        else:
            self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # Steady: a node whose simulated clock stands still must not look dead.
        self._timer = node.create_timer(period_s, self.publish,
                                        clock=Clock(clock_type=ClockType.STEADY_TIME))

    def publish(self) -> None:
        """Publish now."""
        if self._updater is not None:
            self._updater.force_update()
            return
        status = self._collect()
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        # The name has the form that diagnostic_updater gives it.
        message.status.append(DiagnosticStatus(
            level=status.level, name=f'{self._node.get_name()}: status', message=status.message,
            hardware_id='none', values=[KeyValue(key=key, value=text)
                                        for key, text in status.texts().items()]))
        self._publisher.publish(message)

    def _fill(self, wrapper):
        status = self._collect()
        wrapper.summary(status.level, status.message)
        for key, text in status.texts().items():
            wrapper.add(key, text)
        return wrapper
