# SPDX-License-Identifier: Apache-2.0
"""Smart-home bridge: emotions in, ambient actions out, by the rules of a policy file."""

from collections.abc import Callable
from pathlib import Path
import sys
import threading
import traceback

from fer_ros import conversions
from fer_ros.conversions import habits as habit_conversions
from fer_ros.conversions import home as home_conversions
from fer_ros.conversions.attention import message_to_attention
from fer_ros.errors import ConfigurationError, cut, FerError
from fer_ros.home.action import AmbientAction as Action
from fer_ros.home.commands import RoomCommand
from fer_ros.home.controller import HomeController
from fer_ros.home.operation import Complaints, PATIENCE_S, report, TICK_S
from fer_ros.home.policy import load_policy
from fer_ros.home.snapshot import ChangeDetector
from fer_ros.home.world.connections import check_secrets
from fer_ros.home.world.state_file import ros_home, StateFile
from fer_ros.installed import config_file
from fer_ros.masking import mask
from fer_ros.msg import AmbientAction, AttentionArray, EmotionArray, HomeState, Suggestion
from fer_ros.nodes import qos
from fer_ros.nodes.base import INTERNAL_FAULT, ManagedNode, READ_ONLY
from fer_ros.nodes.diagnostics import Status, WARN
from fer_ros.nodes.parameters import Parameter
from fer_ros.nodes.program import run
from fer_ros.nodes.topics import sibling
from fer_ros.srv import AnswerSuggestion, CommandRoom, SetLightByHand, SwitchHabits
from rclpy.clock import Clock, ClockType
from std_srvs.srv import SetBool, Trigger


class SmartHomeBridge(ManagedNode):
    """Lifecycle node that controls lights, scenes and blinds by a policy for emotions."""

    PARAMETERS = (
        Parameter('policy_file', '',
                  'the policy file; empty: the shipped one. A file that cannot be used is '
                  'rejected, and the old policy stays in force', dynamic=True),
        Parameter('policy', '', 'the policy in the file that all rooms use; empty: each '
                  "room's own", dynamic=True),
        Parameter('dry_run', False,
                  'only show what would be done: no broker, no Home Assistant, no secrets read'),
        Parameter('state_file', '',
                  'where switches, policies, holds and what is to be undone are kept across '
                  'restarts; empty: fer_ros/NODE.json in the ROS home (~/.ros); none: nowhere'),
        Parameter('lamp_display', 'auto',
                  'how lamps of type terminal are drawn; auto: in color on a terminal, '
                  'otherwise in the log', choices=('auto', 'color', 'log', 'none')),
    )

    def __init__(self, **kwargs):
        super().__init__('smart_home_bridge', **kwargs)
        self._home: HomeController | None = None
        # Services, timer and lifecycle may be called from different threads.
        self._lock = threading.RLock()
        self._actions = self._state_publisher = self._suggestions = self._timer = None
        self._suggested: dict[str, object] = {}
        self._subscriptions_made, self._sources, self._asks = [], (), False
        self._services_made = []
        self._changes = ChangeDetector()
        self._complaints: Complaints | None = None
        self._started_s = 0.0

    def configure(self) -> None:
        """Check the policy and create the publishers."""
        policy = load_policy(self._policy_path())
        self._check_choice(self.value('policy'), policy)
        if not self.value('dry_run'):
            check_secrets(policy)
        self._actions = self.advertise(AmbientAction, 'ambient_actions', qos.RESULT)
        self._state_publisher = self.advertise(HomeState, '~/home_state', qos.STATE)
        self._suggestions = self.advertise(Suggestion, '~/suggestions', qos.RESULT)

    def activate(self) -> None:
        """Connect to the home and subscribe to the emotions."""
        from fer_ros import __version__
        with self._lock:
            write, ansi = self._display()
            self._home = HomeController(self._policy_path(), on_action=self._publish,
                                dry_run=self.value('dry_run'), write=write, ansi=ansi,
                                version=__version__, memory=self._memory())
            self._home.recall(self.now_s())
            if self.value('policy'):
                self._home.command(RoomCommand.SELECT_POLICY, self.now_s(),
                                   argument=self.value('policy'))
            self._complaints = Complaints(lambda text: self.get_logger().error(text),
                                          lambda text: self.get_logger().warning(text))
            self._changes.reset()
            self._steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._started_s = self._steady_s()
            self._subscribe()
            self._services_made = [
                self.create_service(SetBool, '~/enable', self._on_enable),
                self.create_service(Trigger, '~/revert', self._on_revert),
                self.create_service(Trigger, '~/resume', self._on_resume),
                self.create_service(Trigger, '~/reload', self._on_reload),
                self.create_service(CommandRoom, '~/command_room', self._on_command),
                self.create_service(SetLightByHand, '~/light_by_hand', self._on_hand),
                self.create_service(AnswerSuggestion, '~/answer_suggestion', self._on_answer),
                self.create_service(SwitchHabits, '~/switch_habits', self._on_switch_habits)]
            # Steady: people and devices respond also while simulated time stands still.
            self._timer = self.create_timer(TICK_S, self._tick, clock=self._steady)
            self.get_logger().info(
                f'policy: {self._policy_path()}, rooms: {", ".join(self._home.rooms)}')

    def deactivate(self) -> None:
        """Restore the lights and disconnect."""
        self._unsubscribe()
        with self._lock:
            if self._timer is not None:
                self.destroy_timer(self._timer)
                self._timer = None
            for service in self._services_made:
                self.destroy_service(service)
            self._services_made = []
            if self._home is not None:
                home, self._home = self._home, None
                home.close(self.now_s())

    def cleanup(self) -> None:
        """Undo configure."""
        for publisher in (self._actions, self._state_publisher, self._suggestions):
            if publisher is not None:
                self.destroy_publisher(publisher)
        self._actions = self._state_publisher = self._suggestions = None

    def change(self, values: dict[str, object]) -> None:
        """Apply another policy file or policy, completely or not at all."""
        with self._lock:
            path = self._policy_path(values.get('policy_file'))
            choice = values.get('policy', self.value('policy'))
            policy = load_policy(path)
            self._check_choice(choice, policy)
            if self._home is None:
                return
            if 'policy_file' in values:
                self._reload(path)
            if choice or 'policy' in values:
                for name, room in self._home.policy.rooms.items():
                    self._home.command(RoomCommand.SELECT_POLICY, self.now_s(), name,
                                       choice or room.policy)
        self._follow_sources()

    def report(self, status: Status) -> None:
        """Add the state of rooms and connections, and problems."""
        with self._lock:
            if self._home is None:
                return
            young = self._young
            report(self._home, status, young=young)
            if not young:
                for subscription in self._subscriptions_made:
                    if not self.get_publishers_info_by_topic(subscription.topic_name):
                        node = 'the attention node, which the policy uses' \
                            if subscription.msg_type is AttentionArray else 'an emotion classifier'
                        status.worsen(WARN, f'no publisher on {subscription.topic_name}: start '
                                      f'{node}, or set its topic under sources in the policy')

    # Internals.

    def _policy_path(self, requested: object = None) -> Path:
        requested = self.value('policy_file') if requested is None else requested
        return Path(str(requested)) if requested \
            else config_file('policies/default.yaml')

    def _memory(self) -> StateFile | None:
        setting = self.value('state_file')
        if setting == 'none':
            return None
        name = self.get_fully_qualified_name().strip('/').replace('/', '.')
        return StateFile(Path(setting).expanduser() if setting
                         else ros_home() / 'fer_ros' / f'{name}.json')

    @staticmethod
    def _check_choice(choice: object, policy) -> None:
        if choice and choice not in policy.policies:
            raise ConfigurationError(f'policy {choice!r} is not in the file: expected one of '
                                     f'{", ".join(policy.policies)}')

    def _display(self):
        display = self.value('lamp_display')
        if display == 'none':
            return None, False
        if display == 'color' or (display == 'auto' and sys.stdout.isatty()):
            return (lambda line: print(line, flush=True)), True
        return (lambda line: self.get_logger().info(line)), False

    def _steady_s(self) -> float:
        return self._steady.now().nanoseconds * 1e-9

    @property
    def _young(self) -> bool:
        return self._steady_s() - self._started_s < PATIENCE_S

    def _subscribe(self) -> None:
        policy = self._home.policy
        self._sources, self._asks = policy.sources, policy.asks_attention
        for source in self._sources:
            self._subscriptions_made.append(self.subscribe(
                EmotionArray, source,
                lambda message, source=source: self._on_emotions(message, source), qos.RESULT,
                own_thread=True))
            if self._asks:
                self._subscriptions_made.append(self.subscribe(
                    AttentionArray, sibling(source, 'attention'),
                    lambda message, source=source: self._on_attention(message, source),
                    qos.RESULT, own_thread=True))

    def _follow_sources(self) -> None:
        """Subscribe to the policy's sources if they have changed; call it without the lock."""
        if self._home is not None and (
                self._home.policy.sources, self._home.policy.asks_attention) != (
                self._sources, self._asks):
            self._unsubscribe()
            self._subscribe()

    def _unsubscribe(self) -> None:
        """Destroy the subscriptions; without the lock, as a callback may wait for it."""
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        self._subscriptions_made = []

    def _reload(self, path: Path) -> str:
        self._home.reload(self.now_s(), path)
        self.get_logger().info(f'policy reloaded: {path}')
        return 'reloaded'

    def _on_emotions(self, message: EmotionArray, source: str) -> None:
        with self._lock:
            if self._home is None:
                return
            problems: list[str] = []
            emotions = conversions.message_to_emotions(message, problems)
            if problems:
                self._home.refuse(source, problems[0])
                if not emotions:
                    return    # there are people: an empty list would mean nobody in view
            self._home.observe(source, emotions, conversions.stamp_to_s(message.header.stamp),
                                now_s=self.now_s(), frame_id=cut(message.header.frame_id))

    def _on_attention(self, message: AttentionArray, source: str) -> None:
        with self._lock:
            if self._home is not None:
                self._home.attend(source, message_to_attention(message), now_s=self.now_s())

    def _tick(self) -> None:
        with self._lock:
            if self._home is None:
                return
            self._home.tick(self.now_s())
            self._publish_state()
            self._complaints.update(self._home, young=self._young)

    def _publish(self, action: Action) -> None:
        self._actions.publish(home_conversions.action_to_message(action))

    def _publish_state(self) -> None:
        rooms, now_s = self._home.snapshots, self._steady_s()
        self._publish_suggestions(rooms)
        if self._changes.due(rooms, now_s):
            self._changes.mark_published(rooms, now_s)
            self._state_publisher.publish(home_conversions.home_to_message(
                rooms, self.now_s(), str(self._policy_path())))

    def _publish_suggestions(self, rooms) -> None:
        for room in rooms:
            suggestion = None if room.habits is None else room.habits.suggestion
            if suggestion not in (None, self._suggested.get(room.room)):
                self._suggestions.publish(
                    habit_conversions.suggestion_to_message(room.room, suggestion))
            self._suggested[room.room] = suggestion

    def _answer(self, response, work: Callable[[], str]):
        """Handle a service call; the response says what was done or why not."""
        with self._lock:
            try:
                if self.value('read_only'):
                    raise ConfigurationError(READ_ONLY)
                if self._home is None:
                    raise ConfigurationError('the bridge is not active')
                response.success, response.message = True, work()
            except FerError as error:
                response.success, response.message = False, str(error)
            except Exception:
                # The caller gets a response; the internal error is in the log.
                self.get_logger().error(mask(traceback.format_exc()))
                response.success, response.message = False, INTERNAL_FAULT
        return response

    def _command(self, command: RoomCommand, room: str = '', argument: str = '') -> str:
        return self._home.command(command, self.now_s(), room or None, argument)

    def _on_enable(self, request, response):
        command = RoomCommand.SWITCH_ON if request.data else RoomCommand.SWITCH_OFF
        return self._answer(response, lambda: self._command(command))

    def _on_revert(self, _request, response):
        return self._answer(response, lambda: self._command(RoomCommand.REVERT))

    def _on_resume(self, _request, response):
        return self._answer(response, lambda: self._command(RoomCommand.RESUME))

    def _on_reload(self, _request, response):
        response = self._answer(response, lambda: self._reload(self._policy_path()))
        self._follow_sources()
        return response

    def _on_command(self, request, response):
        return self._answer(response, lambda: self._command(
            RoomCommand.of_number(request.command), request.room, request.policy))

    def _on_answer(self, request, response):
        return self._answer(response, lambda: self._home.answer_suggestion(
            request.room, habit_conversions.number_to_answer(request.answer), self.now_s(),
            request.habit))

    def _on_switch_habits(self, request, response):
        return self._answer(response, lambda: self._home.switch_habits(
            request.room, request.enabled, self.now_s()))

    def _on_hand(self, request, response):
        def work() -> str:
            self._home.change_manually(
                request.room, request.target, home_conversions.message_to_light(request.light),
                self.now_s())
            return f'{request.room}/{request.target} changed manually'
        return self._answer(response, work)


def main(args: list[str] | None = None) -> int:
    """Run the smart-home bridge."""
    return run(SmartHomeBridge, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
