# SPDX-License-Identifier: Apache-2.0
"""Rules that are added to what a person, or something else, has set a lamp to."""

import json

from fer_ros.errors import ConfigurationError
from fer_ros.home.commands import RoomCommand
from fer_ros.home.decisions.memory import RoomMemory
from fer_ros.home.kinds.base import Cause
from fer_ros.home.light import LightState
from fer_ros.home.policy import parse_policy, Policy
from home_support import POLICY, Sim
import pytest

QUICK = {'dwell_s': 0.5, 'cooldown_s': 0.5, 'transition_s': 0.5, 'smoothing_s': 0.2,
         'nobody': {'after_s': 2}, 'rate_limit': {'actions': 100, 'per_s': 60}}
BLUE, PALE = (0.0, 0.0, 1.0), (0.25, 0.25, 1.0)


def text_of(rule, **more):
    text = POLICY.replace('happy: {strategy: mirror}', f'happy: {{{rule}}}')
    for old, new in more.items():
        text = text.replace(old, new)
    return text


def home(rule, text=None, **room):
    sim = Sim(text or text_of(rule), **{**QUICK, 'hold': {'scope': 'attribute', 'for_s': 100},
                                        **room})
    sim.see('neutral', 12)
    return sim


def lamp(sim):
    return sim.lamps['lamp'].state(sim.now_s)


# What may be written.

@pytest.mark.parametrize('written, key, amount, text', [
    ('brightness: +10%', 'brightness', 0.1, '+10%'),
    ("brightness: '-12.5 %'", 'brightness', -0.125, '-12.5%'),
    ('color_temperature_k: -400', 'color_temperature_k', -400, '-400 K'),
    ('color_temperature_k: +400 K', 'color_temperature_k', 400, '+400 K'),
    ("color_temperature_k: '+400'", 'color_temperature_k', 400, '+400 K'),
    ('color_temperature_k: -1', 'color_temperature_k', -1, '-1 K'),
    ('color_temperature_k: +7500 K', 'color_temperature_k', 7500, '+7500 K'),
    ('saturation: -25%', 'saturation', -0.25, '-25%'),
    ('saturation: +100%', 'saturation', 1.0, '+100%'),
])
def test_a_sign_makes_a_value_relative(written, key, amount, text):
    policy = parse_policy(text_of(written))
    rule = policy.policies['mirror'].by_emotion['happy']
    assert rule.relative.keys() == {key} and rule.relative[key].amount == pytest.approx(amount)
    # It is written as it was read, and read again.
    again = policy.model_dump(by_alias=True)
    assert again['policies']['mirror']['by_emotion']['happy'][key] == text
    assert Policy.model_validate(again) == policy
    assert Policy.model_validate_json(json.dumps(policy.model_dump(
        by_alias=True, mode='json'))) == policy


@pytest.mark.parametrize('written, message', [
    ('brightness: 10%', "'10%' has no sign: write '+10%' or '-10%' to add it to what the lamp is "
     'set to, or 0.1'),
    ('brightness: 99%', 'or 0.99'),
    ('brightness: 100%', 'or 1'),
    ('brightness: -0.1', "-0.1 is below 0: to make a lamp dimmer than it is set to, write '-10%'"),
    ('brightness: +0%', 'is not a change: expected 1% to 100%, with its sign'),
    ('brightness: +101%', 'is not a change'),
    ('brightness: bright', "'bright' is not a brightness: write 0.6, or with a sign"),
    ('color_temperature_k: +400', '400 is not a color temperature (1500 to 9000): to make a lamp '
     "that much cooler than it is set to, write '+400 K'"),
    ('color_temperature_k: 1', 'that much cooler'),
    ('color_temperature_k: 999', 'that much cooler'),
    ('color_temperature_k: 0', 'expected at least 1500'),
    ('color_temperature_k: 1000', 'expected at least 1500'),
    ('color_temperature_k: true', 'true: expected at least 1500'),
    ('color_temperature_k: [2700]', 'expected a whole number'),
    ('color_temperature_k: +0 K', 'is not a change: expected 1 K'),
    ('color_temperature_k: 2700 K', "'2700 K' is not a color temperature: write 2700"),
    ('color_temperature_k: -8000', 'is not a change: expected 1 K to 7500 K'),
    ('color_temperature_k: 1200', 'expected at least 1500'),
    ('saturation: 0.5', "is only added to the color that a lamp has: write '+20%' or '-20%'"),
    ('saturation: 20%', "has no sign: write '+20%' or '-20%' to add it"),
    ("saturation: +20%, color: '#ff0000'", 'saturation changes the color that a lamp has'),
    ('saturation: +20%, strategy: mirror', 'leave out strategy'),
    ('saturation: +20%, color_temperature_k: 2700', 'leave out strategy, color and an absolute'),
    ("strategy: 'off', brightness: +10%", 'strategy off has no brightness'),
])
def test_what_cannot_be_meant_says_what_to_write(written, message):
    with pytest.raises(ConfigurationError) as error:
        parse_policy(text_of(written), 'file')
    assert message in str(error.value) and 'happy' in str(error.value)
    assert len(str(error.value).splitlines()) == 1


# What is asked.

@pytest.mark.parametrize('rule, before, during', [
    ('brightness: +10%', LightState(True, 0.5, None, 2700), LightState(True, 0.6, None, 2700)),
    ('brightness: -40%', LightState(True, 0.3, None, 2700), LightState(True, 0.02, None, 2700)),
    ('brightness: +90%', LightState(True, 0.3, BLUE), LightState(True, 1.0, BLUE)),
    ('color_temperature_k: -400', LightState(True, 0.5, None, 3000),
     LightState(True, 0.5, None, 2600)),
    ('color_temperature_k: +7000 K', LightState(True, 0.5, None, 3000),
     LightState(True, 0.5, None, 6500)),
    ('saturation: -25%', LightState(True, 0.5, BLUE), LightState(True, 0.5, PALE)),
    ('saturation: -25%, color_temperature_k: -400, brightness: +10%', LightState(True, 0.5, BLUE),
     LightState(True, 0.6, PALE)),
    ('saturation: -25%, color_temperature_k: -400', LightState(True, 0.5, None, 3000),
     LightState(True, 0.5, None, 2600)),
    ('strategy: soothe, brightness: +10%', LightState(True, 0.5, None, 3000),
     LightState(True, 0.6, None, 2598)),
])
def test_a_mood_is_added_and_taken_away(rule, before, during):
    sim = home(f'{rule}, then: restore')
    sim.lamps['lamp'].set(before, 0.0, sim.now_s)
    sim.report()
    sim.command(RoomCommand.RESUME)
    sim.see('neutral', 12)
    sim.see('happy', 6)
    now = lamp(sim)
    assert now.brightness == pytest.approx(during.brightness)
    assert now.color == pytest.approx(during.color) if during.color else now.color is None
    assert now.color_temperature_k == during.color_temperature_k
    assert len(sim.actions) == 1
    sim.see('neutral', 8)
    assert lamp(sim) == before and len(sim.actions) == 2


@pytest.mark.parametrize('rule, before, spec, level', [
    # A lamp that is off has nothing that could be added to, whatever may turn it on.
    ('brightness: +10%', LightState(False, 0.5), '{type: terminal, turn_on: true}', None),
    ('color_temperature_k: -400', LightState(True, 0.5, BLUE), '{type: terminal}', None),
    ('saturation: +10%', LightState(True, 0.5, None, 2700), '{type: terminal}', None),
    # Its limits are as wide as what it is set to.
    ('brightness: +10%', LightState(True, 0.5), '{type: terminal, brightness_max: 0.55}', 0.55),
    ('brightness: +10%', LightState(True, 0.9), '{type: terminal, brightness_max: 0.55}', 0.9),
    ('brightness: -10%', LightState(True, 0.9), '{type: terminal, brightness_max: 0.55}', 0.8),
])
def test_what_cannot_be_added_is_not_asked(rule, before, spec, level):
    sim = home('', text_of(f'{rule}', **{'lamp: {type: terminal}': f'lamp: {spec}'}))
    sim.lamps['lamp'].set(before, 0.0, sim.now_s)
    sim.report()
    sim.command(RoomCommand.RESUME)
    sim.see('happy', 6)
    if level is None:
        assert not sim.actions and lamp(sim).on == before.on
    else:
        assert sim.actions[0].request.light.brightness == pytest.approx(level)


def test_quiet_hours_cap_what_is_added():
    sim = home('brightness: +10%', hour=23, quiet_hours=[
        {'from': '22:00', 'to': '06:00', 'action': 'dim', 'brightness_max': 0.65}])
    sim.see('happy', 6)
    assert lamp(sim).brightness == 0.65


# Whoever changes the lamp changes what moods are added to.

def test_what_a_person_chose_is_what_the_mood_is_added_to_when_the_hold_is_over():
    sim = home('brightness: +10%, color_temperature_k: -400, then: restore')
    sim.see('happy', 6)
    assert lamp(sim) == LightState(True, pytest.approx(0.7), None, 2300)
    sim.set_manually(brightness=0.4)
    sim.see('happy', 50)
    # Theirs is left alone, and the white still is the mood's.
    assert lamp(sim) == LightState(True, 0.4, None, 2300)
    assert sim.room.targets['lamp'].base == LightState(True, 0.4, None, 2700)
    sim.see('happy', 60)
    assert lamp(sim) == LightState(True, 0.5, None, 2300)
    sim.see('neutral', 8)
    assert lamp(sim) == LightState(True, 0.4, None, 2700)


@pytest.mark.parametrize('step', [0.12, -0.1, 0.03, -0.2])
def test_an_automation_moves_what_the_mood_is_added_to(step):
    sim = home('brightness: +10%, then: restore')
    sim.see('happy', 6)
    for level in (0.6 + step, 0.6 + 2 * step):
        sim.lamps['lamp'].set(LightState(True, level), 0.0, sim.now_s)
        sim.engine.report('study', 'lamp', lamp(sim), Cause.AUTOMATION, now_s=sim.now_s)
        assert sim.room.targets['lamp'].base.brightness == level
        sim.see('happy', 6)
        assert lamp(sim).brightness == pytest.approx(level + 0.1)
    sim.see('neutral', 8)
    assert lamp(sim).brightness == pytest.approx(0.6 + 2 * step)
    assert not sim.status.on_hold and len(sim.actions) == 4


def test_an_automation_that_writes_the_same_again_does_not_end_the_mood():
    sim = home('brightness: +10%, then: restore')
    sim.see('happy', 6)
    for count in (2, 3):
        sim.lamps['lamp'].set(LightState(True, 0.6), 0.0, sim.now_s)
        sim.engine.report('study', 'lamp', lamp(sim), Cause.AUTOMATION, now_s=sim.now_s)
        sim.see('happy', 6)
        assert lamp(sim).brightness == pytest.approx(0.7) and len(sim.actions) == count


def test_a_mood_that_is_absolute_leaves_what_an_automation_made_of_the_lamp():
    sim = home('brightness: 0.9, then: restore')
    sim.see('happy', 6)
    sim.lamps['lamp'].set(LightState(True, 0.3), 0.0, sim.now_s)
    sim.engine.report('study', 'lamp', lamp(sim), Cause.AUTOMATION, now_s=sim.now_s)
    sim.see('happy', 6)
    assert lamp(sim).brightness == 0.3 and len(sim.actions) == 1
    sim.see('neutral', 8)
    assert lamp(sim).brightness == 0.3


def test_an_automation_that_writes_while_the_mood_fades_in_is_not_a_person():
    sim = home('brightness: +30%, then: restore', transition_s=2)
    while not sim.actions:
        sim.see('happy', 0.1)
    sim.see('happy', 1)
    sim.lamps['lamp'].set(LightState(True, 0.62), 0.0, sim.now_s)
    sim.engine.report('study', 'lamp', lamp(sim), Cause.AUTOMATION, now_s=sim.now_s)
    sim.see('happy', 12)
    assert not sim.status.on_hold and lamp(sim).brightness == pytest.approx(0.92)


class FollowingTheSun:
    """Writes a lamp every so often, in steps, and knows nothing of moods."""

    def __init__(self, sim, every_s=45.0, step=0.02, level=0.6):
        self.sim, self.every_s, self.step, self.level, self.index = sim, every_s, step, level, 0

    def go_on(self, mood, writes):
        for _ in range(writes):
            self.sim.see(mood, self.every_s, step_s=0.5)
            self.index += 1
            self.level += self.step if self.index // 6 % 2 == 0 else -self.step
            self.sim.lamps['lamp'].set(LightState(True, self.level), 0.0, self.sim.now_s)
            self.sim.report()


def test_small_steps_are_learned_before_the_mood_that_they_would_take_away():
    sim = home('brightness: +20%, then: restore')
    sun = FollowingTheSun(sim)
    sun.go_on('neutral', 4)
    assert 'changes its brightness about every 45 s' in sim.room.targets['lamp'].other_writer
    for _ in range(2):
        sun.go_on('happy', 3)
        assert not sim.status.on_hold
        assert sim.room.targets['lamp'].base.brightness == pytest.approx(sun.level)
        sim.see('happy', 6)
        assert lamp(sim).brightness == pytest.approx(sun.level + 0.2)
        sim.see('happy', 39)
        # A person at the very moment at which it would write.
        sim.set_manually(brightness=0.3)
        assert sim.room.targets['lamp'].snapshot.held == ('brightness',)
        sim.command(RoomCommand.RESUME)
        sim.see('neutral', 8)
        sim.lamps['lamp'].set(LightState(True, sun.level), 0.0, sim.now_s)
        sim.see('neutral', 37)
        sim.command(RoomCommand.RESUME)
        sun.go_on('neutral', 4)


def test_the_base_outlives_a_restart():
    text = text_of('brightness: +10%, then: restore').replace(
        'version: 1', 'version: 1\nbroker: {host: localhost}').replace(
        'lamp: {type: terminal}', 'lamp: {type: mqtt_light, topic: a/lamp}')
    sim = home('', text)
    sim.see('happy', 6)
    memory = RoomMemory.model_validate_json(json.dumps(sim.room.memory()))
    other = Sim(text, answers=False, start_s=sim.now_s + 10, **QUICK)
    other.step()
    other.room.recall(memory)
    other.lamps, other.answers = sim.lamps, True
    other.see('happy', 10)
    # It is not added twice.
    assert not other.actions and lamp(other).brightness == pytest.approx(0.7)
    other.see('neutral', 8)
    assert lamp(other).brightness == pytest.approx(0.6)
