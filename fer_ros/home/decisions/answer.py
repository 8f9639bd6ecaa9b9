# SPDX-License-Identifier: Apache-2.0
"""What a room's policy answers to what is felt now."""

from dataclasses import dataclass
from datetime import time

from fer_ros.home.ambience import STRATEGIES
from fer_ros.home.conditions import Moment
from fer_ros.home.decisions.evidence import Evidence
from fer_ros.home.decisions.target import Target
from fer_ros.home.kinds.base import Request
from fer_ros.home.policy.rooms import QuietHours, Room
from fer_ros.home.policy.rules import PlacedRule, Rule, Rules


@dataclass(frozen=True)
class Choice:
    """The rule that fits now.

    :ivar placed: the rule, or None.
    :ivar why_not: why there is none, or an empty string.
    """

    placed: PlacedRule | None
    why_not: str = ''


@dataclass(frozen=True)
class Answer:
    """What the rule that fits does now, and how it is limited.

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


def quiet_hours(room: Room, local: time) -> QuietHours | None:
    """Return the quiet hours of a room in which a local time of day lies."""
    return next((quiet for quiet in room.quiet_hours if quiet.contains(local)), None)


def is_open(placed: PlacedRule, moment: Moment) -> bool:
    """Return whether a rule's conditions hold, the feeling's duration apart."""
    when = placed.rule.when
    return when is None or all(
        finding.holds for finding in when.judge(moment, of_feeling=False))


def failing(placed: PlacedRule, moment: Moment) -> str:
    """Return in words which conditions of a rule do not hold, or an empty string."""
    when = placed.rule.when
    return '' if when is None else '; '.join(
        finding.words for finding in when.judge(moment) if not finding.holds)


def choose(rules: Rules, key: str | None, affect: tuple[float, float], moment: Moment) -> Choice:
    """Return the first rule that fits what leads.

    :param key: what leads, as :meth:`Rules.leading` returns it.
    :param affect: valence and arousal of the room.
    """
    reasons = []
    for placed in rules.candidates(key, *affect) if key is not None else ():
        reason = failing(placed, moment)
        if not reason:
            return Choice(placed)
        reasons.append(f'{placed.name} ({reason})')
    if not reasons:
        return Choice(None, f'no rule for {key}')
    return Choice(None, f'no rule fits {key}: {", ".join(reasons)}')


def find_answer(room: Room, policy: str, placed: PlacedRule, evidence: Evidence,
                quiet: QuietHours | None) -> Answer | str:
    """Return what a rule answers, or why it answers nothing."""
    if quiet is not None and quiet.action == 'nothing':
        return f'quiet hours until {quiet.end:%H:%M}'
    rule = placed.rule
    transition_s = room.transition_s if rule.transition_s is None else rule.transition_s
    return Answer(rule, placed.feeling(evidence.key, evidence.valence_arousal), quiet,
                  _explain(policy, placed, evidence, quiet), transition_s)


def _explain(policy: str, placed: PlacedRule, evidence: Evidence, quiet: QuietHours | None) \
        -> str:
    voters = evidence.reading.voters
    people = f'{voters} face' + ('' if voters == 1 else 's')
    who, does = f'policy {policy}', 'has a rule for it'
    if placed.name != evidence.key:
        who, does = f'rule {placed.name} of policy {policy}', 'answers it'
    if placed.rule.strategy is not None:
        does = STRATEGIES[placed.rule.strategy]
    words = (f'{evidence.key} for {evidence.lasted_s:.1f} s at {evidence.support:.0%} ({people}): '
             f'{who} {does}')
    return words + (', dimmed for the quiet hours' if quiet is not None else '')
