# SPDX-License-Identifier: Apache-2.0
"""``fer-demo``: all nodes as processes of their own over real DDS, watched from a terminal."""

import argparse
from collections import Counter, deque
from dataclasses import dataclass, field
import json
import math
import os
from pathlib import Path
import queue
import signal
import subprocess
import sys
import threading
import time

import cv2
from diagnostic_msgs.msg import DiagnosticArray
from fer_ros import conversions, home_conversions, transport
from fer_ros.cli.demo_display import Lines, LiveScreen, View
from fer_ros.cli.demo_hand import Hand
from fer_ros.core.errors import FerError
from fer_ros.core.sources import is_live, without_password
from fer_ros.core.statistics import LatencyWindow, RateMeter
from fer_ros.data import demo_clip_path
from fer_ros.msg import AmbientAction, EmotionArray
from fer_ros.nodes import qos
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rich.console import Console
from sensor_msgs.msg import Image

#: Started in this order; the camera begins when all others are there.
NODES = ('face_detector', 'emotion_classifier', 'smart_home_bridge', 'annotator', 'camera_driver')
_START_TIMEOUT_S = 45.0


@dataclass
class Counts:
    """What came back over the whole demo."""

    emotions: int = 0
    readings: Counter = field(default_factory=Counter)
    people: set = field(default_factory=set)
    actions: int = 0


class Watcher:
    """The demo's own node: listens to results, diagnostics and the annotated image."""

    def __init__(self, source: str, hand: bool):
        self.node = rclpy.create_node('fer_demo')
        self.counts = Counts()
        self.view = View(source)
        self.latency = LatencyWindow(size=1_000_000)
        self.figures: dict[str, dict[str, str]] = {}
        self.heard_s: dict[str, float] = {}
        self.messages: dict[str, str] = {}
        self.events: deque[str] = deque()
        self.images: queue.Queue = queue.Queue(maxsize=60)
        self._rate = RateMeter(window_s=2.0)
        self.node.create_subscription(EmotionArray, 'emotions', self._on_emotions, qos.RESULT)
        self.node.create_subscription(AmbientAction, 'ambient_actions', self._on_action,
                                      qos.RESULT)
        self.node.create_subscription(Image, 'image_annotated', self._on_image, qos.IMAGE)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 50)
        self.hand = Hand(self.node, hand, self.events.append)
        self._client = self.node.create_client(ChangeState, 'camera_driver/change_state')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown(timeout_sec=2.0)
        self._thread.join(5.0)
        self.node.destroy_node()

    @property
    def ready(self) -> bool:
        """Whether every node but the camera has made its topics, and the camera answers."""
        return bool(self.node.count_publishers('emotions')
                    and self.node.count_publishers('ambient_actions')
                    and self.node.count_publishers('faces')
                    and self.node.count_subscribers('image_raw') >= 2
                    and self._client.service_is_ready())

    def transition(self, transition: int) -> bool:
        """Ask the camera for a lifecycle transition; return whether it succeeded."""
        future = self._client.call_async(ChangeState.Request(
            transition=Transition(id=transition)))
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        return done.wait(15.0) and future.result().success

    def figure(self, node: str, name: str) -> int:
        """Return a counter from a node's last diagnostics."""
        return int(self.figures.get(node, {}).get(name, 0))

    def _on_emotions(self, message: EmotionArray) -> None:
        now = self.node.get_clock().now().nanoseconds * 1e-9
        latency_ms = (now - conversions.stamp_to_s(message.header.stamp)) * 1e3
        self.latency.add(latency_ms)
        self._rate.tick(time.monotonic())
        emotions = conversions.message_to_emotions(message)
        self.counts.emotions += 1
        for emotion in emotions:
            self.counts.readings[emotion.label] += 1
            self.counts.people.add(emotion.track_id)
            if emotion.onset:
                self.events.append(f'#{emotion.track_id} is {emotion.label} '
                                   f'({emotion.confidence:.0%})')
        self.view.emotions = emotions
        self.view.frames = self.counts.emotions
        self.view.rate_hz = self._rate.rate_hz(time.monotonic())
        self.view.latency_ms = latency_ms

    def _on_action(self, message: AmbientAction) -> None:
        action = home_conversions.message_to_action(message)
        self.counts.actions += 1
        self.hand.acted(action.stamp_s)
        self.view.action, self.view.actions = action, self.counts.actions
        light = f'{action.brightness:.0%} #' + ''.join(
            f'{round(255 * channel):02x}' for channel in action.color) if action.on else 'off'
        self.events.append(f'{action.room}/{action.target}: {light}, because {action.reason}')

    def _on_image(self, message: Image) -> None:
        try:
            self.images.put_nowait(message)
        except queue.Full:
            pass  # the video may miss a frame, the demo must not wait for the disk

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.partition(':')[0]
            self.figures[name] = {value.key: value.value for value in status.values}
            self.messages[name] = status.message
            self.heard_s[name] = time.monotonic()


class VideoFile(threading.Thread):
    """Write the annotated images as they come."""

    def __init__(self, images: queue.Queue, path: Path, rate_hz: float = 30.0):
        super().__init__(name='video')
        self._images, self._path, self._rate_hz = images, path, rate_hz
        self._writer = None
        self.written = 0

    def run(self) -> None:
        """Write until a None comes."""
        while (message := self._images.get()) is not None:
            image = conversions.image_to_array(message)
            if self._writer is None:
                self._size = (image.shape[1], image.shape[0])
                self._writer = cv2.VideoWriter(
                    str(self._path), cv2.VideoWriter_fourcc(*'mp4v'), self._rate_hz, self._size)
            if (image.shape[1], image.shape[0]) != self._size:
                image = cv2.resize(image, self._size)  # a folder may change its size
            self._writer.write(image)
            self.written += 1
        if self._writer is not None:
            self._writer.release()


class Processes:
    """The nodes' processes and their logs."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._running: dict[str, subprocess.Popen] = {}

    def start(self, node: str, parameters: dict[str, str]) -> None:
        """Start a node with parameters (as YAML text) and its log in a file."""
        arguments = [part for name, value in parameters.items()
                     for part in ('-p', f'{name}:={value}')]
        with open(self._folder / f'{node}.log', 'w') as log:
            self._running[node] = subprocess.Popen(
                [sys.executable, '-m', f'fer_ros.nodes.{node}', '--ros-args', *arguments],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def check(self) -> None:
        """Raise when a node has died, with the last it said."""
        for node, process in self._running.items():
            if process.poll() is not None:
                raise FerError(f'{node} has ended with code {process.returncode}; its last '
                               f'words:\n{self.last_words(node)}')

    def last_words(self, node: str, lines: int = 8) -> str:
        """Return the end of a node's log."""
        text = (self._folder / f'{node}.log').read_text(errors='replace')
        return '\n'.join(text.strip().splitlines()[-lines:])

    def stop(self) -> None:
        """End all nodes."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def summarise(watcher: Watcher, elapsed_s: float, video: VideoFile, path: Path) -> dict:
    """Return the summary: where every frame went, what was seen, what was done."""
    figure = watcher.figure
    hops = {
        'lost between camera and detector': (
            figure('camera_driver', 'images published')
            - figure('face_detector', 'images received')),
        'dropped by the detector, a newer image came': figure(
            'face_detector', 'images dropped (newer came)'),
        'unreadable': figure('face_detector', 'images unreadable'),
        'lost between detector and classifier': (
            figure('face_detector', 'images processed')
            - figure('emotion_classifier', 'face arrays received')),
        'dropped by the classifier, newer faces came': figure(
            'emotion_classifier', 'face arrays dropped (newer came)'),
        'lost between classifier and demo': (
            figure('emotion_classifier', 'face arrays processed') - watcher.counts.emotions),
    }
    frames = figure('camera_driver', 'images published')
    dropped = sum(hops.values())
    median, p99 = watcher.latency.median_ms, watcher.latency.p99_ms
    return {
        'source': watcher.view.source,
        'frames': frames,
        'unreadable': figure('camera_driver', 'frames unreadable'),
        'emotions': watcher.counts.emotions,
        'dropped': dropped,
        'dropped_where': {name: count for name, count in hops.items() if count},
        'unaccounted': frames - watcher.counts.emotions - dropped,
        'faces': len(watcher.counts.people),
        'readings': dict(watcher.counts.readings.most_common()),
        'actions': watcher.counts.actions,
        'hand': watcher.hand.summary(),
        'latency_ms': {'median': None if math.isnan(median) else round(median, 2),
                       'p99': None if math.isnan(p99) else round(p99, 2)},
        'rate_hz': round(watcher.counts.emotions / max(elapsed_s, 1e-9), 2),
        'detector': watcher.figures.get('face_detector', {}).get('detector', ''),
        'model': watcher.figures.get('emotion_classifier', {}).get('model', ''),
        'video': str(path) if video.written else None,
        'video_frames': video.written,
    }


def describe(summary: dict) -> str:
    """Return the summary as text."""
    where = ', '.join(f'{count} {name}' for name, count in summary['dropped_where'].items())
    readings = ', '.join(f'{label} {count}' for label, count in summary['readings'].items())
    latency = summary['latency_ms']
    lines = [
        f'{summary["frames"]} frames from {summary["source"]}, {summary["emotions"]} of them read '
        f'({summary["rate_hz"]} a second), {summary["dropped"]} dropped'
        + (f' ({where})' if where else '') + f', {summary["unaccounted"]} unaccounted for'
        + (f'; {summary["unreadable"]} could not be read' if summary['unreadable'] else ''),
        f'{summary["faces"]} faces followed; readings: {readings or "none"}',
        f'{summary["actions"]} ambient actions; {summary["hand"]["changes"]} by hand, after which '
        f'the room was left alone for {summary["hand"]["left_alone_s"]} s with '
        f'{summary["hand"]["actions_meanwhile"]} actions',
        f'stamp to EmotionArray: median {latency["median"]} ms, p99 {latency["p99"]} ms '
        f'({summary["detector"]}, {summary["model"]})']
    if summary['video']:
        lines.append(f'annotated video: {summary["video"]} ({summary["video_frames"]} frames)')
    return '\n'.join(lines)


def prepare_environment() -> None:
    """Choose the transport, and a graph of the demo's own unless the user has chosen one."""
    os.environ.update(transport.transport_environment())
    if 'ROS_DOMAIN_ID' not in os.environ:
        os.environ['ROS_DOMAIN_ID'] = str(os.getpid() % 100 + 1)
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


class Demo:
    """Start, watch, end."""

    def __init__(self, options: argparse.Namespace, stop: threading.Event):
        self._options = options
        self._stop = stop
        self._source = str(options.source or demo_clip_path())
        # The bundled clip shows a hand too; at a camera it is yours, by keys.
        self._watcher = Watcher(without_password(self._source),
                                options.source is None and not options.no_hand)
        self._processes = Processes(options.output / 'demo_logs')
        self._video = VideoFile(self._watcher.images, options.output / 'demo.mp4')

    def run(self) -> dict:
        """Run to the end; return the summary.

        :raises FerError: when a node dies or the source cannot be opened.
        """
        console = Console()
        self._video.start()
        screen = LiveScreen(console) if console.is_terminal else Lines(console)
        try:
            self._start()
            began_s = time.monotonic()
            with self._watcher.hand, screen:
                self._watch(screen)
            elapsed_s = time.monotonic() - began_s
            self._settle()
            self._watcher.images.put(None)
            self._video.join(30.0)
            return summarise(self._watcher, elapsed_s, self._video,
                             self._options.output / 'demo.mp4')
        finally:
            self._processes.stop()
            if self._video.is_alive():
                self._watcher.images.put(None)
            self._watcher.close()

    def _start(self) -> None:
        bridge = {'lamp_display': 'none'}
        if self._options.policy:
            bridge['policy_file'] = json.dumps(str(self._options.policy))
        parameters = {
            'camera_driver': {'source': json.dumps(self._source), 'autostart': 'false',
                              'wait_for_subscribers': '2'},
            'smart_home_bridge': bridge}
        if self._options.web:
            # Who looks at a page wants to look for longer than a clip lasts.
            parameters['camera_driver']['loop'] = 'true'
            self._processes.start('dashboard', {'port': str(self._options.port)})
        for node in NODES:
            self._processes.start(node, parameters.get(node, {}))
        end_s = time.monotonic() + _START_TIMEOUT_S
        while not self._watcher.ready:
            self._processes.check()
            if self._stop.wait(0.05):
                raise FerError('stopped before the nodes were up')
            if time.monotonic() > end_s:
                complaints = [f'{node}: {text}' for node, text in self._watcher.messages.items()
                              if text not in ('active', 'inactive', 'unconfigured')]
                raise FerError(f'the nodes were not up after {_START_TIMEOUT_S:.0f} s: '
                               + ('; '.join(complaints) or 'no node said why, see '
                                  f'{self._options.output / "demo_logs"}'))
        for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            if not self._watcher.transition(transition):
                raise FerError('the camera driver could not be started:\n'
                               + self._processes.last_words('camera_driver', 1))

    def _watch(self, screen) -> None:
        end_s = time.monotonic() + (self._options.seconds or math.inf)
        seen = told = False
        while not self._stop.wait(0.1) and time.monotonic() < end_s:
            self._processes.check()
            while self._watcher.events:
                screen.event(self._watcher.events.popleft())
            self._watcher.hand.tick()
            self._watcher.view.lamp = self._watcher.hand.lamp
            self._watcher.view.hold = self._watcher.hand.hold
            screen.show(self._watcher.view)
            page = self._watcher.figures.get('dashboard', {}).get('page')
            if page and not told:
                told = True
                screen.event(f'dashboard: {page} (Ctrl-C ends the demo)')
            elif self._options.web and not told and 'failed' in \
                    self._watcher.figures.get('dashboard', {}):
                raise FerError(self._watcher.messages['dashboard'])
            state = self._watcher.figures.get('camera_driver', {}).get('source state')
            seen = seen or state == 'streaming'
            if state == 'ended':
                return
            if state == 'failed' or (state == 'retrying' and not seen):
                raise FerError(self._watcher.messages['camera_driver'])

    def _settle(self) -> None:
        """Let the last results and every node's last counters come in."""
        if is_live(self._source) or self._stop.is_set() or self._options.seconds:
            self._watcher.transition(Transition.TRANSITION_DEACTIVATE)
        end_s = time.monotonic() + 10.0
        quiet_since_s, count = time.monotonic(), -1
        while time.monotonic() < end_s:
            if count != self._watcher.counts.emotions:
                quiet_since_s, count = time.monotonic(), self._watcher.counts.emotions
            counters = ('camera_driver', 'face_detector', 'emotion_classifier')
            fresh = all(self._watcher.heard_s.get(node, 0) > quiet_since_s + 0.2
                        for node in counters)
            if fresh and time.monotonic() > quiet_since_s + 0.5:
                return
            time.sleep(0.05)


def main(args: list[str] | None = None) -> int:
    """Run the demo; return 0 when it ran to its end."""
    parser = argparse.ArgumentParser(prog='fer-demo', description=__doc__)
    parser.add_argument('--source', help='camera device, video file, folder of images or URL; '
                        'the bundled clip by default')
    parser.add_argument('--policy', type=Path, help='policy file of the smart-home bridge')
    parser.add_argument('--web', action='store_true', help='show a page in the browser; a file '
                        'or folder is then played again and again')
    parser.add_argument('--port', type=int, default=8088, help='of the page; 0: a free one')
    parser.add_argument('--seconds', type=float, default=0.0,
                        help='stop after so long; by default at the end of the source or at '
                        'Ctrl-C')
    parser.add_argument('--no-hand', action='store_true',
                        help='no hand at the lamp while the bundled clip plays')
    parser.add_argument('--output', type=Path, default=Path('build'),
                        help='folder for demo.json, demo.mp4 and the logs')
    options = parser.parse_args(args)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    prepare_environment()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        summary = Demo(options, stop).run()
    except FerError as error:
        print(f'fer-demo: {error}', file=sys.stderr)
        return 1
    finally:
        rclpy.try_shutdown()
    path = options.output / 'demo.json'
    path.write_text(json.dumps(summary, indent=1))
    print(f'\n{describe(summary)}\nsummary: {path}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
