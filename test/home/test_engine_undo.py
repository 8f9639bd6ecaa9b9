# SPDX-License-Identifier: Apache-2.0
"""What is undone, by whom, and only once."""

from fer_ros.home.commands import RoomCommand
from fer_ros.home.lifecycle import ControlState
from home_support import emotion, REGIONS, Sim, TWO_LAMPS
import pytest


@pytest.mark.parametrize('how', ['revert', 'off', 'end'])
def test_what_a_person_or_the_end_commands_obeys_no_rate_limit(how):
    sim = Sim(rate_limit={'actions': 1, 'per_s': 3600})
    assert len(sim.see('happy', 5)) == 1
    if how == 'end':
        actions = sim.engine.release(now_s=sim.now_s)
    else:
        actions = sim.command(RoomCommand.REVERT if how == 'revert' else RoomCommand.SWITCH_OFF)
    action, = actions
    assert action.transition_s == 0.5 and action.request.light.brightness == pytest.approx(0.6)
    # What cannot be reached stays as it is.
    sim = Sim()
    sim.see('happy', 5)
    sim.room.targets['lamp'].set_available(False)
    assert not sim.command(RoomCommand.REVERT)
    assert 'not reachable' in sim.room.snapshot.blocked_reason


@pytest.mark.parametrize('what', ['on hold', 'switched off', 'restore_on_exit'])
def test_the_end_gives_nothing_back_that_it_must_not(what):
    sim = Sim(**TWO_LAMPS, restore_on_exit=what != 'restore_on_exit')
    assert len(sim.see('happy', 5)) == 2
    if what == 'on hold':
        sim.set_manually('other', brightness=0.1)
    elif what == 'switched off':
        for target in sim.room.targets.values():
            target.set_available(False)
        assert not sim.command(RoomCommand.SWITCH_OFF)
        for target in sim.room.targets.values():
            target.set_available(True)
    assert not sim.engine.release(now_s=sim.now_s)


def test_where_there_is_nothing_to_undo_nothing_is_undone_later():
    sim = Sim(policy='warm', nobody={'after_s': 1, 'action': 'off'}, cooldown_s=0,
              hold={'for_s': 1})
    sim.set_manually(brightness=0.3, color_temperature_k=2200)
    # The lamp is as the rule requests.
    assert len(sim.see('happy', 8)) == 1
    assert not sim.command(RoomCommand.REVERT)
    action, = sim.see([], 8)
    assert not action.request.light.on
    assert not sim.command(RoomCommand.REVERT)


def test_switching_off_and_on_ends_a_hold_and_begins_the_evidence_again():
    sim = Sim(dwell_s=2, cooldown_s=0)
    sim.see('happy', 5)
    sim.set_manually(brightness=0.1)
    assert sim.status.on_hold
    sim.command(RoomCommand.SWITCH_OFF)
    assert not sim.status.on_hold and sim.room.targets['lamp'].state is ControlState.IDLE
    sim.command(RoomCommand.SWITCH_ON)
    assert not sim.see('happy', 1.9) and len(sim.see('happy', 2)) == 1
    # Nor does anything that was felt before the switch count after it.
    sim.command(RoomCommand.SWITCH_OFF)
    sim.command(RoomCommand.SWITCH_ON)
    assert not sim.see('happy', 1.9) and len(sim.see('happy', 2)) == 1


def test_another_policy_answers_by_its_own_regions():
    sim = Sim(REGIONS, cooldown_s=0)
    seen = [emotion('fear', valence=-0.6, arousal=0.7)]
    assert not sim.see(seen, 5)
    sim.command(RoomCommand.SELECT_POLICY, 'regions')
    assert not sim.see(seen, 1)
    action, = sim.see(seen, 5)
    assert action.reason.startswith('tense for')


def test_switched_off_a_room_has_forgotten_who_is_there():
    sim = Sim()
    sim.see('happy', 3)
    assert sim.room.faces and sim.room.moment.people == 1
    sim.command(RoomCommand.SWITCH_OFF)
    assert not sim.room.faces and sim.room.moment.people == 0


def test_what_was_undone_is_not_undone_again_later():
    sim = Sim(nobody={'after_s': 1, 'action': 'off'}, hold={'for_s': 1}, cooldown_s=0)
    assert len(sim.see('happy', 5)) == 1
    assert len(sim.command(RoomCommand.REVERT)) == 1
    # It has come back before anything else is asked of it.
    sim.see('uncertain', 4)
    off, = sim.see([], 8)
    assert not off.request.light.on
    assert not sim.command(RoomCommand.REVERT)
