# SPDX-License-Identifier: Apache-2.0
"""What actions and the status of a room say, in numbers and words."""

from dataclasses import replace

from fer_ros.home.commands import RoomCommand
from fer_ros.home.conditions import StateSource
from home_support import emotion, Sim
import numpy as np
import pytest


def test_an_action_says_how_sure_it_is_and_for_how_many():
    sim = Sim(smoothing_s=0, nobody={'after_s': 1}, dwell_s=0.5, cooldown_s=0)
    two = [emotion('happy', 0.8, track_id=1), emotion('happy', 0.8, track_id=2)]
    action, = sim.see(two, 2)
    assert action.confidence == pytest.approx(0.8) and '(2 faces)' in action.reason
    action, = sim.see([], 2)
    assert action.confidence == 0.0
    action, = sim.see([emotion('happy', 1.0)], 4)
    assert action.confidence == 1.0 and '(1 face)' in action.reason
    # Rounding of others is not passed on.
    sure = replace(emotion('angry', 1.0), filtered=np.eye(7)[0] * 1.0005)
    action, = sim.see([sure], 2)
    assert action.confidence == 1.0


def test_a_room_is_called_as_the_policy_says():
    assert Sim(name='Den').status.title == 'Den' and Sim().status.title == 'study'


def test_what_keeps_an_empty_room_from_acting_is_said():
    sim = Sim(nobody={'after_s': 1, 'action': 'off'})
    sim.see('happy', 5)
    sim.room.targets['lamp'].set_available(False)
    assert not sim.see([], 5)
    assert sim.status.blocked_reason == 'lamp: not reachable'
    sim.room.targets['lamp'].set_available(True)
    assert len(sim.see([], 1)) == 1
    sim = Sim(nobody={'after_s': 1, 'action': 'restore'})
    sim.see('happy', 5)
    sim.room.targets['lamp'].set_available(False)
    assert not sim.see([], 5) and sim.status.blocked_reason == 'lamp: not reachable'


def test_what_a_room_waits_for_is_said():
    sim = Sim(nobody={'after_s': 10})
    sim.see(None, 1)
    assert sim.status.blocked_reason == 'no fresh emotions'
    sim.see([], 1)
    assert sim.status.blocked_reason == 'nobody in view'
    sim.see('happy', 0.5)
    assert sim.status.blocked_reason == 'no feeling has lasted yet'
    sim.see('uncertain', 0.5)
    assert sim.status.blocked_reason == 'no face is certain enough'
    sim.see('happy', 5)
    assert sim.status.blocked_reason == ''
    sim.see('sad', 4)
    assert sim.status.blocked_reason == 'lamp: cooling down'
    sim.command(RoomCommand.REVERT)
    sim.see('sad', 1)
    assert sim.status.blocked_reason == 'on hold: reverted by a person'
    sim.command(RoomCommand.SWITCH_OFF)
    sim.see('sad', 1)
    assert sim.status.blocked_reason == 'switched off'


def test_what_is_known_of_the_world_outside_is_known_until_it_is_not():
    sim, lux = Sim(), StateSource(mqtt='porch/lux')
    sim.engine.learn(lux, 70)
    sim.engine = sim.engine.successor(sim.policy)
    sim.step([])
    assert sim.room.moment.states == {lux: 70}
    for _ in range(2):
        sim.engine.learn(lux, None)
        assert sim.room.moment.states == {}


def test_a_command_is_given_at_its_time():
    sim = Sim()
    sim.see('happy', 5)
    sim.now_s += 3
    action, = sim.command(RoomCommand.REVERT)
    assert action.stamp_s == sim.now_s and sim.status.hold_left_s == 1800


def test_a_report_counts_at_its_time():
    sim = Sim(hold={'for_s': 100})
    sim.see('happy', 5)
    sim.now_s += 3
    sim.set_manually(brightness=0.1)
    sim.step([emotion('happy')])
    assert sim.status.hold_left_s == pytest.approx(99.9)


def test_the_reason_says_what_the_policy_does():
    action, = Sim(policy='warm').see('happy', 5)
    assert action.reason.endswith('(1 face): policy warm has a rule for it')
    action, = Sim().see('happy', 5)
    assert action.reason.endswith('(1 face): policy mirror shows the emotion')
