# SPDX-License-Identifier: Apache-2.0
"""Who changed which attribute of which lamp, how, and what may still move."""

import json

from fer_ros.home.commands import RoomCommand
from fer_ros.home.decisions.memory import RoomMemory
from fer_ros.home.kinds.base import Cause
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.light import LightState
from home_support import POLICY, Sim
import pytest

TWO = POLICY.replace(
    'happy: {strategy: mirror}', "happy: {color: '#ffaa00', brightness: 0.8}").replace(
    'sad: {strategy: mirror}', "sad: {color: '#0000ff', brightness: 0.4}").replace(
    '      lamp: {type: terminal}', '      lamp: {type: terminal}\n      desk: {type: terminal}')
HAPPY = LightState(True, 0.8, (1.0, 2 / 3, 0.0))
SAD = LightState(True, 0.4, (0.0, 0.0, 1.0))
BEFORE = LightState(True, 0.6, color_temperature_k=2700)
RED = (1.0, 0.0, 0.0)


class Home(Sim):
    """Two lamps that shine as was asked, and somebody who changes one of them."""

    def __init__(self, scope, **hold):
        super().__init__(TWO, hold={'scope': scope, 'for_s': 100, **hold}, dwell_s=0.5,
                         cooldown_s=0.5, transition_s=0.5, smoothing_s=0.2,
                         nobody={'after_s': 2}, rate_limit={'actions': 100, 'per_s': 60})
        self.see('neutral', 12)
        self.see('happy', 5)
        assert self.lamp == HAPPY and self.desk == HAPPY

    @property
    def lamp(self):
        return self.lamps['lamp'].state(self.now_s)

    @property
    def desk(self):
        return self.lamps['desk'].state(self.now_s)

    def change(self, cause, **state):
        """Let somebody change the lamp."""
        self.lamps['lamp'].set(LightState(**{'on': True, **state}), 0.0, self.now_s)
        self.engine.report('study', 'lamp', self.lamp, cause, now_s=self.now_s)


P, A, U, R = Cause.PERSON, Cause.AUTOMATION, Cause.UNKNOWN, Cause.RECOVERED
ALL = ('brightness', 'color', 'power')
#: scope, who, what was changed: what is held, the lamp when the mood is another, and the other
#: lamp then. None: as it was left.
MATRIX = [
    ('attribute', P, {'brightness': 0.1}, ('brightness',), LightState(True, 0.1, SAD.color), SAD),
    ('attribute', U, {'brightness': 0.1}, ('brightness',), LightState(True, 0.1, SAD.color), SAD),
    ('attribute', P, {'color': RED}, ('color',), LightState(True, 0.4, RED), SAD),
    ('attribute', U, {'color_temperature_k': 6000}, ('color',),
     LightState(True, 0.4, None, 6000), SAD),
    ('attribute', P, {'brightness': 0.1, 'color': RED}, ('brightness', 'color'), None, SAD),
    ('attribute', P, {'on': False}, ALL, None, SAD),
    ('attribute', U, {'on': False}, ALL, None, SAD),
    ('lamp', P, {'brightness': 0.1}, ALL, None, SAD),
    ('lamp', U, {'color': RED}, ALL, None, SAD),
    ('lamp', U, {'on': False}, ALL, None, SAD),
    ('room', P, {'brightness': 0.1}, (), None, HAPPY),
    ('room', U, {'on': False}, (), None, HAPPY),
    # An automation is not a person, but what it turns off stays off.
    ('attribute', A, {'brightness': 0.1}, (), SAD, SAD),
    ('attribute', A, {'color': RED}, (), SAD, SAD),
    ('attribute', A, {'on': False}, ALL, None, SAD),
    ('lamp', A, {'brightness': 0.1}, (), SAD, SAD),
    ('room', A, {'color': RED}, (), SAD, SAD),
    ('room', A, {'on': False}, (), None, HAPPY),
    # Nor is the mains; off after a power cut is not what anybody chose.
    ('attribute', R, {'brightness': 1.0, 'color_temperature_k': 2700}, (), SAD, SAD),
    ('room', R, {'brightness': 1.0, 'color_temperature_k': 2700}, (), SAD, SAD),
]


@pytest.mark.parametrize('scope, cause, change, held, lamp, desk', MATRIX, ids=[
    f'{scope}-{cause.name}-{"-".join(change)}' for scope, cause, change, *_ in MATRIX])
def test_what_may_still_move(scope, cause, change, held, lamp, desk):
    home = Home(scope)
    home.change(cause, **change)
    left = home.lamp
    assert home.room.targets['lamp'].snapshot.held == held
    people = cause in (P, U) or not change.get('on', True)
    assert home.status.on_hold == people
    home.see('happy', 1)
    home.see('sad', 8)
    if lamp is None:
        assert home.lamp == left
    else:
        assert home.lamp == lamp
    assert home.desk == desk
    # When everybody leaves, what was chosen stays, and the rest goes back.
    home.see([], 20)
    assert home.desk == (HAPPY if scope == 'room' and people else BEFORE)
    ended = home.lamp
    if not left.on:
        assert not ended.on
    elif people and scope != 'attribute':
        assert ended == left
    else:
        chosen = people or cause is A
        dimmed = chosen and 'brightness' in change
        assert ended.brightness == (left if dimmed else BEFORE).brightness
        colored = chosen and {'color', 'color_temperature_k'} & set(change)
        assert ended.color == (left if colored else BEFORE).color


def test_an_automation_counts_as_a_person_where_the_policy_says_so():
    home = Home('attribute', automations=True)
    home.change(A, brightness=0.1)
    assert home.room.targets['lamp'].snapshot.held == ('brightness',)


@pytest.mark.parametrize('scope', ['attribute', 'lamp', 'room'])
def test_a_hold_ends_by_time_and_by_the_button(scope):
    for ends in (lambda home: home.see('sad', 101, step_s=0.5),
                 lambda home: home.command(RoomCommand.RESUME)):
        home = Home(scope)
        home.change(U, brightness=0.1)
        assert 'lamp was changed manually (brightness)' in home.status.hold_reason
        assert 99 < home.status.hold_left_s <= 100
        ends(home)
        home.see('sad', 8)
        assert not home.status.on_hold and home.lamp == SAD


def test_turning_it_off_and_on_ends_the_hold_of_a_lamp():
    home = Home('attribute')
    home.change(U, brightness=0.1)
    home.see('happy', 3)
    home.change(U, on=False)
    home.see('happy', 3)
    home.lamps['lamp'].set(LightState(True), 0.0, home.now_s)
    home.see('happy', 8)
    assert not home.status.on_hold and home.lamp == HAPPY


def test_a_change_during_the_fade_holds_what_it_changed():
    home = Home('attribute')
    count = len(home.actions)
    while len(home.actions) == count:
        home.see('sad', 0.1)
    home.see('sad', 0.2)
    home.change(P, brightness=1.0)
    # The virtual lamp has stopped its fade; the mood goes on with the color.
    home.see('happy', 6)
    assert home.lamp == LightState(True, 1.0, HAPPY.color)


# A third writer.

def follow_the_sun(home, steps, every_s, step=-0.02, start=0.8):
    for index in range(steps):
        home.see('happy', every_s, step_s=min(0.5, every_s))
        home.lamps['lamp'].set(LightState(True, start + step * (index + 1)), 0.0, home.now_s)
        home.report()


def test_slow_steps_are_not_an_override_and_are_kept():
    home = Home('attribute')
    done = len(home.actions)
    follow_the_sun(home, 6, 30)
    assert not home.status.on_hold and len(home.actions) == done
    assert home.lamp.brightness == pytest.approx(0.68)
    # A person beside it is still seen.
    home.see('happy', 13)
    home.change(U, brightness=0.3)
    assert home.room.targets['lamp'].snapshot.held == ('brightness',)


def test_but_a_dial_turned_in_small_steps_is_an_override():
    home = Home('attribute')
    follow_the_sun(home, 6, 0.4)
    assert home.room.targets['lamp'].snapshot.held == ('brightness',)


def test_a_writer_that_repeats_itself_is_recognized_and_named():
    home = Home('attribute')
    for index in range(6):
        home.see('happy', 45, step_s=0.5)
        level = (0.5, 0.65)[index % 2]
        home.lamps['lamp'].set(LightState(True, level), 0.0, home.now_s)
        home.report()
        assert home.status.on_hold == (index < 3)
    target = home.room.targets['lamp']
    assert 'changes its brightness about every 45 s' in target.other_writer
    assert target.state is not ControlState.OVERRIDDEN
    # Out of its rhythm it is somebody else.
    home.see('happy', 20)
    home.change(U, brightness=0.1)
    assert home.status.on_hold


def test_a_lamp_back_from_a_power_cut_is_asked_again_and_still_restored():
    home = Home('attribute')
    home.change(R, brightness=1.0, color_temperature_k=2700)
    assert not home.status.on_hold
    home.see('happy', 4)
    assert home.lamp == HAPPY
    home.see([], 3)
    assert home.room.targets['lamp'].state is ControlState.RESTORING
    # And while it goes back.
    home.change(R, brightness=1.0, color_temperature_k=6000)
    home.see([], 8)
    assert home.lamp == BEFORE and not home.status.on_hold


def test_holds_outlive_a_restart():
    text = TWO.replace('version: 1', 'version: 1\nbroker: {host: localhost}').replace(
        'lamp: {type: terminal}', 'lamp: {type: mqtt_light, topic: a/lamp}')
    options = {'hold': {'scope': 'attribute', 'for_s': 100}, 'dwell_s': 0.5}
    sim = Sim(text, **options)
    sim.see('happy', 5)
    sim.set_manually(brightness=0.1, color=HAPPY.color)
    sim.see('happy', 3)
    memory = RoomMemory.model_validate_json(json.dumps(sim.room.memory()))
    other = Sim(text, answers=False, start_s=sim.now_s + 10, **options)
    other.step()
    other.room.recall(memory)
    assert other.room.targets['lamp'].snapshot.held == ('brightness',)
    assert other.status.hold_left_s == pytest.approx(87, abs=1)
    assert 'lamp was changed manually' in other.status.hold_reason
    # And where the file now holds whole rooms, it wins.
    third = Sim(text, answers=False, start_s=sim.now_s, **{**options, 'hold': {'scope': 'room'}})
    third.room.recall(memory)
    assert not third.room.targets['lamp'].snapshot.held
