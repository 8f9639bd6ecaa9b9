# SPDX-License-Identifier: Apache-2.0
"""Simulate residents in a real home: how often they override it, with and without habits.

The home is a :class:`HomeController` with its policy, engine, lamp, log and model, on a made-up
clock. While nobody looks at the lamp it does what is due less often, and most of the time in which
nobody is there is skipped.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fer_ros.emotions.labels import LABELS
from fer_ros.habits.residents import FIRST_S, LAMP, Mood, Residents, ROOM
from fer_ros.habits.sequence import DAY_S
from fer_ros.habits.views import HabitAnswer, HabitStatus
from fer_ros.home.action import NOBODY
from fer_ros.home.controller import HomeController
from fer_ros.home.decisions.clock import COUNTED_STEP_S
from fer_ros.home.light import LightState
from fer_ros.home.policy import parse_policy, Policy
from fer_ros.types import BoundingBox, FaceEmotion
import numpy as np

#: The clock moves on so far, seconds; while nobody looks at the lamp, the camera is asked and the
#: home does what is due only once in so many steps.
_STEP_S, _SELDOM = COUNTED_STEP_S, 27
#: An empty room is watched for so long: whoever set the lamp again and again is then forgotten.
_EMPTY_S = 4000.0

_POLICY = """
version: 1
time_zone: UTC
habits: {{folder: '{folder}'}}
policies:
  mirror:
    by_emotion:
      neutral: {{strategy: mirror}}
      happy: {{strategy: mirror}}
      sad: {{strategy: mirror}}
      angry: {{strategy: mirror}}
rooms:
  {room}:
    policy: mirror
    habits: {mode}
    targets: {{{lamp}: {{type: terminal}}}}
    smoothing_s: 0.5
    dwell_s: 1.0
    cooldown_s: 1.0
    transition_s: 0.0
    stale_after_s: 40.0
    hold: {{for_s: 60}}
"""


@dataclass
class TrialResult:
    """Results of a trial.

    :ivar overrides: per day.
    :ivar suggestions: day, sentence, and whether the residents wanted it.
    :ivar before: by kind of override, how many there were before the suggestion that was wanted;
        all of them where none came.
    :ivar suspended: how many habits were suspended at the end.
    """

    overrides: list[int]
    suggestions: list[tuple[int, str, bool]] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)
    suspended: int = 0

    def mean(self, first: int, last: int) -> float:
        """Return the overrides a day from one day to another (excluded)."""
        return float(np.mean(self.overrides[first:last]))

    @property
    def false_per_week(self) -> float:
        """Suggestions a week that the residents did not want."""
        return 7 * sum(not wanted for _, _, wanted in self.suggestions) / len(self.overrides)


def trial_policy(folder: Path, mode: str) -> Policy:
    """Return the policy of the trial, with the habits of its room in a mode."""
    return parse_policy(_POLICY.format(folder=folder, room=ROOM, lamp=LAMP, mode=mode))


def run_trial(residents: Residents, folder: Path, *, habits: bool,
              progress: Callable[[int, int], None] | None = None) -> TrialResult:
    """Let residents live in a home.

    :param folder: for its log, model and adopted rules; empty before.
    :param habits: whether the home learns and asks, and does what they said yes to.
    """
    return _Trial(residents, folder, habits).run(progress)


class _Trial:
    def __init__(self, residents: Residents, folder: Path, habits: bool):
        self._residents, self._now_s = residents, FIRST_S
        self._home = HomeController(trial_policy(folder, 'apply' if habits else 'off'),
                                    clock=lambda: self._now_s)
        self._result = TrialResult([0] * residents.days)
        self._suggested: set[str] = set()

    def run(self, progress) -> TrialResult:
        for mood in self._residents.moods():
            day = int((mood.begin_s - FIRST_S) // DAY_S)
            if progress is not None:
                progress(day, self._residents.days)
            if mood.arrives:
                # The time before is skipped.
                self._now_s = mood.begin_s
            for look_s in self._residents.looks_s(mood):
                self._look(mood, look_s, day)
            self._pass(mood.end_s, mood.emotion, every=_SELDOM)
            if mood.leaves:
                self._pass(mood.end_s + _EMPTY_S, NOBODY, every=_SELDOM)
        view = self._home.snapshot(ROOM).habits
        if view is not None:
            self._result.suspended = sum(one.status is HabitStatus.SUSPENDED
                                         for one in view.habits)
        self._home.close(self._now_s)
        return self._result

    def _look(self, mood: Mood, look_s: float, day: int) -> None:
        """Let a person feel something, the home answer it, and the person answer that."""
        self._pass(look_s, mood.emotion, every=_SELDOM)
        self._pass(look_s + 12, mood.emotion, 0.5)
        reaction = self._residents.reaction(mood, look_s, self._light)
        if reaction is None or look_s + reaction.after_s >= mood.end_s:
            return
        self._pass(look_s + reaction.after_s, mood.emotion)
        self._home.change_manually(ROOM, LAMP, reaction.light, self._now_s)
        self._result.overrides[day] += 1
        kind = self._residents.kind(mood, look_s)
        if not reaction.noise and kind not in self._suggested:
            self._result.before[kind] = self._result.before.get(kind, 0) + 1
        self._pass(self._now_s + 5, mood.emotion, 0.5)
        self._answer(mood, kind, day, look_s)

    def _answer(self, mood: Mood, kind: str, day: int, look_s: float) -> None:
        """Answer what the home suggests: yes when it is what is wanted now."""
        view = self._home.snapshot(ROOM).habits
        if view is None or view.suggestion is None:
            return
        habit = self._home.habits.open_habit(ROOM)
        wanted = self._residents.wanted(mood.emotion, look_s)
        good = wanted is not None and habit.agrees(wanted)
        self._result.suggestions.append((day, view.suggestion.sentence, good))
        if good:
            self._suggested.add(kind)
        self._home.answer_suggestion(ROOM, HabitAnswer.YES if good else HabitAnswer.NO,
                                     self._now_s)

    @property
    def _light(self) -> LightState:
        return self._home.snapshot(ROOM).devices[0].reported

    def _pass(self, until_s: float, emotion: str, step_s: float = _STEP_S, every: int = 1) -> None:
        """Pass time in which somebody is seen.

        :param every: once in so many steps.
        """
        steps = 0
        while self._now_s < until_s:
            self._now_s = min(until_s, self._now_s + step_s)
            steps += 1
            if steps % every and self._now_s < until_s:
                # Of a clock that moves further at once the engine counts no more.
                self._home.attend('emotions', (), now_s=self._now_s)
                continue
            self._home.observe('emotions', () if emotion == NOBODY else (face(emotion),),
                               self._now_s, now_s=self._now_s)
            self._home.tick(self._now_s)


@cache
def face(emotion: str) -> FaceEmotion:
    """Return a face that shows an emotion clearly."""
    values = np.full(len(LABELS), 0.02)
    values[LABELS.index(emotion)] = 1 - 0.02 * (len(LABELS) - 1)
    return FaceEmotion(track_id=1, box=BoundingBox(0, 0, 100, 100), probabilities=values,
                       filtered=values, label=emotion, confidence=float(values.max()))
