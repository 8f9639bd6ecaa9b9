# SPDX-License-Identifier: Apache-2.0
"""Conversions of a room's habits, suggestions and answers."""

from fer_ros.conversions.stamps import s_to_stamp, stamp_to_s
from fer_ros.errors import FerError
from fer_ros.habits.views import HabitAnswer, HabitStatus, HabitView, RoomHabits, Suggestion
from fer_ros.msg import HabitState
from fer_ros.msg import RoomHabits as RoomHabitsMsg
from fer_ros.msg import Suggestion as SuggestionMsg
from std_msgs.msg import Header

_MODES = ('off', 'suggest', 'ask', 'apply')
_STATUS_OF = {status.number: status for status in HabitStatus}
_ANSWER_OF = {answer.number: answer for answer in HabitAnswer}


def suggestion_to_message(room: str, suggestion: Suggestion) -> SuggestionMsg:
    """Return a room's suggestion as a message."""
    return SuggestionMsg(
        header=Header(stamp=s_to_stamp(suggestion.since_s)), room=room, target=suggestion.target,
        habit=suggestion.habit, sentence=suggestion.sentence, now=suggestion.now)


def habits_to_message(room: str, habits: RoomHabits | None) -> RoomHabitsMsg:
    """Return the habits of a room as a message; None is off."""
    if habits is None:
        return RoomHabitsMsg(mode=RoomHabitsMsg.OFF)
    return RoomHabitsMsg(
        mode=_MODES.index(habits.mode), enabled=habits.enabled, expected=habits.expected,
        suggestions=[] if habits.suggestion is None
        else [suggestion_to_message(room, habits.suggestion)],
        habits=[HabitState(
            habit=one.habit, target=one.target, emotion=one.emotion, part=one.part,
            sentence=one.sentence, status=one.status.number, sure=float(one.sure),
            right=one.right, times=one.times) for one in habits.habits])


def message_to_habits(message: RoomHabitsMsg) -> RoomHabits | None:
    """Return the habits of a room, or None if they are off.

    :raises FerError: for an unknown mode or status.
    """
    if message.mode == RoomHabitsMsg.OFF:
        return None
    if message.mode >= len(_MODES):
        raise FerError(f'unknown mode of habits {message.mode}')
    views = []
    for one in message.habits:
        if one.status not in _STATUS_OF:
            raise FerError(f'{one.habit}: unknown status of a habit {one.status}')
        views.append(HabitView(one.habit, one.target, one.emotion, one.part, one.sentence,
                               _STATUS_OF[one.status], one.sure, one.right, one.times))
    suggestion = next((Suggestion(one.habit, one.target, one.sentence, one.now,
                                  stamp_to_s(one.header.stamp))
                       for one in message.suggestions), None)
    return RoomHabits(_MODES[message.mode], message.enabled, suggestion, tuple(views),
                      message.expected)


def number_to_answer(number: int) -> HabitAnswer:
    """Return the answer of a constant in ``AnswerSuggestion.srv``.

    :raises FerError: for an unknown constant.
    """
    if number not in _ANSWER_OF:
        raise FerError(f'unknown answer {number}: expected 0 (yes), 1 (no) or 2 (never)')
    return _ANSWER_OF[number]
