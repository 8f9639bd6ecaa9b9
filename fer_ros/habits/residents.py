# SPDX-License-Identifier: Apache-2.0
"""Made-up residents: two people in a living room, whose wishes are known and change once.

Ada and Ben share a living room with one lamp. What they do is documented here and nowhere else, so
that the learned habits can be compared with the truth; all randomness comes from the seed.

* They are at home from about 18:00 to 23:00, on weekends also from about 10:00 to 12:00.
* Their moods follow each other as a Markov chain with durations of about half an hour. Ada is more
  often sad from Monday to Thursday, Ben more often happy.
* In the evening, when sad, they want the lamp at 30 % and 2200 K; when angry at 40 %. When neutral
  after 21:30 they read, at 60 % and 4000 K. In all else they are content with the policy.
* If the lamp is otherwise they set it, 17 of 20 times, after 20 to 90 seconds, up to 3 % as they
  want it (standard deviation).
* In one mood of 25 they set it to something else altogether: noise.
* Drift: from one day on they want 60 % and 2700 K when sad, and read at 90 %.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fer_ros.emotions.labels import Emotion
from fer_ros.habits.events import Actor, EventKind, HomeEvent
from fer_ros.habits.preferences import Situation
from fer_ros.habits.sequence import DAY_S
from fer_ros.home.ambience import ambience, PROTOTYPES
from fer_ros.home.light import differences, LightState, Tolerance
import numpy as np

DAYS, DRIFT_DAY = 60, 30
ROOM, LAMP = 'living_room', 'lamp'
#: Monday, 2026-01-05 00:00.
FIRST_S = 1_767_571_200.0
PEOPLE = ('Ada', 'Ben')
MOODS = ('neutral', 'happy', 'sad', 'angry')
#: How likely each mood follows, by person; the same mood is never drawn twice in a row.
_TENDENCIES = {'Ada': (0.40, 0.22, 0.28, 0.10), 'Ben': (0.40, 0.38, 0.12, 0.10)}
#: A lamp that is nearer to what is wanted is left as it is.
CONTENT = Tolerance(0.12, 60.0, 0.06)
_REACTS, _NOISE = 0.85, 0.04
#: What they want otherwise from the day of the drift on.
CHANGED = ('sad', 'reading')
_READING_H = 21.5


@dataclass(frozen=True)
class Mood:
    """One person's mood while they are in the room.

    :ivar begin_s: and ``end_s``: local time, seconds.
    :ivar arrives: whether the room was empty before, ``leaves``: is empty after.
    """

    person: str
    emotion: str
    begin_s: float
    end_s: float
    arrives: bool
    leaves: bool


@dataclass(frozen=True)
class Reaction:
    """What a person does to the lamp, so long after the begin of a mood or of reading."""

    after_s: float
    light: LightState
    noise: bool


class Residents:
    """Two people for some days.

    :param drift_day: from which day on they want something else.
    """

    def __init__(self, seed: int = 0, days: int = DAYS, drift_day: int = DRIFT_DAY):
        self.seed, self.days, self.drift_day = seed, days, drift_day

    def moods(self) -> Iterator[Mood]:
        """Yield all moods, in order."""
        for day in range(self.days):
            generator = np.random.default_rng((self.seed, day))
            midnight_s = FIRST_S + day * DAY_S
            sessions = [(10, 12), (18, 23)] if Situation(midnight_s).weekend else [(18, 23)]
            for first, last in sessions:
                begin_s = midnight_s + first * 3600 + generator.normal(0, 900)
                end_s = midnight_s + last * 3600 + generator.normal(0, 900)
                yield from self._session(generator, begin_s, end_s)

    def _session(self, generator, begin_s: float, end_s: float) -> Iterator[Mood]:
        now_s, last, arrives = begin_s, '', True
        weekday = int(begin_s // DAY_S + 3) % 7
        while now_s < end_s:
            person = PEOPLE[int(generator.integers(2))]
            weights = np.array(_TENDENCIES[person])
            if person == 'Ada' and weekday >= 4:
                weights[MOODS.index('sad')] /= 2
            if last:
                weights[MOODS.index(last)] = 0.0
            emotion = MOODS[int(generator.choice(len(MOODS), p=weights / weights.sum()))]
            lasts_s = max(300.0, float(generator.lognormal(np.log(1800), 0.5)))
            until_s = end_s if now_s + lasts_s > end_s - 300 else now_s + lasts_s
            yield Mood(person, emotion, now_s, until_s, arrives, until_s >= end_s)
            now_s, last, arrives = until_s, emotion, False

    def wanted(self, emotion: str, local_s: float) -> LightState | None:
        """Return what they want of the lamp, or None when they are content with the policy."""
        hour, drifted = local_s % DAY_S / 3600, local_s >= FIRST_S + self.drift_day * DAY_S
        if not 17 <= hour < 24:
            return None
        if emotion == 'sad':
            return LightState(True, 0.6, None, 2700) if drifted \
                else LightState(True, 0.3, None, 2200)
        if emotion == 'angry':
            return LightState(True, 0.4)
        if emotion == 'neutral' and hour >= _READING_H:
            return LightState(True, 0.9 if drifted else 0.6, None, 4000)
        return None

    def kind(self, mood: Mood, look_s: float) -> str:
        """Return what a reaction is about, so that the same ones can be counted."""
        if self.wanted(mood.emotion, look_s) is None:
            return 'noise'
        name = 'reading' if mood.emotion == 'neutral' else mood.emotion
        drifted = look_s >= FIRST_S + self.drift_day * DAY_S
        return f'{name}, since the drift' if drifted and name in CHANGED else name

    def looks_s(self, mood: Mood) -> list[float]:
        """Return when a person looks at the lamp: as a mood begins, and when reading begins."""
        reading_s = mood.begin_s // DAY_S * DAY_S + _READING_H * 3600
        return [mood.begin_s, *([reading_s] if mood.begin_s < reading_s < mood.end_s
                                and mood.emotion == 'neutral' else [])]

    def reaction(self, mood: Mood, look_s: float, light: LightState) -> Reaction | None:
        """Return what a person does about the lamp as it is.

        The same chance is drawn for the same mood, whatever the lamp was before.
        """
        generator = np.random.default_rng((self.seed, int(look_s)))
        after_s = float(generator.uniform(20, 90))
        reacts, noisy = generator.random() < _REACTS, generator.random() < _NOISE
        level = float(generator.uniform(0.05, 1.0))
        slip = float(generator.normal(0, 0.03))
        wanted = self.wanted(mood.emotion, look_s)
        if noisy:
            return Reaction(after_s, LightState(True, round(level, 2)), True)
        if wanted is None or not reacts or not differences(wanted, light, CONTENT):
            return None
        return Reaction(after_s, LightState(
            True, round(min(1.0, max(0.05, wanted.brightness + slip)), 2), wanted.color,
            wanted.color_temperature_k), False)

    def events(self) -> Iterator[HomeEvent]:
        """Yield what a log of them holds under a policy that mirrors every mood."""
        for mood in self.moods():
            common = {'room': ROOM, 'emotion': mood.emotion, 'people': 1}
            if mood.arrives:
                yield HomeEvent(time_s=mood.begin_s - 5, room=ROOM, kind=EventKind.OCCUPIED)
            yield HomeEvent(time_s=mood.begin_s, kind=EventKind.EMOTION, value=mood.emotion,
                            **common)
            light = ambience('mirror', *PROTOTYPES[Emotion[mood.emotion.upper()]])
            yield HomeEvent(time_s=mood.begin_s + 4, kind=EventKind.ACTION, actor=Actor.RULE,
                            target=LAMP, light=light, **common)
            for look_s in self.looks_s(mood):
                reaction = self.reaction(mood, look_s, light)
                if reaction is None or look_s + reaction.after_s >= mood.end_s:
                    continue
                light = light.merged(reaction.light)
                yield HomeEvent(time_s=look_s + reaction.after_s, kind=EventKind.ACTION,
                                actor=Actor.PERSON, target=LAMP, light=light, **common)
            yield HomeEvent(time_s=mood.end_s, kind=EventKind.EMOTION_END, value=mood.emotion,
                            lasted_s=mood.end_s - mood.begin_s, **common)
            if mood.leaves:
                yield HomeEvent(time_s=mood.end_s + 5, room=ROOM, kind=EventKind.EMPTY)
