# SPDX-License-Identifier: Apache-2.0
"""Hand messages over to subscriptions in the same process, without the middleware."""

from collections import deque
from collections.abc import Callable
import threading
from weakref import WeakKeyDictionary, WeakSet

from fer_ros.conversions.stamps import serialized_stamp
from fer_ros.workers import Faults
from rclpy.context import Context
from rclpy.publisher import Publisher
from rclpy.qos import qos_check_compatible, QoSCompatibility
from rclpy.subscription import Subscription

#: The middleware brings a message within so many others, or not at all.
_KEPT = 64

_links: WeakSet['Link'] = WeakSet()
_lock = threading.Lock()


class Link:
    """A subscription's callback that also takes messages from publishers in this process.

    What comes both ways counts once. Messages have a header, with whose stamp they are compared.
    Nobody changes a message that was handed over.

    :param callback: takes a message, in the publisher's or the subscription's thread, one at a
        time; it returns soon, as the publisher waits for it.
    :param faults: where its errors are recorded.
    """

    def __init__(self, context: Context, callback: Callable, faults: Faults):
        self._context, self._callback, self._faults = context, callback, faults
        self._lock = threading.Lock()
        self._subscription: Subscription | None = None
        self._compatible: WeakKeyDictionary[Publisher, bool] = WeakKeyDictionary()
        # Stamps of the messages that the middleware brings once more.
        self._twice: deque[tuple[int, int]] = deque(maxlen=_KEPT)

    def open(self, subscription: Subscription) -> None:
        """Take messages for a subscription, whose callback is :meth:`received`."""
        self._subscription = subscription
        with _lock:
            _links.add(self)

    def close(self) -> None:
        """Take no more; the callback is not called again."""
        with _lock:
            _links.discard(self)
        with self._lock:
            self._subscription = None

    def received(self, message: object) -> None:
        """Take a message from the middleware."""
        with self._lock:
            stamp = _stamp(message)
            if stamp in self._twice:
                self._twice.remove(stamp)
            else:
                self._callback(message)

    def takes(self, publisher: Publisher, context: Context) -> bool:
        """Whether the middleware would bring a publisher's messages to the subscription."""
        subscription = self._subscription
        if subscription is None or context is not self._context \
                or publisher.topic_name != subscription.topic_name:
            return False
        if publisher not in self._compatible:
            self._compatible[publisher] = qos_check_compatible(
                publisher.qos_profile, subscription.qos_profile)[0] != QoSCompatibility.ERROR
        return self._compatible[publisher]

    def hand(self, message: object, twice: bool) -> None:
        """Take a message from its publisher.

        :param twice: whether the middleware brings it, too.
        """
        with self._lock:
            if self._subscription is None:
                return
            if twice:
                self._twice.append(_stamp(message))
            self._faults.survive(f'handover of {self._subscription.topic_name}', self._callback,
                                 message)


def publish(publisher: Publisher, message: object, context: Context) -> None:
    """Hand a message over to the links of this process, and publish it if others subscribe.

    :param context: of the publisher's node.
    """
    with _lock:
        links = [link for link in _links if link.takes(publisher, context)]
    others = publisher.get_subscription_count() > len(links)
    for link in links:
        link.hand(message, others)
    if others:
        publisher.publish(message)


def _stamp(message: object) -> tuple[int, int]:
    stamp = serialized_stamp(message) if isinstance(message, bytes) else message.header.stamp
    return stamp.sec, stamp.nanosec
