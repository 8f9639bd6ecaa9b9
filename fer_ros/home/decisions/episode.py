# SPDX-License-Identifier: Apache-2.0
"""How long one rule has won in a room, what it did, and what is to be undone after it."""

from collections.abc import Iterable

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.policy.rules import PlacedRule

#: After a restart a feeling is given so much more time to show again, seconds.
RECALL_S = 2.0


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
        self._recalled_s: float | None = None
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
        if self._recalled_s is not None \
                and self._clock.s - self._recalled_s > 2 * grace_s + RECALL_S:
            self._recalled_s = None
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

    def recall(self, targets: Iterable[str]) -> None:
        """Owe what was done before a restart, unless the feeling turns out to go on."""
        self.owed = dict.fromkeys(targets, 'what was done before the restart is over')
        self._recalled_s = self._clock.s if self.owed else None

    @property
    def due(self) -> dict[str, str]:
        """Which of the targets owed are to be brought back now, each with the reason."""
        return {} if self._recalled_s is not None else dict(self.owed)

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

    @property
    def debts(self) -> list[str]:
        """Which targets would be owed if the episode ended now."""
        ends = self.rule is not None and self.rule.rule.ends
        return sorted({*self.owed, *(self.asked if ends else ())})

    def forget(self, target: str) -> None:
        """Forget a target that is no longer in the room."""
        self.asked.discard(target)
        self.owed.pop(target, None)

    def clear(self) -> None:
        """Forget all of it."""
        self.owed = {}
        self._begin(None)
