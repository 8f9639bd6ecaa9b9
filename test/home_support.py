# SPDX-License-Identifier: Apache-2.0
"""What the tests of the home share: synthetic people, and a home on a simulated clock."""

from datetime import datetime

from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.light import LightState
from fer_ros.home.policy import parse_policy, Policy
from fer_ros.home.virtual_lamp import VirtualLamp
from fer_ros.types import BoundingBox, FaceEmotion
import numpy as np


def emotion(label, probability=0.9, *, track_id=1, side_px=100.0, **fields):
    """Return a face whose label has the probability; the rest is spread evenly."""
    values = np.full(len(LABELS), (1 - probability) / (len(LABELS) - 1), np.float32)
    if label != UNCERTAIN:
        values[LABELS.index(label)] = probability
    else:
        values[:] = 1 / len(LABELS)
    return FaceEmotion(**{
        'track_id': track_id, 'box': BoundingBox(10, 10, side_px, side_px),
        'probabilities': values, 'filtered': values, 'label': label,
        'confidence': float(values.max()), **fields})


POLICY = """
version: 1
policies:
  mirror:
    by_emotion:
      happy: {strategy: mirror}
      sad: {strategy: mirror}
      angry: {strategy: soothe}
  warm:
    by_emotion:
      happy: {brightness: 0.3, color_temperature_k: 2200}
rooms:
  study:
    policy: mirror
    targets:
      lamp: {type: terminal}
"""

COLOR_ONLY = POLICY.replace('happy: {strategy: mirror}', "happy: {color: '#00ff00'}", 1)

REGIONS = POLICY.replace("""  warm:""", """  regions:
    by_emotion:
      happy: {brightness: 0.9}
    by_valence_arousal:
      - {name: tense, valence: [-1, -0.2], arousal: [0.2, 1], strategy: soothe}
  warm:""")

#: Of a room with two lamps, for Sim.
TWO_LAMPS = {'targets': {'lamp': {'type': 'terminal'}, 'other': {'type': 'terminal'}}}


def policy_of(text=POLICY, **room):
    """Return a policy whose room study has other values than the text gives."""
    policy = parse_policy(text)
    changed = {**policy.model_dump(by_alias=True)['rooms']['study'], **room}
    rooms = {**policy.model_dump(by_alias=True)['rooms'], 'study': changed}
    return Policy.model_validate({**policy.model_dump(by_alias=True), 'rooms': rooms})


def study_of(text=POLICY, **room):
    """Return the room study of a policy, with other values than the text gives."""
    return policy_of(text, **room).rooms['study']


class Sim:
    """The decision engine with virtual lamps that answer, on a simulated clock.

    A manual override holds the whole room, unless ``hold`` gives another scope.
    """

    def __init__(self, text=POLICY, *, start_s=1e9, answers=True, hour=12, **room):
        told = parse_policy(text).rooms['study'].hold.model_dump(exclude_unset=True)
        room['hold'] = {'scope': 'room', **told, **room.get('hold', {})}
        self.policy = policy_of(text, **room)
        self.hour = hour
        self.engine = DecisionEngine(self.policy, local_time=self.local_time)
        self.now_s = start_s
        self.answers = answers
        self.lamps = {name: VirtualLamp()
                      for name, spec in self.policy.rooms['study'].targets.items()
                      if spec.kind == 'light'}
        self.actions = []
        self.problems = []
        self.report()

    def local_time(self, _):
        """Return the time on the wall: a Monday, at the hour that the test sets."""
        return datetime(2026, 1, 5, self.hour)

    def report(self):
        """Let the lamps tell how they shine."""
        if self.answers:
            for name, lamp in self.lamps.items():
                self.engine.report('study', name, lamp.state(self.now_s), now_s=self.now_s)

    def carry_out(self, actions):
        """Give actions to the lamps."""
        for action in actions:
            if action.target in self.lamps:
                self.lamps[action.target].set(action.request.light, action.transition_s,
                                              self.now_s)
        self.actions += actions
        return list(actions)

    def step(self, seen=None, step_s=0.1, age_s=0.05, source='emotions'):
        """Pass a moment in which a camera sees faces, or nothing comes where seen is None."""
        self.now_s += step_s
        if seen is not None:
            self.problems += self.engine.observe(source, seen, self.now_s - age_s,
                                                 now_s=self.now_s)
        self.report()
        return self.carry_out(self.engine.tick(self.now_s))

    def see(self, seen, seconds, step_s=0.1):
        """Let a camera see a label, faces or (None) nothing for a while; return the actions."""
        if isinstance(seen, str):
            seen = [emotion(seen)]
        done = []
        for _ in range(round(seconds / step_s)):
            done += self.step(seen, step_s)
        return done

    @property
    def room(self):
        """The room."""
        return self.engine.room('study')

    def command(self, command, argument=''):
        """Command the room; return the actions, carried out."""
        return self.carry_out(self.engine.command(command, 'study', argument, now_s=self.now_s))

    def set_manually(self, target='lamp', **state):
        """Change a lamp manually."""
        self.lamps[target].set(LightState(**{'on': True, **state}), 0.0, self.now_s)
        self.report()

    @property
    def status(self):
        """What the room is doing."""
        return self.engine.snapshot('study')
