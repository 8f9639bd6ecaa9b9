# SPDX-License-Identifier: Apache-2.0
"""The bridge on MQTT: Home Assistant's device discovery, states and commands.

Only discovery and availability are retained. A state must not outlive its sender, so states are
sent again on every connect and when Home Assistant starts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
import json
import logging
import re
from types import MappingProxyType

from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.habits.views import HabitAnswer
from fer_ros.home.action import NOBODY
from fer_ros.home.commands import BUTTONS, RoomCommand, SWITCH
from fer_ros.home.policy.servers import Broker
from fer_ros.home.snapshot import ChangeDetector, events, FIGURES_S, RoomSnapshot
from fer_ros.home.world.mqtt import MqttConnection

ONLINE, OFFLINE = 'online', 'offline'
EVENT_TYPES = ('emotion', 'action', 'hold', 'resumed', 'switched_on', 'switched_off', 'occupied',
               'empty', 'message')
#: Additional ones of rooms with habits.
HABIT_EVENTS = ('suggestion', 'suggestion_answered', 'habit_suspended')
#: The parts of a room's topics that take commands.
COMMAND_TOPICS = ('enabled', 'policy', *(command.word for command in BUTTONS))
#: Those that answer what a room suggests, where it has habits.
ANSWERS = {answer.topic: answer for answer in HabitAnswer}
_MAXIMUM_DISCOVERY = 3900
#: Home Assistant subscribes to the states only some time after it has read the discovery
#: (measured: within the second), so that a state sent at once is lost on it: send it again for a
#: while.
_INTRODUCTION_S = 6.0
#: Maximum length of a state in Home Assistant.
_MAXIMUM_TEXT = 250

_LOGGER = logging.getLogger(__name__)


class HomeAssistantDiscovery:
    """Publishes the entities of all rooms and receives their commands.

    :param rooms: the policies that each room may use.
    :param version: of this software, shown as the origin's.
    :param attention: whether attention data are available.
    :param on_command: called with room, command and argument, in the connection's thread;
        retained messages never come here.
    :param on_answer: called with room and answer to what the room suggests, likewise.
    :param learning: the rooms that have habits.
    :param home: what people call the home, and ``titles`` what they call its rooms; may be empty.
    """

    def __init__(self, broker: Broker, rooms: dict[str, tuple[str, ...]], version: str,
                 on_command: Callable[[str, RoomCommand, str], None],
                 on_answer: Callable[[str, HabitAnswer], None] = lambda *_: None,
                 learning: Iterable[str] = (), *, attention: bool = False, home: str = '',
                 titles: Mapping[str, str] = MappingProxyType({})):
        self._broker, self._version, self._on_command = broker, version, on_command
        self._on_answer, self._learning = on_answer, frozenset(learning)
        self._rooms, self._attention = rooms, attention
        self._home, self._titles = home, titles
        self._base = broker.base_topic
        self.slug = re.sub(r'[^a-z0-9_]+', '_', self._base.lower()).strip('_') or 'fer_ros'
        self._detectors = {room: ChangeDetector() for room in rooms}
        self._last: dict[str, RoomSnapshot] = {}
        self._connection: MqttConnection | None = None
        self._leaving = self._introduce = False
        self._introduced_s = -1e9
        self._commands = {self._topic(room, topic, 'set'): (room, topic)
                          for room in rooms for topic in (
                              *COMMAND_TOPICS, *(ANSWERS if room in self._learning else ()))}
        self._birth = f'{broker.discovery_prefix}/status'
        self._announced: set[str] = set()

    @property
    def availability_topic(self) -> str:
        """The topic with the bridge's availability, also published by the broker as its will."""
        return f'{self._base}/availability'

    @property
    def will(self) -> tuple[str, str]:
        """Topic and payload that the broker publishes when the bridge dies."""
        return self.availability_topic, OFFLINE

    def bind(self, connection: MqttConnection) -> None:
        """Use a connection and subscribe to the commands."""
        self._connection = connection
        for topic in (*self._commands, self.availability_topic):
            connection.subscribe(topic)
        if self._broker.discovery:
            connection.subscribe(self._birth)
            connection.subscribe(f'{self._broker.discovery_prefix}/device/+/config')

    def leave(self) -> list[tuple[str, str]]:
        """Return the topics and payloads that mark the bridge as unavailable."""
        self._leaving = True
        return [self.will]

    def connected(self) -> None:
        """Announce everything; called after every connect."""
        self._connection.publish(self.availability_topic, ONLINE, retain=True, qos=1)
        self.announce()

    def announce(self) -> None:
        """Publish the discovery and, at the next update, every state."""
        if self._broker.discovery:
            messages = self.discovery()
            self._announced = {topic for topic, _ in messages}
            for topic, payload in messages:
                self._connection.publish(topic, payload, retain=True, qos=1)
        for detector in self._detectors.values():
            detector.reset()
        self._introduce = True

    def receive(self, topic: str, payload: bytes, retained: bool) -> bool:
        """Take a message; return whether it was for the bridge itself."""
        if topic in self._commands:
            if not retained and len(payload) <= _MAXIMUM_TEXT:
                self._command(*self._commands[topic], payload.decode('utf-8', 'replace'))
            return True
        if topic == self.availability_topic:
            # The will of our previous connection may arrive after our availability.
            if payload == OFFLINE.encode() and not retained and not self._leaving:
                self._connection.publish(topic, ONLINE, retain=True, qos=1)
            return True
        if retained and topic.startswith(f'{self._broker.discovery_prefix}/device/'):
            self._tidy(topic, payload)
            return True
        if topic == self._birth:
            if payload == ONLINE.encode():
                self.announce()
            return True
        return False

    def _command(self, room: str, topic: str, payload: str) -> None:
        if topic == 'policy':
            self._on_command(room, RoomCommand.SELECT_POLICY, payload)
        elif topic in ANSWERS:
            self._on_answer(room, ANSWERS[topic])
        elif topic != 'enabled':
            self._on_command(room, RoomCommand.of_word(topic), '')
        elif payload in SWITCH:
            self._on_command(room, SWITCH[payload], '')
        else:
            _LOGGER.warning('%s: unknown command enabled %r: expected ON or OFF', room, payload)

    def update(self, snapshot: RoomSnapshot, now_s: float,
               people: list[dict] | None = None) -> None:
        """Publish a room's state if it has changed, at most once per second, and periodically."""
        if not self._connection.connected:
            return
        before = self._last.get(snapshot.room)
        self._last[snapshot.room] = snapshot
        for kind, attributes in [] if before is None else events(before, snapshot):
            self.event(snapshot.room, kind, **attributes)
        if self._introduce:
            self._introduce, self._introduced_s = False, now_s
        introducing = now_s - self._introduced_s < _INTRODUCTION_S
        shown, detector = [_rounded(snapshot)], self._detectors[snapshot.room]
        if not detector.due(shown, now_s, repeat_s=FIGURES_S if introducing
                            else self._broker.expire_after_s / 3):
            return
        if self._connection.publish(self._topic(snapshot.room, 'state'),
                                    json.dumps(state_payload(shown[0]))):
            detector.mark_published(shown, now_s)
            if people is not None:
                self._connection.publish(self._topic(snapshot.room, 'people'),
                                         json.dumps(people))

    def event(self, room: str, kind: str, **attributes) -> None:
        """Publish a change, for automations."""
        self._connection.publish(self._topic(room, 'event'), json.dumps(
            {'event_type': kind, **attributes}))

    def removal(self, rooms: set[str]) -> None:
        """Remove the discovery of rooms that are no longer in the policy."""
        for topic, _ in self.discovery(rooms):
            self._announced.discard(topic)
            self._connection.publish(topic, '', retain=True, qos=1)

    def _tidy(self, topic: str, payload: bytes) -> None:
        """Remove discovery topics that an earlier process announced and that are obsolete."""
        if topic in self._announced:
            return
        try:
            availability = json.loads(payload)['avty_t']
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        # Other bridges have other base topics; other devices have other topics altogether.
        if availability == self.availability_topic:
            self._connection.publish(topic, '', retain=True, qos=1)

    def discovery(self, rooms: Iterable[str] | None = None) -> list[tuple[str, str]]:
        """Return topics and payloads of the device discovery, each below 4 KiB.

        :param rooms: only of these.
        """
        messages = []
        for room, policies in self._rooms.items():
            if rooms is not None and room not in rooms:
                continue
            parts: list[dict] = [{}]
            for key, component in self._components(room, policies).items():
                longer = {**parts[-1], key: component}
                if len(self._device(room, longer)) > _MAXIMUM_DISCOVERY and parts[-1]:
                    parts.append({key: component})
                else:
                    parts[-1] = longer
            for index, part in enumerate(parts):
                suffix = '' if index == 0 else f'_{index + 1}'
                messages.append((self._discovery_topic(room, suffix), self._device(room, part)))
        return messages

    def _discovery_topic(self, room: str, suffix: str) -> str:
        return f'{self._broker.discovery_prefix}/device/{self.slug}_{room}{suffix}/config'

    def _topic(self, room: str, *parts: str) -> str:
        return '/'.join((self._base, room, *parts))

    def _device(self, room: str, components: dict) -> str:
        title = self._titles.get(room) or room.replace('_', ' ').capitalize()
        home = f' ({self._home})' if self._home else ''
        return json.dumps({
            'dev': {'ids': [f'{self.slug}_{room}'], 'name': f'Emotions {title}{home}',
                    'mf': 'fer_ros',
                    'mdl': 'Smart-home bridge', 'sw': self._version, 'sa': title},
            'o': {'name': 'fer_ros', 'sw': self._version},
            'avty_t': self.availability_topic, 'stat_t': self._topic(room, 'state'), 'qos': 0,
            'cmps': components}, separators=(',', ':'))

    def _components(self, room: str, policies: tuple[str, ...]) -> dict[str, dict]:
        expire = {'exp_aft': self._broker.expire_after_s}
        diagnostic = {'ent_cat': 'diagnostic'}
        found = {
            'emotion': ('sensor', 'Emotion', {
                'dev_cla': 'enum', 'ops': [*LABELS, UNCERTAIN, NOBODY], **expire}),
            'confidence': ('sensor', 'Confidence', {
                'unit_of_meas': '%', 'stat_cla': 'measurement', **expire, **diagnostic}),
            'faces': ('sensor', 'Faces', {'stat_cla': 'measurement', **expire}),
            'valence': ('sensor', 'Valence', {'stat_cla': 'measurement', **expire}),
            'arousal': ('sensor', 'Arousal', {'stat_cla': 'measurement', **expire}),
            'occupied': ('binary_sensor', 'Occupancy', {'dev_cla': 'occupancy', **expire}),
            'hold': ('binary_sensor', 'On hold', {
                'ic': 'mdi:hand-back-right', 'json_attr_t': self._topic(room, 'state'),
                'json_attr_tpl': "{{ {'left_s': value_json.hold_left_s, "
                                 "'reason': value_json.hold_reason} | tojson }}", **expire}),
            'last_action': ('sensor', 'Last action', {'ic': 'mdi:lightbulb', **expire}),
            'last_reason': ('sensor', 'Reason', {'ic': 'mdi:comment-question', **expire}),
            'enabled': ('switch', 'Enabled', {'cmd_t': self._topic(room, 'enabled', 'set')}),
            'policy': ('select', 'Policy', {'cmd_t': self._topic(room, 'policy', 'set'),
                                            'ops': list(policies)}),
            **{command.word: ('button', command.word.capitalize(), {
                'cmd_t': self._topic(room, command.word, 'set')}) for command in BUTTONS},
            **({} if room not in self._learning else {
                'suggestion': ('sensor', 'Suggestion', {'ic': 'mdi:lightbulb-question', **expire}),
                **{answer.topic: ('button', f'Suggestion: {answer.title.lower()}', {
                    'cmd_t': self._topic(room, answer.topic, 'set')}) for answer in HabitAnswer}}),
            'event': ('event', 'Change', {'stat_t': self._topic(room, 'event'),
                                          'evt_typ': [*EVENT_TYPES, *(
                                              HABIT_EVENTS if room in self._learning else ())]}),
        }
        if self._attention:
            found['attentive'] = ('sensor', 'Attentive people', {
                'stat_cla': 'measurement', 'ic': 'mdi:eye', **expire})
            found['eyes_closed'] = ('binary_sensor', 'Eyes closed', {'ic': 'mdi:sleep', **expire})
        if not policies:
            del found['policy']
        components = {}
        for key, (platform, name, more) in found.items():
            identity = f'{self.slug}_{room}_{key}'
            # object_id for Home Assistant before 2025.10, default_entity_id since.
            component = {'p': platform, 'name': name, 'uniq_id': identity, 'object_id': identity,
                         'default_entity_id': f'{platform}.{identity}', **more}
            if platform not in ('button', 'event'):
                component['val_tpl'] = f'{{{{ value_json.{key} }}}}'
            components[key] = component
        return components


def _rounded(snapshot: RoomSnapshot) -> RoomSnapshot:
    """Return the rounded snapshot for the state topic, so that it does not change every frame."""
    return replace(
        snapshot, devices=(), confidence=round(snapshot.confidence * 20) / 20,
        valence=round(snapshot.valence, 1) + 0.0, arousal=round(snapshot.arousal, 1) + 0.0,
        # A hold of the last seconds is still one.
        hold_left_s=max(1.0, round(snapshot.hold_left_s / 10) * 10.0) if snapshot.on_hold
        else 0.0)


def _suggestion(snapshot: RoomSnapshot) -> str:
    suggestion = snapshot.habits.suggestion
    return 'none' if suggestion is None else suggestion.sentence[:_MAXIMUM_TEXT]


def state_payload(snapshot: RoomSnapshot) -> dict:
    """Return the payload of a room's state topic; null is unknown."""
    known = snapshot.known
    return {
        'emotion': snapshot.emotion,
        'confidence': round(snapshot.confidence * 100) if known else None,
        'faces': snapshot.faces if known else None,
        'valence': snapshot.valence if known else None,
        'arousal': snapshot.arousal if known else None,
        'occupied': None if snapshot.occupied is None else 'ON' if snapshot.occupied else 'OFF',
        'attentive': snapshot.attentive,
        'eyes_closed': None if snapshot.eyes_closed is None
        else 'ON' if snapshot.eyes_closed else 'OFF',
        'enabled': 'ON' if snapshot.enabled else 'OFF',
        'policy': snapshot.policy,
        'hold': 'ON' if snapshot.on_hold else 'OFF',
        'hold_left_s': round(snapshot.hold_left_s / 10) * 10,
        'hold_reason': snapshot.hold_reason[:_MAXIMUM_TEXT],
        'last_action': (snapshot.last_action or 'none')[:_MAXIMUM_TEXT],
        'last_reason': (snapshot.last_reason or 'none')[:_MAXIMUM_TEXT],
        'blocked_reason': snapshot.blocked_reason[:_MAXIMUM_TEXT],
        **({} if snapshot.habits is None else {'suggestion': _suggestion(snapshot)}),
    }
