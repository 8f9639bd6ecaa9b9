# SPDX-License-Identifier: Apache-2.0
"""Commands, changed policy files, and devices that fail or are out of reach."""

from fer_ros.errors import ConfigurationError
from fer_ros.home.action import Command
from fer_ros.home.commands import RoomCommand
from fer_ros.home.light import LightState
from home_support import policy_of, Sim
import pytest


def test_revert_restores_and_holds_and_resume_goes_on():
    sim = Sim()
    before = sim.lamps['lamp'].state(sim.now_s)
    sim.see('happy', 5)
    action, = sim.command(RoomCommand.REVERT)
    assert action.command == Command.RESTORE
    assert not sim.see('happy', 20)
    assert sim.lamps['lamp'].state(sim.now_s) == before
    sim.command(RoomCommand.RESUME)
    assert len(sim.see('happy', 5)) == 1


def test_off_restores_and_sees_nothing():
    sim = Sim()
    sim.see('happy', 5)
    action, = sim.command(RoomCommand.SWITCH_OFF)
    assert action.command == Command.RESTORE
    assert not sim.see('sad', 30)
    status = sim.status
    assert not status.enabled and status.emotion is None and status.faces == 0
    assert not sim.room.faces
    sim.command(RoomCommand.SWITCH_ON)
    assert len(sim.see('sad', 5)) == 1


def test_another_policy_changes_the_light_once():
    sim = Sim(cooldown_s=1)
    sim.see('happy', 5)
    sim.command(RoomCommand.SELECT_POLICY, 'warm')
    action, = sim.see('happy', 20)
    assert action.request.light == LightState(True, 0.3, color_temperature_k=2200)
    with pytest.raises(ConfigurationError, match='expected one of mirror, warm'):
        sim.command(RoomCommand.SELECT_POLICY, 'cold')


def test_a_changed_file_keeps_hold_switch_and_snapshot():
    sim = Sim(nobody={'after_s': 2, 'action': 'restore'})
    before = sim.lamps['lamp'].state(sim.now_s)
    sim.see('happy', 5)
    sim.engine = sim.engine.successor(policy_of(nobody={'after_s': 5, 'action': 'restore'}))
    assert not sim.see('happy', 5)
    sim.see([], 20)
    assert sim.lamps['lamp'].state(sim.now_s) == before
    sim.see('happy', 10)
    sim.set_manually(brightness=0.1)
    sim.see('happy', 5)
    sim.engine = sim.engine.successor(policy_of())
    assert sim.status.on_hold


def test_a_changed_file_does_not_forget_what_was_sent_lately():
    changed = {'cooldown_s': 0, 'dwell_s': 0.2, 'smoothing_s': 0, 'transition_s': 0,
               'rate_limit': {'actions': 2, 'per_s': 60}}
    sim = Sim(**changed)
    for label in ('happy', 'sad', 'happy'):
        sim.see(label, 2)
    assert len(sim.actions) == 2 and 'rate limit of 2' in sim.status.blocked_reason
    sim.engine = sim.engine.successor(policy_of(**changed))
    sim.see('happy', 50)
    assert len(sim.actions) == 2
    sim.see('happy', 10)
    assert len(sim.actions) == 3


def test_a_changed_file_does_not_cut_the_cooldown_short():
    sim = Sim(cooldown_s=20, dwell_s=1)
    first, = sim.see('happy', 5)
    sim.engine = sim.engine.successor(policy_of(cooldown_s=20, dwell_s=1))
    second, = sim.see('sad', 40)
    assert 20 <= second.stamp_s - first.stamp_s <= 20.5


def test_a_changed_file_keeps_the_switch_and_the_policy_that_a_person_chose():
    sim = Sim()
    sim.command(RoomCommand.SELECT_POLICY, 'warm')
    sim.command(RoomCommand.SWITCH_OFF)
    sim.engine = sim.engine.successor(policy_of(dwell_s=1))
    assert (sim.status.enabled, sim.status.policy) == (False, 'warm')
    # Unless the file itself now says something else.
    sim.engine = sim.engine.successor(policy_of(enabled=False))
    sim.engine = sim.engine.successor(policy_of())
    assert sim.status.enabled
    sim.engine = sim.engine.successor(policy_of(policy='warm'))
    sim.engine = sim.engine.successor(policy_of())
    assert sim.status.policy == 'mirror'


def test_the_end_hands_the_room_back():
    sim = Sim()
    sim.see('happy', 5)
    assert [a.command for a in sim.engine.release(now_s=sim.now_s)] == [Command.RESTORE]
    quiet = Sim(restore_on_exit=False)
    quiet.see('happy', 5)
    assert not quiet.engine.release(now_s=quiet.now_s)


def test_a_command_that_failed_is_tried_again_later_and_not_at_once():
    sim = Sim(answers=False, cooldown_s=1)
    first, = sim.see('happy', 5)
    sim.room.targets['lamp'].failed()
    second, = sim.see('happy', 20)
    assert second.stamp_s - first.stamp_s >= 10


def test_an_unreachable_lamp_is_asked_for_nothing_and_then_for_what_is_right():
    sim = Sim()
    sim.room.targets['lamp'].set_available(False)
    assert not sim.see('happy', 20)
    assert 'not reachable' in sim.status.blocked_reason
    sim.see('sad', 20)
    sim.room.targets['lamp'].set_available(True)
    action, = sim.see('sad', 20)
    assert action.emotion == 'sad'
