# SPDX-License-Identifier: Apache-2.0
"""Run nodes as a program: arguments, signals, the executor and the exit code."""

import os
import signal
import sys
import time

from fer_ros import transport
from fer_ros.backoff import Backoff
from fer_ros.errors import FerError
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.log import use_ros_log
from fer_ros.nodes.rclpy_internals import (
    load_messages_without_generator,
    RCLError,
    UnknownROSArgsError,
)
from fer_ros.nodes.shared_ports import EXIT_AGAIN, SharedPorts
from fer_ros.workers import Faults, Worker
import rclpy
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions


def spinner(executor: Executor, faults: Faults, *, daemon: bool = False) -> Worker:
    """Return a worker, not yet started, that spins until the executor is shut down.

    An exception in a callback is recorded, and spinning continues.
    """
    def spin() -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            pass
        except Exception:
            if rclpy.ok(context=executor.context):
                raise
    # Short pauses: only one callback failed, and others wait.
    return Worker('executor', spin, faults, daemon=daemon, backoff=Backoff(0.001, 0.1))


def _reason(error: FerError | RCLError) -> str:
    """Return why a node cannot be made, in words."""
    if isinstance(error, FerError):
        return str(error)
    text = f'ROS cannot make the node: {error}'
    if os.environ.get('ROS_SECURITY_ENABLE', '').lower() == 'true':
        text += ('; ROS_SECURITY_ENABLE is set: it needs a middleware that was built with '
                 'security, and the keys of the enclave (docs/network.md)')
    return text


def run(*factories: type[ManagedNode], args: list[str] | None = None) -> int:
    """Run nodes in this process until they finish or a signal comes; return the exit code.

    The transport profile is chosen here, so that nodes started in whatever way use it.

    :returns: :data:`fer_ros.nodes.shared_ports.EXIT_AGAIN` when the process hears nothing any
        more, which has been logged; restart the process.
    """
    arguments = sys.argv if args is None else args
    publishers = [factory for factory in factories if factory.PUBLISHES_IMAGES]
    # A node that cannot tell gets its images from one that can.
    largest = max((each.largest_image_bytes(arguments) for each in publishers), default=0)
    transport.use_profile(bool(publishers), largest * len(publishers))
    load_messages_without_generator()
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except (RCLError, UnknownROSArgsError) as error:
        if 'logging' in str(error):
            print(f'ROS cannot write its log ({error}): set ROS_LOG_DIR to a folder that this '
                  'user can write', file=sys.stderr)
        else:
            print(f'the ROS arguments cannot be used: {error}', file=sys.stderr)
        return 2
    use_ros_log()
    # Not an Event, whose lock the main thread may hold when its handler wants it.
    stops: list[int] = []
    previous = {number: signal.signal(number, lambda number, _: stops.append(number))
                for number in (signal.SIGINT, signal.SIGTERM)}
    nodes: list[ManagedNode] = []
    spinning = None
    executor = SingleThreadedExecutor()
    try:
        for factory in factories:
            try:
                nodes.append(factory())
            except (FerError, RCLError) as error:
                rclpy.logging.get_logger('fer_ros').fatal(_reason(error))
                return 2
            nodes[-1].finished.clear()
            executor.add_node(nodes[-1])
        for node in nodes:
            if node.value('autostart') and not stops:
                node.start()
        spinning = spinner(executor, nodes[0].faults).start()
        ports, lost = SharedPorts(), []
        # Signal handlers run in this thread, which therefore must not sit inside rclpy.
        while not (lost or stops):
            if all(node.finished.is_set() for node in nodes):
                break
            time.sleep(0.1)
            lost = ports.lost()
        if lost:
            nodes[0].get_logger().error(
                f'port {", ".join(map(str, lost))} of the shared memory was taken away, nothing '
                'that others send arrives here any more: starting again')
            return EXIT_AGAIN
        return max(node.exit_code for node in nodes)
    finally:
        executor.shutdown(timeout_sec=2.0)
        if spinning is not None:
            spinning.end(timeout_s=5.0)
        for node in nodes:
            if node.state != 'finalized':
                node.trigger_shutdown()
            node.destroy_node()
        for number, handler in previous.items():
            signal.signal(number, handler)
        rclpy.try_shutdown()
