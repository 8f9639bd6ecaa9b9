# SPDX-License-Identifier: Apache-2.0
"""Exchange of load between nodes, on the topic load of each camera."""

import os
import time
import zlib

from fer_ros.load import Lateness, LoadShedder, RecentValues, Shed, SKIP_FROM, Thinning
from fer_ros.msg import Load
from fer_ros.nodes import handover, qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.topics import sibling
from fer_ros.statistics import RateMeter

#: Interval at which the classifier reports how late a camera's emotions are, seconds.
_PERIOD_S = 0.5


class Shedding:
    """Load shedding of one face detector, reported on ``load``.

    Called by the thread that processes the images.

    :param node: has the parameters ``defended_latency_ms`` and ``processor_share``.
    :ivar phase: different for each camera, [0, 1).
    """

    def __init__(self, node: ManagedNode):
        self._node = node
        self._name = node.get_fully_qualified_name()
        self._lateness, self._thinning, self._rate = Lateness(), Thinning(), RateMeter()
        self.phase = zlib.crc32(self._name.encode()) / 2 ** 32
        self._shedder = LoadShedder(
            node.value('defended_latency_ms'), node.value('processor_share'),
            phase=self.phase)
        self._cores = len(os.sched_getaffinity(0))
        self._late, self._levels = RecentValues(), RecentValues()
        self._publisher = node.advertise(Load, 'load', qos.RESULT)
        self._subscription = node.subscribe(Load, 'load', self._on_load, qos.RESULT,
                                            own_thread=True, handover=True)

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_publisher(self._publisher)

    @property
    def shed(self) -> Shed:
        """What is given up now."""
        return self._shedder.shed

    def wanted(self) -> bool:
        """Return whether to process the next frame."""
        return self._thinning.take(self.shed.part(self._rate.rate_hz(time.monotonic())))

    def received(self, stamp_s: float) -> tuple[float, float]:
        """Return when a frame was received and its excess delay; for the receiving thread."""
        now_s = time.monotonic()
        self._rate.tick(now_s)
        return now_s, self._lateness.excess_delay_ms(now_s, self._node.now_s(), stamp_s)

    def done(self, received: tuple[float, float], heavy: bool) -> None:
        """Count a frame that is published; evaluate the load when that is due.

        :param received: the result of :meth:`received`.
        :param heavy: whether it needed a detection.
        """
        now_s = time.monotonic()
        self._lateness.add(now_s, (now_s - received[0]) * 1e3 + received[1], heavy)
        if self._shedder.due(now_s):
            own_ms = self._lateness.late_ms(now_s)
            self._shedder.step(
                now_s, None if own_ms is None else max(
                    own_ms, self._late.largest(now_s) or 0.0),
                time.process_time(), self._cores, self._levels.largest(now_s))
            self._publish(own_ms or 0.0)

    def report(self, status: Status) -> None:
        """Add what is given up, and why."""
        status.values['frames skipped (load)'] = self._thinning.skipped
        late_ms = self._lateness.late_ms(time.monotonic())
        if late_ms is not None:
            status.values['late (ms)'] = late_ms
        if given_up := self.shed.words:
            status.values.update({'load level': self.shed.level, 'given up': given_up,
                                  'given up because': self._shedder.reason})
            if self.shed.level > SKIP_FROM:
                status.worsen(WARN, f'{self._shedder.reason}; given up: {given_up}. Give the '
                              'machine less to do, or allow more')

    def _publish(self, late_ms: float) -> None:
        message = Load(node=self._name, late_ms=late_ms, level=self.shed.level,
                       given_up=self.shed.words, reason=self._shedder.reason)
        message.header.stamp = self._node.get_clock().now().to_msg()
        handover.publish(self._publisher, message, self._node.context)

    def _on_load(self, message: Load) -> None:
        # From an emotion classifier, or our own message.
        if message.node == self._name:
            return
        now_s = time.monotonic()
        self._late.add(message.node, message.late_ms, now_s)
        if message.cameras > 1:
            self._levels.add(message.node, message.mean_level, now_s)


class EmotionLoad:
    """Reports to each face detector how late its camera's emotions are.

    :param topics: of the face arrays.
    """

    def __init__(self, node: ManagedNode, topics: list[str]):
        self._node, self._name = node, node.get_fully_qualified_name()
        self._lateness = {topic: Lateness() for topic in topics}
        self._published_s = dict.fromkeys(topics, float('-inf'))
        self._levels = RecentValues()
        self._publishers = {topic: node.advertise(Load, sibling(topic, 'load'), qos.RESULT)
                            for topic in topics}
        # A single camera has nothing to compare itself with.
        self._subscriptions = [
            node.subscribe(Load, sibling(topic, 'load'), self._on_load, qos.RESULT,
                           own_thread=True, handover=True)
            for topic in topics] if len(topics) > 1 else []

    def close(self) -> None:
        """Leave the topics."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)

    def received(self, topic: str, stamp_s: float) -> tuple[float, float]:
        """Return when faces were received and their excess delay; for the receiving thread."""
        now_s = time.monotonic()
        return now_s, self._lateness[topic].excess_delay_ms(now_s, self._node.now_s(), stamp_s)

    def done(self, topic: str, received: tuple[float, float], heavy: bool) -> None:
        """Count a frame whose emotions are published."""
        now_s = time.monotonic()
        lateness = self._lateness[topic]
        lateness.add(now_s, (now_s - received[0]) * 1e3 + received[1], heavy)
        if 0 <= now_s - self._published_s[topic] < _PERIOD_S:
            return
        self._published_s[topic] = now_s
        levels = self._levels.values(now_s)
        message = Load(node=self._name, late_ms=lateness.late_ms(now_s) or 0.0,
                       cameras=min(len(levels), 65535),
                       mean_level=sum(levels) / len(levels) if levels else 0.0)
        message.header.stamp = self._node.get_clock().now().to_msg()
        handover.publish(self._publishers[topic], message, self._node.context)

    def _on_load(self, message: Load) -> None:
        if message.node != self._name:
            self._levels.add(message.node, message.level, time.monotonic())


class OptionalWork:
    """Slows down optional work of a camera while its face detector requests it."""

    def __init__(self, node: ManagedNode, topic: str = 'load'):
        self._node = node
        self._levels = RecentValues()
        self._thinning = Thinning()
        self._subscription = node.subscribe(Load, topic, self._on_load, qos.RESULT,
                                            own_thread=True, handover=True)

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_subscription(self._subscription)

    @property
    def slowdown(self) -> float:
        """The factor by which to divide the rate, at least 1."""
        return Shed(self._levels.largest(time.monotonic()) or 0.0).slowdown

    def wanted(self) -> bool:
        """Return whether to do the next piece of work."""
        return self._thinning.take(1 / self.slowdown)

    def report(self, status: Status) -> None:
        """Add what is given up."""
        status.values['skipped (load)'] = self._thinning.skipped
        if (slowdown := self.slowdown) > 1:
            status.values['given up'] = (f'{slowdown:.1f} times slower: the face detector is '
                                         'late, see its diagnostics')

    def _on_load(self, message: Load) -> None:
        self._levels.add(message.node, message.level, time.monotonic())
