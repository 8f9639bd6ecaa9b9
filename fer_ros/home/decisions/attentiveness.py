# SPDX-License-Identifier: Apache-2.0
"""What the people in view of a room's cameras attend to."""

from collections.abc import Iterable

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.types import PersonAttention


class Attentiveness:
    """The newest that each source has told, as long as it is fresh."""

    def __init__(self, clock: RoomClock, stale_after_s: float):
        self._clock, self._stale_after_s = clock, stale_after_s
        self.clear()

    def clear(self) -> None:
        """Forget everybody."""
        self._by_source: dict[str, tuple[float, tuple[PersonAttention, ...]]] = {}

    def add(self, source: str, people: Iterable[PersonAttention]) -> None:
        """Record what a source sees now."""
        self._by_source[source] = self._clock.s, tuple(people)

    @property
    def people(self) -> tuple[PersonAttention, ...] | None:
        """Everybody in view; None where no source tells it now."""
        recent = [people for at_s, people in self._by_source.values()
                  if self._clock.s - at_s <= self._stale_after_s]
        return tuple(person for people in recent for person in people) if recent else None

    @property
    def figures(self) -> dict[str, int | bool]:
        """How many look at a camera and whether somebody has closed eyes; empty: not told."""
        people = self.people
        if people is None:
            return {}
        return {'attentive': sum(one.state == 'camera' for one in people),
                'eyes_closed': any(one.state == 'closed' for one in people)}
