# SPDX-License-Identifier: Apache-2.0
"""Whether habits, adopted rules and times of day fit each other."""

from fer_ros.habits.finder import DAYS, Habit, PARTS
from fer_ros.habits.preferences import Situation
from fer_ros.home.conditions import CONDITIONS
from fer_ros.home.policy.adopted import AdoptedRule
from fer_ros.home.policy.when import When

#: How rules call the days of a habit.
WEEK = {'weekdays': 'workday', 'weekends': 'weekend'}


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
    """Return whether a rule is about a habit's lamp, emotion, days and time of day."""
    days = None if rule.when is None else rule.when.weekday
    return rule.room == habit.room and habit.target in rule.targets \
        and habit.emotion in rule.emotion and rule.meets(habit.start, habit.end) \
        and (not days or not habit.days or not set(days).isdisjoint(_when(habit).weekday))


def covers(rule: AdoptedRule, habit: Habit) -> bool:
    """Return whether a rule does already what a habit would, whenever the habit would."""
    light = rule.light
    says_all = (habit.light.brightness is None or light.brightness is not None) and (
        habit.light.rgb is None or light.rgb is not None)
    return same_circumstances(rule, habit) and says_all and habit.agrees(light) \
        and _at_all_times(rule, habit)


def _at_all_times(rule: AdoptedRule, habit: Habit) -> bool:
    """Return whether a rule's times include all those of a habit; other conditions aside."""
    asked = _when(habit)
    return rule.when is None or all(
        getattr(asked, name, None) is not None
        and CONDITIONS[name].covers(getattr(rule.when, name), getattr(asked, name))
        for name in ('time', 'weekday') if getattr(rule.when, name) is not None)


def _when(habit: Habit) -> When | None:
    """Return the times of a habit as a rule would say them."""
    times = {}
    if habit.start is not None:
        times['time'] = {'from': habit.start, 'to': habit.end}
    if habit.days:
        times['weekday'] = WEEK[habit.days]
    return When(**times) if times else None
