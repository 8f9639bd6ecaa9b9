# SPDX-License-Identifier: Apache-2.0
"""24 hours: the sun, two people with moods and manual changes, another automation, slow lamps."""

from collections import deque
from datetime import datetime, timezone
import random

from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.light import LightState
from fer_ros.home.policy import parse_policy
from fer_ros.home.virtual_lamp import VirtualLamp
from home_support import emotion
import pytest

#: Two lamps follow the sun of Berlin; the shelf has something of its own that moves it.
TEXT = """
version: 1
location: {latitude: 52.5, longitude: 13.4}
policies:
  moods:
    by_emotion:
      happy: {brightness: +12%, then: restore}
      sad: {brightness: -15%, color_temperature_k: -400, then: restore}
      angry: {strategy: soothe, then: restore}
      surprise: {brightness: 1.0, for_s: 30}
rooms:
  living:
    policy: moods
    stale_after_s: 10
    targets: {sofa: {type: terminal}, desk: {type: terminal}, shelf: {type: terminal}}
    base: {sun: {}, targets: [sofa, desk]}
    quiet_hours: [{from: '23:00', to: '06:30', action: dim, brightness_max: 0.5}]
"""
START_S = datetime(2026, 3, 20, tzinfo=timezone.utc).timestamp()
HOUR_S = 3600.0
#: A manual change must be noticed within this time: a lamp's delay, a fade and the wait after it.
SEEN_S = 12.0


class LateLamp:
    """A lamp that fades and reports each change some time later, in steps."""

    def __init__(self, late_s, state):
        self.lamp, self.late_s = VirtualLamp(state), late_s
        self._told = None
        self._waiting = deque()

    def reports(self, now_s):
        """Return what arrives now, oldest first."""
        state = self.lamp.state(now_s)
        if state != self._told:
            self._told = state
            self._waiting.append((now_s + self.late_s, state))
        while self._waiting and self._waiting[0][0] <= now_s:
            yield self._waiting.popleft()[1]


class Person:
    """Somebody at home in the morning and in the evening, with a mood that changes."""

    def __init__(self, number, chance):
        self.number, self._chance = number, chance
        self.mood, self._until_s = 'neutral', 0.0

    def face(self, elapsed_s):
        """Return the face, or None while away or asleep."""
        hour = elapsed_s / HOUR_S
        if not (6.2 + self.number / 3 < hour < 8.5 or 16 + self.number < hour < 23.4):
            return None
        if elapsed_s >= self._until_s:
            self.mood = self._chance.choice(['neutral', 'happy', 'sad', 'angry', 'surprise'])
            self._until_s = elapsed_s + self._chance.uniform(40, 900)
        return emotion(self.mood, 0.9, track_id=self.number)


class SixSteps:
    """Writes a lamp every 90 s, six steps of 2 % up and six down, and knows nothing of moods.

    Like Adaptive Lighting it leaves a lamp alone for as long as a person has it.
    """

    def __init__(self, lamp):
        self._lamp, self.level, self._index, self.next_s = lamp, 0.5, 0, 90.0
        self.away_until_s = 0.0

    def write(self, now_s, elapsed_s):
        """Take the step that is due."""
        if elapsed_s < self.next_s:
            return
        self.next_s += 90
        self.level += 0.02 if self._index // 6 % 2 == 0 else -0.02
        self._index += 1
        if self._lamp.lamp.state(now_s).on and elapsed_s >= self.away_until_s:
            self._lamp.lamp.set(LightState(True, self.level), 0.0, now_s)


class House:
    """A day in it, which counts manual changes that were missed and false ones."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        policy = parse_policy(TEXT)
        self.engine = DecisionEngine(policy, local_time=lambda now_s: datetime.fromtimestamp(
            now_s, timezone.utc))
        start = LightState(True, 0.5, color_temperature_k=2700)
        self.lamps = {'sofa': LateLamp(0.0, start), 'desk': LateLamp(0.9, start),
                      'shelf': LateLamp(0.4, start)}
        self.steps = SixSteps(self.lamps['shelf'])
        self.people = [Person(1, self.chance), Person(2, self.chance)]
        self.elapsed_s, self.actions = 0.0, []
        self.hands = sorted(self.chance.uniform(6.5, 23) * HOUR_S for _ in range(30))
        self.on_again = {}
        #: By lamp: since when it must be seen, and which attribute.
        self.waiting = {}
        self.held = {name: frozenset() for name in self.lamps}
        self.seen, self.missed, self.made_up = 0, [], []

    @property
    def now_s(self):
        return START_S + self.elapsed_s

    def target(self, name):
        return self.engine.room('living').targets[name]

    def step(self, step_s):
        # A room counts at most one second per step.
        for _ in range(int(step_s)):
            self.elapsed_s += 1.0
            self.engine.room('living').advance(self.now_s)
        self.elapsed_s += step_s % 1.0
        self.steps.write(self.now_s, self.elapsed_s)
        self.change_manually()
        faces = [person.face(self.elapsed_s) for person in self.people]
        assert not self.engine.observe('emotions', [face for face in faces if face],
                                       self.now_s - 0.05, now_s=self.now_s)
        for name, lamp in self.lamps.items():
            for state in lamp.reports(self.now_s):
                self.engine.report('living', name, state, now_s=self.now_s)
        for action in self.engine.tick(self.now_s):
            lamp = self.lamps[action.target].lamp
            # A person turned it off: it stays off.
            assert self.target(action.target).reported.on or not action.request.light.on, action
            lamp.set(action.request.light, action.transition_s, self.now_s)
            self.actions.append(action)
        self.count()

    def change_manually(self):
        for name in [name for name, at_s in self.on_again.items() if self.elapsed_s >= at_s]:
            del self.on_again[name]
            self.lamps[name].lamp.set(LightState(True), 0.0, self.now_s)
        if not self.hands or self.elapsed_s < self.hands[0]:
            return
        free = [name for name, held in self.held.items()
                if not held and self.lamps[name].lamp.state(self.now_s).on
                and name not in self.waiting]
        if not free:
            return
        self.hands.pop(0)
        name = self.chance.choice(free)
        lamp, known = self.lamps[name].lamp, self.target(name)
        state, what = lamp.state(self.now_s), self.chance.choice(['brightness', 'color', 'power'])
        # It is another light than the room, the sun or the other automation would make.
        others = [light for light in (state, lamp.state(self.now_s + 60), known.base,
                                      known.request and known.request.expected) if light]
        if what == 'brightness':
            levels = [light.brightness for light in others if light.brightness is not None]
            levels += [self.steps.level] if name == 'shelf' else []
            change = LightState(True, self.chance.choice([
                level / 100 for level in range(5, 101)
                if all(abs(level / 100 - other) > 0.15 for other in levels)]))
        elif what == 'color':
            change = LightState(True, None, self.chance.choice([
                color for color in ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
                if all(color != light.color for light in others)]))
        else:
            change = LightState(False)
            self.on_again[name] = self.elapsed_s + self.chance.uniform(120, 1200)
        lamp.set(change, 0.0, self.now_s)
        self.waiting[name] = self.elapsed_s, what
        if name == 'shelf':
            self.steps.away_until_s = self.elapsed_s + 1800

    def count(self):
        for name in self.lamps:
            held = self.target(name).holds.held
            more, self.held[name] = held - self.held[name], held
            since_s, what = self.waiting.get(name, (None, None))
            if what in held:
                self.seen += 1
                del self.waiting[name]
            elif more:
                self.made_up.append((name, sorted(more), self.elapsed_s,
                                     self.target(name).holds.reason))
            elif since_s is not None and self.elapsed_s - since_s > SEEN_S:
                self.missed.append((name, what, since_s))
                del self.waiting[name]

    @property
    def eventful(self):
        """Whether something moves, so that the clock must go in small steps."""
        return bool(self.waiting) or any(
            lamp._waiting or lamp.lamp.fading(self.now_s) for lamp in self.lamps.values()) or any(
            target.request is not None and target.in_window
            for target in self.engine.room('living').targets.values())


@pytest.mark.parametrize('seed', [3])
def test_every_manual_change_is_noticed_and_no_other(seed):
    house = House(seed)
    while house.elapsed_s < 24 * HOUR_S:
        # No step goes over a moment in which the automation writes.
        house.step(min(0.5 if house.eventful else 4.5, house.steps.next_s - house.elapsed_s))
    assert (house.made_up, house.missed) == ([], [])
    # All of it took place.
    assert house.seen == 30 and not house.hands
    feelings = {action.emotion for action in house.actions}
    assert {'happy', 'sad', 'angry', 'surprise', 'nobody'} <= feelings
    steps = [action for action in house.actions if action.daily]
    assert len(steps) > 60 and len(house.actions) - len(steps) > 100
    assert 'changes its brightness about every 90 s' in house.target('shelf').other_writer
    # Lamps without an override end as the day, or the other automation, has set them.
    for name, lamp in house.lamps.items():
        if not house.held[name] and lamp.lamp.state(house.now_s).on:
            level = house.steps.level if name == 'shelf' else house.target(name).day.brightness
            assert lamp.lamp.state(house.now_s).brightness == pytest.approx(level, abs=0.03)
