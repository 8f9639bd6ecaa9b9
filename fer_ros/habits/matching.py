# SPDX-License-Identifier: Apache-2.0
"""Whether habits, adopted rules and times of day fit each other."""

from fer_ros.habits.finder import DAYS, Habit, PARTS
from fer_ros.habits.preferences import Situation
from fer_ros.home.policy.adopted import AdoptedRule


def part_of(rule: AdoptedRule) -> str:
    """Return the part of the day in which a rule begins to hold."""
    if rule.when is None or rule.when.time is None:
        return 'any time'
    return next(part for part, (first, last) in PARTS.items()
                if first <= rule.when.time[0].start.hour < last)


def is_due(habit: Habit, local_s: float) -> bool:
    """Return whether a local time, seconds, is one at which a habit holds."""
    situation = Situation(local_s)
    if habit.days and situation.weekend != (habit.days == DAYS[2]):
        return False
    if habit.start is None:
        return True
    first = habit.start.hour + habit.start.minute / 60
    return first <= situation.hour < PARTS[habit.part][1]


def same_circumstances(rule: AdoptedRule, habit: Habit) -> bool:
    """Return whether a rule is about a habit's lamp, emotion and time of day."""
    return rule.room == habit.room and habit.target in rule.targets \
        and habit.emotion in rule.emotion and rule.meets(habit.start, habit.end)


def covers(rule: AdoptedRule, habit: Habit) -> bool:
    """Return whether a rule does already what a habit would."""
    light = rule.light
    says_all = (habit.light.brightness is None or light.brightness is not None) and (
        habit.light.rgb is None or light.rgb is not None)
    return same_circumstances(rule, habit) and says_all and habit.agrees(light)
