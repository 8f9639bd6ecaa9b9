# SPDX-License-Identifier: Apache-2.0
"""Base class of the nodes: lifecycle, parameters, diagnostics and checked endpoints."""

from collections.abc import Callable, Iterator, Sequence
import copy
import threading
import traceback

from fer_ros.backoff import Backoff
from fer_ros.errors import FerError
from fer_ros.masking import mask
from fer_ros.nodes import parameters, qos
from fer_ros.nodes.diagnostics import Diagnostics, ERROR, Status, WARN
from fer_ros.nodes.handover import Link
from fer_ros.nodes.parameters import Parameter
from fer_ros.nodes.rclpy_internals import refuse_impossible_transitions, release_state_machine
from fer_ros.nodes.receiver import Receiver, ReceiverGroup
from fer_ros.nodes.release import release_when_main_ends
from fer_ros.workers import Faults
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter as RosParameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSPolicyKind, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from rclpy.waitable import Waitable

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

#: QoS policies that may be overridden: those that decide whether two sides match, and depth.
_OVERRIDABLE = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY,
                QoSPolicyKind.DURABILITY)

#: First and longest pause before a failed start is tried again, seconds.
_RETRY_S = (1.0, 30.0)

#: The response to a request that failed for an internal error.
INTERNAL_FAULT = 'internal error, nothing was changed: the log has the traceback'

READ_ONLY = 'this node was started with read_only: changes through ROS are refused'


class ManagedNode(LifecycleNode):
    """Base class of lifecycle nodes with checked parameters and diagnostics.

    A subclass defines :data:`PARAMETERS` and overrides :meth:`configure`, :meth:`activate`,
    :meth:`deactivate`, :meth:`cleanup`, :meth:`change` and :meth:`report`. Each step may raise
    :class:`fer_ros.errors.FerError`: the transition fails with its message and may be tried
    again.
    """

    #: The parameters of this node.
    PARAMETERS: tuple[Parameter, ...] = ()
    #: Whether it publishes whole images, which require much shared memory.
    PUBLISHES_IMAGES = False

    @classmethod
    def largest_image_bytes(cls, arguments: Sequence[str]) -> int:
        """Return the size of the largest image that it will publish; 0: not known yet.

        :param arguments: of the process.
        """
        return 0

    def __init__(self, name: str, **kwargs):
        super().__init__(name, **kwargs)
        self.exit_code = 0
        self.finished = threading.Event()
        #: Faults of all threads of the node.
        self.faults = Faults(lambda text: self.get_logger().error(text))
        self._state = 'unconfigured'
        self._failure = ''
        self._fixed: dict[str, object] = {}
        self._starting = False
        # A caller may start the node while the executor retries.
        self._start_lock = threading.Lock()
        self._retry: Timer | None = None
        self._backoff = Backoff(shortest_s=_RETRY_S[0], longest_s=_RETRY_S[1])
        self._endpoints: dict[Subscription | Publisher, str] = {}
        #: What serves the subscriptions with a separate thread.
        self.receivers: dict[Subscription, Receiver] = {}
        self._links: dict[Subscription, Link] = {}
        release_when_main_ends(self)
        self.table = (*self.PARAMETERS, *parameters.COMMON_PARAMETERS)
        try:
            parameters.declare(self, self.table)
        except FerError:
            self.destroy_node()
            raise
        refuse_impossible_transitions(self, self._on_impossible_transition)
        self._by_name = {parameter.name: parameter for parameter in self.table}
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._diagnostics = Diagnostics(self, self._collect)

    # Steps, overridden by subclasses.

    def configure(self) -> None:
        """Read parameters, load models, create publishers."""

    def activate(self) -> None:
        """Subscribe, open, start."""

    def deactivate(self) -> None:
        """Undo :meth:`activate`; also called if it failed halfway."""

    def cleanup(self) -> None:
        """Undo :meth:`configure`; also called if it failed halfway."""

    def change(self, values: dict[str, object]) -> None:
        """Apply dynamic parameters while configured; raise ``FerError`` to refuse them."""

    def report(self, status: Status) -> None:
        """Add the node's statistics and problems to its diagnostics."""

    # For subclasses and main functions.

    def value(self, name: str):
        """Return the value of a parameter; cached for those that take effect at configure."""
        if name in self._fixed:
            return self._fixed[name]
        return self.get_parameter(name).value

    def subscribe(self, kind: type, topic: str, callback: Callable, profile: QoSProfile, *,
                  message_lost: Callable | None = None, own_thread: bool = False,
                  handover: bool = False, with_image: bool = False,
                  serialized: bool = False) -> Subscription:
        """Subscribe with QoS overrides allowed, and report publishers that do not match.

        :param message_lost: called when the transport has lost messages.
        :param own_thread: call the callbacks in a separate thread, which costs less per message
            than the executor.
        :param handover: :func:`handover.publish` of this process brings messages, too.
        :param with_image: the callback also gets the image that it was handed, or None.
        :param serialized: what comes from the middleware comes as bytes, which cost little if
            the message is not needed.
        """
        link = Link(self.context, callback, self.faults, with_image) if handover else None
        # A copy of the profile, because rclpy writes overrides into it.
        subscription = self._watched(lambda mismatched: self.create_subscription(
            kind, topic, link.received if link else callback, copy.copy(profile),
            callback_group=ReceiverGroup() if own_thread else None, raw=serialized,
            qos_overriding_options=QoSOverridingOptions(_OVERRIDABLE),
            event_callbacks=SubscriptionEventCallbacks(
                incompatible_qos=mismatched, message_lost=message_lost,
                use_default_callbacks=False)))
        if own_thread:
            self.receivers[subscription] = Receiver(self, subscription, self.faults)
        if link:
            self._links[subscription] = link
            link.open(subscription)
        return subscription

    def pause(self, subscription: Subscription, paused: bool = True) -> None:
        """Leave messages in the middleware, which keeps the latest, or take them again.

        One that is not taken costs a tenth. Has no effect without a separate thread.
        """
        if receiver := self.receivers.get(subscription):
            receiver.paused = paused

    def advertise(self, kind: type, topic: str, profile: QoSProfile,
                  **event_callbacks: Callable) -> Publisher:
        """Create a publisher with QoS overrides allowed, and report subscribers that do not match.

        :param event_callbacks: additional callbacks for rclpy's PublisherEventCallbacks.
        """
        return self._watched(lambda mismatched: self.create_publisher(
            kind, topic, copy.copy(profile),
            qos_overriding_options=QoSOverridingOptions(_OVERRIDABLE),
            event_callbacks=PublisherEventCallbacks(
                incompatible_qos=mismatched, use_default_callbacks=False, **event_callbacks)))

    def destroy_subscription(self, subscription: Subscription) -> bool:
        """Destroy a subscription and clear its problems; its callback is not called again."""
        if link := self._links.pop(subscription, None):
            link.close()
        if receiver := self.receivers.pop(subscription, None):
            receiver.close()
        self._endpoints.pop(subscription, None)
        return super().destroy_subscription(subscription)

    def destroy_publisher(self, publisher: Publisher) -> bool:
        """Destroy a publisher and clear its problems."""
        self._endpoints.pop(publisher, None)
        return super().destroy_publisher(publisher)

    def release(self) -> None:
        """Undo what the present state has created, threads too; the node is then finalized."""
        if self._state in ('active', 'inactive'):
            self.on_shutdown(None)

    def destroy_node(self) -> None:
        """Release and destroy the node."""
        self.release()
        super().destroy_node()
        release_state_machine(self)

    @property
    def state(self) -> str:
        """The lifecycle state: unconfigured, inactive, active or finalized."""
        return self._state

    def now_s(self) -> float:
        """Return the node's time (simulated with ``use_sim_time``), seconds."""
        return self.get_clock().now().nanoseconds * 1e-9

    def start(self) -> bool:
        """Configure and activate; return whether both succeeded.

        A failed step is tried again, with growing pauses, until it succeeds or another client
        changes the node's state.
        """
        with self._start_lock:
            self._end_retries()
            self._backoff.reset()
            done = self._try_start()
        if not done:
            self.get_logger().info('trying again, at least every '
                                   f'{_RETRY_S[1]:g} s, until it succeeds')
        return done

    def _try_start(self) -> bool:
        self._starting = True
        try:
            if self._state == 'unconfigured':
                self.trigger_configure()
            if self._state == 'inactive':
                self.trigger_activate()
        finally:
            self._starting = False
        if self._state in ('unconfigured', 'inactive'):
            pause_s = self._backoff.pause_s()
            # Steady: retry also while a simulated clock stands still.
            self._retry = self.create_timer(pause_s, self._start_again, clock=Clock(
                clock_type=ClockType.STEADY_TIME))
        return self._state == 'active'

    def _start_again(self) -> None:
        with self._start_lock:
            self._end_retries()
            if self._state in ('unconfigured', 'inactive') and self._try_start():
                self.get_logger().info('started: what was missing is available now')

    def _end_retries(self) -> None:
        if self._retry is not None:
            self.destroy_timer(self._retry)
            self._retry = None

    def finish(self, exit_code: int = 0) -> None:
        """Ask :func:`run` to end the process."""
        self.exit_code = exit_code
        self.finished.set()

    # What executors see: nothing that is served by a separate thread. All executors read these
    # properties; not all (EventsExecutor) ask a callback group whether an entity may be executed.

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        """The subscriptions that executors serve."""
        return (subscription for subscription in super().subscriptions
                if not isinstance(subscription.callback_group, ReceiverGroup))

    @property
    def waitables(self) -> Iterator[Waitable]:
        """The events and other waitables that executors serve."""
        return (waitable for waitable in super().waitables
                if not isinstance(waitable.callback_group, ReceiverGroup))

    # Lifecycle, called by rclpy.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure, or log why not and stay unconfigured."""
        self._fixed = {parameter.name: self.get_parameter(parameter.name).value
                       for parameter in self.table if not parameter.dynamic}
        return self._transition(self.configure, self.cleanup, 'inactive', 'unconfigured')

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate, or log why not and stay inactive."""
        return self._transition(self.activate, self.deactivate, 'active', 'inactive')

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate."""
        return self._transition(self.deactivate, None, 'inactive', 'active')

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up."""
        return self._transition(self.cleanup, None, 'unconfigured', 'inactive')

    def on_shutdown(self, state: LifecycleState | None) -> TransitionCallbackReturn:
        """Undo what the present state has created."""
        result = TransitionCallbackReturn.SUCCESS
        self._end_retries()
        if self._state == 'active':
            result = self._transition(self.deactivate, None, 'inactive', 'inactive')
        if self._state == 'inactive':
            result = self._transition(self.cleanup, None, 'unconfigured', 'unconfigured')
        self._state = 'finalized'
        return result

    def _transition(self, step: Callable, undo: Callable | None, done: str,
                    failed: str) -> TransitionCallbackReturn:
        before = self._failure
        try:
            step()
        except FerError as error:
            self._failure = detail = str(error)
        except Exception as error:  # a lifecycle node that died here could not be started again
            self._failure = f'{type(error).__name__}: {error}'
            detail = f'\n{mask(traceback.format_exc())}'
        else:
            self._failure = ''
            self._enter(done)
            if not self._starting:
                self._end_retries()
            self.get_logger().debug(f'{step.__name__}: now {done}')
            return TransitionCallbackReturn.SUCCESS
        # The same failure of a retry is in diagnostics already.
        if not (self._starting and self._failure == before):
            self.get_logger().error(f'{step.__name__} failed: {detail}')
        if undo is not None:
            undo()
        self._enter(failed)
        return TransitionCallbackReturn.FAILURE

    def _enter(self, state: str) -> None:
        self._state = state
        if state == 'unconfigured':
            self._fixed = {}

    def _on_impossible_transition(self, request, error: Exception) -> None:
        requested = request.transition.label or request.transition.id
        self.get_logger().error(
            f'transition {requested} is not possible while {self._state}: {error}')

    # Parameters and diagnostics.

    def _on_set_parameters(self, changes: list[RosParameter]) -> SetParametersResult:
        values = {}
        # Declarations, such as QoS overrides of a new subscription, are not changes.
        if self.value('read_only') and any(self.has_parameter(change.name)
                                           for change in changes):
            return SetParametersResult(successful=False, reason=READ_ONLY)
        for change in changes:
            parameter = self._by_name.get(change.name)
            if parameter is None:
                continue
            if not parameter.dynamic and self._state != 'unconfigured':
                return SetParametersResult(successful=False, reason=(
                    f'{change.name} takes effect at configure: deactivate and clean up the node '
                    f'first (it is {self._state})'))
            problem = parameter.problem(change.value)
            if problem:
                return SetParametersResult(successful=False, reason=problem)
            values[change.name] = change.value
        if self._state in ('inactive', 'active') and values:
            try:
                self.change(values)
            except FerError as error:
                return SetParametersResult(successful=False, reason=str(error))
            except Exception:
                # It would end the executor, and no response would be sent.
                self.get_logger().error(mask(traceback.format_exc()))
                return SetParametersResult(successful=False, reason=INTERNAL_FAULT)
        return SetParametersResult(successful=True)

    def _collect(self) -> Status:
        status = Status(message=self._state, values={
            'node': self.get_fully_qualified_name(), 'state': self._state})
        if self._failure:
            status.worsen(ERROR, self._failure)
            status.values['failed'] = self._failure
            if self._retry is not None:
                status.values['tried again in (s)'] = self._retry.time_until_next_call() * 1e-9
        for endpoint, complaint in list(self._endpoints.items()):
            # The other side may have left, or be back with a matching profile.
            if complaint and qos.mismatch(self, endpoint):
                status.worsen(WARN, complaint)
        # The timer of diagnostics may come in the middle of a configure in another thread.
        if self._state != 'unconfigured':
            self.report(status)
        self.faults.report(status)
        return status

    def _watched(self, make: Callable):
        made = []
        # The event may arrive in the executor's thread before the endpoint is returned.
        made.append(make(lambda _: self._on_incompatible(made[0]) if made else None))
        self._endpoints[made[0]] = ''
        return made[0]

    def _on_incompatible(self, endpoint: Subscription | Publisher) -> None:
        complaint = qos.mismatch(self, endpoint)
        if not complaint or endpoint not in self._endpoints:
            return
        self._endpoints[endpoint] = complaint
        self.get_logger().warning(complaint)
