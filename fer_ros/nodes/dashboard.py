# SPDX-License-Identifier: Apache-2.0
"""Dashboard: a web page with pictures, emotions, the home's actions and problems."""

import threading

from diagnostic_msgs.msg import DiagnosticArray
from fer_ros import conversions
from fer_ros.conversions import home as home_conversions
from fer_ros.conversions.attention import message_to_attention
from fer_ros.dashboard.page import Page, PAGE_PARAMETERS
from fer_ros.errors import ConfigurationError, cut, FerError
from fer_ros.habits.views import HABIT_ACTIONS
from fer_ros.home.commands import RoomCommand
from fer_ros.msg import AmbientAction, AttentionArray, EmotionArray, HomeState
from fer_ros.nodes import image_input, qos
from fer_ros.nodes.base import ManagedNode
from fer_ros.nodes.demand import Demand
from fer_ros.nodes.diagnostics import OK, SILENCE, Status, WARN
from fer_ros.nodes.load import OptionalWork
from fer_ros.nodes.parameters import Parameter
from fer_ros.nodes.program import run
from fer_ros.nodes.reading import Reading
from fer_ros.nodes.synchronizer import Synchronizer
from fer_ros.nodes.topics import camera_name, sibling
from fer_ros.srv import AnswerSuggestion, CommandRoom, SwitchHabits
import numpy as np
from rclpy.clock import Clock, ClockType
from std_msgs.msg import Header

_ANSWER_S = 3.0
_LOOK_AROUND_S = 0.25
#: Time for the first image to arrive after the first viewer connects, seconds.
_PATIENCE_S = 2.0
#: Number of images that wait for their emotions, so that boxes match the faces.
_BUFFERED = 20
#: If no emotions arrive for this long, images are shown without waiting, seconds.
_IMPATIENCE_S = 1.0
#: Inputs of the synchronizer.
_IMAGE, _EMOTIONS = 0, 1


class Dashboard(ManagedNode):
    """Lifecycle node that serves the dashboard page."""

    PARAMETERS = (
        *PAGE_PARAMETERS,
        Parameter('emotion_topics', ['emotions'], 'topics of the emotions, one per camera, each '
                  'with its images beside it (cam1/emotions: cam1/image_raw)'),
        Parameter('attention', True, 'show where people look; while somebody views the page, the '
                  'attention node then works', dynamic=True),
        Parameter('bridge', 'smart_home_bridge', "the smart-home bridge's node name"),
        Parameter('recording', '', 'where the pictures are being stored, shown to viewers of the '
                  'page; empty: the page says that no picture is stored'),
        *image_input.PARAMETERS,
    )

    def __init__(self, **kwargs):
        super().__init__('dashboard', **kwargs)
        self._page: Page | None = None
        self._timer = None
        self._clients_made = {}
        self._subscriptions_made = []
        self._inputs: dict[str, image_input.ImageInput] = {}
        self._pairs: dict[str, Synchronizer] = {}
        self._loads: dict[str, OptionalWork] = {}
        self._demands: list[Demand] = []
        self._gazes: list = []
        self._looked_since_s: dict[str, float] = {}
        self._readings: dict[str, Reading] = {}
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)

    @property
    def url(self) -> str:
        """The page's URL, while the node is active."""
        return '' if self._page is None else self._page.url

    def configure(self) -> None:
        """Check the access settings, and start the history."""
        topics = list(self.value('emotion_topics'))
        self._topics = {camera_name(topic): topic for topic in topics}
        if not topics or len(self._topics) < len(topics):
            raise ConfigurationError(f'emotion_topics is {topics}: expected one or more topics in '
                                     'different namespaces')
        self._page = Page(tuple(self._topics), {
            parameter.name: self.value(parameter.name) for parameter in PAGE_PARAMETERS},
            self.now_s, self._control, recording=self.value('recording'))
        self._board = self._page.state

    def activate(self) -> None:
        """Subscribe to the other nodes and serve the page."""
        self._page.open()
        self._pictures = self._page.pictures
        bridge = self.value('bridge')
        self._readings = {name: Reading(self, 'emotions', topic, conversions.message_to_emotions)
                          for name, topic in self._topics.items()}
        self._subscriptions_made = [
            *(self.subscribe(EmotionArray, topic,
                             lambda message, name=name: self._on_emotions(message, name),
                             qos.RESULT, own_thread=True) for name, topic in self._topics.items()),
            self.subscribe(AmbientAction, 'ambient_actions', self._on_action, qos.RESULT),
            self.subscribe(HomeState, f'{bridge}/home_state', self._on_home, qos.STATE),
            self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 50)]
        self._clients_made = {
            CommandRoom: self.create_client(CommandRoom, f'{bridge}/command_room'),
            AnswerSuggestion: self.create_client(AnswerSuggestion, f'{bridge}/answer_suggestion'),
            SwitchHabits: self.create_client(SwitchHabits, f'{bridge}/switch_habits')}
        self._demands = [Demand(self, lambda name=name: self._wanted(name),
                                lambda name=name: self._begin(name),
                                lambda name=name: self._end(name)) for name in self._topics]
        self._demands.append(Demand(
            self, lambda: self.value('attention') and self._page.viewers > 0,
            self._begin_attention, self._end_attention))
        self._timer = self.create_timer(_LOOK_AROUND_S, self._look_around, clock=self._steady)
        self.get_logger().info(f'dashboard: {self.url}')

    def deactivate(self) -> None:
        """Stop the page and the subscriptions."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None
        for demand in self._demands:
            demand.close()
        self._demands = []
        if self._page is not None:
            self._page.close()
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        self._subscriptions_made = []
        clients, self._clients_made = self._clients_made, {}
        for client in clients.values():
            self.destroy_client(client)

    def cleanup(self) -> None:
        """Forget everything."""
        self._page = self._board = None

    def report(self, status: Status) -> None:
        """Add figures."""
        if not self.url:
            return
        status.values.update({
            'page': self.url, 'viewers': self._page.viewers,
            'pictures encoded': self._pictures.encoded,
            'records in memory': len(self._board.history),
            'faces skipped': sum(reading.skipped for reading in self._readings.values())})
        for reading in self._readings.values():
            reading.report(status)
        self._page.faults.report(status)
        for name, found in self._inputs.items():
            figures = Status()
            found.report(figures)
            self._loads[name].report(figures)
            status.values.update({f'{name}: {key}': value
                                  for key, value in figures.values.items()})
        for subscription in self._subscriptions_made[:len(self._topics)]:
            if not self.get_publishers_info_by_topic(subscription.topic_name):
                status.worsen(WARN, f'no publisher on {subscription.topic_name}: start an '
                              'emotion classifier, or name its topic in emotion_topics')

    # Pictures, while there are viewers.

    def _wanted(self, name: str) -> bool:
        return self.value('picture') and self._pictures.wanted(name)

    def _begin(self, name: str) -> None:
        self._looked_since_s[name] = self._steady_s()
        self._pairs[name] = Synchronizer(2, _BUFFERED, lambda offer, _: offer())
        self._loads[name] = OptionalWork(self, sibling(self._topics[name], 'load'))
        self._inputs[name] = image_input.ImageInput(
            self, lambda image, header: self._on_image(image, header, name),
            sibling(self._topics[name], 'image_raw'))

    def _end(self, name: str) -> None:
        self._inputs.pop(name).close()
        self._loads.pop(name).close()
        self._pairs.pop(name)
        self._pictures.clear(name)

    def _begin_attention(self) -> None:
        self._gazes = [
            self.subscribe(AttentionArray, sibling(topic, 'attention'),
                           lambda message, name=name: self._board.attend(
                               name, message_to_attention(message)),
                           qos.RESULT, own_thread=True) for name, topic in self._topics.items()]

    def _end_attention(self) -> None:
        for subscription in self._gazes:
            self.destroy_subscription(subscription)
        self._gazes = []

    def _on_image(self, image: np.ndarray, header: Header, name: str) -> None:
        if not self._loads[name].wanted():
            return

        def offer():
            self._pictures.offer(name, image, conversions.stamp_to_s(header.stamp))
        if self._pictures.age_s(name) > _IMPATIENCE_S:
            offer()
        else:
            self._pairs[name].add(_IMAGE, header, offer)

    # Data of the other nodes.

    def _on_emotions(self, message: EmotionArray, name: str) -> None:
        emotions = self._readings[name].read(message)
        if emotions is None:
            return
        self._board.see(name, emotions, now_s=self.now_s(),
                        stamp_s=conversions.stamp_to_s(message.header.stamp),
                        size=(message.image_width, message.image_height), model=cut(message.model),
                        label_set=cut(message.label_set))
        if (pairs := self._pairs.get(name)) is not None:
            pairs.add(_EMOTIONS, message.header, None)

    def _on_action(self, message: AmbientAction) -> None:
        try:
            self._board.act(home_conversions.message_to_action(message))
        except FerError as error:
            self.get_logger().error(f'action skipped: {error}', throttle_duration_sec=5.0)

    def _on_home(self, message: HomeState) -> None:
        try:
            self._board.rooms(home_conversions.message_to_home(message))
        except FerError as error:
            self.get_logger().error(f"the home's state skipped: {error}",
                                    throttle_duration_sec=5.0)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {value.key: value.value for value in status.values}
            # Other diagnostics of a robot are not shown.
            if status.name.endswith(': status') and 'node' in values:
                name, level, message = (values.pop('node').strip('/'), status.level,
                                        status.message)
                # Waiting for a clip that has ended is not a problem.
                if level == WARN and values.get(SILENCE) == message \
                        and (ended := self._ended(name)):
                    level, message = OK, f'waiting: {ended}'
                self._board.diagnose(name, level[0], message, values)

    def _look_around(self) -> None:
        """Check which nodes have left the graph, and why there is no picture."""
        self._board.present({f'{info.node_namespace}/{info.node_name}'.strip('/')
                             for info in self.get_publishers_info_by_topic('/diagnostics')})
        there = self._clients_made[CommandRoom].service_is_ready()
        bridge = self.value('bridge')
        gone = self._board.gone(self._beside_us(bridge))
        self._board.bridge(*(('active', '') if there and not gone else (
            'absent', gone or f'{bridge} does not answer: is it running and active?')))
        for name in self._topics:
            self._board.picture(name, *self._picture_status(name))
            self._board.silence(name, self._silence(name))

    def _picture_status(self, name: str) -> tuple[str, str]:
        if not self.value('picture'):
            return 'off', 'Pictures are disabled (parameter picture): labels only.'
        if name not in self._inputs or self._pictures.age_s(name) < 1.5:
            return 'live', ''
        camera = self._near(name, 'camera_driver')
        if ended := self._board.ended(camera):
            return 'ended', ended
        if reason := self._board.gone(camera) or self._board.complaint(camera):
            return 'absent', reason
        topic = self._inputs[name].topic
        if not self.count_publishers(topic):
            return 'absent', f'No publisher on {topic}: is the camera running?'
        if self._steady_s() - self._looked_since_s[name] < _PATIENCE_S:
            return 'live', ''
        return 'absent', f'Receiving no images on {topic}: is the camera running?'

    def _silence(self, name: str) -> str:
        """Return why a camera has no emotions, according to the nodes."""
        camera = self._near(name, 'camera_driver')
        if ended := self._board.ended(camera):
            return ended
        # One classifier may serve all cameras.
        for node in (camera, self._near(name, 'face_detector'),
                     self._near(name, 'emotion_classifier'),
                     self._beside_us('emotion_classifier')):
            if reason := self._board.gone(node) or self._board.complaint(node):
                return reason
        return ''

    def _ended(self, node: str) -> str:
        """Return a message that a node's clip has ended, or an empty string."""
        beside = self._board.ended(sibling(node, 'camera_driver'))
        if beside or node != self._beside_us(self.value('bridge')):
            return beside
        # The bridge waits for all cameras.
        ended = [self._board.ended(self._near(name, 'camera_driver')) for name in self._topics]
        return '; '.join(ended) if all(ended) else ''

    def _near(self, camera: str, node: str) -> str:
        """Return the full name of a node beside a camera's emotions."""
        topic = self._subscriptions_made[list(self._topics).index(camera)].topic_name
        return sibling(topic, node).strip('/')

    def _control(self, action: str, room: str, policy: str) -> tuple[bool, str]:
        """Send a command to the bridge; called by threads of the web server."""
        if action in HABIT_ACTIONS:
            wanted = HABIT_ACTIONS[action]
            asked = SwitchHabits.Request(room=room, enabled=wanted) if isinstance(wanted, bool) \
                else AnswerSuggestion.Request(room=room, habit=policy, answer=wanted.number)
            kind = SwitchHabits if isinstance(wanted, bool) else AnswerSuggestion
        else:
            kind, asked = CommandRoom, CommandRoom.Request(
                room=room, command=RoomCommand.of_word(action).number, policy=policy)
        client, bridge = self._clients_made.get(kind), self.value('bridge')
        if client is None or not client.service_is_ready():
            return False, f'{bridge} does not answer: is it running and active?'
        answered = threading.Event()
        future = client.call_async(asked)
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(_ANSWER_S) or future.result() is None:
            client.remove_pending_request(future)
            return False, f'{bridge} has not answered within {_ANSWER_S:.0f} s'
        return future.result().success, future.result().message

    def _beside_us(self, name: str) -> str:
        return (name if name.startswith('/') else f'{self.get_namespace()}/{name}').strip('/')

    def _steady_s(self) -> float:
        return self._steady.now().nanoseconds * 1e-9


def main(args: list[str] | None = None) -> int:
    """Run the dashboard."""
    return run(Dashboard, args=args)


if __name__ == '__main__':
    raise SystemExit(main())
