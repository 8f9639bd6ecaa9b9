# SPDX-License-Identifier: Apache-2.0
"""A subscription that is waited on in a thread of its own, not in the executor.

rclpy's executor gathers the services, timers and events of all its nodes anew whenever it wakes,
and one message wakes it about five times.
"""

from collections.abc import Callable
from contextlib import ExitStack
import threading
import traceback

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.subscription import Subscription


class ReceiverGroup(MutuallyExclusiveCallbackGroup):
    """Keeps a subscription from the executor, and its events too: each message stirs them."""

    def can_execute(self, entity) -> bool:
        """Return False: the executor must not wait on it."""
        return False


class Receiver:
    """Call a subscription's callbacks for its messages, in order, and events until closed.

    An error in a callback is logged, and the next message is taken.

    :param subscription: made with a :class:`ReceiverGroup`; destroyed by its owner after
        :meth:`close`.
    """

    def __init__(self, node: Node, subscription: Subscription):
        self._node = node
        self._subscription = subscription
        self._closing = False
        self._wake = GuardCondition(None, None, context=node.context)
        self._thread = threading.Thread(target=self._receive,
                                        name=f'receiver of {subscription.topic_name}')
        self._thread.start()

    def close(self) -> None:
        """Stop; a callback that is running is finished first."""
        self._closing = True
        self._wake.trigger()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._wake.destroy()

    def _receive(self) -> None:
        subscription, context = self._subscription.handle, self._node.context
        events = self._subscription.event_handlers
        with ExitStack() as in_use:
            for handle in (subscription, self._wake.handle, context.handle):
                in_use.enter_context(handle)
            wait_set = rclpy_implementation.WaitSet(1, 1, 0, 0, 0, len(events), context.handle)
            while not self._closing and context.ok():
                wait_set.clear_entities()
                wait_set.add_subscription(subscription)
                wait_set.add_guard_condition(self._wake.handle)
                for event in events:
                    event.add_to_wait_set(wait_set)
                wait_set.wait(-1)
                for event in events:
                    if event.is_ready(wait_set):
                        self._call(event.callback, event.take_data())
                if wait_set.get_ready_entities('subscription'):
                    taken = subscription.take_message(self._subscription.msg_type, False)
                    if taken is not None:
                        self._call(self._subscription.callback, taken[0])
                        taken = None  # not to keep an image while waiting for the next

    def _call(self, callback: Callable, argument) -> None:
        if argument is None or self._closing:
            return
        try:
            callback(argument)
        except Exception:  # the thread must not die: the node would go deaf
            self._node.get_logger().error(f'error in a callback:\n{traceback.format_exc()}')
