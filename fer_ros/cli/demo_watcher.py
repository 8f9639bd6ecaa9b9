# SPDX-License-Identifier: Apache-2.0
"""The demo's node: count the results that arrive over DDS and keep them for display."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
import threading
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from fer_ros import conversions
from fer_ros.cli.demo_display import View
from fer_ros.cli.demo_override import ManualOverride
from fer_ros.conversions import home as home_conversions
from fer_ros.msg import AmbientAction, EmotionArray
from fer_ros.nodes import qos
from fer_ros.nodes.program import spinner
from fer_ros.statistics import LatencyWindow, RateMeter
from fer_ros.workers import Faults
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image


@dataclass
class Counts:
    """Counters over the whole demo."""

    emotions: int = 0
    readings: Counter = field(default_factory=Counter)
    people: set = field(default_factory=set)
    actions: int = 0


class Watcher:
    """The demo's node: subscribes to results and diagnostics.

    :param source: the source's displayed name.
    :param scripted: whether a script changes the lamp.
    :param on_image: takes the annotated images; None: not subscribed, and none are drawn.
    """

    def __init__(self, source: str, scripted: bool,
                 on_image: Callable[[Image], None] | None = None):
        self.node = rclpy.create_node('fer_demo')
        self.counts = Counts()
        self.view = View(source)
        self.latency = LatencyWindow(size=1_000_000)
        self.figures: dict[str, dict[str, str]] = {}
        self.heard_s: dict[str, float] = {}
        self.messages: dict[str, str] = {}
        self._errors: set[str] = set()
        self.events: deque[str] = deque()
        self._rate = RateMeter(window_s=2.0)
        self.node.create_subscription(EmotionArray, 'emotions', self._on_emotions, qos.RESULT)
        self.node.create_subscription(AmbientAction, 'ambient_actions', self._on_action,
                                      qos.RESULT)
        self.image_readers = 1 if on_image is None else 2
        if on_image is not None:
            self.node.create_subscription(Image, 'image_annotated', on_image, qos.IMAGE)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 50)
        self.override = ManualOverride(self.node, scripted, self.events.append)
        self._client = self.node.create_client(ChangeState, 'camera_driver/change_state')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._spinning = spinner(self._executor, Faults(), daemon=True).start()

    def close(self) -> None:
        """Destroy the node."""
        self._executor.shutdown(timeout_sec=2.0)
        self._spinning.end(5.0)
        self.node.destroy_node()

    @property
    def ready(self) -> bool:
        """Whether all nodes but the camera have created their topics, and the camera responds."""
        return bool(self.node.count_publishers('emotions')
                    and self.node.count_publishers('ambient_actions')
                    and self.node.count_publishers('faces')
                    and self.node.count_subscribers('image_raw') >= self.image_readers
                    and self._client.service_is_ready())

    def transition(self, transition: int) -> bool:
        """Request a lifecycle transition of the camera; return whether it succeeded."""
        future = self._client.call_async(ChangeState.Request(
            transition=Transition(id=transition)))
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        return done.wait(15.0) and future.result().success

    def failure(self) -> str:
        """Return which node could not be configured or activated and why; empty if none."""
        return next((f'{node}: {self.messages[node]}' for node, values in list(
            self.figures.items()) if node in self._errors and values.get('state') != 'active'), '')

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
        self.override.acted(action.stamp_s)
        self.view.action, self.view.actions = action, self.counts.actions
        # A lamp with a brightness is obviously on.
        asked = action.request.describe().removeprefix('on ')
        self.events.append(f'{action.room}/{action.target}: {asked}, because {action.reason}')

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.partition(':')[0]
            self.messages[name] = status.message
            (self._errors.add if status.level == DiagnosticStatus.ERROR
             else self._errors.discard)(name)
            self.figures[name] = {value.key: value.value for value in status.values}
            self.heard_s[name] = time.monotonic()
