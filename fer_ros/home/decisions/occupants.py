# SPDX-License-Identifier: Apache-2.0
"""Who is in a room, what they feel and what they attend to, as its cameras tell it."""

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
    """The people of one room.

    :param is_open: says of a rule whether its conditions hold now, the duration apart.
    :ivar sightings: who is in view now, and ``count`` how many have been for some time.
    :ivar evidence: what is felt, over time.
    :ivar attention: what they attend to.
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
        """Record what a source sees; return why it is refused, or an empty string."""
        refused = self.sightings.add(source, faces, stamp_s, frame_id)
        if not refused:
            self._headcount.see(len(self.sightings.faces))
            self.evidence.add(self.sightings.faces, stamp_s)
        return refused

    def attend(self, source: str, people: Iterable[PersonAttention]) -> None:
        """Record what the people attend to that a source sees."""
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
        """What is known in numbers, as :class:`snapshot.RoomSnapshot` names them."""
        found: dict[str, float] = self.attention.figures
        if faces := len(self.sightings.faces):
            valence, arousal = self.evidence.valence_arousal
            found |= {'faces': faces, 'confidence': self.evidence.confidence,
                      'valence': valence, 'arousal': arousal}
        return found
