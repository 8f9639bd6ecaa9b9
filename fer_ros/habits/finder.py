# SPDX-License-Identifier: Apache-2.0
"""Find habits: what people chose for a lamp nearly every time the room was like this.

A habit is told by counting chances: each time that an emotion met a part of the day is one chance,
and if the last choice then was like the others, one hit. Whether hits are the rule is asked of the
posterior of their share (beta-binomial, uniform prior; T. Bayes 1763): is it above a half, nearly
surely? As many of the latest chances are counted as that holds for, so that a change of mind is
found early. The times of one day resemble each other: hits must be of several days.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from math import comb

from fer_ros.habits.episodes import Choice, Episode
from fer_ros.habits.preferences import Situation, summarize
from fer_ros.habits.sequence import DAY_S
from fer_ros.home.light import differences, LightState, Tolerance
import numpy as np

#: Parts of the day by name, with their first and last hour.
PARTS = {'mornings': (5, 11), 'afternoons': (11, 17), 'evenings': (17, 24), 'nights': (0, 5),
         'any time': (0, 24)}
DAYS = ('', 'weekdays', 'weekends')
#: Choices that differ less are the same.
SAME = Tolerance(0.12, 60.0, 0.06)
#: A habit of only some days of the week needs so many hits: there are more ways to see one.
_HITS_OF_DAYS = 6
#: No more chances are looked at, nor older ones, days; nor more of one day.
CHANCES, OLDEST_DAYS, OF_A_DAY = 20, 60, 3
#: So long after an emotion has begun the policy has answered it, seconds.
_ANSWERED_S = 30.0
#: Who takes longer does not answer the emotion but follows the clock, seconds.
_PROMPT_S = 1200.0
#: A habit is about what was changed in this share of its hits.
_OFTEN = 0.3


@dataclass(frozen=True)
class Bar:
    """Threshold for a habit.

    :ivar hits: at least so many, on at least so many ``days``.
    :ivar sure: probability that more than half of the chances are hits.
    """

    hits: int
    days: int
    sure: float


#: Where nothing was said yes to before, and where something was that people now override.
NEW, AGAIN = Bar(4, 3, 0.88), Bar(3, 2, 0.80)


@dataclass(frozen=True)
class _Chance:
    begin_s: float
    choice: Choice | None
    hit: bool

    @property
    def day(self) -> float:
        return self.begin_s // DAY_S


@dataclass(frozen=True)
class Habit:
    """An action that people take nearly every time.

    :ivar part: a key of :data:`PARTS`, ``days`` one of :data:`DAYS`.
    :ivar start: and ``end``: local times of day between which it holds; both None: always.
    :ivar light: what the lamp is set to; what is None does not matter.
    :ivar hits: how often in ``chances`` it was done.
    :ivar probability: that it is done more often than not.
    :ivar late: whether it was mostly done long after these circumstances had begun, so that
        something else than they decides.
    """

    room: str
    target: str
    emotion: str
    part: str
    days: str
    start: time | None
    end: time | None
    light: LightState
    hits: int
    chances: int
    probability: float
    late: bool = False

    @property
    def circumstances(self) -> str:
        """When it holds, without what is done: what a person's no is about."""
        return f'{self.room}/{self.target}/{self.emotion}/{self.part}/{self.days}'

    def agrees(self, light: LightState | None) -> bool:
        """Return whether a lamp is as the habit would have it."""
        return light is not None and not differences(self.light, light, SAME)


def majority(hits: int, chances: int) -> float:
    """Return the probability that the share of hits is above a half."""
    # Of Beta(hits + 1, misses + 1), whose distribution function is a binomial sum.
    n = chances + 1
    return sum(comb(n, j) for j in range(hits + 1)) / 2 ** n


def changed_part(choice: Choice) -> LightState:
    """Return what of a lamp a person has changed: the rest is None and agrees with anything."""
    light, before = choice.light, choice.before
    if before is None or not light.on or not before.on:
        return light
    changed = differences(before, light)
    color, kelvin = ((light.color, light.color_temperature_k)
                     if {'color', 'color temperature'} & set(changed) else (None, None))
    brightness = light.brightness if 'brightness' in changed else None
    if brightness is None and color is None and kelvin is None:
        return light
    return LightState(True, brightness, color, kelvin)


def find_habits(episodes: Sequence[Episode], target: str, emotion: str, now_s: float,
                bar: Bar = NEW) -> list[Habit]:
    """Return the habits for a lamp under an emotion, the surest first.

    :param episodes: of one room, in order.
    :param now_s: local time, seconds.
    """
    recent = [episode for episode in reversed(episodes) if episode.emotion == emotion
              and now_s - episode.end_s < OLDEST_DAYS * DAY_S]
    wanted: list[LightState] = []
    for episode in recent:
        for choice in reversed(episode.choices.get(target, ())):
            part = changed_part(choice)
            if len(wanted) < 3 and all(differences(part, other, SAME) for other in wanted):
                wanted.append(part)
    found = []
    for light in wanted:
        every = [(_chances(recent, target, light, first, PARTS[part][1]), part, first)
                 for part in PARTS for first in _starts(recent, target, light, part)]
        # Those of some days only where none holds on all of them.
        for some in (DAYS[:1], DAYS[1:]):
            of_light = [habit for chances, part, first in every for days in some
                        if (habit := _confirmed(recent, target, chances, part, first, days, bar))
                        is not None]
            if of_light:
                found += of_light
                break
    # The part of the day that a habit belongs to has as many hits in fewer chances.
    return sorted(found, key=lambda habit: (
        habit.late, -habit.probability, habit.part != 'any time'))


def _starts(recent: list[Episode], target: str, light: LightState, part: str) -> list[float]:
    """Return from which hours a habit may hold: from the part's begin, or from its first hit.

    An emotion that ended before anybody ever acted was not a chance to act, so the hour of the
    hit is not rounded here.
    """
    first, last = PARTS[part]
    hours = sorted(choice.local_s % DAY_S / 3600 for episode in recent[:2 * CHANCES]
                   for choice in episode.choices.get(target, ())
                   if _inside(choice.local_s, first, last)
                   and not differences(light, choice.light, SAME))
    if len(hours) < AGAIN.hits:
        return []
    if part == 'any time':
        return [first]
    # One early bird in ten does not count.
    start = hours[len(hours) // 10]
    return [first, start] if _rounded(start) >= first + 1 else [first]


def _rounded(hour: float) -> float:
    """Return the hour that a rule begins at: ten minutes sooner, to a quarter of an hour."""
    return float(np.floor((hour - 1 / 6) * 4) / 4)


def _chances(recent: list[Episode], target: str, light: LightState, first: float, last: int) \
        -> list[_Chance]:
    """Return the chances of a part of the day, the newest first."""
    return [chance for episode in recent
            if (chance := _chance(episode, target, light, first, last)) is not None]


def _confirmed(recent: list[Episode], target: str, every: list[_Chance], part: str, first: float,
               days: str, bar: Bar) -> Habit | None:
    """Return the habit that some chances show, its hits counted by what it would do.

    The chances were counted by the newest choice, which may be an odd one.
    """
    rough = _habit(recent[0], target, every, part, first, days, bar)
    if rough is None:
        return None
    return _habit(recent[0], target, _chances(recent, target, rough.light, first, PARTS[part][1]),
                  part, first, days, bar)


def _habit(newest: Episode, target: str, every: list[_Chance], part: str, first: float,
           days: str, bar: Bar) -> Habit | None:
    last = PARTS[part][1]
    least = max(bar.hits, _HITS_OF_DAYS if days else 0)
    chances, by_day, best = [], Counter(), None
    for chance in every:
        if by_day[chance.day] < OF_A_DAY and not (
                days and Situation(chance.begin_s).weekend != (days == 'weekends')):
            by_day[chance.day] += 1
            chances.append(chance)
        if len(chances) == CHANCES:
            break
    for n in range(least, len(chances) + 1):
        hit_days = [chance.day for chance in chances[:n] if chance.hit]
        hits = len(hit_days)
        # The newest chance must be a hit: a habit that has just been broken is not offered.
        if hits >= least and len(set(hit_days)) >= bar.days and chances[0].hit:
            probability = majority(hits, n)
            if probability >= bar.sure:
                best = probability, hits, n
    if best is None:
        return None
    taken = [chance for chance in chances[:best[2]] if chance.hit]
    choices = [chance.choice for chance in taken]
    if part == 'any time' and sum(_spread(choices, name) >= 2 for name in PARTS
                                  if name != 'any time') < 2:
        return None
    begin = first if first == PARTS[part][0] else _rounded(first)
    start, end = (None, None) if part == 'any time' else (
        time(int(begin), round(begin % 1 * 60)), time(last % 24))
    return Habit(newest.room, target, newest.emotion, part, days, start, end,
                 _typical(choices), best[1], best[2], best[0],
                 float(np.median([hit.choice.local_s - hit.begin_s for hit in taken])) > _PROMPT_S)


def _chance(episode: Episode, target: str, light: LightState, first: float, last: int) \
        -> '_Chance | None':
    """Return what was chosen in a part of the day; None: there was nothing to choose."""
    begin_s = _first_inside(episode, first, last)
    if begin_s is None:
        return None
    inside = [choice for choice in episode.choices.get(target, ())
              if _inside(choice.local_s, first, last)]
    if inside:
        choice = inside[-1]
        return _Chance(begin_s, choice, not differences(light, choice.light, SAME))
    before = episode.light_at(target, begin_s + _ANSWERED_S)
    if before is not None and not differences(light, before, SAME):
        # It is so already: there was nothing to do.
        return None
    return _Chance(begin_s, None, False)


def _inside(local_s: float, first: float, last: int) -> bool:
    hour = local_s % DAY_S / 3600
    return first <= hour < last


def _first_inside(episode: Episode, first: float, last: int) -> float | None:
    if _inside(episode.begin_s, first, last):
        return episode.begin_s
    day = episode.begin_s // DAY_S * DAY_S
    start_s = day + first * 3600
    if start_s < episode.begin_s:
        start_s += DAY_S
    return start_s if start_s <= episode.end_s else None


def _spread(choices: list[Choice], part: str) -> int:
    return sum(_inside(choice.local_s, *PARTS[part]) for choice in choices)


def _typical(choices: list[Choice]) -> LightState:
    """Return the middle of what was chosen, of what people changed in a good part of it."""
    parts = [changed_part(choice) for choice in choices]
    if not parts[0].on:
        return LightState(False)
    middle = summarize([choice.light for choice in choices])
    often = _OFTEN * len(parts)
    brightness = color = kelvin = None
    if sum(part.brightness is not None for part in parts) >= often \
            and middle.brightness is not None:
        brightness = round(middle.brightness, 2)
    if sum(part.rgb is not None for part in parts) >= often:
        color, kelvin = middle.color, middle.color_temperature_k
    return LightState(True, brightness, color, kelvin)
