# SPDX-License-Identifier: Apache-2.0
"""The bridge without ROS: one policy, its decisions, its devices and how it shows itself.

All methods are called from one thread; what devices and the broker say in theirs is queued.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import time as time_of_day
import logging
from pathlib import Path
import queue
import time

from fer_ros.core.errors import ConfigurationError
from fer_ros.core.home.action import AmbientAction, Outcome
from fer_ros.core.home.devices import Device, ShownLamp, ShownOnly, TerminalLamp
from fer_ros.core.home.engine import DecisionEngine, DeviceStatus, RoomStatus
from fer_ros.core.home.home_assistant import HomeAssistantClient, HomeAssistantDevice
from fer_ros.core.home.light import LightState
from fer_ros.core.home.mqtt import MqttConnection
from fer_ros.core.home.mqtt_devices import MqttBlindDevice, MqttLightDevice, MqttSceneDevice
from fer_ros.core.home.policy import load_policy, Policy
from fer_ros.core.home.presence import Presence
from fer_ros.core.types import FaceEmotion

#: An action is published when the device confirms it, or after so long without.
CONFIRM_WAIT_S = 0.5

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Complaint:
    """Something that is wrong now; ``serious`` means that it will not mend itself."""

    text: str
    serious: bool = False


class House:
    """Everything that a policy file describes, at work.

    :param policy: a policy, or the path of its file.
    :param on_action: called with every action once its outcome is known.
    :param dry_run: show what would be done; nothing is connected, and no secret is read.
    :param write: takes the lines of terminal lamps, or None to draw nothing.
    :param ansi: whether those lines may hold terminal colours.
    :param clock: a clock that does not jump, seconds; for the waits of the devices.
    :raises ConfigurationError: when the policy or a secret it names cannot be used.
    """

    def __init__(self, policy: Policy | str | Path, *,
                 on_action: Callable[[AmbientAction], None] = lambda _: None,
                 dry_run: bool = False, write: Callable[[str], None] | None = None,
                 ansi: bool = False, version: str = '0',
                 local_time: Callable[[float], time_of_day] | None = None,
                 clock: Callable[[], float] = time.monotonic,
                 connection_options: dict | None = None):
        self._path = None if isinstance(policy, Policy) else Path(policy)
        self.policy = policy if self._path is None else load_policy(self._path)
        self._on_action, self._dry_run = on_action, dry_run
        self._write, self._ansi, self._version = write, ansi, version
        self._clock = clock
        self._connection_options = connection_options or {}
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        self._engine = DecisionEngine(self.policy, local_time=local_time)
        self._waiting: list[tuple[AmbientAction, float]] = []
        self._unreachable: set[tuple[str, str]] = set()
        self._refused: dict[str, tuple[str, float]] = {}
        self.counts = {'emotions': 0, 'refused': 0, 'actions': 0, 'failed': 0}
        self._build()

    # What comes in.

    def observe(self, source: str, emotions: Sequence[FaceEmotion], stamp_s: float, *,
                now_s: float, frame_id: str = '') -> tuple[str, ...]:
        """Take over what one camera sees; return what was wrong with it."""
        problems = self._engine.observe(source, emotions, stamp_s, now_s=now_s,
                                        frame_id=frame_id)
        self.counts['emotions'] += 1
        if problems:
            self.refuse(source, problems[0])
        return problems

    def refuse(self, source: str, problem: str) -> None:
        """Count a message that could not be used, and complain of it for a while."""
        self.counts['refused'] += 1
        self._refused[source] = problem, self._clock()

    def tick(self, now_s: float) -> tuple[AmbientAction, ...]:
        """Do what is due; call it about ten times a second. Return the actions decided now."""
        self._drain(now_s)
        for (room, target), device in self._devices.items():
            device.tick(now_s)
            if device.available:
                self._unreachable.discard((room, target))
            self._engine.set_available(room, target, (room, target) not in self._unreachable
                                       and not getattr(device, 'waking', False))
        self._drain(now_s)
        actions = self._engine.tick(now_s)
        self._carry_out(actions, now_s)
        self._drain(now_s)
        self._publish_settled()
        if self._presence is not None:
            for room in self._engine.rooms:
                self._presence.update(self._engine.status(room), self._clock(),
                                      self._people(room))
        return actions

    # A person's commands; room None is all rooms.

    def set_enabled(self, enabled: bool, now_s: float, room: str | None = None) -> None:
        """Switch on or off; off goes back to how the lights were."""
        for name in self._chosen(room):
            self._carry_out(self._engine.set_enabled(name, enabled, now_s=now_s), now_s)

    def revert(self, now_s: float, room: str | None = None) -> None:
        """Go back to how the lights were, and leave the room alone for a while."""
        for name in self._chosen(room):
            self._carry_out(self._engine.revert(name, now_s=now_s), now_s)

    def resume(self, now_s: float, room: str | None = None) -> None:
        """End a hold."""
        for name in self._chosen(room):
            self._engine.resume(name, now_s=now_s)

    def select(self, policy: str, room: str | None = None) -> None:
        """Take another policy of the file.

        :raises ConfigurationError: when there is none of that name.
        """
        for name in self._chosen(room):
            if not self._engine.select(name, policy):
                raise ConfigurationError(f'policy {policy!r} is not in the file: expected one of '
                                         f'{", ".join(self.policy.policies)}')

    def by_hand(self, room: str, target: str, state: LightState, now_s: float) -> None:
        """Change a terminal lamp as a person would.

        :raises ConfigurationError: when there is no terminal lamp of that name.
        """
        device = self._devices.get((room, target))
        if not isinstance(device, TerminalLamp):
            raise ConfigurationError(f'{room}/{target} is no terminal lamp of the policy')
        device.by_hand(state, now_s)

    def reload(self, now_s: float, policy: Policy | str | Path | None = None) -> None:
        """Take over a new policy or policy file (None: the same file), wholly or not at all.

        :raises ConfigurationError: when it cannot be used; the old policy stays in force.
        """
        path = None if isinstance(policy, Policy) else policy or self._path
        if path is not None:
            policy = load_policy(path)
        elif policy is None:
            raise ConfigurationError('the policy did not come from a file')
        # Secrets and certificates are read before anything of the old policy is let go.
        if not self._dry_run:
            self.check_secrets(policy)
        removed = set(self.policy.rooms) - set(policy.rooms)
        if self._presence is not None and removed:
            self._presence.removal(removed)
        self._carry_out(tuple(
            action for action in self._engine.leave(now_s=now_s, reason='the policy changed')
            if action.room in removed), now_s) if removed else None
        lamps = {key: device for key, device in self._devices.items()
                 if isinstance(device, TerminalLamp)}
        self._disconnect()
        self._path = None if path is None else Path(path)
        self.policy = policy
        self._engine = self._engine.successor(policy)
        self._build(lamps)

    def close(self, now_s: float) -> None:
        """Hand the lights back, say goodbye and let go of everything."""
        self._carry_out(self._engine.leave(now_s=now_s), now_s)
        for action, _ in self._waiting:
            self._on_action(action)
        self._waiting = []
        self._disconnect()

    # What can be seen.

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms' names."""
        return self._engine.rooms

    def status(self, room: str) -> RoomStatus:
        """Return what a room is doing."""
        return self._engine.status(room)

    def devices(self, room: str) -> tuple[DeviceStatus, ...]:
        """Return what is known of a room's devices."""
        return self._engine.devices(room)

    def lamp(self, room: str, target: str, now_s: float) -> LightState | None:
        """Return the state of a terminal lamp, or None for other devices."""
        device = self._devices.get((room, target))
        return device.lamp.state(now_s) if isinstance(device, TerminalLamp) else None

    def complaints(self) -> list[Complaint]:
        """Return what is wrong now, with what to do."""
        found = []
        if self._connection is not None:
            state = self._connection.state
            if state.problem:
                found.append(Complaint(state.problem, state.serious))
            found += [Complaint(text, True) for text in self._connection.denied.values()]
        if self._home_assistant is not None and self._home_assistant.problem:
            found.append(Complaint(self._home_assistant.problem, self._home_assistant.serious))
        texts = {complaint.text for complaint in found}
        for (room, target), device in self._devices.items():
            if device.problem and device.problem not in texts:
                found.append(Complaint(f'{room}/{target}: {device.problem}'))
            elif device.available and self._engine.silent(room, target):
                found.append(Complaint(
                    f'{room}/{target} does not answer: it has not reported what it was asked '
                    'for; is it powered, and is its topic right?'))
        now = self._clock()
        self._refused = {source: (text, at) for source, (text, at) in self._refused.items()
                         if now - at < 5.0}
        found += [Complaint(text) for text, _ in self._refused.values()]
        for room in self._engine.rooms:
            status = self._engine.status(room)
            if status.enabled and status.stale:
                found.append(Complaint(
                    f'{room}: no fresh emotions on {", ".join(self.policy.rooms[room].sources)}: '
                    'the lights stay as they are'))
        return found

    @property
    def connections(self) -> dict[str, str]:
        """How each connection stands, in words."""
        found = {}
        if self._connection is not None:
            broker = self.policy.broker
            found[f'broker {broker.host}:{broker.effective_port}'] = (
                'connected' if self._connection.connected else 'not connected')
        if self._home_assistant is not None:
            found['home assistant'] = (
                'connected' if self._home_assistant.connected else 'not connected')
        return found

    # Inside.

    def _build(self, lamps: dict[tuple[str, str], TerminalLamp] | None = None) -> None:
        policy = self.policy
        self._connection = self._home_assistant = self._presence = None
        self._devices: dict[tuple[str, str], Device] = {}
        if not self._dry_run:
            if policy.home_assistant is not None:
                self._home_assistant = HomeAssistantClient(policy.home_assistant)
            if policy.broker is not None:
                self._connect_broker()
        for room_name, room in policy.rooms.items():
            for name, spec in room.targets.items():
                self._devices[room_name, name] = (lamps or {}).get((room_name, name)) \
                    if spec.type == 'terminal' and (room_name, name) in (lamps or {}) \
                    else self._device(room_name, name, spec)
        if self._connection is not None:
            self._connection.start()
        if self._home_assistant is not None:
            self._home_assistant.start()

    def _connect_broker(self) -> None:
        policy = self.policy
        rooms = {room: tuple(policy.policies) for room in policy.rooms}
        self._presence = Presence(
            policy.broker, rooms, self._version,
            lambda room, command, payload: self._queue.put(('command', room, command, payload)))
        self._connection = MqttConnection(
            policy.broker, client_id=policy.broker.client_id or f'{self._presence.slug}-bridge',
            will=self._presence.will, on_message=self._on_message, on_connect=self._on_connect,
            **self._connection_options)
        self._presence.bind(self._connection)

    def _device(self, room: str, name: str, spec) -> Device:
        def report(state):
            self._queue.put(('report', room, name, state))

        def result(action, done, detail):
            self._queue.put(('result', action, done, detail))

        if spec.type == 'terminal':
            return TerminalLamp(f'{room}/{name}', report, on=spec.on, write=self._write,
                                ansi=self._ansi)
        if self._dry_run:
            return ShownLamp(f'{room}/{name}', report, write=self._write, ansi=self._ansi) \
                if spec.kind == 'light' else ShownOnly()
        if spec.type == 'mqtt_light':
            return MqttLightDevice(spec, self._connection, report)
        if spec.type == 'mqtt_blind':
            return MqttBlindDevice(spec, self._connection, report)
        if spec.type == 'mqtt_scene':
            return MqttSceneDevice(spec, self._connection)
        if spec.type == 'home_assistant_light':
            return HomeAssistantDevice(self._home_assistant, report, result,
                                       entity_id=spec.entity_id)
        return HomeAssistantDevice(self._home_assistant, report, result, scenes=spec.scenes)

    @staticmethod
    def check_secrets(policy: Policy) -> None:
        """Read every secret and certificate that a policy names.

        :raises ConfigurationError: when one cannot be read.
        """
        if policy.broker is not None:
            MqttConnection(policy.broker).prepare()
        if policy.home_assistant is not None:
            HomeAssistantClient(policy.home_assistant)

    def _disconnect(self) -> None:
        for device in self._devices.values():
            device.close()
        if self._connection is not None:
            self._connection.stop(self._presence.leave())
        if self._home_assistant is not None:
            self._home_assistant.stop()
        self._connection = self._home_assistant = self._presence = None

    def _on_connect(self) -> None:
        self._presence.connected()
        for device in list(self._devices.values()):
            if hasattr(device, 'connected'):
                device.connected()

    def _on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        if self._presence.receive(topic, payload, retained):
            return
        for device in list(self._devices.values()):
            if hasattr(device, 'receive'):
                device.receive(topic, payload)

    def _drain(self, now_s: float) -> None:
        while True:
            try:
                kind, *rest = self._queue.get_nowait()
            except queue.Empty:
                return
            if kind == 'report':
                room, target, state = rest
                if (room, target) in self._devices:
                    self._engine.report(room, target, state, now_s=now_s)
            elif kind == 'command':
                self._command(*rest, now_s)
            else:
                action, done, detail = rest
                if not done and (action.room, action.target) in self._devices:
                    self._fail(action, detail)

    def _command(self, room: str, command: str, payload: str, now_s: float) -> None:
        if room not in self._engine.rooms:
            return
        if command == 'enabled' and payload in ('ON', 'OFF'):
            self.set_enabled(payload == 'ON', now_s, room)
        elif command == 'policy':
            try:
                self.select(payload, room)
            except ConfigurationError as error:
                _LOGGER.warning('%s: %s', room, error)
        elif command == 'revert':
            self.revert(now_s, room)
        elif command == 'resume':
            self.resume(now_s, room)
        else:
            _LOGGER.warning('%s: unknown command %s %r', room, command, payload)

    def _carry_out(self, actions: Sequence[AmbientAction], now_s: float) -> None:
        for action in actions:
            device = self._devices[action.room, action.target]
            outcome, detail = device.apply(action, now_s)
            if outcome == Outcome.FAILED:
                self._fail(action, detail)
                continue
            done = replace(action, outcome=outcome, detail=detail)
            # A newer action of the same device ends the wait for the older one.
            self._settle(lambda waiting, new=done: (waiting.room, waiting.target)
                         == (new.room, new.target))
            self._waiting.append((done, self._clock()))

    def _fail(self, action: AmbientAction, detail: str) -> None:
        self._waiting = [item for item in self._waiting
                         if (item[0].room, item[0].target) != (action.room, action.target)]
        self._engine.failed(action.room, action.target)
        if not self._devices[action.room, action.target].available:
            # It is asked again when it is back, for what is then right.
            self._unreachable.add((action.room, action.target))
            self._engine.set_available(action.room, action.target, False)
        self.counts['failed'] += 1
        self._tell(replace(action, outcome=Outcome.FAILED, detail=detail))

    def _publish_settled(self) -> None:
        now = self._clock()
        waiting = {id(item) for item in self._waiting
                   if item[0].outcome == Outcome.SENT and now - item[1] < CONFIRM_WAIT_S
                   and not self._engine.confirmed(item[0].room, item[0].target)}
        settled = [item for item in self._waiting if id(item) not in waiting]
        self._waiting = [item for item in self._waiting if id(item) in waiting]
        for action, _ in settled:
            if action.outcome == Outcome.SENT and self._engine.confirmed(action.room,
                                                                         action.target):
                action = replace(action, outcome=Outcome.CONFIRMED)
            self._tell(action)

    def _settle(self, which: Callable[[AmbientAction], bool]) -> None:
        for item in [item for item in self._waiting if which(item[0])]:
            self._waiting.remove(item)
            self._tell(item[0])

    def _tell(self, action: AmbientAction) -> None:
        self.counts['actions'] += 1
        if self._presence is not None and action.outcome != Outcome.FAILED:
            self._presence.event(
                action.room, 'action', target=action.target, action=action.command.name.lower(),
                emotion=action.emotion, outcome=action.outcome.name.lower(),
                reason=action.reason)
        self._on_action(action)

    def _people(self, room: str) -> list[dict] | None:
        if not self.policy.privacy.per_person:
            return None
        return [{'id': face.track_id, 'emotion': face.label,
                 'confidence': round(float(face.confidence), 2)}
                for face in self._engine.faces(room)[:16]]

    def _chosen(self, room: str | None) -> tuple[str, ...]:
        if room is None:
            return self._engine.rooms
        if room not in self._engine.rooms:
            raise ConfigurationError(f'no room {room!r}: expected one of '
                                     f'{", ".join(self._engine.rooms)}')
        return (room,)
