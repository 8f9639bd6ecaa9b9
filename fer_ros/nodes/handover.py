# SPDX-License-Identifier: Apache-2.0
"""Hand messages over to subscriptions in the same process, without the middleware."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
import threading
from weakref import WeakKeyDictionary, WeakSet

from fer_ros.conversions.stamps import serialized_stamp
from fer_ros.workers import Faults
import numpy as np
from rclpy.context import Context
from rclpy.publisher import Publisher
from rclpy.qos import qos_check_compatible, QoSCompatibility
from rclpy.subscription import Subscription

#: The middleware brings a message within so many others, or not at all.
_KEPT = 64

_links: WeakSet['Link'] = WeakSet()
_lock = threading.Lock()


@dataclass(frozen=True)
class ReadImage:
    """The image that a message is about.

    :ivar topic: its full name.
    :ivar pixels: uint8 ``(h, w, 3)`` BGR or ``(h, w)`` gray; nobody changes them.
    """

    topic: str
    pixels: np.ndarray


class Link:
    """A subscription's callback that also takes messages from publishers in this process.

    What comes both ways counts once. Messages have a header, with whose stamp they are compared.
    Nobody changes a message that was handed over.

    :param callback: takes a message, in the publisher's or the subscription's thread, one at a
        time; it returns soon, as the publisher waits for it.
    :param faults: where its errors are recorded.
    :param with_image: the callback also gets a :class:`ReadImage`, or None.
    """

    def __init__(self, context: Context, callback: Callable, faults: Faults,
                 with_image: bool = False):
        self._context, self._faults = context, faults
        self._callback = callback if with_image else lambda message, _: callback(message)
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
                self._callback(message, None)

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

    def hand(self, message: object, twice: bool, image: ReadImage | None) -> None:
        """Take a message from its publisher.

        :param twice: whether the middleware brings it, too.
        """
        with self._lock:
            if self._subscription is None:
                return
            if twice:
                self._twice.append(_stamp(message))
            self._faults.survive(f'handover of {self._subscription.topic_name}', self._callback,
                                 message, image)


def publish(publisher: Publisher, message: object, context: Context,
            image: ReadImage | None = None) -> None:
    """Hand a message over to the links of this process, and publish it if others subscribe.

    :param context: of the publisher's node.
    :param image: which the message is about: who also needs it need not take and read it again.
    """
    with _lock:
        links = [link for link in _links if link.takes(publisher, context)]
    others = publisher.get_subscription_count() > len(links)
    for link in links:
        link.hand(message, others, image)
    if others:
        publisher.publish(message)


def _stamp(message: object) -> tuple[int, int]:
    stamp = serialized_stamp(message) if isinstance(message, bytes) else message.header.stamp
    return stamp.sec, stamp.nanosec
