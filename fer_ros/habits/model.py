# SPDX-License-Identifier: Apache-2.0
"""The model of a home's habits: sequences, preferences, episodes and answers."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from fer_ros.habits.episodes import Episode, EpisodeTracker
from fer_ros.habits.events import EventKind, HomeEvent
from fer_ros.habits.finder import Bar, find_habits, Habit, NEW
from fer_ros.habits.preferences import Preference, Preferences, Situation
from fer_ros.habits.sequence import (
    CAPACITY,
    Context,
    DAY_S,
    HALF_LIFE_DAYS,
    ORDER,
    Prediction,
    SequenceModel,
)

#: Episodes kept per room, and outcomes per habit.
EPISODES, OUTCOMES = 600, 20
#: Overridden so often in a row, a habit is suspended.
SUSPENDED_AFTER = 3
#: A plain no is respected for so long, days.
NO_DAYS = 14.0
#: The commands that switch the habits of a room.
SWITCH = {True: 'habits on', False: 'habits off'}
#: What people and the day do; what a rule does follows from it and is not predicted.
_SEQUENCE = (EventKind.EMOTION, EventKind.OCCUPIED, EventKind.EMPTY, EventKind.ACTION,
             EventKind.COMMAND, EventKind.ACTIVITY)


@dataclass
class Record:
    """Recent outcomes of an adopted habit.

    :ivar outcomes: the latest last: whether it was left as it was set.
    """

    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=OUTCOMES))

    @property
    def overridden_in_a_row(self) -> int:
        """How often it was overridden since it was last left alone."""
        count = 0
        for right in reversed(self.outcomes):
            if right:
                break
            count += 1
        return count

    @property
    def suspended(self) -> bool:
        """Whether people have overridden it so often that it is no longer done."""
        return self.overridden_in_a_row >= SUSPENDED_AFTER

    @property
    def words(self) -> str:
        """How often it was right lately, in words."""
        if not self.outcomes:
            return 'not done yet'
        return f'right {sum(self.outcomes)} of {len(self.outcomes)} times lately'


@dataclass(frozen=True)
class NextEvent:
    """A possible next event.

    :ivar probability: that it is the next thing that happens in the room.
    :ivar within: by minutes, the probability that something happens so soon.
    """

    name: str
    probability: float
    within: dict[int, float]
    evidence: float


class RoomModel:
    """The model of one room."""

    def __init__(self, room: str, half_life_days: float = HALF_LIFE_DAYS):
        self.room, self.half_life_days = room, half_life_days
        self.tracker = EpisodeTracker(room)
        self.episodes: deque[Episode] = deque(maxlen=EPISODES)
        self.preferences: dict[str, Preferences] = {}
        self.sequence = SequenceModel(half_life_days)
        self.records: dict[str, Record] = {}
        #: By circumstances and what was asked: the answer, and when, Unix time.
        self.answers: dict[str, tuple[str, float]] = {}
        self.recent: tuple[str, ...] = ()
        self.last: HomeEvent | None = None
        self.habits_seen = 0
        #: The switch of the page.
        self.enabled = True
        #: Habits found, by lamp, emotion and bar, with the local day; forgotten by what changes
        #: them.
        self._found: dict[tuple[str, str, Bar], tuple[float, list[Habit]]] = {}

    def learn(self, event: HomeEvent, *, sequence: bool = True) -> None:
        """Learn an event.

        :param sequence: False: it is so old that the order of events has forgotten it.
        """
        if event.kind is EventKind.SUGGESTION:
            self._answer(event)
            return
        if event.kind is EventKind.COMMAND and event.value in SWITCH.values():
            self.enabled = event.value == SWITCH[True]
            return
        if event.kind is EventKind.COMMAND and event.value == 'revert':
            self._revert()
        if event.by_person and event.light is not None:
            self._choose(event)
        if event.kind is EventKind.ACTION and self.tracker.current is not None:
            self._look_again(self.tracker.current.emotion)
        for episode in self.tracker.add(event):
            self._end(episode)
        if event.kind is EventKind.START:
            self.recent, self.last = (), None
        elif event.kind in _SEQUENCE and (event.kind is not EventKind.ACTION or event.by_person):
            if sequence and self.last is not None:
                self.sequence.learn(self._context(), event.name, event.time_s - self.last.time_s)
            self.recent, self.last = (event.name, *self.recent)[:ORDER], event

    def _context(self) -> Context:
        return Context(self.recent, self.last.local_s, self.last.emotion)

    def _answer(self, event: HomeEvent) -> None:
        self.answers[event.target] = event.value, event.time_s
        self.habits_seen = max(self.habits_seen, number_of(event.habit))

    def _choose(self, event: HomeEvent) -> None:
        if event.target not in self.preferences:
            self.preferences[event.target] = Preferences(self.half_life_days)
        self.preferences[event.target].learn(Situation(event.local_s, event.emotion), event.light)
        habit = self.tracker.set_by(event.target)
        if habit:
            self._record(habit, False)

    def _revert(self) -> None:
        for habit in self.tracker.revert():
            self._record(habit, False)

    def _look_again(self, emotion: str) -> None:
        for key in [key for key in self._found if key[1] == emotion]:
            del self._found[key]

    def _end(self, episode: Episode) -> None:
        if len(self.episodes) == EPISODES:
            self._look_again(self.episodes[0].emotion)
        self.episodes.append(episode)
        self._look_again(episode.emotion)
        broken = {choice.against for choices in episode.choices.values() for choice in choices}
        for habit in set(episode.habits.values()) - broken - episode.reverted:
            self._record(habit, True)

    def _record(self, habit: str, right: bool) -> None:
        self.records.setdefault(habit, Record()).outcomes.append(right)
        self.habits_seen = max(self.habits_seen, number_of(habit))

    # What can be asked.

    def next_events(self, now_s: float, limit: int = 5,
                    minutes: Sequence[int] = (5, 15, 60)) -> list[NextEvent]:
        """Return what may happen next in the room, the most probable first.

        :param now_s: Unix time, seconds.
        """
        if self.last is None or not len(self.sequence):
            return []
        prediction: Prediction = self.sequence.predict(self._context())
        waited_s = max(0.0, now_s - self.last.time_s)
        within = {minute: value for minute in minutes
                  if (value := prediction.within(minute * 60, waited_s)) is not None}
        return [NextEvent(name, probability, within, prediction.evidence)
                for name, probability in list(prediction.probabilities.items())[:limit]]

    def want(self, target: str, local_s: float, emotion: str) -> Preference | None:
        """Return how people want a lamp at a local time under an emotion."""
        known = self.preferences.get(target)
        return None if known is None else known.want(Situation(local_s, emotion))

    def habits(self, local_s: float, target: str | None = None, emotion: str | None = None,
               bar: Bar = NEW) -> list[Habit]:
        """Return the habits found, the surest of each lamp and emotion, those asked for only."""
        episodes = list(self.episodes)
        # Where nothing was chosen yet it may still be.
        if self.tracker.current is not None and self.tracker.current.choices:
            episodes.append(self.tracker.current)
        pairs = sorted({(name, episode.emotion) for episode in episodes
                        for name in episode.choices
                        if target in (None, name) and emotion in (None, episode.emotion)})
        found, day = [], local_s // DAY_S
        for key in ((name, label, bar) for name, label in pairs):
            if self._found.get(key, (None,))[0] != day:
                self._found[key] = day, find_habits(episodes, *key[:2], local_s, bar)[:1]
            found += self._found[key][1]
        return found

    def refused(self, habit: Habit, now_s: float) -> bool:
        """Return whether a person said no to it lately, or never."""
        answer, at_s = self.answers.get(habit.circumstances, ('', 0.0))
        return answer == 'never' or (
            answer == 'no' and now_s - at_s < NO_DAYS * DAY_S)


class HabitModel:
    """The rooms of a home, by name.

    :ivar learnt_until_s: Unix time of the latest learned event.
    """

    def __init__(self, half_life_days: float = HALF_LIFE_DAYS):
        self.half_life_days = half_life_days
        self.rooms: dict[str, RoomModel] = {}
        self.learnt_until_s = 0.0

    def room(self, name: str) -> RoomModel:
        """Return the model of a room."""
        if name not in self.rooms:
            self.rooms[name] = RoomModel(name, self.half_life_days)
        return self.rooms[name]

    def learn(self, event: HomeEvent) -> None:
        """Learn one event, about a millisecond."""
        self.room(event.room).learn(event)
        self.learnt_until_s = max(self.learnt_until_s, event.time_s)

    def learn_all(self, events: Sequence[HomeEvent],
                  progress: Callable[[int, int], None] | None = None) -> None:
        """Learn a whole log.

        The order of events keeps the latest :data:`CAPACITY`: older events are learned for
        everything else.
        """
        left = _per_room(events)
        for i, event in enumerate(events, 1):
            room = self.room(event.room)
            left[event.room] -= event.kind in _SEQUENCE
            room.learn(event, sequence=left[event.room] < CAPACITY)
            self.learnt_until_s = max(self.learnt_until_s, event.time_s)
            if progress is not None and (i % 200 == 0 or i == len(events)):
                progress(i, len(events))


def _per_room(events: Iterable[HomeEvent]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for event in events:
        counts[event.room] = counts.get(event.room, 0) + (event.kind in _SEQUENCE)
    return counts


def number_of(habit: str) -> int:
    """Return the number in the name of a habit, or 0."""
    digits = habit.removeprefix('habit_')
    return int(digits) if digits.isdecimal() and len(digits) < 10 else 0
