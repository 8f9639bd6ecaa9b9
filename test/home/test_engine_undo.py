# SPDX-License-Identifier: Apache-2.0
"""What is undone, by whom, and only once."""

from fer_ros.home.commands import RoomCommand
from fer_ros.home.lifecycle import ControlState
from fer_ros.types import PersonAttention
from home_support import emotion, POLICY, REGIONS, Sim, TWO_LAMPS
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
    sim.step([emotion('happy')])
    assert not sim.room.faces
    # It sees what its own cameras see, and nothing of before the clock was set.
    sim.command(RoomCommand.SWITCH_ON)
    sim.step([emotion('happy')], source='elsewhere')
    assert not sim.room.faces
    sim.step([emotion('happy')])
    assert sim.room.faces
    sim.now_s += 100
    sim.engine.tick(sim.now_s)
    assert not sim.room.faces


def test_what_was_undone_is_not_undone_again_later():
    sim = Sim(nobody={'after_s': 1, 'action': 'off'}, hold={'for_s': 1}, cooldown_s=0)
    assert len(sim.see('happy', 5)) == 1
    assert len(sim.command(RoomCommand.REVERT)) == 1
    # It has come back before anything else is asked of it.
    sim.see('uncertain', 4)
    off, = sim.see([], 8)
    assert not off.request.light.on
    assert not sim.command(RoomCommand.REVERT)


def test_what_is_turned_off_for_an_empty_room_is_not_brought_back():
    text = POLICY.replace('happy: {strategy: mirror}', 'happy: {brightness: 0.2, then: restore}')
    sim = Sim(text, nobody={'after_s': 1, 'action': 'off'}, cooldown_s=0, dwell_s=0.5,
              smoothing_s=0.2, transition_s=0, quiet_hours=[{'from': '22:00', 'to': '06:00'}])
    assert len(sim.see('happy', 2)) == 1
    # In quiet hours it gets no brighter; off it may go.
    sim.hour = 23
    off, = sim.see([], 5)
    assert not off.request.light.on
    sim.hour = 12
    assert not sim.see([], 3) and not sim.see('neutral', 4)
    # A person turns it on, and it is turned off again when everybody has left again.
    sim.set_manually()
    sim.see('neutral', 4)
    off, = sim.see([], 5)
    assert not off.request.light.on
    # Or not, where nobody was seen in between.
    sim.set_manually()
    assert not sim.see([], 5)


TWICE = POLICY.replace('happy: {strategy: mirror}', 'happy: {brightness: 0.9}').replace(
    'sad: {strategy: mirror}', 'sad: {brightness: 0.9, then: restore}')
QUICK = {'cooldown_s': 0, 'dwell_s': 0.5, 'smoothing_s': 0.2, 'transition_s': 0}


def test_a_rule_undoes_what_it_found_done_already():
    sim = Sim(TWICE, **QUICK)
    assert len(sim.see('happy', 2)) == 1 and not sim.see('sad', 3)
    assert sim.engine.memory()['study']['owed'] == ['lamp']
    back, = sim.see('neutral', 3)
    assert back.request.light.brightness == 0.6
    assert sim.engine.memory()['study']['owed'] == []


def test_a_rule_is_not_over_before_another_feeling_has_lasted():
    sim = Sim(TWICE, **{**QUICK, 'dwell_s': 2})
    assert len(sim.see('sad', 3.5)) == 1
    assert not sim.see('happy', 1.5) and not sim.see('sad', 3)


def test_what_is_owed_to_a_device_that_is_not_there_keeps_no_other_from_going_back():
    sim = Sim(TWICE, **QUICK)
    sim.see('sad', 2)
    sim.room._episode.owed['gone'] = 'why'
    back, = sim.see('neutral', 3)
    assert back.request.light.brightness == 0.6


def test_another_file_keeps_the_hold_of_the_room():
    sim = Sim(hold={'for_s': 100})
    sim.set_manually(brightness=0.1)
    sim.step([])
    sim.engine = sim.engine.successor(sim.policy)
    assert sim.status.hold_left_s == pytest.approx(99.9)
    assert sim.status.hold_reason.startswith('lamp was changed')


def test_what_another_rule_is_about_to_change_does_not_go_back_before():
    text = TWICE.replace('happy: {brightness: 0.9}', 'happy: {brightness: 0.3}')
    sim = Sim(text, **{**QUICK, 'cooldown_s': 5})
    assert len(sim.see('sad', 1)) == 1 and not sim.see('happy', 3)
    assert sim.status.blocked_reason == 'lamp: cooling down'
    action, = sim.see('happy', 4)
    assert action.request.light.brightness == 0.3


def test_the_rest_of_the_way_back_is_gone_when_the_quiet_hours_are_over():
    sim = Sim(TWICE, **QUICK, nobody={'after_s': 1}, quiet_hours=[
        {'from': '22:00', 'to': '06:00', 'action': 'dim', 'brightness_max': 0.3}])
    sim.see('happy', 2)
    sim.hour = 23
    back, = sim.see([], 4)
    assert back.request.light.brightness == 0.3 and not sim.see([], 2)
    sim.hour = 12
    back, = sim.see([], 4)
    assert (back.request.light.brightness, back.reason) == (0.6, 'the quiet hours are over')


def test_switched_off_a_room_has_forgotten_who_looks_where():
    sim = Sim()
    sim.step([])
    sim.engine.attend('elsewhere', [PersonAttention(1, 'camera')], now_s=sim.now_s)
    assert sim.room.moment.attention is None
    sim.engine.attend('emotions', [PersonAttention(1, 'camera')], now_s=sim.now_s)
    assert sim.room.moment.attention
    sim.command(RoomCommand.SWITCH_OFF)
    assert sim.room.moment.attention is None
    # Nor does it learn it.
    sim.engine.attend('emotions', [PersonAttention(1, 'camera')], now_s=sim.now_s)
    assert sim.room.moment.attention is None
