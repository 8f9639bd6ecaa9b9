# SPDX-License-Identifier: Apache-2.0
"""Which adopted rule does what a habit would already, and which one it would replace."""

from datetime import time

from fer_ros.habits.finder import Habit
from fer_ros.habits.matching import covers, same_circumstances
from fer_ros.home.light import LightState
from fer_ros.home.policy.adopted import parse_adopted
import pytest


def habit(start='17:00', days='', level=0.3):
    """Return a habit of evenings, or of any time."""
    begin = time.fromisoformat(start) if start else None
    return Habit('study', 'lamp', 'sad', 'evenings' if start else 'any time', days, begin,
                 time(0) if start else None, LightState(True, level), 4, 5, 0.9)


def rule(when='', level=0.3):
    """Return an adopted rule for the same lamp and emotion."""
    return parse_adopted(f"""
version: 1
rules:
  - name: habit_1
    room: study
    emotion: sad
    targets: [lamp]
    brightness: {level}
    {when and 'when: {' + when + '}'}
""", 'rules')[0]


EVENING = "time: {from: '17:00', to: '00:00'}"
LATE = "time: {from: '21:45', to: '00:00'}"


@pytest.mark.parametrize('when, asked, covered, same', [
    (EVENING, habit(), True, True),
    (EVENING, habit('21:15'), True, True),
    ('', habit(), True, True),
    # It begins too late: people set the lamp half an hour sooner.
    (LATE, habit('21:15'), False, True),
    (LATE, habit(''), False, True),
    ("time: {from: '05:00', to: '11:00'}", habit(), False, False),
    # Other settings.
    (EVENING, habit(level=0.8), False, True),
    # Days.
    (EVENING + ', weekday: workday', habit(), False, True),
    (EVENING + ', weekday: workday', habit(days='weekdays'), True, True),
    # What is done at weekends does not take the place of what is done on the other days.
    (EVENING + ', weekday: workday', habit(days='weekends'), False, False),
    (EVENING + ', weekday: [fri, sat]', habit(days='weekends'), False, True),
    (EVENING, habit(days='weekends'), True, True),
    # What people added themselves is their business.
    (EVENING + ', people: alone', habit(), True, True),
])
def test_a_rule_covers_a_habit_at_all_its_times(when, asked, covered, same):
    assert covers(rule(when), asked) is covered
    assert same_circumstances(rule(when), asked) is same
