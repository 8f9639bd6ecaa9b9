# SPDX-License-Identifier: Apache-2.0
"""Run a node's work only while it has subscribers."""

from collections.abc import Callable
import inspect
import threading

from fer_ros.nodes.base import ManagedNode
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile

try:
    from rclpy.event_handler import PublisherEventCallbacks, UnsupportedEventTypeError
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks, UnsupportedEventTypeError

#: Whether rclpy reports matched subscribers: since Iron.
HAS_MATCHED_EVENTS = 'matched' in inspect.signature(PublisherEventCallbacks).parameters
_CHECK_S = 0.25


class Demand:
    """Calls ``start`` when ``wanted`` becomes true and ``stop`` when it becomes false.

    :param polled: ask ``wanted`` now and four times per second; otherwise only when
        :meth:`follow` is called, from any thread.
    """

    def __init__(self, node: ManagedNode, wanted: Callable[[], bool], start: Callable[[], None],
                 stop: Callable[[], None], *, polled: bool = True):
        self._node, self._wanted, self._start, self._stop = node, wanted, start, stop
        self.met = False
        self._timer = None
        self._lock = threading.RLock()
        if polled:
            # Steady: also follow subscribers while a simulated clock stands still.
            self._timer = node.create_timer(_CHECK_S, self.follow,
                                            clock=Clock(clock_type=ClockType.STEADY_TIME))
            self.follow()

    def follow(self) -> None:
        """Check now."""
        with self._lock:
            self._set(self._wanted())

    def close(self) -> None:
        """Stop permanently."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        with self._lock:
            self._set(False)
            self._wanted = lambda: False

    def _set(self, wanted: bool) -> None:
        if wanted != self.met:
            self.met = wanted
            (self._start if wanted else self._stop)()


class PublisherOnDemand:
    """A publisher whose node works only while there is a subscriber.

    Created in a node's configure, opened in activate, closed in deactivate, destroyed in cleanup.
    """

    def __init__(self, node: ManagedNode, kind: type, topic: str, profile: QoSProfile):
        self._node = node
        self._demand: Demand | None = None
        self._polled = not HAS_MATCHED_EVENTS
        if not self._polled:
            try:
                self._publisher = node.advertise(kind, topic, profile, matched=self._on_matched)
            except UnsupportedEventTypeError:  # a middleware without this event
                self._polled = True
        if self._polled:
            self._publisher = node.advertise(kind, topic, profile)
        self.publish = self._publisher.publish

    def open(self, start: Callable[[], None], stop: Callable[[], None]) -> None:
        """Call ``start`` once there is a subscriber, and ``stop`` when the last one has left."""
        self._demand = Demand(self._node, lambda: self.subscribers > 0, start, stop,
                              polled=self._polled)
        self._demand.follow()  # not before _on_matched can see it

    def close(self) -> None:
        """Stop; may be called if it is not open."""
        if self._demand is not None:
            demand, self._demand = self._demand, None
            demand.close()

    def destroy(self) -> None:
        """Destroy the publisher."""
        self._node.destroy_publisher(self._publisher)

    @property
    def subscribers(self) -> int:
        """Number of subscribers."""
        return self._publisher.get_subscription_count()

    @property
    def wanted(self) -> bool:
        """Whether it is open and has subscribers."""
        return self._demand is not None and self._demand.met

    def _on_matched(self, _) -> None:
        if self._demand is not None:
            self._demand.follow()
