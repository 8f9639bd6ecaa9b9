# SPDX-License-Identifier: Apache-2.0
"""How long one rule has won in a room, what it did, and what is to be undone after it."""

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.policy.rules import PlacedRule


class Episode:
    """The time in which one rule wins, from the feeling's coming to its end.

    :ivar rule: the rule that wins, or won a moment ago; None: none does.
    :ivar number: counts the episodes of the room.
    :ivar asked: the targets that were asked for something in this episode.
    :ivar owed: targets that are to be brought back, each with the reason.
    """

    def __init__(self, clock: RoomClock):
        self._clock = clock
        self.number = 0
        self.owed: dict[str, str] = {}
        self._begin(None)

    def _begin(self, rule: PlacedRule | None) -> None:
        self.rule, self.asked = rule, set()
        self._acted_s: float | None = None
        self._missing_since_s: float | None = None
        if rule is not None:
            self.number += 1

    def follow(self, rule: PlacedRule | None, grace_s: float) -> None:
        """Take which rule fits now.

        :param grace_s: an episode outlives so long a time in which no rule fits.
        """
        if rule is not None and rule is self.rule:
            self._missing_since_s = None
            return
        if rule is None:
            if self.rule is None:
                return
            if self._missing_since_s is None:
                self._missing_since_s = self._clock.s
            if self._clock.s - self._missing_since_s < grace_s:
                return
        self.end()
        self._begin(rule)

    def act(self, target: str) -> None:
        """Record that the rule has asked a target for something."""
        self.asked.add(target)
        self.owed.pop(target, None)
        if self._acted_s is None:
            self._acted_s = self._clock.s

    @property
    def spent(self) -> bool:
        """Whether the time is over for which the rule does what it does."""
        limit_s = None if self.rule is None else self.rule.rule.for_s
        return limit_s is not None and self._acted_s is not None \
            and self._clock.s - self._acted_s >= limit_s

    def check_time(self) -> None:
        """Owe what the rule did once its time is over."""
        if self.spent:
            self._owe(f'{self.rule.name}: the {self.rule.rule.for_s:g} s are over')

    def end(self) -> None:
        """End the episode now, and owe what the rule did if that ends with it."""
        if self.rule is not None and self.rule.rule.ends:
            self._owe(f'{self.rule.name} is over')
        self._begin(None)

    def _owe(self, reason: str) -> None:
        self.owed.update(dict.fromkeys(self.asked, reason))
        self.asked = set()

    def clear(self) -> None:
        """Forget all of it."""
        self.owed = {}
        self._begin(None)
