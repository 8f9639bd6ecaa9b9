# SPDX-License-Identifier: Apache-2.0
"""Immutable views of the habits of a room."""

from dataclasses import dataclass
from enum import Enum


class HabitAnswer(Enum):
    """A person's answer to a suggestion.

    :ivar number: its constant in ``AnswerSuggestion.srv``.
    :ivar word: its name in the page and in MQTT topics; ``title``: on a button.
    """

    YES = 0, 'yes', 'Yes'
    NO = 1, 'no', 'No'
    NEVER = 2, 'never', 'Not again'

    def __init__(self, number: int, word: str, title: str):
        self.number, self.word, self.title = number, word, title

    @property
    def topic(self) -> str:
        """The part of a room's MQTT topics that takes it."""
        return f'habit_{self.word}'


#: What a page or program may ask of the habits of a room, by word: an answer, or the switch.
HABIT_ACTIONS: dict[str, HabitAnswer | bool] = {
    **{answer.topic: answer for answer in HabitAnswer}, 'habits_on': True, 'habits_off': False}


class HabitStatus(Enum):
    """Status of a habit.

    :ivar number: its constant in ``HabitState.msg``.
    """

    #: Found, not accepted yet.
    FOUND = 0, 'found'
    #: Accepted.
    ADOPTED = 1, 'adopted'
    #: Overridden too often in a row, or set aside in the file.
    SUSPENDED = 2, 'suspended'
    #: A person said no.
    REFUSED = 3, 'refused'
    #: Its device or room is not in the policy.
    INACTIVE = 4, 'inactive'

    def __init__(self, number: int, word: str):
        self.number, self.word = number, word


@dataclass(frozen=True)
class Suggestion:
    """A question to the people of a room.

    :ivar habit: its name, which an answer may give.
    :ivar sentence: the evidence and the question.
    :ivar now: whether it asks to do it now, once; else whether it is to be done from now on.
    :ivar since_s: when it was asked, seconds.
    """

    habit: str
    target: str
    sentence: str
    now: bool
    since_s: float


@dataclass(frozen=True)
class HabitView:
    """View of a habit.

    :ivar habit: its name, empty for one that is only found.
    :ivar sentence: what it is, with its evidence.
    :ivar sure: how sure it is that people do so more often than not, [0, 1].
    :ivar right: how often it was left as it was set, of the last ``times``.
    """

    habit: str
    target: str
    emotion: str
    part: str
    sentence: str
    status: HabitStatus
    sure: float
    right: int = 0
    times: int = 0


@dataclass(frozen=True)
class RoomHabits:
    """The habits of a room.

    :ivar mode: suggest, ask or apply, as the policy says.
    :ivar enabled: the switch of the page.
    :ivar expected: what may happen next, in words; empty: not known.
    """

    mode: str
    enabled: bool = True
    suggestion: Suggestion | None = None
    habits: tuple[HabitView, ...] = ()
    expected: str = ''
