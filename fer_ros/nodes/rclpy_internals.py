# SPDX-License-Identifier: Apache-2.0
"""The only module that uses undocumented parts of rclpy.

No other module of the package uses such names; ``test/nodes/test_rclpy_internals.py`` checks
that, and has a test for each name below. They were checked in the sources of Humble (rclpy
3.3.21), Jazzy (7.1.11), Kilted (9.1.5), Lyrical (10.0.10) and Rolling (11.0.0), which agree on
them. Each comes through ``implementation_singleton``, which does not depend on how rclpy's
extension module is built.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
import sys

from fer_ros.statistics import MissedMessages
from rclpy.context import Context
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.subscription import Subscription

#: Raised by rclpy.init() for invalid arguments, and by impossible transitions. All
#: five distributions have it here; public (rclpy.subscription.RCLError) since Jazzy only. Can go
#: with Humble, May 2027.
RCLError = rclpy_implementation.RCLError

#: Raised by rclpy.init() for an unknown argument after --ros-args. Public in no distribution. Can
#: go when rclpy.exceptions has it.
UnknownROSArgsError = rclpy_implementation.UnknownROSArgsError


def parameter_overrides(node: Node) -> Mapping[str, Parameter]:
    """Return the parameters that files, arguments and the constructor set, by name.

    Needed in all five distributions to refuse unknown names: the public way
    (automatically_declare_parameters_from_overrides) raises an error for a value without a type,
    such as an empty list, which names neither node nor parameter. Can go when that is fixed.
    """
    return node._parameter_overrides


def refuse_impossible_transitions(node: LifecycleNode, refused: Callable) -> None:
    """Answer a request for an impossible transition with False instead of an exception.

    In Humble and Jazzy the exception passes through the executor and stops every node in it
    (https://github.com/ros2/rclpy/issues/1209). Since Kilted rclpy answers False itself, and this
    changes nothing. Can go with Jazzy, May 2029.

    :param refused: called with the request and the error.
    """
    service = node._service_change_state
    change_state = service.callback

    def answer(request, response):
        try:
            return change_state(request, response)
        except RCLError as error:
            refused(request, error)
            response.success = False
            return response
    service.callback = answer


def release_state_machine(node: LifecycleNode) -> None:
    """Let a node that is being destroyed end now instead of at the next garbage collection.

    destroy_node() forgets the state machine, whose services keep the node, and with its last node
    the process, in the graph: others see it and send to it, and nobody is told goodbye. Needed in
    all five distributions. Can go when destroy_node() ends the state machine too.
    """
    node._state_machine = None


def load_messages_without_generator() -> None:
    """Keep the first message from loading the generator of messages: 8 MiB, and 40 ms at start.

    The package that messages load for one small function also imports its generator with a parser
    (lark), and continues where that cannot be imported. Who needs the generator can import it
    afterwards. Can go when rosidl_generator_py does not import it any more.
    """
    package, generator = 'rosidl_generator_py', 'rosidl_generator_py.generate_py_impl'
    if package in sys.modules:
        return
    sys.modules[generator] = None
    try:
        import_module(package)
    except ImportError:  # a message will say so
        pass
    finally:
        del sys.modules[generator]


class SubscriptionWaiter:
    """Waits for one subscription's messages and events in one thread, without an executor.

    Needed in all five distributions: an executor serves whole nodes, collects all their entities
    whenever it wakes, and one message wakes it about five times. Can go when rclpy lets a callback
    group have a separate executor, as rclcpp does.

    :param subscription: one that no executor waits for; it outlives the waiter.
    :ivar missed: messages that did not arrive; none are known in Humble, which tells no numbers.
    """

    def __init__(self, subscription: Subscription, context: Context):
        self._subscription, self._context = subscription, context
        self._events = subscription.event_handlers
        self.missed = MissedMessages()
        self._wake = GuardCondition(None, None, context=context)

    def __enter__(self) -> 'SubscriptionWaiter':
        """Keep the subscription alive while it is waited for; in the thread that waits."""
        self._in_use = ExitStack()
        for handle in (self._subscription.handle, self._wake.handle, self._context.handle):
            self._in_use.enter_context(handle)
        self._wait_set = rclpy_implementation.WaitSet(
            1, 1, 0, 0, 0, len(self._events), self._context.handle)
        return self

    def __exit__(self, *_) -> None:
        """Release the subscription."""
        self._in_use.close()

    def wait(self, messages: bool = True) -> bool:
        """Wait for message, event or :meth:`wake`; return False once the context has ended.

        :param messages: False: leave messages in the middleware, which keeps the latest, and
            events, which Fast DDS would find ready while a message is there.
        """
        if not self._context.ok():
            return False
        self._wait_set.clear_entities()
        self._wait_set.add_guard_condition(self._wake.handle)
        if messages:
            self._wait_set.add_subscription(self._subscription.handle)
            for event in self._events:
                event.add_to_wait_set(self._wait_set)
        self._wait_set.wait(-1)
        return self._context.ok()

    def take(self) -> Iterator[tuple[Callable, object]]:
        """Yield the callbacks that are due after :meth:`wait`, with their argument."""
        for event in self._events:
            if event.is_ready(self._wait_set) and (data := event.take_data()) is not None:
                yield event.callback, data
        if self._wait_set.get_ready_entities('subscription'):
            taken = self._subscription.handle.take_message(self._subscription.msg_type,
                                                           self._subscription.raw)
            if taken is not None:
                if number := taken[1].get('publication_sequence_number'):
                    self.missed.add(number)
                yield self._subscription.callback, taken[0]

    def wake(self) -> None:
        """Make :meth:`wait` return; from any thread."""
        self._wake.trigger()

    def destroy(self) -> None:
        """Free the waiter's resources, after the last wait."""
        self._wake.destroy()
