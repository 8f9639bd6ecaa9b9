# SPDX-License-Identifier: Apache-2.0
"""The bridge without ROS: a policy with its decisions, devices and connections.

All methods are called from one thread; events from the threads of devices and broker are queued.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
import logging
from pathlib import Path
import queue
import time

from fer_ros.errors import ConfigurationError
from fer_ros.habits.keeper import HabitKeeper
from fer_ros.habits.views import HabitAnswer
from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.commands import RoomCommand
from fer_ros.home.complaints import (
    Complaint,
    device_complaints,
    Refusals,
    room_complaints,
)
from fer_ros.home.conditions import StateSource
from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.decisions.surroundings import LocalTime
from fer_ros.home.devices import is_group, make_device
from fer_ros.home.devices.base import Device, DeviceContext
from fer_ros.home.devices.terminal import TerminalLamp
from fer_ros.home.dispatch import Dispatch
from fer_ros.home.groups import Groups
from fer_ros.home.habit_desk import HabitDesk
from fer_ros.home.kinds.base import Cause, State
from fer_ros.home.kinds.message import MessageRequest
from fer_ros.home.light import Limits
from fer_ros.home.policy import load_policy, Policy
from fer_ros.home.snapshot import RoomSnapshot
from fer_ros.home.world.connections import check_secrets, Connections
from fer_ros.home.world.state_file import StateFile
from fer_ros.home.world.states import OutsideStates
from fer_ros.types import FaceEmotion, PersonAttention

_MAXIMUM_PEOPLE = 16

_LOGGER = logging.getLogger(__name__)


class HomeController:
    """Runs a home as its policy describes it.

    :param policy: a policy, or the path of its file.
    :param on_action: called with every action once its outcome is known.
    :param dry_run: only show the actions; no connections, and no secrets are read.
    :param write: takes the lines of terminal lamps, or None to draw nothing.
    :param ansi: whether those lines may contain terminal colors.
    :param clock: a monotonic clock, seconds; for timeouts of devices.
    :param memory: keeps the state across restarts, see :meth:`recall`; None: not kept.
    :param habits_folder: folder of the event log and the model if the policy has none; None: the
        ROS home.
    :param policy_file: the file of a policy that is passed as an object.
    :raises ConfigurationError: when the policy or one of its secrets cannot be used.
    """

    def __init__(self, policy: Policy | str | Path, *,
                 on_action: Callable[[AmbientAction], None] = lambda _: None,
                 dry_run: bool = False, write: Callable[[str], None] | None = None,
                 ansi: bool = False, version: str = '0',
                 local_time: LocalTime | None = None,
                 clock: Callable[[], float] = time.monotonic,
                 connection_options: dict | None = None, memory: StateFile | None = None,
                 habits_folder: Path | None = None, policy_file: Path | None = None):
        self._path = None if isinstance(policy, Policy) else Path(policy)
        self.policy = policy if self._path is None else load_policy(self._path)
        self._on_action, self._dry_run = on_action, dry_run
        self._write, self._ansi, self._version = write, ansi, version
        self._clock = clock
        self._connection_options = connection_options or {}
        #: Work queued by other threads; each item is called with the time.
        self._queue: queue.SimpleQueue[Callable[[float], None]] = queue.SimpleQueue()
        self._engine = DecisionEngine(self.policy, local_time=local_time)
        self._dispatch = Dispatch(self._engine, self._publish, clock)
        self._refusals = Refusals(clock)
        self.counts = {'emotions': 0, 'refused': 0, 'actions': 0, 'failed': 0}
        # The actions of a dry run have not happened.
        self._memory = None if dry_run else memory
        self._desk = HabitDesk(habits_folder, self._on_habit)
        self._policy_file = policy_file
        self._connect()

    def recall(self, now_s: float) -> None:
        """Restore the state of an earlier process; call it before anything else."""
        remembered = None if self._memory is None else self._memory.read()
        if remembered is not None:
            self._engine.recall(remembered, now_s=now_s)

    def _remember(self) -> None:
        if self._memory is not None:
            self._memory.write(self._engine.memory(), self._clock())

    # Input.

    def observe(self, source: str, emotions: Sequence[FaceEmotion], stamp_s: float, *,
                now_s: float, frame_id: str = '') -> tuple[str, ...]:
        """Record the faces that a camera sees; return problems of the data."""
        problems = self._engine.observe(source, emotions, stamp_s, now_s=now_s,
                                        frame_id=frame_id)
        self.counts['emotions'] += 1
        if problems:
            self.refuse(source, problems[0])
        else:
            self._refusals.add(source)
        return problems

    def attend(self, source: str, people: Sequence[PersonAttention], *, now_s: float) -> None:
        """Record the attention of the people that a camera sees now."""
        self._engine.attend(source, people, now_s=now_s)

    def refuse(self, source: str, problem: str) -> None:
        """Count an unusable message, and report it for a while."""
        self.counts['refused'] += 1
        self._refusals.add(source, problem)

    def tick(self, now_s: float) -> tuple[AmbientAction, ...]:
        """Do what is due; call it about ten times per second. Return the actions decided now."""
        self._states.tick(now_s)
        if not self._dry_run:
            self._desk.begin(self.policy, self._path or self._policy_file, self._engine, now_s)
        self._drain(now_s)
        self._dispatch.tick(now_s)
        self._drain(now_s)
        actions = self._engine.tick(now_s)
        self._dispatch.carry_out(actions, now_s)
        self._drain(now_s)
        self._remember()
        self._dispatch.settle()
        self._desk.follow(self.policy, self._engine, now_s)
        if self._connections is not None and self._connections.discovery is not None:
            for room in self._engine.rooms:
                self._connections.discovery.update(self.snapshot(room), self._clock(),
                                                   self._people(room))
        return actions

    # Commands of people.

    def command(self, command: RoomCommand, now_s: float, room: str | None = None,
                argument: str = '') -> str:
        """Execute a person's command; return a message about what was done.

        :param room: None: all rooms.
        :param argument: the policy, for SELECT_POLICY.
        :raises ConfigurationError: for an unknown room or argument.
        """
        if room is not None and room not in self._engine.rooms:
            raise ConfigurationError(f'no room {room!r}: expected one of '
                                     f'{", ".join(self._engine.rooms)}')
        rooms = self._engine.rooms if room is None else (room,)
        if room is None and command is RoomCommand.SELECT_POLICY:
            # Rooms that do not allow it keep their policy.
            rooms = [name for name in rooms
                     if argument in self._engine.room(name).policies] or rooms
        for name in rooms:
            self._dispatch.carry_out(
                self._engine.command(command, name, argument, now_s=now_s), now_s)
            self._desk.commanded(name, command, now_s)
        # Off must survive a crash.
        self._remember()
        return f'{room or "all rooms"}: {command.done.format(argument=argument)}'

    def change_manually(self, room: str, target: str, state: State, now_s: float) -> None:
        """Change a terminal lamp as a person would.

        :raises ConfigurationError: when there is no terminal lamp of that name.
        """
        device = self._devices.get((room, target))
        if device is None or not device.change_manually(state, now_s):
            raise ConfigurationError(f'{room}/{target} is not a terminal lamp of the policy')

    def answer_suggestion(self, room: str, answer: HabitAnswer, now_s: float,
                          habit: str = '') -> str:
        """Handle a person's answer to a suggestion; return a message about what was done.

        :param habit: the name of the suggestion; empty: the open one.
        :raises ConfigurationError: when it is not open, or cannot be applied.
        """
        return self._desk.of(room, self._engine).answer(room, answer, now_s, habit)

    def switch_habits(self, room: str, enabled: bool, now_s: float) -> str:
        """Switch the habits of a room on or off; return a message about what was done.

        :raises ConfigurationError: when the policy has them off.
        """
        return self._desk.of(room, self._engine).switch(room, enabled, now_s)

    def reload(self, now_s: float, policy: Policy | str | Path | None = None) -> None:
        """Apply a new policy or policy file (None: the same file), completely or not at all.

        :raises ConfigurationError: when it cannot be used; the old policy stays in force.
        """
        path = None if isinstance(policy, Policy) else policy or self._path
        if path is not None:
            policy = load_policy(path)
        elif policy is None:
            raise ConfigurationError('the policy did not come from a file')
        # Read secrets and certificates before anything of the old policy is released.
        if not self._dry_run:
            check_secrets(policy)
        removed = set(self.policy.rooms) - set(policy.rooms)
        if removed:
            if self._connections is not None and self._connections.discovery is not None:
                self._connections.discovery.removal(removed)
            actions = self._engine.release(now_s=now_s, reason='the policy changed')
            self._dispatch.carry_out(
                [action for action in actions if action.room in removed], now_s)
        self._disconnect()
        self._desk.end(self._engine, now_s)
        self._path, self.policy = None if path is None else Path(path), policy
        self._engine = self._dispatch.engine = self._engine.successor(policy)
        self._connect()

    def close(self, now_s: float) -> None:
        """Restore the lights, disconnect and release everything."""
        self._dispatch.carry_out(self._engine.release(now_s=now_s), now_s)
        self._remember()
        self._dispatch.flush()
        self._desk.end(self._engine, now_s)
        self._disconnect()

    # State.

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms' names."""
        return self._engine.rooms

    def snapshot(self, room: str) -> RoomSnapshot:
        """Return the state of a room."""
        return replace(self._engine.snapshot(room), habits=self._desk.view(room))

    @property
    def snapshots(self) -> tuple[RoomSnapshot, ...]:
        """Return the states of all rooms."""
        return tuple(self.snapshot(room) for room in self.rooms)

    def complaints(self) -> list[Complaint]:
        """Return present problems, with what to do."""
        found = [] if self._connections is None else self._connections.complaints
        if self._memory is not None and self._memory.problem:
            found = [*found, Complaint(self._memory.problem)]
        found = [*found, *(Complaint(problem) for problem in self._desk.problems)]
        return [*found, *self._groups.complaints,
                *device_complaints(self._devices, self._engine, found),
                *self._refusals.complaints, *room_complaints(self._engine)]

    @property
    def habits(self) -> HabitKeeper | None:
        """The habits of the rooms, or None if nothing is learned."""
        return self._desk.keeper

    @property
    def connections(self) -> dict[str, str]:
        """State of each connection, in words."""
        return {} if self._connections is None else self._connections.states

    # Internals.

    def _on_habit(self, room: str, kind: str, attributes: dict) -> None:
        if self._connections is not None and self._connections.discovery is not None:
            self._connections.discovery.event(room, kind, **attributes)

    @property
    def _devices(self) -> dict[tuple[str, str], Device]:
        return self._dispatch.devices

    def _connect(self) -> None:
        """Create the devices of the policy and their connections; lamps in memory are kept."""
        self._connections = None if self._dry_run else Connections(
            self.policy, self._version, self._on_command, self._on_answer,
            self._connection_options)
        old, self._dispatch.devices = self._devices, {}
        for room, settings in self.policy.rooms.items():
            for name, spec in settings.targets.items():
                if is_group(spec):
                    continue
                key = room, name
                self._devices[key] = old[key] if not spec.needs and type(
                    old.get(key)) is TerminalLamp else self._device(room, name, spec)
        connections = self._connections
        self._states = OutsideStates(
            self.policy.states, self._on_state,
            None if connections is None else connections.broker,
            None if connections is None else connections.home_assistant)
        self._groups = Groups(self.policy, self._dispatch, self._device, self._queue.put)
        self._groups.follow(None if connections is None else connections.home_assistant)
        if connections is not None:
            connections.start([*self._devices.values(), self._states])

    def _device(self, room: str, name: str, spec) -> Device:
        connections = self._connections
        return make_device(spec, DeviceContext(
            f'{room}/{name}',
            report=lambda state, cause=Cause.UNKNOWN: self._queue.put(
                lambda now_s: self._on_report(room, name, state, cause, now_s)),
            limits=lambda limits: self._queue.put(
                lambda _: self._on_limits(room, name, limits)),
            result=lambda action, done, detail: self._queue.put(
                lambda _: self._dispatch.result(action, done, detail)),
            clock=self._clock, write=self._write, ansi=self._ansi,
            broker=None if connections is None else connections.broker,
            home_assistant=None if connections is None else connections.home_assistant),
            dry_run=self._dry_run)

    def _disconnect(self) -> None:
        for device in self._devices.values():
            device.close()
        if self._connections is not None:
            self._connections.stop()
            self._connections = None

    def _drain(self, now_s: float) -> None:
        while True:
            try:
                self._queue.get_nowait()(now_s)
            except queue.Empty:
                return

    def _on_report(self, room: str, target: str, state: State, cause: Cause, now_s: float) \
            -> None:
        if (room, target) in self._devices:
            self._engine.report(room, target, state, cause, now_s=now_s)
            self._desk.reported(room, target, cause)

    def _on_limits(self, room: str, target: str, limits: Limits) -> None:
        if (room, target) in self._devices:
            self._dispatch.target(room, target).limits = limits

    def _on_state(self, source: StateSource, payload: object) -> None:
        self._queue.put(lambda _: self._engine.learn(source, payload))

    def _on_command(self, room: str, command: RoomCommand, argument: str) -> None:
        def work(now_s: float) -> None:
            try:
                self.command(command, now_s, room, argument)
            except ConfigurationError as error:
                _LOGGER.warning('%s: %s', room, error)
        self._queue.put(work)

    def _on_answer(self, room: str, answer: HabitAnswer) -> None:
        def work(now_s: float) -> None:
            try:
                _LOGGER.info('%s', self.answer_suggestion(room, answer, now_s))
            except ConfigurationError as error:
                _LOGGER.warning('%s', error)
        self._queue.put(work)

    def _publish(self, action: AmbientAction) -> None:
        self.counts['actions'] += 1
        self.counts['failed'] += action.outcome == Outcome.FAILED
        self._on_action(action)
        # A step of the day is not an event, and nothing to learn from.
        if action.outcome == Outcome.FAILED or action.daily:
            return
        connections = self._connections
        if connections is not None and connections.discovery is not None:
            if isinstance(action.request, MessageRequest):
                connections.discovery.event(action.room, 'message', target=action.target,
                                            emotion=action.emotion, text=action.request.text)
            connections.discovery.event(
                action.room, 'action', target=action.target, action=action.command.name.lower(),
                emotion=action.emotion, outcome=action.outcome.name.lower(),
                reason=action.reason)
        self._desk.acted(action)

    def _people(self, room: str) -> list[dict] | None:
        if not self.policy.privacy.per_person:
            return None
        return [{'id': face.track_id, 'emotion': face.label,
                 'confidence': round(float(face.confidence), 2)}
                for face in self._engine.room(room).faces[:_MAXIMUM_PEOPLE]]
