# SPDX-License-Identifier: Apache-2.0
"""Blinds and curtains: asked for a position, which they report."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fer_ros.home.fields import Part, Unit
from fer_ros.home.kinds.base import Attempt, Kind, Report, Situation, Verdict
from fer_ros.home.lifecycle import Event
from fer_ros.home.light import Tolerance

#: Further from what was asked, a person must have moved it; closer, it has come there.
_REACHED = 0.05
#: A report that differs less from the one before tells of no movement.
_STILL = 0.02


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
    """How far a blind is to be open, 0 closed to 1 open."""

    kind: ClassVar[str] = 'blind'

    position: float

    def describe(self) -> str:
        """Return it in words."""
        return f'{self.position:.0%} open'


class BlindKeys(Part):
    """What a rule may say about blinds."""

    blind: Unit | None = None


class BlindKind(Kind):
    """Blinds are asked for a position, and go back to the one they had."""

    name = 'blind'
    rule_keys = BlindKeys
    request_type = BlindRequest
    state_type = BlindState
    attributes = frozenset({'position'})

    def fault(self, rule: BlindKeys, targets: Iterable[Part]) -> tuple[str, str] | None:
        """Return that there is no blind."""
        if rule.blind is None or any(True for _ in targets):
            return None
        return 'blind', 'no room has a blind'

    def request(self, rule: BlindKeys, feeling: tuple[float, float], spec: Part,
                situation: Situation, cap: float | None) -> BlindRequest | None:
        """Return the rule's position."""
        return None if rule.blind is None else BlindRequest(float(rule.blind))

    def same(self, a: BlindRequest | None, b: BlindRequest | None) -> bool:
        """Return whether two requests ask for the same position."""
        if a is None or b is None:
            return a is b
        return abs(a.position - b.position) < 0.01

    def undo(self, state: BlindState) -> BlindRequest:
        """Return the request that brings a blind back to a position."""
        return BlindRequest(state.position)

    def kept(self, reported: BlindState, request: BlindRequest) -> BlindState:
        """Return the position that was asked for."""
        return BlindState(request.position)

    def judge(self, report: Report) -> Verdict:
        """Return what a blind's report means."""
        if report.attempt is None:
            return Verdict()
        position, before = report.state.position, report.before
        if report.in_window:
            return Verdict(Event.MOVED)
        if abs(position - report.attempt.request.position) <= _REACHED:
            return Verdict(Event.MATCHED)
        if before is not None and abs(position - before.position) > _STILL:
            return Verdict(Event.CHANGED_MANUALLY, 'was moved manually', self.attributes)
        return Verdict(Event.MOVED)

    def overdue(self, attempt: Attempt, reported: BlindState | None, tolerance: Tolerance) \
            -> Verdict:
        """Return what it means that a blind's time is over."""
        if not attempt.moved:
            return Verdict(Event.UNMOVED)
        if reported is not None \
                and abs(reported.position - attempt.request.position) <= _REACHED:
            return Verdict(Event.MATCHED)
        return Verdict()


BLIND = BlindKind()
