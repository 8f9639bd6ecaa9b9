# SPDX-License-Identifier: Apache-2.0
"""What a room's policy answers to what is felt now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time

from fer_ros.home.ambience import STRATEGIES
from fer_ros.home.decisions.evidence import Evidence
from fer_ros.home.decisions.target import Target
from fer_ros.home.kinds.base import Request
from fer_ros.home.policy.rooms import QuietHours, Room
from fer_ros.home.policy.rules import Rule


@dataclass(frozen=True)
class Answer:
    """The rule that fits now, and how it is limited.

    :ivar feeling: the valence and arousal that a strategy answers.
    :ivar quiet: the quiet hours it falls in, or None.
    :ivar reason: a sentence for people.
    """

    rule: Rule
    feeling: tuple[float, float]
    quiet: QuietHours | None
    reason: str
    transition_s: float

    def request(self, target: Target) -> Request | None:
        """Return what the rule asks of a target, or None."""
        if self.rule.targets is not None and target.name not in self.rule.targets:
            return None
        return target.kind.request(
            self.rule, self.feeling, target.spec, target.situation,
            None if self.quiet is None else self.quiet.brightness_max)


def quiet_hours(room: Room, now_s: float, local_time: Callable[[float], time]) \
        -> QuietHours | None:
    """Return the quiet hours of a room in which a time lies."""
    local = local_time(now_s)
    return next((quiet for quiet in room.quiet_hours if quiet.contains(local)), None)


def find_answer(room: Room, policy: str, found: tuple[Rule, tuple[float, float]] | None,
                evidence: Evidence, quiet: QuietHours | None) -> Answer | str:
    """Return what the policy answers, or why it answers nothing.

    :param found: the rule of what leads, as :meth:`Rules.find` gives it.
    """
    if found is None:
        return f'no rule for {evidence.key}'
    if quiet is not None and quiet.action == 'nothing':
        return f'quiet hours until {quiet.end:%H:%M}'
    rule, feeling = found
    transition_s = room.transition_s if rule.transition_s is None else rule.transition_s
    return Answer(rule, feeling, quiet, _explain(policy, rule, evidence, quiet), transition_s)


def _explain(policy: str, rule: Rule, evidence: Evidence, quiet: QuietHours | None) -> str:
    voters = evidence.reading.voters
    people = f'{voters} face' + ('' if voters == 1 else 's')
    does = 'has a rule for it' if rule.strategy is None else STRATEGIES[rule.strategy]
    words = (f'{evidence.key} for {evidence.lasted_s:.1f} s at {evidence.support:.0%} ({people}): '
             f'policy {policy} {does}')
    return words + (', dimmed for the quiet hours' if quiet is not None else '')
