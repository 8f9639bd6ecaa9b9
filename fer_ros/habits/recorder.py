# SPDX-License-Identifier: Apache-2.0
"""From what the rooms do to events: snapshots and actions in, :class:`HomeEvent` out."""

from collections.abc import Callable
from dataclasses import dataclass, field
import math

from fer_ros.emotions.labels import LABELS
from fer_ros.habits.events import Actor, EventKind, HomeEvent
from fer_ros.home.action import AmbientAction, Command
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.light import differences, LightState, Tolerance
from fer_ros.home.snapshot import DeviceSnapshot, RoomSnapshot

#: An emotion has begun, or ended, when that is so for this long, seconds.
BEGIN_S, END_S = 2.0, 5.0
#: A person at a dimmer is done when the light has stood still for this long, seconds.
SETTLED_S = 2.0
#: Who changes a lamp after a face is gone still felt what it showed, seconds.
_AFTERGLOW_S = 60.0
_STILL = Tolerance(0.01, 10.0, 0.01)
#: What differs, as the attribute that is held; all else is color.
_HELD_AS = {'on/off': 'power', 'brightness': 'brightness'}


@dataclass
class _Lamp:
    state: ControlState | None = None
    reported: LightState | None = None
    held: tuple[str, ...] = ()
    #: Since when a person's change stands still, or None when there is none.
    changed_s: float | None = None


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
    lamps: dict[str, _Lamp] = field(default_factory=dict)


class Recorder:
    """Follows the rooms.

    :param utc_offset: gives what local time is ahead of UTC at a time, seconds.
    """

    def __init__(self, utc_offset: Callable[[float], int] = lambda _: 0):
        self._utc_offset = utc_offset
        self._rooms: dict[str, _Room] = {}

    def emotion(self, room: str, now_s: float) -> str:
        """Return the emotion of a room, or the one of a moment ago; empty: not known."""
        known = self._rooms.setdefault(room, _Room())
        if known.emotion:
            return known.emotion
        return known.last if 0 <= now_s - known.last_end_s < _AFTERGLOW_S else ''

    def room(self, snapshot: RoomSnapshot, now_s: float) -> list[HomeEvent]:
        """Return what has happened in a room since it was last asked."""
        room = self._rooms.setdefault(snapshot.room, _Room())
        room.people = snapshot.faces
        events = self._presence(room, snapshot, now_s) + self._feeling(room, snapshot, now_s)
        for device in snapshot.devices:
            events += self._device(room, snapshot.room, device, now_s)
        return events

    def action(self, action: AmbientAction, now_s: float) -> HomeEvent:
        """Return the event of something that a rule or habit did."""
        request = action.request
        light = request.expected if request.kind == 'light' else None
        value = 'restore' if action.command is Command.RESTORE else ''
        if light is None:
            value = value or request.describe()
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
        """Return the event with which a log goes on."""
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
        if not isinstance(device.reported, LightState):
            return []
        lamp = room.lamps.setdefault(device.target, _Lamp())
        before, state_before, held_before = lamp.reported, lamp.state, lamp.held
        lamp.reported, lamp.state, lamp.held = device.reported, device.state, device.held
        changed = [] if before is None else differences(before, device.reported, _STILL)
        moved = bool(changed)
        # A rule may go on with what nobody touched: what is held is what a person changed.
        by_hand = set(device.held) - set(held_before) or any(
            _HELD_AS.get(name, 'color') in device.held for name in changed)
        overridden = device.state is ControlState.OVERRIDDEN
        if overridden and (moved or state_before is not ControlState.OVERRIDDEN):
            # Also the first look at a lamp that a person had changed before a restart is none.
            if state_before is not None:
                lamp.changed_s = now_s
        elif by_hand and state_before is not None:
            lamp.changed_s = now_s
        elif moved and device.state is ControlState.IDLE and not before.on \
                and device.reported.on and state_before in (
                    ControlState.IDLE, ControlState.OVERRIDDEN):
            lamp.changed_s = now_s
        elif moved and lamp.changed_s is not None:
            lamp.changed_s = now_s
        if lamp.changed_s is None or 0 <= now_s - lamp.changed_s < SETTLED_S:
            return []
        lamp.changed_s = None
        return [self._event(name, EventKind.ACTION, now_s, actor=Actor.PERSON,
                            target=device.target, light=lamp.reported)]
