# SPDX-License-Identifier: Apache-2.0
"""Measure the nodes as processes over real DDS: latency, CPU share, memory, drops."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
import os
import subprocess
import sys
import threading
import time

from diagnostic_msgs.msg import DiagnosticArray
from fer_ros import conversions, transport
from fer_ros.bench import measure
from fer_ros.errors import FerError
from fer_ros.msg import AttentionArray, EmotionArray
from fer_ros.nodes import qos
from fer_ros.nodes.program import spinner
from fer_ros.processes import stop
from fer_ros.workers import Faults
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image
from std_msgs.msg import Header

# Keys of frames without a result in the nodes' diagnostics.
_COUNTERS = ('images dropped (newer came)', 'images lost in transport', 'images unreadable',
             'face arrays dropped (newer came)', 'frames skipped (load)')


class Bench:
    """A node that publishes frames and waits for their emotions."""

    def __init__(self, cameras: int = 1):
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node('fer_bench', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.latencies_ms: list[float] = []
        self.received = self.attended = 0
        self.counters: dict[str, dict[str, str]] = {}
        self._arrived = threading.Condition()
        names = [''] if cameras == 1 else [f'cam{i}/' for i in range(cameras)]
        self.topics = [f'{name}faces' for name in names]
        self.publishers = [self.node.create_publisher(Image, f'{name}image_raw', qos.IMAGE)
                           for name in names]
        self.received_by_camera = dict.fromkeys(names, 0)
        for name in names:
            self.node.create_subscription(
                EmotionArray, f'{name}emotions',
                lambda message, name=name: self._on_emotions(message, name), qos.RESULT)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 50)
        self._spinning = spinner(self._executor, Faults(), daemon=True).start()

    def close(self) -> None:
        """Destroy the node."""
        self._executor.shutdown(timeout_sec=2)
        self._spinning.end(5)
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def await_graph(self, timeout_s: float = 30.0) -> None:
        """Wait until every image topic has a subscriber and every emotion topic a publisher."""
        end = time.monotonic() + timeout_s
        while not all(p.get_subscription_count() for p in self.publishers) or not all(
                self.node.count_publishers(t.replace('faces', 'emotions')) for t in self.topics):
            if time.monotonic() > end:
                raise FerError(f'the nodes did not start within {timeout_s:.0f} s')
            time.sleep(0.02)

    def feed(self, frames: list[np.ndarray], seconds: float, rate_hz: float) -> int:
        """Publish frames on every camera's topic at a rate; return how many were sent."""
        messages = [conversions.array_to_image(f, 'bgr8', Header(frame_id='bench'))
                    for f in frames]
        sent, start = 0, time.monotonic()
        total = round(seconds * rate_hz)
        for i in range(total):
            pause = start + i / rate_hz - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            message = messages[i % len(messages)]
            for publisher in self.publishers:
                message.header.stamp = self.node.get_clock().now().to_msg()
                publisher.publish(message)
                sent += 1
        return sent

    def feed_until(self, frames: list[np.ndarray], results: int, timeout_s: float = 30.0) -> None:
        """Publish like a running camera until this many results have arrived."""
        end = time.monotonic() + timeout_s
        while self.received < results:
            if time.monotonic() > end:
                raise FerError(f'only {self.received} of {results} results arrived within '
                               f'{timeout_s:.0f} s')
            self.feed(frames[:1], 1 / 30, 30.0)

    def feed_as_consumed(self, frames: list[np.ndarray], seconds: float) -> tuple[int, float]:
        """Publish each frame after the last one's emotions arrived; return count, seconds."""
        messages = [conversions.array_to_image(f, 'bgr8', Header(frame_id='bench'))
                    for f in frames]
        start, sent = time.monotonic(), 0
        while time.monotonic() - start < seconds:
            with self._arrived:
                before = self.received
                message = messages[sent % len(messages)]
                message.header.stamp = self.node.get_clock().now().to_msg()
                self.publishers[0].publish(message)
                sent += 1
                self._arrived.wait_for(lambda: self.received > before, timeout=0.5)
        return sent, time.monotonic() - start

    def reported(self, nodes: int, timeout_s: float = 4.0) -> int:
        """Return how many frames the nodes have counted as dropped, lost or unreadable so far."""
        self.counters = {}
        end = time.monotonic() + timeout_s
        while len(self.counters) < nodes:
            if time.monotonic() > end:
                raise FerError(f'only {len(self.counters)} of {nodes} nodes sent diagnostics '
                               f'within {timeout_s:.0f} s')
            time.sleep(0.02)
        return sum(int(values.get(key, 0)) for values in list(self.counters.values())
                   for key in _COUNTERS)

    def settle(self, expected: int, timeout_s: float = 2.0) -> None:
        """Wait until ``expected`` results have arrived or no more arrive."""
        end = time.monotonic() + timeout_s
        while self.received < expected and time.monotonic() < end:
            time.sleep(0.02)

    def reset(self) -> None:
        """Discard the results so far."""
        with self._arrived:
            self.latencies_ms = []
            self.received = self.attended = 0
            self.received_by_camera = dict.fromkeys(self.received_by_camera, 0)

    def listen_to_attention(self, timeout_s: float = 30.0) -> None:
        """Subscribe to attention, and wait for its publisher."""
        self.node.create_subscription(AttentionArray, 'attention', self._on_attention, qos.RESULT)
        end = time.monotonic() + timeout_s
        while not self.node.count_publishers('attention'):
            if time.monotonic() > end:
                raise FerError(f'the attention node did not come up within {timeout_s:.0f} s')
            time.sleep(0.02)

    def _on_attention(self, _) -> None:
        self.attended += 1

    def _on_emotions(self, message: EmotionArray, camera: str) -> None:
        now = self.node.get_clock().now().nanoseconds * 1e-9
        with self._arrived:
            self.latencies_ms.append((now - conversions.stamp_to_s(message.header.stamp)) * 1e3)
            self.received += 1
            self.received_by_camera[camera] += 1
            self._arrived.notify_all()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {v.key: v.value for v in status.values}
            # Two cameras' detectors have the same name in two namespaces.
            self.counters[values.get('node', status.name)] = values


@contextmanager
def processes(commands: list[list[str]]):
    """Start Python modules as processes, and stop them at the end."""
    running = [subprocess.Popen([sys.executable, '-m', *command], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for command in commands]
    try:
        yield running
    finally:
        stop(running)


def node_commands(composed: bool, cameras: int = 1, detector_args: tuple[str, ...] = (),
                  attention: bool = False) -> list[list[str]]:
    """Return the module arguments that start detector and classifier, and attention."""
    if composed:
        return [['fer_ros.nodes.composed', 'face_detector', 'emotion_classifier',
                 *(['attention'] if attention else []),
                 *(('--ros-args', *detector_args) if detector_args else ())]]
    names = [''] if cameras == 1 else [f'cam{i}' for i in range(cameras)]
    commands = [['fer_ros.nodes.face_detector', *(['--ros-args', '-r', f'__ns:=/{name}']
                                                  if name else [])] for name in names]
    topics = ','.join(f'"{name}/faces"' if name else '"faces"' for name in names)
    return [*commands, ['fer_ros.nodes.emotion_classifier', '--ros-args', '-p',
                        f'face_topics:=[{topics}]']]


def steady(frames: list[np.ndarray], *, composed: bool, seconds: float, rate_hz: float = 30.0,
           cameras: int = 1, detector_args: tuple[str, ...] = (),
           attention: bool | None = None, settle_s: float = 1.0) -> dict:
    """Feed frames at a rate; return latency, processor seconds a second, memory and losses.

    :param settle_s: frames are fed for this long before those that are measured. Load shedding
        requires more than ten seconds: until then, a late frame may be due to its stamp.
    :param attention: that its node runs in the composition; true: and is listened to.
    """
    bench = Bench(cameras)
    start = time.monotonic()
    try:
        with processes(node_commands(composed, cameras, detector_args,
                                     attention is not None)) as running:
            # Every process takes a second or two of processor time to start.
            patience_s = 30.0 + 5 * cameras
            bench.await_graph(patience_s)
            if attention:
                bench.listen_to_attention(patience_s)
            bench.feed_until(frames, cameras, patience_s)
            startup_s = time.monotonic() - start
            bench.feed(frames, settle_s, rate_hz)
            bench.settle(10**9, 0.5)
            nodes = cameras + 1 + (attention is not None)
            reported = bench.reported(nodes, patience_s)
            bench.reset()
            before = [measure.process_cpu_s(p.pid) for p in running]
            began = time.monotonic()
            sent = bench.feed(frames, seconds, rate_hz)
            elapsed = time.monotonic() - began
            bench.settle(sent)
            used = [measure.process_cpu_s(p.pid) - b for p, b in zip(running, before)]
            missing = sent - bench.received
            unreported = missing - (bench.reported(nodes, patience_s) - reported)
            # At rest: while images come, each copy of one adds its size.
            memory = {f'{name}_mib': [round(function(p.pid), 1) for p in running]
                      for name, function in (('rss', measure.process_rss_mib),
                                             ('private', measure.process_private_mib),
                                             ('peak', measure.process_peak_mib))}
            return {'latency_ms': measure.figures(bench.latencies_ms), 'sent': sent,
                    **({'attention_per_s': round(bench.attended / elapsed, 1)}
                       if attention else {}),
                    'received': bench.received, 'missing': missing,
                    'unreported': max(0, unreported),
                    'cpu_s_per_s': round(sum(used) / elapsed, 3),
                    'cpu_ms_per_frame': round(sum(used) / max(1, sent) * 1e3, 3),
                    'least_hz': round(min(bench.received_by_camera.values()) / elapsed, 1),
                    **memory,
                    'startup_s': round(startup_s, 2)}
    finally:
        bench.close()


def throughput(frames: list[np.ndarray], *, composed: bool, seconds: float) -> dict:
    """Feed frames as fast as they are consumed; return frames per second."""
    bench = Bench()
    try:
        with processes(node_commands(composed)):
            bench.await_graph()
            bench.feed_as_consumed(frames, 1.0)
            bench.reset()
            _, elapsed = bench.feed_as_consumed(frames, seconds)
            return {'frames_per_s': round(bench.received / elapsed, 1)}
    finally:
        bench.close()


def soak(frames: list[np.ndarray], count: int) -> dict:
    """Feed ``count`` frames as fast as consumed; return memory after each tenth."""
    bench = Bench()
    try:
        with processes(node_commands(composed=False)) as running:
            bench.await_graph()
            marks = []
            for tenth in range(1, 11):
                while bench.received < count * tenth / 10:
                    bench.feed_as_consumed(frames, 1.0)
                marks.append([round(measure.process_private_mib(p.pid), 1) for p in running])
                print(f'{bench.received} frames: {marks[-1]} MiB', file=sys.stderr, flush=True)
            return {'frames': bench.received, 'private_mib_at_10_percent': marks[0],
                    'private_mib_at_end': marks[-1], 'private_mib_by_tenth': marks}
    finally:
        bench.close()


def raw_transport(frames: list[np.ndarray], seconds: float, rate_hz: float = 30.0) -> dict:
    """Send the same images through rclpy alone between processes: the minimum latency."""
    bench = Bench()
    times: list[float] = []

    def on_echo(message: Header) -> None:
        now = bench.node.get_clock().now().nanoseconds * 1e-9
        times.append((now - conversions.stamp_to_s(message.stamp)) * 1e3)
    bench.node.create_subscription(Header, 'bench_echo', on_echo, qos.RESULT)
    end = time.monotonic() + 20
    try:
        with processes([['fer_ros.bench.echo']]):
            while not bench.publishers[0].get_subscription_count() \
                    or not bench.node.count_publishers('bench_echo'):
                if time.monotonic() > end:
                    raise FerError('the echo process did not start')
                time.sleep(0.02)
            bench.feed(frames[:1], 1.0, rate_hz)
            times.clear()
            bench.feed(frames[:1], seconds, rate_hz)
            time.sleep(0.2)  # the last echoes
            return {'latency_ms': measure.figures(times)}
    finally:
        bench.close()


def alone(measurement: Callable[..., dict], frames: list[np.ndarray], *args, **options) -> dict:
    """Return the result of a function of this module that is called in a separate process.

    A process's shared memory is made once, and is to fit the images as a camera driver's does.
    """
    image_bytes = frames[0].nbytes * options.get('cameras', 1)
    with ProcessPoolExecutor(1, get_context('spawn'), transport.use_profile,
                             (True, image_bytes)) as pool:
        return pool.submit(measurement, frames, *args, **options).result()


def isolate() -> None:
    """Use the package's transport, and a ROS graph separate from others on the network."""
    transport.use_profile()
    os.environ.setdefault('ROS_DOMAIN_ID', str(os.getpid() % 100 + 1))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
