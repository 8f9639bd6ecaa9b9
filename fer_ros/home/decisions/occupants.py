# SPDX-License-Identifier: Apache-2.0
"""The people in a room with their emotions and attention, from its cameras."""

from collections.abc import Callable, Iterable

from fer_ros.home.action import NOBODY
from fer_ros.home.decisions.attentiveness import Attentiveness
from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.evidence import Evidence
from fer_ros.home.decisions.headcount import Headcount
from fer_ros.home.decisions.sightings import Sightings
from fer_ros.home.policy.rooms import Room
from fer_ros.home.policy.rules import PlacedRule, Rules
from fer_ros.types import FaceEmotion, PersonAttention


class Occupants:
    """Tracks the people of a room.

    :param is_open: returns whether a rule's conditions hold now, except for the duration.
    :ivar sightings: the people in view now; ``count``: their debounced number.
    :ivar evidence: the emotion over time.
    :ivar attention: their attention.
    """

    def __init__(self, room: Room, rules: Rules, clock: RoomClock,
                 is_open: Callable[[PlacedRule], bool]):
        self.sightings = Sightings(room, clock)
        self.attention = Attentiveness(clock, room.stale_after_s, room.away_weight)
        self.evidence = Evidence(room, rules, is_open, self.attention.weight_of)
        self._headcount = Headcount(clock, room.dwell_s)

    @property
    def count(self) -> int:
        """How many people have been in view for some time."""
        return self._headcount.people

    @property
    def faces(self) -> list[FaceEmotion]:
        """The faces in view now."""
        return [face for _, face in self.sightings.faces]

    def observe(self, source: str, faces: Iterable[FaceEmotion], stamp_s: float,
                frame_id: str) -> str:
        """Record the faces of a source; return why they are rejected, or an empty string."""
        refused = self.sightings.add(source, faces, stamp_s, frame_id)
        if not refused:
            self._headcount.see(len(self.sightings.faces))
            self.evidence.add(self.sightings.faces, stamp_s)
        return refused

    def attend(self, source: str, people: Iterable[PersonAttention]) -> None:
        """Record the attention of the people of a source."""
        self.attention.add(source, people)

    def clear(self) -> None:
        """Forget everybody."""
        self.sightings.clear()
        self.attention.clear()
        self._headcount.clear()
        self.evidence.forget()

    @property
    def emotion(self) -> str | None:
        """A label, ``uncertain``, ``nobody``, or None when it is not known."""
        if self.sightings.faces:
            return self.evidence.emotion
        return NOBODY if self.sightings.fresh else None

    @property
    def figures(self) -> dict[str, float]:
        """Numeric values for :class:`snapshot.RoomSnapshot`."""
        found: dict[str, float] = self.attention.figures
        if faces := len(self.sightings.faces):
            valence, arousal = self.evidence.valence_arousal
            found |= {'faces': faces, 'confidence': self.evidence.confidence,
                      'valence': valence, 'arousal': arousal}
        return found
