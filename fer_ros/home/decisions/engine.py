# SPDX-License-Identifier: Apache-2.0
"""All rooms of a policy."""

from collections.abc import Sequence
import math

from fer_ros.home.action import AmbientAction
from fer_ros.home.commands import RoomCommand
from fer_ros.home.conditions import StateSource
from fer_ros.home.decisions.check import face_problem
from fer_ros.home.decisions.handlers import HANDLERS
from fer_ros.home.decisions.memory import HomeMemory
from fer_ros.home.decisions.room import Room
from fer_ros.home.decisions.surroundings import LocalTime, Surroundings
from fer_ros.home.kinds.base import Cause, State
from fer_ros.home.policy import Policy
from fer_ros.home.snapshot import RoomSnapshot
from fer_ros.types import FaceEmotion, PersonAttention


class DecisionEngine:
    """Decides for all rooms of a policy, on one clock.

    :param local_time: returns the local date and time of a time in seconds; by default in the
        policy's ``time_zone``, or the machine's.
    """

    def __init__(self, policy: Policy, *, local_time: LocalTime | None = None):
        self._given_local_time = local_time
        self._surroundings = Surroundings(policy, local_time)
        self._rooms = {name: Room(name, room, policy.policies, self._surroundings)
                       for name, room in policy.rooms.items()}

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms' names."""
        return tuple(self._rooms)

    def room(self, name: str) -> Room:
        """Return a room."""
        return self._rooms[name]

    def snapshot(self, room: str) -> RoomSnapshot:
        """Return the snapshot of a room."""
        return self._rooms[room].snapshot

    def observe(self, source: str, emotions: Sequence[FaceEmotion], stamp_s: float, *,
                now_s: float, frame_id: str = '') -> tuple[str, ...]:
        """Record the faces that a camera sees; an empty list means nobody in view.

        :param source: the topic as named in the policy.
        :param stamp_s: time of the image, and ``now_s`` the present, seconds of one clock.
        :returns: problems of the data; rejected data have no effect. Faces with invalid numbers
            are skipped.
        """
        if not math.isfinite(stamp_s) or not math.isfinite(now_s):
            return (f'{source}: the stamp is not a number',)
        problems, good = [], []
        for face in emotions:
            problem = face_problem(face)
            if problem:
                problems.append(f'{source}: face {face.track_id} skipped: {problem}')
            else:
                good.append(face)
        if emotions and not good:
            # There may be people: an empty list would mean nobody in view.
            return tuple(problems)
        for room in self._advanced(now_s):
            if source in room.settings.sources and room.enabled:
                refused = room.observe(source, good, stamp_s, frame_id)
                if refused and refused not in problems:
                    problems.append(refused)
        return tuple(problems)

    def attend(self, source: str, people: Sequence[PersonAttention], *, now_s: float) -> None:
        """Record the attention of the people that a camera sees now.

        :param source: the topic of its emotions, as named in the policy.
        """
        for room in self._advanced(now_s):
            if source in room.settings.sources and room.enabled:
                room.attend(source, people)

    def report(self, room: str, target: str, state: State, cause: Cause = Cause.UNKNOWN, *,
               now_s: float) -> None:
        """Record a device's reported state and its cause."""
        self._rooms[room].advance(now_s)
        self._rooms[room].report(target, state, cause)

    def learn(self, source: StateSource, payload: object) -> None:
        """Record an outside state; None: it is no longer available."""
        if payload is None:
            self._surroundings.states.pop(source, None)
        else:
            self._surroundings.states[source] = payload

    def tick(self, now_s: float) -> tuple[AmbientAction, ...]:
        """Return the actions due now; call it about ten times per second."""
        return tuple(action for room in self._advanced(now_s) for action in room.tick())

    def command(self, command: RoomCommand, room: str, argument: str = '', *, now_s: float) \
            -> tuple[AmbientAction, ...]:
        """Execute a person's command; return the immediate actions.

        :param argument: the policy, for SELECT_POLICY.
        :raises ConfigurationError: when the argument cannot be used.
        """
        self._rooms[room].advance(now_s)
        return tuple(HANDLERS[command](self._rooms[room], argument) or ())

    def release(self, *, now_s: float, reason: str = 'the bridge ends') \
            -> tuple[AmbientAction, ...]:
        """Return the actions that restore all rooms."""
        return tuple(action for room in self._advanced(now_s) for action in room.release(reason))

    def memory(self) -> dict[str, dict]:
        """Return the state to keep across restarts, as plain data, by room."""
        return {name: room.memory() for name, room in self._rooms.items()}

    def recall(self, memory: HomeMemory, *, now_s: float) -> None:
        """Restore the state of an earlier process."""
        for name, room in self._rooms.items():
            room.advance(now_s)
            if name in memory.rooms:
                room.recall(memory.rooms[name])

    def successor(self, policy: Policy) -> 'DecisionEngine':
        """Return an engine for another policy file that keeps holds, switches and origins."""
        engine = DecisionEngine(policy, local_time=self._given_local_time)
        engine._surroundings.states.update(self._surroundings.states)
        for name, room in engine._rooms.items():
            if name in self._rooms:
                room.adopt(self._rooms[name])
        return engine

    def _advanced(self, now_s: float):
        for room in self._rooms.values():
            room.advance(now_s)
            yield room
