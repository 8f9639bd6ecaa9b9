# SPDX-License-Identifier: Apache-2.0
"""Spin a node with the executor that is named, and report which thread serves what.

Its own process, and never spun without a timeout: the EventsExecutor of the desk's wheels waits
forever otherwise, and when another thread wakes it.
"""

from importlib import import_module
import sys
import threading
import time

from fer_ros.nodes.base import ManagedNode
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.qos import QoSProfile
from std_msgs.msg import Int32, String


class Reporter(ManagedNode):
    """Report what comes on a topic and by whom."""

    def __init__(self):
        super().__init__('reporter')
        self._reports = self.advertise(String, 'reports', QoSProfile(depth=50))
        self.create_timer(0.2, lambda: self._report('the executor spins'))

    def activate(self):
        # What is reported before anybody hears it is lost.
        while rclpy.ok() and not self._reports.get_subscription_count():
            time.sleep(0.01)
        self.subscribe(Int32, 'numbers', lambda message: self._report(
            f'number {message.data} in {threading.current_thread().name}'),
            QoSProfile(depth=50), own_thread=True)

    def _on_incompatible(self, endpoint):
        super()._on_incompatible(endpoint)
        self._report(f'mismatch in {threading.current_thread().name}')

    def _report(self, text):
        self._reports.publish(String(data=text))


def main():
    """Spin until a signal comes."""
    module, _, name = sys.argv[1].rpartition('.')
    rclpy.init()
    executor = getattr(import_module(module), name)()
    node = Reporter()
    assert node.start()
    executor.add_node(node)
    try:
        while rclpy.ok():
            executor.spin_once(timeout_sec=0.2)
    except ExternalShutdownException:
        pass
    node.destroy_node()


if __name__ == '__main__':
    main()
