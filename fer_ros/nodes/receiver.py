# SPDX-License-Identifier: Apache-2.0
"""Serve a subscription in a separate thread instead of the executor."""

from fer_ros.nodes.rclpy_internals import SubscriptionWaiter
from fer_ros.workers import Faults, Worker
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.subscription import Subscription


class ReceiverGroup(MutuallyExclusiveCallbackGroup):
    """Marks a subscription and its events as served by a :class:`Receiver`.

    :class:`fer_ros.nodes.base.ManagedNode` hides entities of such a group from executors.
    """


class Receiver:
    """Calls a subscription's callbacks for messages, in order, and events until closed.

    An error in a callback is recorded, and the next message is processed.

    :param subscription: created with a :class:`ReceiverGroup`; destroyed by its owner after
        :meth:`close`.
    :param faults: where errors are recorded.
    """

    def __init__(self, node: Node, subscription: Subscription, faults: Faults):
        self._faults = faults
        self._name = f'receiver of {subscription.topic_name}'
        self._closing = self._paused = False
        self._waiter = SubscriptionWaiter(subscription, node.context)
        self._worker = Worker(self._name, self._receive, faults).start()

    @property
    def paused(self) -> bool:
        """Whether messages are left in the middleware, which keeps as many as its depth."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            self._waiter.wake()

    @property
    def missed(self) -> int:
        """Number of messages that were sent and did not arrive, whoever lost them."""
        return self._waiter.missed.count

    def close(self) -> None:
        """Stop, after a running callback has finished."""
        self._closing = True
        self._waiter.wake()
        self._worker.end()
        self._waiter.destroy()

    def _receive(self) -> None:
        with self._waiter as waiter:
            while not self._closing and waiter.wait(not self._paused):
                if self._paused:
                    continue
                for callback, argument in waiter.take():
                    if not self._closing:
                        self._faults.survive(self._name, callback, argument)
                    argument = None  # do not keep an image while waiting for the next
