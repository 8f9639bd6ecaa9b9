# SPDX-License-Identifier: Apache-2.0
"""Track how long a rule has won in a room, what it did, and what to undo after it."""

from collections.abc import Iterable

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.policy.rules import PlacedRule

#: After a restart an emotion has this much more time to reappear, seconds.
RECALL_S = 2.0


class Episode:
    """The time in which one rule wins, from the start of the emotion to its end.

    :ivar rule: the rule that wins, or won a moment ago; None: none.
    :ivar requested: the targets that got requests in this episode.
    :ivar owed: targets to be restored, each with the reason.
    """

    def __init__(self, clock: RoomClock):
        self._clock = clock
        self.owed: dict[str, str] = {}
        self._recalled_s: float | None = None
        self._begin(None)

    def _begin(self, rule: PlacedRule | None) -> None:
        self.rule, self.requested = rule, set()
        self._acted_s: float | None = None
        self._missing_since_s: float | None = None

    def follow(self, rule: PlacedRule | None, grace_s: float) -> None:
        """Update with the rule that applies now.

        :param grace_s: an episode survives this long without an applicable rule.
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
        """Owe what was done before a restart, unless the emotion continues."""
        self.owed = dict.fromkeys(targets, 'what was done before the restart is over')
        self._recalled_s = self._clock.s if self.owed else None

    @property
    def due(self) -> dict[str, str]:
        """Owed targets that are due to be restored now, each with the reason."""
        return {} if self._recalled_s is not None else dict(self.owed)

    def act(self, target: str) -> None:
        """Record that the rule has sent a request to a target."""
        self.requested.add(target)
        self.owed.pop(target, None)
        if self._acted_s is None:
            self._acted_s = self._clock.s

    @property
    def spent(self) -> bool:
        """Whether the rule's duration is over."""
        limit_s = None if self.rule is None else self.rule.rule.for_s
        return limit_s is not None and self._acted_s is not None \
            and self._clock.s - self._acted_s >= limit_s

    def check_time(self) -> None:
        """Owe the rule's changes once its duration is over."""
        if self.spent:
            self._owe(f'{self.rule.name}: the {self.rule.rule.for_s:g} s are over')

    def end(self) -> None:
        """End the episode now, and owe the rule's changes if they end with it."""
        if self.rule is not None and self.rule.rule.ends:
            self._owe(f'{self.rule.name} is over')
        self._begin(None)

    def _owe(self, reason: str) -> None:
        self.owed.update(dict.fromkeys(self.requested, reason))
        self.requested = set()

    @property
    def debts(self) -> list[str]:
        """Which targets would be owed if the episode ended now."""
        ends = self.rule is not None and self.rule.rule.ends
        return sorted({*self.owed, *(self.requested if ends else ())})

    def forget(self, target: str) -> None:
        """Forget a target that is no longer in the room."""
        self.requested.discard(target)
        self.owed.pop(target, None)

    def clear(self) -> None:
        """Forget all of it."""
        self.owed = {}
        self._begin(None)
