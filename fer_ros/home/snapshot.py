# SPDX-License-Identifier: Apache-2.0
"""Immutable snapshots of rooms, and when they are published."""

from collections.abc import Sequence
from dataclasses import dataclass
import math

from fer_ros.habits.views import RoomHabits
from fer_ros.home.kinds.base import Request, State
from fer_ros.home.lifecycle import ControlState

#: Minimum interval of publishing values that change with every frame, seconds.
FIGURES_S = 1.0


@dataclass(frozen=True)
class DeviceSnapshot:
    """Snapshot of a device.

    :ivar kind: as in :data:`kinds.KINDS`.
    :ivar available: whether it can be reached, as far as known.
    :ivar state: its control state relative to the last request.
    :ivar reported: its reported state, or None.
    :ivar held: attributes that a person changed and that are left alone.
    """

    target: str
    kind: str
    available: bool
    state: ControlState
    reported: State | None
    held: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether it has reported a state."""
        return self.reported is not None


@dataclass(frozen=True)
class LastAction:
    """The latest request to a device of a room, and why."""

    target: str
    request: Request
    reason: str


@dataclass(frozen=True)
class RoomSnapshot:
    """Snapshot of a room.

    Three terms: the data are *fresh* if every source of the room was seen within
    ``stale_after_s``, otherwise *stale*; the room is *known* if its emotion, or that no one is in
    view, is known. A face in one of two cameras makes a room known, but its data are not fresh.

    :ivar emotion: a label, ``uncertain``, ``nobody``, or None if the room is not known.
    :ivar confidence: confidence of the emotion, [0, 1]; 0 if the room is not known, like
        ``faces``, ``valence`` and ``arousal``.
    :ivar attentive: number of people who look at a camera; None if unknown.
    :ivar eyes_closed: whether a person has closed eyes; None if unknown.
    :ivar hold_left_s: how long the room, or any part of a device in it, is still left alone,
        seconds; 0 if nothing is.
    :ivar hold_reason: who or what put it on hold.
    :ivar blocked_reason: why the room does not act now, or empty.
    :ivar habits: its habits, or None if habits are off.
    :ivar title: the room's display name.
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
        """Whether any source of the room was not seen recently."""
        return not self.fresh

    @property
    def known(self) -> bool:
        """Whether the emotion, or that no one is in view, is known."""
        return self.emotion is not None

    @property
    def occupied(self) -> bool | None:
        """Whether someone is in view, or None if the room is not known."""
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
        """The reason of the last action."""
        return '' if self.last is None else self.last.reason

    @property
    def facts(self) -> tuple:
        """The part whose changes are published at once; the rest are numeric values."""
        return (self.room, self.enabled, self.policy, self.policies, self.fresh, self.emotion,
                self.occupied, self.attentive, self.eyes_closed, self.on_hold, self.hold_reason,
                self.last, self.devices, self.habits)


class ChangeDetector:
    """Decides when snapshots are published to ROS, MQTT or a browser.

    :param figures_s: minimum interval of publishing changed numeric values, seconds.
    """

    def __init__(self, figures_s: float = FIGURES_S):
        self._figures_s = figures_s
        self.reset()

    def reset(self) -> None:
        """Forget what was published, so that the next snapshots are published in any case."""
        self._published: tuple[RoomSnapshot, ...] | None = None
        self._published_s = -math.inf

    def due(self, rooms: Sequence[RoomSnapshot], now_s: float, *,
            repeat_s: float = math.inf) -> bool:
        """Return whether the snapshots should be published now.

        :param now_s: a monotonic clock, seconds.
        :param repeat_s: unchanged snapshots are published again after this long, seconds.
        """
        rooms = tuple(rooms)
        if self._published is None or [room.facts for room in rooms] != [
                room.facts for room in self._published]:
            return True
        pause_s = self._figures_s if rooms != self._published else repeat_s
        return now_s - self._published_s >= pause_s

    def mark_published(self, rooms: Sequence[RoomSnapshot], now_s: float) -> None:
        """Record that the snapshots were published."""
        self._published, self._published_s = tuple(rooms), now_s


def events(before: RoomSnapshot, now: RoomSnapshot) -> list[tuple[str, dict]]:
    """Return the events between two snapshots of a room, for automations."""
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
