# SPDX-License-Identifier: Apache-2.0
"""A subscription that is waited for in a thread of its own, not in the executor."""

from collections.abc import Callable
import threading
import traceback

from fer_ros.nodes.rclpy_internals import SubscriptionWaiter
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.subscription import Subscription


class ReceiverGroup(MutuallyExclusiveCallbackGroup):
    """Marks a subscription and its events as served by a :class:`Receiver`.

    :class:`fer_ros.nodes.base.ManagedNode` shows executors no entity of such a group.
    """


class Receiver:
    """Call a subscription's callbacks for its messages, in order, and events until closed.

    An error in a callback is logged, and the next message is taken.

    :param subscription: made with a :class:`ReceiverGroup`; destroyed by its owner after
        :meth:`close`.
    """

    def __init__(self, node: Node, subscription: Subscription):
        self._node = node
        self._closing = False
        self._waiter = SubscriptionWaiter(subscription, node.context)
        self._thread = threading.Thread(target=self._receive,
                                        name=f'receiver of {subscription.topic_name}')
        self._thread.start()

    def close(self) -> None:
        """Stop; a callback that is running is finished first."""
        self._closing = True
        self._waiter.wake()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._waiter.destroy()

    def _receive(self) -> None:
        with self._waiter as waiter:
            while not self._closing and waiter.wait():
                for callback, argument in waiter.take():
                    self._call(callback, argument)
                    argument = None  # not to keep an image while waiting for the next

    def _call(self, callback: Callable, argument) -> None:
        if self._closing:
            return
        try:
            callback(argument)
        except Exception:  # the thread must not die: the node would go deaf
            self._node.get_logger().error(f'error in a callback:\n{traceback.format_exc()}')
