# SPDX-License-Identifier: Apache-2.0
"""Track the attention of the people in view of a room's cameras."""

from collections.abc import Hashable, Iterable
import math

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.types import PersonAttention

#: States in which a person looks at something else than the camera.
_AWAY = ('away', 'down')


class Attentiveness:
    """The newest that each source has told, as long as it is fresh.

    :param away_weight: how much a face counts that looks away or down, [0, 1].
    """

    def __init__(self, clock: RoomClock, stale_after_s: float, away_weight: float = 1.0):
        self._clock, self._stale_after_s = clock, stale_after_s
        self._away_weight = away_weight
        self.clear()

    def clear(self) -> None:
        """Forget everybody."""
        self._by_source: dict[str, tuple[float, tuple[PersonAttention, ...]]] = {}

    def add(self, source: str, people: Iterable[PersonAttention]) -> None:
        """Record the data of a source."""
        self._by_source[source] = self._clock.s, tuple(people)

    def weight_of(self, key: Hashable) -> float:
        """Return how much a face counts, by its source and track; what is not known counts 1."""
        source, track_id = key
        at_s, people = self._by_source.get(source, (-math.inf, ()))
        away = self._clock.s - at_s <= self._stale_after_s and any(
            one.track_id == track_id and one.state in _AWAY for one in people)
        return self._away_weight if away else 1.0

    @property
    def people(self) -> tuple[PersonAttention, ...] | None:
        """All people in view; None if no source has fresh data."""
        recent = [people for at_s, people in self._by_source.values()
                  if self._clock.s - at_s <= self._stale_after_s]
        return tuple(person for people in recent for person in people) if recent else None

    @property
    def figures(self) -> dict[str, int | bool]:
        """Number of people looking at a camera, and whether eyes are closed; empty: unknown."""
        people = self.people
        if people is None:
            return {}
        return {'attentive': sum(one.state == 'camera' for one in people),
                'eyes_closed': any(one.state == 'closed' for one in people)}
