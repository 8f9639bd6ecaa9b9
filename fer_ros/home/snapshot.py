# SPDX-License-Identifier: Apache-2.0
"""What a room is doing, as one immutable value, and when others are to be told of it."""

from collections.abc import Sequence
from dataclasses import dataclass
import math

from fer_ros.habits.views import RoomHabits
from fer_ros.home.kinds.base import Request, State
from fer_ros.home.lifecycle import ControlState

#: Figures change with every frame; others are told of that no more often, seconds.
FIGURES_S = 1.0


@dataclass(frozen=True)
class DeviceSnapshot:
    """What is known of one device.

    :ivar kind: as in :data:`kinds.KINDS`.
    :ivar available: whether it can be reached, as far as is known.
    :ivar state: where it stands between what was asked and what it says.
    :ivar reported: what it says of itself, or None when it has said nothing.
    :ivar held: what a person has changed of it and is left alone, of its kind's attributes.
    """

    target: str
    kind: str
    available: bool
    state: ControlState
    reported: State | None
    held: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether it has said how it is."""
        return self.reported is not None


@dataclass(frozen=True)
class LastAction:
    """The newest thing asked of a device of a room, and why."""

    target: str
    request: Request
    reason: str


@dataclass(frozen=True)
class RoomSnapshot:
    """What a room is doing.

    Three words that are easily mixed up: the data are *fresh* when every source of the room was
    heard within ``stale_after_s``, and *stale* when they are not; the room is *known* when an
    emotion, or nobody, can be told. One of two cameras is enough for a room to be known by a
    face, but not for its data to be fresh.

    :ivar emotion: a label, ``uncertain``, ``nobody``, or None when the room is not known.
    :ivar confidence: of the emotion, [0, 1]; 0 when the room is not known, as ``faces``,
        ``valence`` and ``arousal``.
    :ivar attentive: how many people look at a camera; None where that is not told.
    :ivar eyes_closed: whether somebody has closed eyes; None where that is not told.
    :ivar hold_left_s: how long the room, or any part of a device in it, is still left alone,
        seconds; 0 when nothing is.
    :ivar hold_reason: who or what put it on hold.
    :ivar blocked_reason: what keeps the room from acting now, or empty.
    :ivar habits: what it has learnt, or None where habits are off.
    :ivar title: what people call the room.
    """

    room: str
    enabled: bool
    policy: str
    policies: tuple[str, ...]
    fresh: bool
    emotion: str | None = None
    confidence: float = 0.0
    faces: int = 0
    valence: float = 0.0
    arousal: float = 0.0
    hold_left_s: float = 0.0
    hold_reason: str = ''
    last: LastAction | None = None
    blocked_reason: str = ''
    devices: tuple[DeviceSnapshot, ...] = ()
    habits: RoomHabits | None = None
    title: str = ''
    attentive: int | None = None
    eyes_closed: bool | None = None

    @property
    def stale(self) -> bool:
        """Whether any source of the room was not heard lately."""
        return not self.fresh

    @property
    def known(self) -> bool:
        """Whether an emotion, or nobody, can be told."""
        return self.emotion is not None

    @property
    def occupied(self) -> bool | None:
        """Whether somebody is in view, or None when the room is not known."""
        return self.faces > 0 if self.known else None

    @property
    def on_hold(self) -> bool:
        """Whether the room, or any part of a device in it, is left alone."""
        return self.hold_left_s > 0

    @property
    def last_action(self) -> str:
        """The last action in words, or empty before the first."""
        return '' if self.last is None else f'{self.last.target}: {self.last.request.describe()}'

    @property
    def last_reason(self) -> str:
        """Why the last action was done."""
        return '' if self.last is None else self.last.reason

    @property
    def facts(self) -> tuple:
        """The part whose change others are told at once; the rest are figures."""
        return (self.room, self.enabled, self.policy, self.policies, self.fresh, self.emotion,
                self.occupied, self.attentive, self.eyes_closed, self.on_hold, self.hold_reason,
                self.last, self.devices, self.habits)


class ChangeDetector:
    """Says when snapshots are to be told: to ROS, MQTT or a browser.

    :param figures_s: figures that changed are told no more often, seconds.
    """

    def __init__(self, figures_s: float = FIGURES_S):
        self._figures_s = figures_s
        self.reset()

    def reset(self) -> None:
        """Forget what was told, so that the next snapshots are told in any case."""
        self._told: tuple[RoomSnapshot, ...] | None = None
        self._told_s = -math.inf

    def due(self, rooms: Sequence[RoomSnapshot], now_s: float, *,
            repeat_s: float = math.inf) -> bool:
        """Return whether the snapshots are to be told now.

        :param now_s: a clock that does not jump, seconds.
        :param repeat_s: what has not changed is told again after so long.
        """
        rooms = tuple(rooms)
        if self._told is None or [room.facts for room in rooms] != [
                room.facts for room in self._told]:
            return True
        pause_s = self._figures_s if rooms != self._told else repeat_s
        return now_s - self._told_s >= pause_s

    def tell(self, rooms: Sequence[RoomSnapshot], now_s: float) -> None:
        """Record that the snapshots were told."""
        self._told, self._told_s = tuple(rooms), now_s


def events(before: RoomSnapshot, now: RoomSnapshot) -> list[tuple[str, dict]]:
    """Return what happened between two snapshots of a room, for automations."""
    found = []
    if now.emotion != before.emotion and now.known:
        found.append(('emotion', {'emotion': now.emotion,
                                  'confidence': round(now.confidence, 2)}))
    if now.occupied != before.occupied and now.known and before.known:
        found.append(('occupied' if now.occupied else 'empty', {}))
    if now.on_hold != before.on_hold:
        found.append(('hold', {'reason': now.hold_reason}) if now.on_hold else ('resumed', {}))
    if now.enabled != before.enabled:
        found.append(('switched_on' if now.enabled else 'switched_off', {}))
    return found
