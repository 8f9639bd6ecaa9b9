# SPDX-License-Identifier: Apache-2.0
"""Find a room's answer to the present emotion."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import time

from fer_ros.home.ambience import STRATEGIES
from fer_ros.home.conditions import Moment
from fer_ros.home.decisions.evidence import Evidence
from fer_ros.home.decisions.target import Target
from fer_ros.home.kinds.base import Request
from fer_ros.home.policy.adopted import AdoptedRule
from fer_ros.home.policy.rooms import QuietHours, Room
from fer_ros.home.policy.rules import PlacedRule, Rule, Rules


@dataclass(frozen=True)
class Choice:
    """The rule that applies now.

    :ivar placed: the rule, or None.
    :ivar blocked_reason: why there is none, or empty.
    """

    placed: PlacedRule | None
    blocked_reason: str = ''


@dataclass(frozen=True)
class Answer:
    """Requests of the rule that applies now, and their limits.

    :ivar rule: the policy's rule, or None if only habits apply.
    :ivar feeling: valence and arousal for a strategy.
    :ivar quiet: the present quiet hours, or None.
    :ivar reason: a sentence for people.
    :ivar words: values for the names in a text.
    """

    rule: Rule | None
    feeling: tuple[float, float]
    quiet: QuietHours | None
    reason: str
    transition_s: float
    habits: Mapping[str, AdoptedRule]
    words: Mapping[str, str]

    def request(self, target: Target) -> Request | None:
        """Return the rule's request to a target, or None."""
        rule = self.rule
        if rule is not None and not target.is_among(rule.targets):
            rule = None
        habit = self.habits.get(target.name)
        if habit is not None:
            rule = habit.over(rule)
        if rule is None:
            return None
        return target.kind.request(
            rule, self.feeling, target.spec, replace(target.situation, words=self.words),
            None if self.quiet is None else self.quiet.brightness_max)

    def explain(self, target: str) -> tuple[str, str]:
        """Return the habit behind a target's request, or an empty string, and the reason."""
        habit = self.habits.get(target)
        if habit is None:
            return '', self.reason
        return habit.name, f'{self.reason}, and {habit.name}: {habit.describe()}'


def quiet_hours(room: Room, local: time) -> QuietHours | None:
    """Return the quiet hours of a room at a local time of day."""
    return next((quiet for quiet in room.quiet_hours if quiet.contains(local)), None)


def is_open(placed: PlacedRule, moment: Moment) -> bool:
    """Return whether a rule's conditions hold, except for the duration."""
    when = placed.rule.when
    return when is None or all(
        finding.holds for finding in when.judge(moment, of_feeling=False))


def failing(placed: PlacedRule, moment: Moment) -> str:
    """Describe which conditions of a rule do not hold; empty if all do."""
    when = placed.rule.when
    return '' if when is None else '; '.join(
        finding.words for finding in when.judge(moment) if not finding.holds)


def unknown_conditions(rules: Rules, moment: Moment) -> list[str]:
    """Return the unknown conditions, each with its rule."""
    return [f'rule {placed.name}: {finding.words}'
            for placed in rules.ordered if placed.rule.when is not None
            for finding in placed.rule.when.judge(moment) if finding.unknown]


def choose(rules: Rules, key: str | None, affect: tuple[float, float], moment: Moment) -> Choice:
    """Return the first rule that applies to the leading key.

    :param key: the leading key from :meth:`Rules.leading`.
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


def habits_now(rules: Iterable[AdoptedRule], emotion: str, moment: Moment) \
        -> dict[str, AdoptedRule]:
    """Return the adopted rules that hold now, by device; the first one wins."""
    found: dict[str, AdoptedRule] = {}
    for rule in rules:
        if emotion in rule.emotion and (rule.when is None or all(
                finding.holds for finding in rule.when.judge(moment))):
            for target in rule.targets:
                found.setdefault(target, rule)
    return found


def find_answer(room: Room, name: str, policy: str, placed: PlacedRule | None,
                evidence: Evidence, moment: Moment, habits: Mapping[str, AdoptedRule]) \
        -> Answer | str:
    """Return a rule's answer, or why there is none.

    :param name: the room's display name.
    :param placed: the policy's rule, or None if only habits apply.
    :param habits: from :func:`habits_now`.
    """
    quiet = quiet_hours(room, moment.local.time())
    if quiet is not None and quiet.action == 'nothing':
        return f'quiet hours until {quiet.end:%H:%M}'
    rule, feeling, transition_s = None, evidence.valence_arousal, None
    if placed is not None:
        rule, transition_s = placed.rule, placed.rule.transition_s
        feeling = placed.feeling(evidence.key, evidence.valence_arousal)
    words = {'emotion': evidence.emotion, 'room': name, 'people': str(moment.people),
             'confidence': f'{evidence.support:.0%}', 'duration': f'{evidence.lasted_s:.0f} s',
             'rule': 'habit' if placed is None else placed.name, 'time': f'{moment.local:%H:%M}'}
    return Answer(rule, feeling, quiet, _explain(policy, placed, evidence, quiet),
                  room.transition_s if transition_s is None else transition_s, habits, words)


def _explain(policy: str, placed: PlacedRule | None, evidence: Evidence,
             quiet: QuietHours | None) -> str:
    voters = evidence.reading.voters
    people = f'{voters} face' + ('' if voters == 1 else 's')
    who, does = f'policy {policy}', 'has a rule for it'
    if placed is None:
        does = 'has no rule for it'
    elif placed.name != evidence.key:
        who, does = f'rule {placed.name} of policy {policy}', 'answers it'
    if placed is not None and placed.rule.strategy is not None:
        does = STRATEGIES[placed.rule.strategy]
    words = (f'{evidence.key} for {evidence.lasted_s:.1f} s at {evidence.support:.0%} ({people}): '
             f'{who} {does}')
    return words + (', dimmed for the quiet hours' if quiet is not None else '')
