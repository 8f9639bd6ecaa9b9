# SPDX-License-Identifier: Apache-2.0
"""Run nodes as a program: arguments, signals, the executor and the exit code."""

import signal
import sys
import threading
import traceback

from fer_ros import transport
from fer_ros.errors import FerError
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.rclpy_internals import RCLError, UnknownROSArgsError
import rclpy
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions


def spin(executor: Executor, node: Node) -> None:
    """Spin until the executor is shut down; an error in a callback is logged and survived."""
    while rclpy.ok(context=executor.context):
        try:
            executor.spin()
            return
        except ExternalShutdownException:
            return
        except Exception:  # the node must not go deaf because of one bad call
            node.get_logger().error(f'error in a callback:\n{traceback.format_exc()}')


def run(*makers: type[ManagedNode], args: list[str] | None = None) -> int:
    """Run nodes in this process until they finish or a signal comes; return the exit code.

    The transport profile is chosen here, so that nodes started in whatever way use it.
    """
    transport.use_profile(images=any(maker.PUBLISHES_IMAGES for maker in makers))
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except (RCLError, UnknownROSArgsError) as error:
        if 'logging' in str(error):
            print(f'ROS cannot write its log ({error}): set ROS_LOG_DIR to a folder that this '
                  'user may write', file=sys.stderr)
        else:
            print(f'the ROS arguments cannot be used: {error}', file=sys.stderr)
        return 2
    stop = threading.Event()
    previous = {number: signal.signal(number, lambda *_: stop.set())
                for number in (signal.SIGINT, signal.SIGTERM)}
    nodes: list[ManagedNode] = []
    spinner = None
    executor = SingleThreadedExecutor()
    try:
        for maker in makers:
            try:
                nodes.append(maker())
            except FerError as error:
                rclpy.logging.get_logger('fer_ros').fatal(str(error))
                return 2
            nodes[-1].finished.clear()
            executor.add_node(nodes[-1])
        for node in nodes:
            if node.value('autostart') and not stop.is_set():
                node.start()
        spinner = threading.Thread(target=spin, args=(executor, nodes[0]), name='executor')
        spinner.start()
        # Signal handlers run in this thread, which therefore must not sit inside rclpy.
        while not stop.wait(0.1):
            if all(node.finished.is_set() for node in nodes):
                break
        return max(node.exit_code for node in nodes)
    finally:
        executor.shutdown(timeout_sec=2.0)
        if spinner is not None:
            spinner.join(timeout=5.0)
        for node in nodes:
            if node.state != 'finalized':
                node.trigger_shutdown()
            node.destroy_node()
        for number, handler in previous.items():
            signal.signal(number, handler)
        rclpy.try_shutdown()
