# SPDX-License-Identifier: Apache-2.0
"""A live ROS graph for tests: real rclpy, real DDS."""

import contextlib
import functools
import gc
import subprocess
import sys
import threading

from fer_ros import transport
from fer_ros.nodes.shared_ports import open_ports
import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import Int32
from waiting import PATIENCE_S, wait_for

transport.use_profile()


@functools.cache
def tells_numbers():
    """Return whether a received message has the number that its publisher gave it.

    rclpy tells it from Iron on, where the middleware counts. To be called while a graph lives.
    """
    node = rclpy.create_node('numbers')
    try:
        subscription = node.create_subscription(Int32, '~/numbers', print, 1)
        publisher = node.create_publisher(Int32, '~/numbers', 1)

        def taken():
            publisher.publish(Int32())
            return subscription.handle.take_message(Int32, False)
        with subscription.handle:
            _, info = wait_for(taken, what='a message')
        return bool(info.get('publication_sequence_number'))
    finally:
        node.destroy_node()


class Graph:
    """Nodes under test and a node of the test, spun in the background."""

    def __init__(self):
        self._nodes = []
        self._processes = []

    def __enter__(self):
        """Start."""
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._executor = SingleThreadedExecutor()
        self.node = rclpy.create_node('test_node')
        self._executor.add_node(self.node)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()
        return self

    def _spin(self):
        # Not executor.spin(): executor.shutdown() destroys what that is about to wait for.
        while not self._ending.is_set():
            # What a test destroys meanwhile, rclpy looks for before it notices.
            with contextlib.suppress(InvalidHandle):
                self._executor.spin_once()

    def __exit__(self, *_):
        """Stop everything that was started."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._ending.set()
        self._executor.create_task(lambda: None)  # wakes it
        self._thread.join(60)
        self._executor.shutdown(timeout_sec=5)
        for node in self._nodes:
            if node.state != 'finalized':
                node.trigger_shutdown()
            node.destroy_node()
        self.node.destroy_node()
        rclpy.shutdown()
        # A participant that lives on would be heard and counted by the next test, and Fast DDS
        # looks for ten per machine and domain only.
        if open_ports():
            gc.collect()
            assert not open_ports(), 'something holds a node of this graph'

    def add(self, maker, start=True, **parameters):
        """Make a node of ours in this process, with parameters, and start it.

        It gives up nothing under load unless the test says when: what else runs on this machine
        would decide which images are read.
        """
        if any(parameter.name == 'defended_latency_ms'
               for parameter in getattr(maker, 'PARAMETERS', ())):
            parameters = {'defended_latency_ms': 0.0, **parameters}
        overrides = [rclpy.parameter.Parameter(name, value=value)
                     for name, value in parameters.items()]
        node = maker(parameter_overrides=overrides)
        self._nodes.append(node)
        self._executor.add_node(node)
        if start:
            assert node.start(), node._failure
        return node

    def process(self, module, *args, **kwargs):
        """Start a node of ours as its own process."""
        process = subprocess.Popen([sys.executable, '-m', module, *args], text=True, **kwargs)
        self._processes.append(process)
        return process

    def collect(self, kind, topic, qos):
        """Return the list into which the messages of a topic will come."""
        messages = []
        self.node.create_subscription(kind, topic, messages.append, qos)
        return messages

    def publisher(self, kind, topic, qos, subscribers=1, timeout_s=PATIENCE_S):
        """Return a publisher that already has its subscribers."""
        publisher = self.node.create_publisher(kind, topic, qos)
        wait_for(lambda: publisher.get_subscription_count() >= subscribers, timeout_s,
                 f'{subscribers} subscribers of {topic}')
        return publisher
