# SPDX-License-Identifier: Apache-2.0
"""What nodes tell each other of their load, on the topic load of each camera."""

import os
import time
import zlib

from fer_ros.load import Heard, Lateness, LoadShedder, Shed, SKIP_FROM, Thinning
from fer_ros.msg import Load
from fer_ros.nodes import qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.topics import sibling
from fer_ros.statistics import RateMeter

#: The classifier tells how late a camera's emotions are this often, seconds.
_PERIOD_S = 0.5


class Shedding:
    """How one face detector gives up quality before time, and says so on ``load``.

    Called by the thread that processes the images.

    :param node: has the parameters ``defended_latency_ms`` and ``processor_share``.
    """

    def __init__(self, node: ManagedNode):
        self._node = node
        self._name = node.get_fully_qualified_name()
        self._lateness, self._thinning, self._rate = Lateness(), Thinning(), RateMeter()
        self._shedder = LoadShedder(
            node.value('defended_latency_ms'), node.value('processor_share'),
            phase=zlib.crc32(self._name.encode()) / 2 ** 32)
        self._cores = len(os.sched_getaffinity(0))
        self._late, self._levels = Heard(), Heard()
        self._publisher = node.advertise(Load, 'load', qos.RESULT)
        self._subscription = node.subscribe(Load, 'load', self._on_load, qos.RESULT)

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_publisher(self._publisher)

    @property
    def shed(self) -> Shed:
        """What is given up now."""
        return self._shedder.shed

    def wanted(self) -> bool:
        """Return whether the next frame is to be processed."""
        return self._thinning.take(self.shed.part(self._rate.rate_hz(time.monotonic())))

    def received(self, stamp_s: float) -> tuple[float, float]:
        """Return when a frame came and how late it was then; in the thread that receives it."""
        now_s = time.monotonic()
        self._rate.tick(now_s)
        return now_s, self._lateness.way_ms(now_s, self._node.now_s(), stamp_s)

    def done(self, received: tuple[float, float], heavy: bool) -> None:
        """Count a frame that is published; look at the load when it is time to.

        :param received: what :meth:`received` returned of it.
        :param heavy: whether a detection ran in it.
        """
        now_s = time.monotonic()
        self._lateness.add(now_s, (now_s - received[0]) * 1e3 + received[1], heavy)
        if self._shedder.due(now_s):
            own_ms = self._lateness.late_ms(now_s)
            self._shedder.step(
                now_s, None if own_ms is None else max(own_ms, self._late.most(now_s)),
                time.process_time(), self._cores, self._levels.fresh(now_s))
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
        self._publisher.publish(message)

    def _on_load(self, message: Load) -> None:
        # What an emotion classifier says; our own comes back, too.
        if message.node == self._name:
            return
        now_s = time.monotonic()
        self._late.hear(message.node, message.late_ms, now_s)
        if message.cameras > 1:
            self._levels.hear(message.node, message.mean_level, now_s)


class ReadLoad:
    """How late the emotions of each camera are, which the classifier tells its face detector.

    :param topics: of the face arrays.
    """

    def __init__(self, node: ManagedNode, topics: list[str]):
        self._node, self._name = node, node.get_fully_qualified_name()
        self._lateness = {topic: Lateness() for topic in topics}
        self._told_s = dict.fromkeys(topics, float('-inf'))
        self._levels = Heard()
        self._publishers = {topic: node.advertise(Load, sibling(topic, 'load'), qos.RESULT)
                            for topic in topics}
        # One camera has nobody to compare itself with.
        self._subscriptions = [
            node.subscribe(Load, sibling(topic, 'load'), self._on_load, qos.RESULT)
            for topic in topics] if len(topics) > 1 else []

    def close(self) -> None:
        """Leave the topics."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)

    def received(self, topic: str, stamp_s: float) -> tuple[float, float]:
        """Return when faces came and how late they were then; in the thread that receives them."""
        now_s = time.monotonic()
        return now_s, self._lateness[topic].way_ms(now_s, self._node.now_s(), stamp_s)

    def done(self, topic: str, received: tuple[float, float], heavy: bool) -> None:
        """Count a frame whose emotions are published."""
        now_s = time.monotonic()
        lateness = self._lateness[topic]
        lateness.add(now_s, (now_s - received[0]) * 1e3 + received[1], heavy)
        if 0 <= now_s - self._told_s[topic] < _PERIOD_S:
            return
        self._told_s[topic] = now_s
        levels = self._levels.values(now_s)
        message = Load(node=self._name, late_ms=lateness.late_ms(now_s) or 0.0,
                       cameras=min(len(levels), 65535),
                       mean_level=sum(levels) / len(levels) if levels else 0.0)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publishers[topic].publish(message)

    def _on_load(self, message: Load) -> None:
        if message.node != self._name:
            self._levels.hear(message.node, message.level, time.monotonic())


class OptionalWork:
    """Slows optional work of a camera down while its face detector asks for it."""

    def __init__(self, node: ManagedNode, topic: str = 'load'):
        self._node = node
        self._heard = Heard()
        self._thinning = Thinning()
        self._subscription = node.subscribe(Load, topic, self._on_load, qos.RESULT)

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_subscription(self._subscription)

    @property
    def slower(self) -> float:
        """By what the rate is to be divided, 1 or more."""
        return Shed(self._heard.most(time.monotonic())).slower

    def wanted(self) -> bool:
        """Return whether the next piece of work is to be done."""
        return self._thinning.take(1 / self.slower)

    def report(self, status: Status) -> None:
        """Add what is given up."""
        status.values['skipped (load)'] = self._thinning.skipped
        if (slower := self.slower) > 1:
            status.values['given up'] = (f'{slower:.1f} times slower: the face detector is late, '
                                         'see its diagnostics')

    def _on_load(self, message: Load) -> None:
        self._heard.hear(message.node, message.level, time.monotonic())
