# SPDX-License-Identifier: Apache-2.0
"""Track who is in view of a room's cameras now."""

from collections.abc import Hashable
from dataclasses import dataclass

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.policy.rooms import Room
from fer_ros.types import FaceEmotion

#: Stamps this far ahead are accepted, since clocks of machines differ, seconds.
FUTURE_TOLERANCE_S = 0.5
#: A stamp this far away comes from another clock, seconds: about three years.
_ANOTHER_CLOCK_S = 1e8


@dataclass(frozen=True)
class _Sighting:
    stamp_s: float
    received_s: float
    age_s: float
    faces: tuple[tuple[Hashable, FaceEmotion], ...]
    frame_id: str


class Sightings:
    """Holds the latest sighting of each source of a room."""

    def __init__(self, room: Room, clock: RoomClock):
        self._room, self._clock = room, clock
        self.clear()

    def clear(self) -> None:
        """Forget everybody."""
        self._by_source: dict[str, _Sighting] = {}
        self._empty_since: float | None = None

    def add(self, source: str, faces, stamp_s: float, frame_id: str) -> str:
        """Record the faces of a source; return why they are rejected, or an empty string."""
        age_s = self._clock.now_s - stamp_s
        if stamp_s == 0:
            return (f'{source}: the stamp is 0: let the camera driver set the time of the image '
                    'in header.stamp')
        if abs(age_s) > _ANOTHER_CLOCK_S:
            return (f'{source}: the stamp is {stamp_s:.0f} s of another clock, such as the time '
                    'since boot: let the camera driver use that of ROS (or set use_sim_time)')
        if age_s < -FUTURE_TOLERANCE_S:
            return (f'{source}: the stamp is {-age_s:.1f} s in the future: set the clocks of the '
                    'machines (or use_sim_time) alike')
        if age_s > self._room.stale_after_s:
            return (f'{source}: the emotions are {age_s:.1f} s old, more than stale_after_s '
                    f'({self._room.stale_after_s:g}): the pipeline lags, or clocks differ')
        last = self._by_source.get(source)
        if last is not None and stamp_s <= last.stamp_s:
            return f'{source}: the stamp is not newer than the one before'
        self._by_source[source] = _Sighting(
            stamp_s, self._clock.s, max(0.0, age_s),
            tuple(((source, face.track_id), face) for face in faces), frame_id)
        if self.occupied:
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = self._clock.s
        return ''

    def _recent(self) -> list[_Sighting]:
        return [one for one in self._by_source.values() if self._is_recent(one)]

    def _is_recent(self, one: _Sighting) -> bool:
        return self._clock.s - one.received_s + one.age_s <= self._room.stale_after_s

    @property
    def fresh(self) -> bool:
        """Whether every source of the room was seen recently."""
        return all(source in self._by_source and self._is_recent(self._by_source[source])
                   for source in self._room.sources)

    @property
    def any_recent(self) -> bool:
        """Whether any source was seen recently."""
        return bool(self._recent())

    @property
    def faces(self) -> list[tuple[Hashable, FaceEmotion]]:
        """All faces in view, each with a key that stays with the person."""
        return [face for one in self._recent() for face in one.faces]

    @property
    def occupied(self) -> bool:
        """Whether anyone is in view."""
        return any(one.faces for one in self._recent())

    @property
    def frame_id(self) -> str:
        """The frame of the latest sighting, or empty."""
        newest = max(self._by_source.values(), key=lambda one: one.stamp_s, default=None)
        return '' if newest is None else newest.frame_id

    @property
    def empty_s(self) -> float:
        """How long no one has been in view, seconds."""
        return 0.0 if self._empty_since is None else self._clock.s - self._empty_since

    def doubt_emptiness(self) -> None:
        """Restart the time with nobody in view: one camera's empty view is not conclusive."""
        self._empty_since = None
