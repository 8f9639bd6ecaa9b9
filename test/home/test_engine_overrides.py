# SPDX-License-Identifier: Apache-2.0
"""Manual changes are told from a lamp's own transitions, and left alone."""

from fer_ros.home.action import Command
from fer_ros.home.commands import RoomCommand
from fer_ros.home.light import differences, LightState
from home_support import COLOR_ONLY, emotion, POLICY, Sim, TWO_LAMPS
import pytest


@pytest.mark.parametrize('change', [
    {'brightness': 0.1}, {'color': (0.1, 1.0, 0.2)}, {'color_temperature_k': 6500},
    {'on': False}])
@pytest.mark.parametrize('wait_s', [0.0, 0.5, 1.5, 3.0, 12.0])
def test_a_manual_change_puts_the_room_on_hold(change, wait_s):
    sim = Sim(hold={'for_s': 600, 'settle_s': 1.0})
    sim.see('happy', 2)
    while not sim.actions:
        sim.step([emotion('happy')])
    sim.see('happy', wait_s)
    assert not sim.status.on_hold
    sim.set_manually(**change)
    sim.see('happy', 4)
    assert sim.status.on_hold and 'lamp was' in sim.status.hold_reason
    by_hand = sim.lamps['lamp'].state(sim.now_s)
    assert not sim.see('sad', 300, step_s=0.5)
    assert sim.lamps['lamp'].state(sim.now_s) == by_hand


def test_undoing_our_change_manually_within_the_transition_counts_as_an_override():
    sim = Sim(transition_s=2.0)
    sim.see('happy', 2)
    while not sim.actions:
        sim.step([emotion('happy')])
    sim.see('happy', 1)
    sim.set_manually(brightness=0.6, color_temperature_k=2700)
    sim.see('happy', 6)
    assert sim.status.on_hold


def test_a_lamp_under_way_is_not_an_override():
    sim = Sim(transition_s=5.0)
    sim.see('happy', 20)
    sim.see('sad', 30)
    assert len(sim.actions) == 2 and not sim.status.on_hold


def test_a_lamp_that_rounds_is_not_an_override():
    sim = Sim()
    sim.see('happy', 5)
    state = sim.lamps['lamp'].state(sim.now_s)
    sim.set_manually(brightness=state.brightness + 0.03,
                     color=tuple(c * 0.99 for c in state.color))
    sim.see('happy', 10)
    assert not sim.status.on_hold


def test_the_hold_ends_by_time_and_the_manual_change_is_then_restored():
    sim = Sim(hold={'for_s': 30}, nobody={'after_s': 3, 'action': 'restore'})
    sim.see('happy', 5)
    sim.set_manually(brightness=0.2, color_temperature_k=4000)
    sim.see('happy', 10)
    assert sim.status.hold_left_s == pytest.approx(20, abs=3.5)
    sim.see('sad', 30)
    assert len(sim.actions) == 2
    sim.see([], 10)
    assert sim.actions[-1].command == Command.RESTORE
    assert sim.actions[-1].request.light == LightState(True, 0.2, None, 4000)


def test_a_manual_change_is_not_undone_when_people_leave():
    sim = Sim(nobody={'after_s': 3, 'action': 'restore'}, hold={'for_s': 20})
    sim.see('happy', 5)
    sim.set_manually(brightness=0.2)
    assert not sim.see([], 60)


def test_a_lamp_turned_off_manually_is_never_turned_on():
    sim = Sim(targets={'lamp': {'type': 'terminal', 'turn_on': True}}, hold={'for_s': 10})
    sim.see('happy', 5)
    sim.set_manually(on=False)
    sim.see('sad', 120, step_s=0.5)
    sim.see([], 120, step_s=0.5)
    sim.see('happy', 120, step_s=0.5)
    assert len(sim.actions) == 1 and not sim.lamps['lamp'].state(sim.now_s).on
    assert 'manually' in sim.status.blocked_reason


def test_off_and_on_resumes_after_the_feeling_has_lasted_again():
    sim = Sim(hold={'for_s': 6000}, dwell_s=2.0)
    sim.see('happy', 5)
    sim.set_manually(brightness=0.1)
    sim.see('sad', 10)
    assert sim.status.on_hold
    sim.set_manually(on=False)
    sim.see('sad', 3)
    assert sim.status.on_hold
    sim.set_manually(on=True)
    assert not sim.see('sad', 1.9)
    assert not sim.status.on_hold
    assert len(sim.see('sad', 2)) == 1


@pytest.mark.parametrize('scope', ['room', 'attribute'])
def test_what_is_turned_on_waits_for_a_feeling_that_lasts_again(scope):
    sim = Sim(dwell_s=1, cooldown_s=0, smoothing_s=0.2, transition_s=0,
              hold={'settle_s': 0.2, 'scope': scope})
    assert len(sim.see('happy', 2)) == 1
    sim.set_manually(on=False)
    sim.see('happy', 1)
    sim.set_manually(on=True)
    assert not sim.see('happy', 0.9) and len(sim.see('happy', 1)) == 1


def test_what_is_held_of_a_lamp_is_said():
    sim = Sim(POLICY.replace('happy: {strategy: mirror}', 'happy: {brightness: 0.9}'), dwell_s=0.5,
              smoothing_s=0.2, hold={'scope': 'attribute'})
    sim.set_manually(brightness=0.1)
    assert not sim.see('happy', 1.5)
    assert sim.status.blocked_reason == 'left alone: lamp was changed manually (brightness)'
    # Of two, what is held for longer.
    sim = Sim(**TWO_LAMPS, hold={'scope': 'attribute'})
    for name in ('other', 'lamp'):
        sim.see([], 1)
        sim.set_manually(name, brightness=0.1)
    assert sim.status.hold_reason.startswith('lamp ') and sim.status.hold_left_s == 1800


def test_the_time_of_a_request_is_judged_before_a_report_that_comes_after_it():
    sim = Sim(answers=False, dwell_s=0.5, smoothing_s=0.2, transition_s=0, hold={'settle_s': 1})

    def say(level):
        sim.engine.report('study', 'lamp', LightState(True, level), now_s=sim.now_s)
    say(0.2)
    while not sim.actions:
        sim.step([emotion('happy')])
    sim.see('happy', 0.5)
    say(0.4)
    sim.see('happy', 0.4)
    sim.now_s += 0.5
    say(sim.actions[-1].request.light.brightness)
    assert sim.status.on_hold


def test_a_manual_change_before_our_first_action_counts_too():
    sim = Sim(dwell_s=5)
    sim.see('happy', 2)
    sim.set_manually(brightness=0.3)
    assert not sim.see('happy', 20)
    assert sim.status.on_hold


@pytest.mark.parametrize('turn_on, count', [(False, 0), (True, 1)])
def test_a_lamp_that_was_off_stays_off_unless_the_policy_says_otherwise(turn_on, count):
    sim = Sim(targets={'lamp': {'type': 'terminal', 'turn_on': turn_on}}, answers=False)
    sim.lamps['lamp'].set(LightState(False), 0, sim.now_s)
    sim.answers = True
    assert len(sim.see('happy', 10)) == count
    assert count or 'turn_on' in sim.status.blocked_reason
    sim.see([], 60)
    assert not sim.lamps['lamp'].state(sim.now_s).on


def test_a_lamp_that_never_answers_is_asked_once_and_known_as_silent():
    sim = Sim(answers=False)
    assert len(sim.see('happy', 30)) == 1
    assert sim.room.targets['lamp'].silent
    # It never said how it was: nothing is guessed.
    assert not sim.see([], 60)


def test_a_lamp_that_obeys_nothing_is_not_mistaken_for_an_override():
    sim = Sim(answers=False)
    dead = LightState(True, 0.6, color_temperature_k=2700)
    for _ in range(200):
        sim.engine.report('study', 'lamp', dead, now_s=sim.now_s)
        sim.step([emotion('happy')])
    assert len(sim.actions) == 1 and not sim.status.on_hold
    assert sim.room.targets['lamp'].silent


@pytest.mark.parametrize('first', ['nothing', 'happy'])
def test_a_command_that_was_called_lost_and_came_late_is_not_an_override(first):
    # As a call that timed out in a home server that was busy, and then did what it was asked.
    sim = Sim(cooldown_s=0, hold={'for_s': 1000})
    before = sim.lamps['lamp'].state(sim.now_s)
    if first == 'happy':
        sim.see('happy', 10)
    sim.answers = False
    action, = sim.see('sad', 10)
    sim.room.targets['lamp'].failed()
    sim.answers = True
    assert not sim.see('sad', 30) and not sim.status.on_hold
    assert not differences(sim.lamps['lamp'].state(sim.now_s), action.request.light)
    # It is controlled: a manual change is noticed, and an empty room is restored.
    restored, = sim.see([], 60)
    assert not differences(restored.request.light, before) and not sim.status.on_hold
    sim.see('sad', 10)
    sim.set_manually(brightness=0.9)
    assert sim.status.on_hold


@pytest.mark.parametrize('wait_s', [0.5, 10])
def test_attributes_without_a_rule_stay_and_their_manual_change_is_noticed(wait_s):
    sim = Sim(COLOR_ONLY, hold={'for_s': 1000})
    action, = sim.see('happy', 8)
    assert action.request.light == LightState(True, None, (0.0, 1.0, 0.0))
    # The action shows what the lamp will be.
    assert action.request.expected.brightness == pytest.approx(0.6)
    sim.see('happy', wait_s)
    assert not sim.status.on_hold and len(sim.actions) == 1
    sim.set_manually(brightness=0.2)
    sim.see('happy', 5)
    assert sim.status.on_hold and 'brightness' in sim.status.hold_reason


def test_a_lamp_turned_on_by_a_person_waits_for_an_emotion_that_lasts_from_then_on():
    sim = Sim(dwell_s=2, answers=False)
    sim.lamps['lamp'].set(LightState(False), 0, sim.now_s)
    sim.answers = True
    assert not sim.see('happy', 10)
    sim.set_manually(on=True)
    assert not sim.see('happy', 1.9) and len(sim.see('happy', 2)) == 1


def test_a_lamp_that_a_person_turned_off_and_on_again_is_ours_to_turn_off_and_on():
    sim = Sim(dwell_s=0.5, cooldown_s=0, nobody={'after_s': 1, 'action': 'off'})
    sim.see('happy', 5)
    sim.set_manually(on=False)
    sim.set_manually(on=True)
    sim.see('happy', 5)
    off, = sim.see([], 5)
    assert not off.request.light.on
    assert len(sim.see('happy', 5)) == 1


def test_after_a_hold_an_emotion_must_last_again():
    sim = Sim(dwell_s=2, cooldown_s=0, hold={'for_s': 10})
    for end in ('command', 'time'):
        sim.see('happy', 5)
        sim.set_manually(brightness=0.1)
        sim.see('happy', 5)
        if end == 'command':
            sim.command(RoomCommand.RESUME)
        else:
            while sim.status.on_hold:
                sim.step([emotion('happy')])
        assert not sim.see('happy', 1.8) and len(sim.see('happy', 2)) == 1


def test_what_a_lamp_reports_just_after_a_person_turned_it_on_is_not_a_second_change():
    sim = Sim(answers=False, hold={'settle_s': 2})
    sim.lamps['lamp'].set(LightState(False), 0, sim.now_s)
    sim.answers = True
    sim.see([], 1)
    sim.set_manually(on=True)
    sim.see([], 1)
    sim.set_manually(brightness=0.9)
    assert not sim.status.on_hold


@pytest.mark.parametrize('away', [True, False])
def test_a_lamp_that_goes_away_on_its_way_is_not_overridden(away):
    sim = Sim(POLICY.replace('happy: {strategy: mirror}', 'happy: {brightness: 1.0}'),
              transition_s=2.0, hold={'scope': 'attribute'})
    while not sim.see('happy', 0.1):
        pass
    sim.see('happy', 1.0)
    target = sim.room.targets['lamp']
    assert target.in_window and target.reported != target.request.expected
    # It is heard no more while it fades, and long after.
    sim.answers, target.unheard = False, away
    sim.see('happy', 20)
    assert bool(target.holds.held) == (not away)
    sim.answers = True
    sim.see('happy', 5)
    assert bool(target.holds.held) == (not away) and len(sim.actions) == 1
