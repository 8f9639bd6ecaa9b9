# SPDX-License-Identifier: Apache-2.0
"""Blinds and curtains: requests and reports of a position."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fer_ros.home.fields import Part, Unit
from fer_ros.home.kinds.base import Situation
from fer_ros.home.kinds.single import SingleValueKind


@dataclass(frozen=True)
class BlindState:
    """How far a blind is open, 0 closed to 1 open."""

    kind: ClassVar[str] = 'blind'

    position: float

    def describe(self) -> str:
        """Return it in words."""
        return f'{self.position:.0%} open'


@dataclass(frozen=True)
class BlindRequest:
    """The requested position of a blind, 0 closed to 1 open."""

    kind: ClassVar[str] = 'blind'

    position: float

    def describe(self) -> str:
        """Return it in words."""
        return f'{self.position:.0%} open'


class BlindKeys(Part):
    """Keys of rules for blinds."""

    blind: Unit | None = None


class BlindKind(SingleValueKind):
    """The kind of blinds, with a position that can be restored."""

    name = 'blind'
    rule_keys = BlindKeys
    request_type = BlindRequest
    state_type = BlindState
    attributes = frozenset({'position'})
    reached, still, slow = 0.05, 0.02, True
    manually = 'was moved manually'

    def fault(self, rule: BlindKeys, targets: Iterable[Part]) -> tuple[str, str] | None:
        """Return an error if there is no blind."""
        if rule.blind is None or any(True for _ in targets):
            return None
        return 'blind', 'no room has a blind'

    def request(self, rule: BlindKeys, feeling: tuple[float, float], spec: Part,
                situation: Situation, cap: float | None) -> BlindRequest | None:
        """Return the rule's position, or the nearest that the blind knows."""
        if rule.blind is None:
            return None
        between = situation.limits.dimmable
        return BlindRequest(float(rule.blind if between else rule.blind >= 0.5))


BLIND = BlindKind()
