# SPDX-License-Identifier: Apache-2.0
"""What the engine makes of groups, whose members come and go, and of habits."""

from fer_ros.home.action import Command
from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.decisions.memory import HomeMemory
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.policy.adopted import parse_adopted
from fer_ros.home.virtual_lamp import VirtualLamp
from home_support import POLICY, Sim, TWO_LAMPS
import pytest

AREA = """
version: 1
home_assistant: {url: 'http://localhost:8123', token: {env: HA_TOKEN}}
policies:
  mirror: {by_emotion: {happy: {brightness: 0.9, targets: [lights]}, sad: {brightness: 0.3}}}
rooms:
  study:
    policy: mirror
    targets:
      lights: {type: home_assistant_lights, area: Study, brightness_max: 0.8}
      shelf: {type: terminal}
"""
A, B = 'lights_a', 'lights_b'
QUICK = {'dwell_s': 0.5, 'smoothing_s': 0.2, 'cooldown_s': 0, 'transition_s': 0,
         'hold': {'scope': 'attribute', 'settle_s': 0.5}}


class Area(Sim):
    """A home with a group; its lights shine as asked."""

    def __init__(self, *names, **room):
        super().__init__(AREA, answers=False, **QUICK, **room)
        self.spec = self.room.settings.targets['lights']
        self.lamps = {'shelf': self.lamps['shelf']}
        self.regroup(*names)
        self.answers = True
        self.report()

    def regroup(self, *names):
        """Let these be the lights of the area; return what is done to those that leave it."""
        actions = self.room.regroup('lights', {name: self.spec.member(f'light.{name}')
                                               for name in names})
        self.carry_out(actions)
        self.lamps = {name: self.lamps.get(name, VirtualLamp()) for name in (*names, 'shelf')}
        return actions

    def restarted(self):
        """Return the home after a restart, which knows no light of the area yet."""
        data = {'version': 1, 'rooms': self.engine.memory()}
        memory = HomeMemory.model_validate(data)
        # What neither is a target nor can be one of a group is nothing to remember.
        targets = data['rooms']['study']['targets']
        targets['gone'] = targets['shelf'] = targets[A]
        lamps, self.lamps = self.lamps, {}
        self.engine = DecisionEngine(self.policy, local_time=self.local_time)
        self.engine.recall(HomeMemory.model_validate(data), now_s=self.now_s)
        assert HomeMemory.model_validate({'version': 1, 'rooms': self.engine.memory()}) == memory
        # Nor does another file forget it.
        self.engine = self.engine.successor(self.policy)
        assert HomeMemory.model_validate({'version': 1, 'rooms': self.engine.memory()}) == memory
        self.lamps = {'shelf': lamps['shelf']}
        self.step([])
        return lamps


def asked(actions):
    return sorted((action.target, action.request.light.brightness) for action in actions)


def test_each_light_of_an_area_is_a_device_and_one_that_leaves_it_goes_back():
    sim = Area(A, B)
    assert asked(sim.see('happy', 3)) == [(A, 0.8), (B, 0.8)]
    assert not sim.regroup(A, B)
    action, = sim.regroup(A)
    assert (action.target, action.command, action.reason, action.transition_s) == (
        B, Command.RESTORE, 'no longer one of lights', 0.5)
    assert list(sim.room.targets) == ['shelf', A]
    # Those of another group stay, and so does what is not a group.
    assert not sim.room.regroup('others', {}) and list(sim.room.targets) == ['shelf', A]
    # One that comes in while the feeling lasts takes part in it.
    assert sim.regroup(A, B) == [] and asked(sim.see('happy', 2)) == [(B, 0.8)]
    assert sim.room.targets[B].group == 'lights'
    assert asked(sim.see('sad', 3)) == [(A, 0.3), (B, 0.3), ('shelf', 0.3)]


def test_one_that_leaves_goes_back_whatever_the_rate_limit():
    sim = Area(A, B, rate_limit={'actions': 1, 'per_s': 3600})
    assert len(sim.see('happy', 2)) == 2 and len(sim.regroup(A)) == 1


def test_one_that_has_left_is_owed_nothing():
    text = AREA.replace('targets: [lights]', 'then: restore')
    sim = Area(A, B)
    sim.engine = Sim(text, answers=False, **QUICK).engine
    sim.lamps = {'shelf': sim.lamps['shelf']}
    sim.regroup(A, B)
    sim.report()
    assert len(sim.see('happy', 3)) == 3
    sim.regroup(A)
    assert sorted(sim.engine.memory()['study']['owed']) == [A, 'shelf']


def test_what_is_remembered_of_a_light_waits_until_it_is_one_of_the_area():
    sim = Area(A, B, nobody={'after_s': 5})
    sim.see('happy', 3)
    sim.set_manually(A, brightness=0.1)
    sim.see('happy', 1)
    lamps = sim.restarted()
    assert not sim.see('happy', 2), 'the lights are not known yet'
    sim.regroup(A, B)
    sim.lamps = lamps
    assert not sim.see('happy', 2), 'they are as they were asked'
    assert sim.room.targets[A].snapshot.held == ('brightness',)
    assert not sim.room.targets[B].holds.held
    assert asked(sim.see([], 10)) == [(B, 0.6)]


def test_another_file_keeps_what_is_known_of_a_light_of_an_area():
    sim = Area(A, B)
    sim.see('happy', 3)
    sim.engine, lamps = sim.engine.successor(sim.policy), sim.lamps
    assert list(sim.room.targets) == ['shelf']
    sim.lamps = {'shelf': lamps['shelf']}
    sim.regroup(A, B)
    sim.lamps = lamps
    assert sim.room.targets[A].state is ControlState.CONFIRMED
    assert not sim.see('happy', 3)
    # What comes in later is not taken for one of them.
    sim.regroup(B)
    assert sim.regroup(A, B) == [] and sim.room.targets[A].state is ControlState.IDLE


# Habits.

HABITS = parse_adopted("""
version: 1
rules:
  - {name: evening, room: study, emotion: [sad, fear], targets: [lamp], brightness: 0.2,
     when: {time: {from: '18:00', to: '22:00'}}}
  - {name: always, room: study, emotion: sad, targets: [lamp, other], brightness: 0.5}
""", 'habits.yaml')


@pytest.mark.parametrize('hour, feeling, done', [
    (19, 'sad', {'lamp': (0.2, 'evening'), 'other': (0.5, 'always')}),
    (12, 'sad', {'lamp': (0.5, 'always'), 'other': (0.5, 'always')}),
    (19, 'fear', {'lamp': (0.2, 'evening')}), (12, 'fear', {}),
    (19, 'happy', {'lamp': (0.9, ''), 'other': (0.9, '')})])
def test_the_first_habit_that_holds_precedes_the_policy(hour, feeling, done):
    sim = Sim(POLICY.replace('happy: {strategy: mirror}', 'happy: {brightness: 0.9}'),
              hour=hour, **TWO_LAMPS, **QUICK)
    sim.room.habits = HABITS
    actions = sim.see(feeling, 2)
    assert {action.target: (action.request.light.brightness, action.habit)
            for action in actions} == done
    for action in actions:
        assert (f', and {action.habit}: ' in action.reason) == bool(action.habit)


def test_what_a_habit_makes_of_a_rule_ends_with_the_rule():
    sim = Sim(POLICY.replace('sad: {strategy: mirror}', 'sad: {brightness: 0.9, then: restore}'),
              **TWO_LAMPS, **QUICK, nobody={'after_s': 60})
    sim.room.habits = HABITS[:1]
    sim.hour = 19
    assert len(sim.see('sad', 2)) == 2
    assert sim.engine.memory()['study']['owed'] == ['lamp', 'other']
    # Another file has them as well.
    sim.engine = sim.engine.successor(sim.policy)
    assert sim.room.habits == HABITS[:1]
