# SPDX-License-Identifier: Apache-2.0
"""One run of the demo: start the nodes, watch them, end them."""

import argparse
import json
import math
import os
import threading
import time

from fer_ros import transport
from fer_ros.cameras.sources import is_live
from fer_ros.cli.demo_display import Lines, LiveScreen
from fer_ros.cli.demo_processes import Processes
from fer_ros.cli.demo_summary import describe, summarize
from fer_ros.cli.demo_video import VideoFile
from fer_ros.cli.demo_watcher import Watcher
from fer_ros.data import demo_clip_path
from fer_ros.errors import FerError
from fer_ros.masking import mask
from lifecycle_msgs.msg import Transition
import rclpy
from rclpy.signals import SignalHandlerOptions
from rich.console import Console

#: Started in this order; the camera starts when all others are ready.
NODES = ('face_detector', 'emotion_classifier', 'smart_home_bridge', 'annotator', 'camera_driver')
_START_TIMEOUT_S = 45.0


def run(options: argparse.Namespace, stop: threading.Event) -> None:
    """Run the demo to its end; print the summary and write it to demo.json.

    :param options: from :func:`fer_ros.cli.demo_options.parse`, checked.
    :param stop: ends the demo early when set.
    :raises FerError: when a node dies or the source cannot be opened.
    """
    prepare_environment()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        summary = Demo(options, stop).run()
    finally:
        rclpy.try_shutdown()
    path = options.output / 'demo.json'
    path.write_text(json.dumps(summary, indent=1))
    print(f'\n{describe(summary)}\nsummary: {path}')

def prepare_environment() -> None:
    """Choose the transport, and a separate ROS graph unless the user has chosen one."""
    os.environ.update(transport.transport_environment())
    if 'ROS_DOMAIN_ID' not in os.environ:
        os.environ['ROS_DOMAIN_ID'] = str(os.getpid() % 100 + 1)
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


class Demo:
    """Starts the nodes, watches them and ends them."""

    def __init__(self, options: argparse.Namespace, stop: threading.Event):
        self._options = options
        self._stop = stop
        self._source = str(options.source or demo_clip_path())
        self._video = VideoFile(options.output / 'demo.mp4') if options.record else None
        # With the bundled clip a script changes the lamp; with a camera the user does, by keys.
        self._watcher = Watcher(mask(self._source, camera=True),
                                options.source is None and not options.no_hand,
                                self._video.offer if self._video else None)
        self._processes = Processes(options.output / 'demo_logs')

    def run(self) -> dict:
        """Run to the end; return the summary.

        :raises FerError: when a node dies or the source cannot be opened.
        """
        console = Console()
        screen = LiveScreen(console) if console.is_terminal else Lines(console)
        if self._video:
            self._video.start()
            self._watcher.events.append(f'recording to {self._video.path}')
        try:
            self._start()
            began_s = time.monotonic()
            with self._watcher.override, screen:
                self._watch(screen)
            elapsed_s = time.monotonic() - began_s
            self._settle()
            if self._video:
                self._video.close()
            return summarize(self._watcher, elapsed_s, self._video)
        finally:
            self._processes.stop()
            if self._video:
                self._video.close()
            self._watcher.close()

    def _start(self) -> None:
        bridge = {'lamp_display': 'none'}
        if self._options.policy:
            bridge['policy_file'] = json.dumps(str(self._options.policy))
        parameters = {
            'camera_driver': {'source': json.dumps(self._source), 'autostart': 'false',
                              'wait_for_subscribers': str(self._watcher.image_readers)},
            'smart_home_bridge': bridge}
        if self._options.web:
            # Viewers of a page want to watch for longer than a clip lasts.
            parameters['camera_driver']['loop'] = 'true'
            self._processes.start('dashboard', {
                'address': json.dumps(self._options.address), 'port': str(self._options.port),
                'token_file': json.dumps(str(self._options.token_file or '')),
                'recording': json.dumps(str(self._video.path) if self._video else '')})
        for node in NODES:
            self._processes.start(node, parameters.get(node, {}))
        end_s = time.monotonic() + _START_TIMEOUT_S
        while not self._watcher.ready:
            self._processes.check()
            if failure := self._watcher.failure():
                raise FerError(failure)
            if self._stop.wait(0.05):
                raise FerError('stopped before the nodes were up')
            if time.monotonic() > end_s:
                complaints = [f'{node}: {text}' for node, text in self._watcher.messages.items()
                              if text not in ('active', 'inactive', 'unconfigured')]
                raise FerError(f'the nodes were not up after {_START_TIMEOUT_S:.0f} s: '
                               + ('; '.join(complaints) or 'no node reported why, see '
                                  f'{self._options.output / "demo_logs"}'))
        for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            if not self._watcher.transition(transition):
                raise FerError('the camera driver could not be started:\n'
                               + self._processes.log_tail('camera_driver', 1))

    def _watch(self, screen) -> None:
        end_s = time.monotonic() + (self._options.seconds or math.inf)
        seen = announced = lost = False
        while not self._stop.wait(0.1) and time.monotonic() < end_s:
            self._processes.check()
            while self._watcher.events:
                screen.event(self._watcher.events.popleft())
            if self._video and self._video.problem and not lost:
                lost = True
                screen.event(self._video.problem)
            self._watcher.override.tick()
            self._watcher.view.lamp = self._watcher.override.lamp
            self._watcher.view.hold = self._watcher.override.hold
            screen.show(self._watcher.view)
            page = self._watcher.figures.get('dashboard', {}).get('page')
            if page and not announced:
                announced = True
                screen.event(f'dashboard: {page} (Ctrl-C ends the demo)')
            elif self._options.web and not announced and (failure := self._watcher.failure()):
                raise FerError(failure)
            state = self._watcher.figures.get('camera_driver', {}).get('source state')
            seen = seen or state == 'streaming'
            if state == 'ended':
                return
            if state == 'failed' or (state == 'retrying' and not seen):
                raise FerError(self._watcher.messages['camera_driver'])

    def _settle(self) -> None:
        """Wait for the last results and every node's last counters."""
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
