# SPDX-License-Identifier: Apache-2.0
"""Convert snapshots and actions of rooms to :class:`HomeEvent`."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import math

from fer_ros.emotions.labels import LABELS
from fer_ros.habits.events import Actor, coarse, EventKind, HomeEvent
from fer_ros.home.action import AmbientAction, Command
from fer_ros.home.kinds.base import Cause, State
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.light import differences, LightState, Tolerance
from fer_ros.home.snapshot import DeviceSnapshot, RoomSnapshot

#: An emotion has begun, or ended, once that has lasted for this long, seconds.
BEGIN_S, END_S = 2.0, 5.0
#: A manual change is complete once the light has been stable for this long, seconds.
SETTLED_S = 2.0
#: A change is attributed to the last emotion for this long after its face has gone, seconds.
_AFTERGLOW_S = 60.0
#: A condition has changed once that has lasted for this long, seconds.
_HOLDS_S = 5.0
#: At most this many changes of a device by automations are recorded per hour.
AUTOMATIONS_PER_HOUR = 6
_STILL = Tolerance(0.01, 10.0, 0.01)
#: Held attributes by difference; any other difference is color.
_HELD_AS = {'on/off': 'power', 'brightness': 'brightness'}


@dataclass
class _Device:
    state: ControlState | None = None
    reported: State | None = None
    held: tuple[str, ...] = ()
    #: Who caused the reports since the last snapshot, if known.
    cause: Cause = Cause.UNKNOWN
    #: Time of the last report of a change by others that is not yet recorded, or None.
    changed_s: float | None = None
    actor: Actor = Actor.PERSON
    #: Its last state in the log, and when automations set it.
    logged: str = ''
    automated_s: deque[float] = field(default_factory=lambda: deque(maxlen=AUTOMATIONS_PER_HOUR))


@dataclass
class _Room:
    emotion: str = ''
    since_s: float = 0.0
    candidate: str = ''
    candidate_s: float = -math.inf
    last: str = ''
    last_end_s: float = -math.inf
    occupied: bool | None = None
    people: int = 0
    devices: dict[str, _Device] = field(default_factory=dict)
    #: By condition: its last value in the log; and its present value, since when.
    conditions: dict[str, str] = field(default_factory=dict)
    becoming: dict[str, tuple[str, float]] = field(default_factory=dict)

    def device(self, name: str) -> _Device:
        return self.devices.setdefault(name, _Device())


class Recorder:
    """Records the events of the rooms.

    :param utc_offset: returns the offset of local time from UTC at a time, seconds.
    """

    def __init__(self, utc_offset: Callable[[float], int] = lambda _: 0):
        self._utc_offset = utc_offset
        self._rooms: dict[str, _Room] = {}

    def emotion(self, room: str, now_s: float) -> str:
        """Return the emotion of a room, or its last one if that is recent; empty: unknown."""
        known = self._rooms.setdefault(room, _Room())
        if known.emotion:
            return known.emotion
        return known.last if 0 <= now_s - known.last_end_s < _AFTERGLOW_S else ''

    def room(self, snapshot: RoomSnapshot, now_s: float) -> list[HomeEvent]:
        """Return the events of a room since the last call."""
        room = self._rooms.setdefault(snapshot.room, _Room())
        room.people = snapshot.faces
        events = self._presence(room, snapshot, now_s) + self._feeling(room, snapshot, now_s)
        for device in snapshot.devices:
            events += self._device(room, snapshot.room, device, now_s)
        return events

    def reported(self, room: str, target: str, cause: Cause) -> None:
        """Record who caused what a device has just reported; UNKNOWN is ignored."""
        if cause is not Cause.UNKNOWN:
            self._rooms.setdefault(room, _Room()).device(target).cause = cause

    def conditions(self, room: str, states: Mapping[str, str], now_s: float) -> list[HomeEvent]:
        """Return the conditions of a room's rules that have changed.

        :param states: by condition: yes, no, or unknown.
        """
        known, events = self._rooms.setdefault(room, _Room()), []
        for name, state in states.items():
            candidate, since_s = known.becoming.get(name, ('', now_s))
            if candidate != state or now_s < since_s:
                since_s = now_s
            known.becoming[name] = state, since_s
            # The first known value is recorded at once.
            if known.conditions.get(name, 'unknown') != state and (
                    name not in known.conditions or now_s - since_s >= _HOLDS_S):
                known.conditions[name] = state
                events.append(self._event(room, EventKind.CONDITION, now_s,
                                          value=f'{name} = {state}'))
        return events

    def action(self, action: AmbientAction, now_s: float) -> HomeEvent:
        """Return the event of an action by a rule or habit."""
        request = action.request
        light = request.expected if request.kind == 'light' else None
        value = 'restore' if action.command is Command.RESTORE else ''
        if light is None and not value:
            # The text of a message may contain the certainty of an emotion.
            value = 'message' if request.kind == 'message' else request.describe()
        self._rooms.setdefault(action.room, _Room()).device(action.target).logged = _coarse(
            request if light is None else light)
        return self._event(action.room, EventKind.ACTION, now_s, target=action.target,
                           actor=Actor.HABIT if action.habit else Actor.RULE, value=value,
                           light=light, habit=action.habit)

    def command(self, room: str, word: str, now_s: float) -> HomeEvent:
        """Return the event of a person's command."""
        return self._event(room, EventKind.COMMAND, now_s, actor=Actor.PERSON, value=word)

    def suggestion(self, room: str, what: str, habit: str, target: str, now_s: float) \
            -> HomeEvent:
        """Return the event of a suggestion that was shown or answered."""
        return self._event(room, EventKind.SUGGESTION, now_s, value=what, habit=habit,
                           target=target, actor=None if what == 'shown' else Actor.PERSON)

    def start(self, room: str, now_s: float) -> HomeEvent:
        """Return the event with which a log continues after a restart."""
        return self._event(room, EventKind.START, now_s)

    def _event(self, room: str, kind: EventKind, now_s: float, **more) -> HomeEvent:
        known = self._rooms.setdefault(room, _Room())
        return HomeEvent(time_s=now_s, offset_s=self._utc_offset(now_s), room=room, kind=kind,
                         emotion=self.emotion(room, now_s), people=known.people, **more)

    def _presence(self, room: _Room, snapshot: RoomSnapshot, now_s: float) -> list[HomeEvent]:
        if snapshot.occupied is None or snapshot.occupied == room.occupied:
            return []
        first, room.occupied = room.occupied is None, snapshot.occupied
        if first and not snapshot.occupied:
            return []
        return [self._event(snapshot.room, EventKind.OCCUPIED if snapshot.occupied
                            else EventKind.EMPTY, now_s)]

    def _feeling(self, room: _Room, snapshot: RoomSnapshot, now_s: float) -> list[HomeEvent]:
        label = snapshot.emotion if snapshot.emotion in LABELS else ''
        if label != room.candidate or now_s < room.candidate_s:
            room.candidate, room.candidate_s = label, now_s
        if label == room.emotion or now_s - room.candidate_s < (BEGIN_S if label else END_S):
            return []
        events = []
        if room.emotion:
            ended = room.emotion
            lasted_s = max(0.0, room.candidate_s - room.since_s)
            room.emotion, room.last, room.last_end_s = '', ended, now_s
            events.append(self._event(snapshot.room, EventKind.EMOTION_END, now_s, value=ended,
                                      lasted_s=lasted_s))
        if label:
            room.emotion, room.since_s = label, room.candidate_s
            events.append(self._event(snapshot.room, EventKind.EMOTION, now_s, value=label))
        return events

    def _device(self, room: _Room, name: str, device: DeviceSnapshot, now_s: float) \
            -> list[HomeEvent]:
        if device.reported is None:
            return []
        known = room.device(device.target)
        before, cause, first = known.reported, known.cause, known.state is None
        moved = before is not None and _moved(before, device.reported)
        by_person = self._by_person(known, device, moved)
        known.reported, known.cause = device.reported, Cause.UNKNOWN
        known.state, known.held = device.state, device.held
        if first:
            # A change from before a restart is not a change now.
            return []
        if moved and cause is Cause.AUTOMATION:
            known.changed_s, known.actor = now_s, Actor.AUTOMATION
        elif by_person:
            known.changed_s, known.actor = now_s, Actor.PERSON
        elif moved and known.changed_s is not None:
            known.changed_s = now_s
        if known.changed_s is None or 0 <= now_s - known.changed_s < SETTLED_S:
            return []
        known.changed_s = None
        return self._changed(name, device, known, now_s)

    @staticmethod
    def _by_person(known: _Device, device: DeviceSnapshot, moved: bool) -> bool:
        """Return whether a person has changed a device since the last snapshot."""
        if device.state is ControlState.OVERRIDDEN \
                and (moved or known.state is not ControlState.OVERRIDDEN):
            return True
        # Rules continue with the other attributes: the held ones are those that a person changed.
        if set(device.held) - set(known.held) or moved and _parts(known.reported, device) & set(
                device.held):
            return True
        return moved and device.state is ControlState.IDLE and known.state in (
            ControlState.IDLE, ControlState.OVERRIDDEN) and isinstance(
                device.reported, LightState) and device.reported.on and not known.reported.on

    def _changed(self, room: str, device: DeviceSnapshot, known: _Device, now_s: float) \
            -> list[HomeEvent]:
        """Return the event of a change by others that is complete."""
        previous, known.logged = known.logged, _coarse(device.reported)
        if known.actor is Actor.AUTOMATION:
            # An automation that follows the sun changes a lamp all day.
            often = len(known.automated_s) == AUTOMATIONS_PER_HOUR \
                and 0 <= now_s - known.automated_s[0] < 3600
            if often or previous == known.logged:
                known.logged = previous
                return []
            known.automated_s.append(now_s)
        light = device.reported if isinstance(device.reported, LightState) else None
        return [self._event(room, EventKind.ACTION, now_s, actor=known.actor,
                            target=device.target, light=light,
                            value='' if light else device.reported.describe())]


def _moved(before: State, now: State) -> bool:
    if isinstance(before, LightState) and isinstance(now, LightState):
        return bool(differences(before, now, _STILL))
    return before != now


def _parts(before: State, device: DeviceSnapshot) -> set[str]:
    """Return the attributes of a device that have changed."""
    if not (isinstance(before, LightState) and isinstance(device.reported, LightState)):
        return set(device.held)
    return {_HELD_AS.get(name, 'color') for name in differences(before, device.reported, _STILL)}


def _coarse(state) -> str:
    return coarse(state) if isinstance(state, LightState) else state.describe()
