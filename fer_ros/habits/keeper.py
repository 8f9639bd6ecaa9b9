# SPDX-License-Identifier: Apache-2.0
"""The habits of a running home: record, learn, suggest, and provide the adopted rules.

A :class:`HomeController` calls it; all methods are called from one thread.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
import logging
import math
from pathlib import Path

from fer_ros.errors import ConfigurationError
from fer_ros.habits.events import EventKind, HomeEvent
from fer_ros.habits.finder import AGAIN, Habit, NEW
from fer_ros.habits.journal import Journal
from fer_ros.habits.matching import covers, is_due, part_of, same_circumstances
from fer_ros.habits.model import RoomModel, SWITCH
from fer_ros.habits.recorder import Recorder
from fer_ros.habits.rules_file import adopted, missing, rules_path, RulesFile
from fer_ros.habits.sequence import DAY_S
from fer_ros.habits.views import HabitAnswer, HabitStatus, HabitView, RoomHabits, Suggestion
from fer_ros.habits.words import evidence, spoken
from fer_ros.home.action import AmbientAction
from fer_ros.home.kinds.base import Cause
from fer_ros.home.policy import Policy
from fer_ros.home.policy.adopted import AdoptedRule
from fer_ros.home.snapshot import RoomSnapshot

#: A room is asked about something new no sooner after the last question, or a yes, seconds.
PAUSE_S, AFTER_YES_S = 20 * 3600.0, 3600.0
#: A question is open for so long, and is not put again sooner when nobody answered, seconds.
OPEN_S, REPEAT_S = 3 * DAY_S, 7 * DAY_S
#: How often the files are looked at for what people changed in them, seconds.
_LOOK_S = 5.0

_LOGGER = logging.getLogger(__name__)


class HabitKeeper:
    """Manages the habits of the rooms of a policy.

    :param policy_path: of the policy's file, or None.
    :param folder: of the log and the model.
    :param utc_offset: gives what local time is ahead of UTC at a time, seconds.
    :param on_event: called with the room, what happened and its attributes, for automations.
    """

    def __init__(self, policy: Policy, policy_path: Path | None, folder: Path, *, now_s: float,
                 utc_offset: Callable[[float], int] = lambda _: 0,
                 on_event: Callable[[str, str, dict], None] = lambda *_: None):
        self._rooms, self._utc_offset, self._on_event = policy.rooms, utc_offset, on_event
        self._modes = {name: room.habits for name, room in policy.rooms.items()
                       if room.habits != 'off'}
        self._recorded = set(policy.rooms) if policy.habits.log else set(self._modes)
        self._recorder = Recorder(utc_offset)
        self._journal = Journal(folder, policy.habits.maximum_mb, policy.habits.half_life_days,
                                now_s)
        given = policy.habits.rules_file
        self._file = RulesFile(Path(given).expanduser() if given
                               else rules_path(policy_path, folder),
                               'the policy' if policy_path is None else policy_path.name)
        self._open: dict[str, tuple[Suggestion, Habit | None]] = {}
        #: By room: when it may be asked about something new.
        self._pause_until_s: dict[str, float] = {}
        #: By room: the rule that a person has just said yes to, and the emotion it is for.
        self._once: dict[str, AdoptedRule] = {}
        self._offered: dict[str, set[str]] = {}
        self._views: dict[str, RoomHabits] = {}
        self._looked_s = -math.inf
        self._rules: dict[str, tuple[AdoptedRule, ...]] = {}
        self._file.changed()
        self._update_rules()
        for room in self._recorded:
            self._learn(self._recorder.start(room, now_s))

    # What happens.

    def tick(self, snapshots: Iterable[RoomSnapshot], now_s: float) -> None:
        """Follow the rooms; call it about ten times a second."""
        if not 0 <= now_s - self._looked_s < _LOOK_S:
            self._look(now_s)
        for snapshot in snapshots:
            room = snapshot.room
            if room not in self._recorded or not self._model(room).enabled:
                continue
            for event in self._recorder.room(snapshot, now_s):
                self._learn(event)
                if event.by_person and event.light is not None:
                    self._chosen(event)
                elif event.kind in (EventKind.EMOTION, EventKind.EMOTION_END):
                    self._turn(event)
            if self._modes.get(room) == 'ask':
                self._offer(snapshot, now_s)
        self._journal.save_when_due(now_s)

    def acted(self, action: AmbientAction, now_s: float) -> None:
        """Record something that a rule or habit did."""
        if action.room in self._recorded and self._model(action.room).enabled:
            self._learn(self._recorder.action(action, now_s))

    def reported(self, room: str, target: str, cause: Cause) -> None:
        """Take who is behind what a device reports, before the next tick."""
        if room in self._recorded:
            self._recorder.reported(room, target, cause)

    def conditions(self, room: str, states: Mapping[str, str], now_s: float) -> None:
        """Record which conditions of a room's rules hold: yes, no, or unknown, by name."""
        if room in self._recorded and self._model(room).enabled:
            for event in self._recorder.conditions(room, states, now_s):
                self._learn(event)

    def commanded(self, room: str, word: str, now_s: float) -> None:
        """Record a person's command."""
        if room in self._recorded and self._model(room).enabled:
            self._learn(self._recorder.command(room, word, now_s))
            self._check_suspension(room, now_s)

    def answer(self, room: str, answer: HabitAnswer, now_s: float, habit: str = '') -> str:
        """Take a person's answer; return what follows, in words.

        :param habit: the name that the suggestion had; empty: whatever is open.
        :raises ConfigurationError: when nothing of that name is open, or the rule cannot be
            written; the suggestion then stays open.
        """
        suggestion, found = self._open.get(room, (None, None))
        if suggestion is None or habit not in ('', suggestion.habit):
            raise ConfigurationError(
                f'{room}: {f"{habit} is not" if habit else "no suggestion is"} open: it was '
                'already answered, or it has expired')
        words = self._follow(room, suggestion, found, answer, now_s)
        self._close(room)
        if found is not None and (not suggestion.now or answer is HabitAnswer.NEVER):
            self._learn(self._recorder.suggestion(room, answer.word, suggestion.habit,
                                                  found.circumstances, now_s))
        self._on_event(room, 'suggestion_answered', {'habit': suggestion.habit,
                                                     'answer': answer.word})
        self._update_rules()
        return words

    def switch(self, room: str, enabled: bool, now_s: float) -> str:
        """Switch the habits of a room on or off: recording, learning and all that follows.

        :raises ConfigurationError: when the policy has them off.
        """
        if room not in self._modes:
            raise ConfigurationError(f'{room}: habits are off in the policy: write habits: '
                                     'suggest, ask or apply at the room')
        if self._model(room).enabled != enabled:
            self._learn(self._recorder.command(room, SWITCH[enabled], now_s))
            self._close(room)
            self._update_rules()
        return f'{room}: habits {"on" if enabled else "off"}'

    def close(self, now_s: float) -> None:
        """Write the model."""
        self._journal.save(now_s)

    # What can be seen.

    def rules(self, room: str) -> tuple[AdoptedRule, ...]:
        """Return the rules that hold in a room before those of the policy."""
        return self._rules.get(room, ())

    def open_habit(self, room: str) -> Habit | None:
        """Return the habit that a room asks about, or None."""
        return self._open.get(room, (None, None))[1]

    def view(self, room: str, now_s: float) -> RoomHabits | None:
        """Return the habits of a room, or None where they are off."""
        if room not in self._modes:
            return None
        if room not in self._views:
            self._views[room] = self._look_at(room, now_s)
        return self._views[room]

    @property
    def problems(self) -> list[str]:
        """Problems, each with what to do."""
        found = [*self._journal.problems, *filter(None, [self._file.problem])]
        for rule in self._file.rules:
            gone = missing(rule, self._rooms)
            if gone and not rule.suspended:
                found.append(f'{self._file.path}: {rule.name} is inactive: {gone}; delete the '
                             'rule or name another')
        return found

    # Inside.

    def _model(self, room: str) -> RoomModel:
        return self._journal.model.room(room)

    def _local(self, now_s: float) -> float:
        return now_s + self._utc_offset(now_s)

    def _learn(self, event: HomeEvent) -> None:
        self._journal.add(event)
        self._views.pop(event.room, None)

    def _look(self, now_s: float) -> None:
        """See whether somebody edited the rules or forgot events, and whose time is over."""
        self._looked_s = now_s
        forgotten = self._journal.forget_when_asked(now_s)
        changed = self._file.changed()
        if forgotten or changed:
            self._views.clear()
            for name in list(self._open) if forgotten else ():
                self._close(name)
            self._update_rules()
        for room, (suggestion, _) in list(self._open.items()):
            if not 0 <= now_s - suggestion.since_s < OPEN_S:
                self._close(room)

    def _close(self, room: str) -> None:
        if self._open.pop(room, None) is not None:
            self._views.pop(room, None)

    def _update_rules(self) -> None:
        """Update which rules are active."""
        self._rules = {}
        for room, mode in self._modes.items():
            if not self._model(room).enabled:
                continue
            rules = [rule for rule in self._file.rules if rule.room == room
                     and mode == 'apply' and not rule.suspended
                     and not missing(rule, self._rooms)]
            for rule in rules:
                record = self._model(room).records.get(rule.name)
                if record is not None and record.suspended:
                    # People took the note of its suspension out of the file: try again.
                    record.outcomes.clear()
            self._rules[room] = (*filter(None, [self._once.get(room)]), *rules)
        self._views.clear()

    def _chosen(self, event: HomeEvent) -> None:
        """Count what a person has set against a habit, or for a new one."""
        self._check_suspension(event.room, event.time_s)
        if event.room not in self._modes or event.room in self._open or not event.emotion \
                or self._modes[event.room] == 'ask' \
                or 0 <= self._pause_until_s.get(event.room, 0.0) - event.time_s < PAUSE_S:
            return
        model = self._model(event.room)
        before = any(rule.room == event.room and event.target in rule.targets
                     and event.emotion in rule.emotion for rule in self._file.rules)
        for habit in model.habits(event.local_s, event.target, event.emotion,
                                  AGAIN if before else NEW):
            if self._is_news(model, habit, event.time_s):
                self._ask(habit, f'{evidence(habit)}; shall the policy do so?', event.time_s,
                          now=False)
                self._learn(self._recorder.suggestion(
                    event.room, 'shown', self._open[event.room][0].habit, habit.circumstances,
                    event.time_s))
                return

    def _is_news(self, model: RoomModel, habit: Habit, now_s: float) -> bool:
        answer, at_s = model.answers.get(habit.circumstances, ('', 0.0))
        if model.refused(habit, now_s) or (answer == 'shown' and now_s - at_s < REPEAT_S):
            return False
        return not any(covers(rule, habit) for rule in self._file.rules
                       if not rule.suspended)

    def _ask(self, habit: Habit, sentence: str, now_s: float, *, now: bool) -> None:
        model = self._model(habit.room)
        model.habits_seen += 1
        suggestion = Suggestion(f'habit_{model.habits_seen}_{habit.room}'[:40], habit.target,
                                sentence, now, now_s)
        self._open[habit.room] = suggestion, habit
        self._pause_until_s[habit.room] = now_s + PAUSE_S
        self._views.pop(habit.room, None)
        self._on_event(habit.room, 'suggestion', {
            'habit': suggestion.habit, 'target': habit.target, 'text': sentence})

    def _follow(self, room: str, suggestion: Suggestion, habit: Habit, answer: HabitAnswer,
                now_s: float) -> str:
        """Do what an answer asks for; return what was done."""
        if answer is not HabitAnswer.YES:
            return f'{room}: ' + ('not asked again' if answer is HabitAnswer.NEVER
                                  else 'not now' if suggestion.now else 'not for two weeks')
        if suggestion.now:
            self._once[room] = adopted(habit, suggestion.habit)
            return f'{room}: the {spoken(habit.target)} will be set once'
        for old in self._file.rules:
            if not old.suspended and same_circumstances(old, habit):
                # What people left of what the old rule did, they agreed with.
                habit = replace(habit, light=old.light.merged(habit.light)
                                if habit.light.on and old.light.on else habit.light)
                self._file.suspend(old.name, f'{_day(self._local(now_s))}: replaced by '
                                   f'{suggestion.habit}')
        self._file.add(habit, suggestion.habit, evidence(habit), self._local(now_s))
        # Who likes what is offered need not wait for the rest.
        self._pause_until_s[room] = now_s + AFTER_YES_S
        later = '' if self._modes[room] == 'apply' else \
            '; the room does so by itself with habits: apply'
        return f'{room}: {suggestion.habit} was added to {self._file.path}{later}'

    def _check_suspension(self, room: str, now_s: float) -> None:
        """Suspend what was overridden too often in a row, and say so."""
        for rule in self._rules.get(room, ()):
            record = self._model(room).records.get(rule.name)
            if record is None or not record.suspended:
                continue
            why = f'overridden {record.overridden_in_a_row} times in a row'
            try:
                self._file.suspend(rule.name, f'{_day(self._local(now_s))}: {why}')
                _LOGGER.warning('%s: %s is suspended: %s', room, rule.name, why)
            except ConfigurationError as error:
                _LOGGER.warning('%s: %s is suspended: %s; %s', room, rule.name, why, error)
            self._rules[room] = tuple(one for one in self._rules[room] if one is not rule)
            self._on_event(room, 'habit_suspended', {'habit': rule.name, 'reason': why})
            self._views.pop(room, None)

    def _turn(self, event: HomeEvent) -> None:
        """End what was offered or done for the time of one emotion."""
        room = event.room
        if self._once.pop(room, None) is not None:
            self._update_rules()
        self._offered.pop(room, None)
        if room in self._open and self._open[room][0].now:
            self._close(room)

    def _offer(self, snapshot: RoomSnapshot, now_s: float) -> None:
        """Offer, once while an emotion lasts, what is usually done now."""
        room = snapshot.room
        if room in self._open or snapshot.on_hold or not snapshot.enabled \
                or snapshot.emotion != self._recorder.emotion(room, now_s):
            return
        local_s, lamps = self._local(now_s), {
            device.target: device.reported for device in snapshot.devices
            if device.available and not device.held}
        offered = self._offered.setdefault(room, set())
        if snapshot.emotion in offered:
            return
        offered.add(snapshot.emotion)
        model = self._model(room)
        for habit in model.habits(local_s, emotion=snapshot.emotion):
            if habit.target in lamps and is_due(habit, local_s) \
                    and not habit.agrees(lamps[habit.target]) \
                    and not model.refused(habit, now_s):
                self._ask(habit, f'{evidence(habit)}; shall it be done now?', now_s, now=True)
                return

    def _look_at(self, room: str, now_s: float) -> RoomHabits:
        model, local_s = self._model(room), self._local(now_s)
        views = [self._adopted_view(model, rule) for rule in self._file.rules
                 if rule.room == room]
        for habit in model.habits(local_s):
            # A log may know lamps that are gone.
            if habit.target not in self._rooms[room].targets \
                    or any(covers(rule, habit) for rule in self._file.rules if not rule.suspended):
                continue
            status = HabitStatus.REFUSED if model.refused(habit, now_s) else HabitStatus.FOUND
            views.append(HabitView('', habit.target, habit.emotion, habit.part, evidence(habit),
                                   status, habit.probability))
        upcoming = model.next_events(now_s, 1)
        expected = ''
        if upcoming:
            expected = f'{upcoming[0].name} ({upcoming[0].probability:.0%}'
            expected += f', something within the hour {upcoming[0].within[60]:.0%})' \
                if 60 in upcoming[0].within else ')'
        suggestion = self._open.get(room, (None,))[0]
        return RoomHabits(self._modes[room], model.enabled, suggestion, tuple(views), expected)

    def _adopted_view(self, model: RoomModel, rule: AdoptedRule) -> HabitView:
        record = model.records.get(rule.name)
        status = HabitStatus.SUSPENDED if rule.suspended else HabitStatus.INACTIVE if missing(
            rule, self._rooms) else HabitStatus.ADOPTED
        right, times = (0, 0) if record is None else (sum(record.outcomes), len(record.outcomes))
        # One more of each, as if nothing were known: the mean of the posterior.
        return HabitView(rule.name, rule.targets[0], ', '.join(rule.emotion), part_of(rule),
                         rule.describe(), status, (right + 1) / (times + 2), right, times)


def _day(local_s: float) -> str:
    return datetime.fromtimestamp(local_s, timezone.utc).strftime('%Y-%m-%d')


def wanted(policy: Policy) -> bool:
    """Return whether a policy asks for anything to be recorded."""
    return policy.habits.log or any(room.habits != 'off' for room in policy.rooms.values())
