# SPDX-License-Identifier: Apache-2.0
"""What a room has learned survives the message; invalid values are rejected."""

from fer_ros.conversions.habits import (
    habits_to_message,
    message_to_habits,
    number_to_answer,
)
from fer_ros.errors import FerError
from fer_ros.habits.views import HabitAnswer, HabitStatus, HabitView, RoomHabits, Suggestion
import pytest

HABITS = RoomHabits(
    'apply', False, Suggestion('habit_3', 'lamp', 'Shall it?', True, 12.5),
    tuple(HabitView(f'habit_{status.number}', 'lamp', 'sad', 'evenings', 'So it is.', status, 0.75,
                    7, 8) for status in HabitStatus), 'lamp: off (50%)')


@pytest.mark.parametrize('habits', [HABITS, RoomHabits('suggest'), RoomHabits('ask'), None])
def test_habits_survive_the_message(habits):
    assert message_to_habits(habits_to_message('study', habits)) == habits


@pytest.mark.parametrize('spoil, message', [
    (lambda one: setattr(one, 'mode', 9), 'unknown mode of habits 9'),
    (lambda one: setattr(one.habits[0], 'status', 9), 'unknown status of a habit 9')])
def test_what_makes_no_sense_is_refused(spoil, message):
    one = habits_to_message('study', HABITS)
    spoil(one)
    with pytest.raises(FerError, match=message):
        message_to_habits(one)


def test_answers_have_their_numbers():
    assert [number_to_answer(number) for number in range(3)] == list(HabitAnswer)
    with pytest.raises(FerError, match='unknown answer 3'):
        number_to_answer(3)
