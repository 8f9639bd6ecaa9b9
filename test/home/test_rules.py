# SPDX-License-Identifier: Apache-2.0
"""Rules with conditions and an end, in a room on a simulated clock."""

from fer_ros.home.action import Command
from fer_ros.home.commands import RoomCommand
from fer_ros.home.conditions import StateSource
from home_support import emotion, Sim
import pytest

TEXT = """
version: 1
broker: {host: localhost}
policies:
  evening:
    rules:
      - {name: late, emotion: sad, when: {time: {from: '19:00', to: '23:00'}}, brightness: 0.2}
      - {name: company, emotion: sad, when: {people: {at_least: 2}}, brightness: 0.4}
      - {name: long, emotion: sad, when: {lasted_s: 30}, brightness: 0.9}
      - {name: dim, emotion: sad, when: {state: {mqtt: lux, below: 40}}, brightness: 0.5}
      - {name: dusk, when: {time: {from: '05:00', to: '06:00'}}, brightness: 0.1}
    by_emotion:
      sad: {brightness: 0.7}
  flash:
    by_emotion:
      surprise: {brightness: 1.0, for_s: 20}
      happy: {brightness: 0.9, then: restore}
      neutral: {strategy: restore}
      angry: {brightness: 0.3}
      fear: {brightness: 0.35, targets: [lamp]}
  other:
    by_emotion:
      disgust: {brightness: 0.2}
rooms:
  study:
    policy: evening
    targets:
      lamp: {type: terminal}
      shelf: {type: terminal}
    dwell_s: 2
    cooldown_s: 3
    nobody: {after_s: 10, action: restore}
"""
LUX = StateSource(mqtt='lux')


def sim(policy='evening', **room):
    return Sim(TEXT, policy=policy, **room)


def levels(actions):
    return {(action.target, action.request.light.brightness) for action in actions}


def both(level):
    return {('lamp', level), ('shelf', level)}


@pytest.mark.parametrize('hour, people, lux, level', [
    (20, 1, None, 0.2), (20, 2, '10', 0.2),
    (12, 2, '10', 0.4),
    (12, 1, '10', 0.5),
    (12, 1, '90', 0.7), (12, 1, None, 0.7)])
def test_the_first_rule_that_fits_wins(hour, people, lux, level):
    home = sim()
    home.hour = hour
    home.engine.learn(LUX, lux)
    home.see([emotion('sad', track_id=index) for index in range(people)], 10)
    assert levels(home.actions) == both(level)


def test_another_rule_takes_over_when_the_feeling_has_lasted():
    home = sim()
    home.see('sad', 10)
    assert levels(home.actions) == both(0.7)
    home.see('sad', 19)
    assert len(home.actions) == 2
    assert levels(home.see('sad', 4)) == both(0.9)
    assert 'rule long of policy evening answers it' in home.actions[-1].reason


def test_a_rule_without_an_emotion_answers_any():
    home = sim()
    home.hour = 5
    home.see('angry', 10)
    assert levels(home.actions) == both(0.1) and 'dusk for ' in home.actions[0].reason
    assert home.actions[0].emotion == 'angry'


def test_why_no_rule_fits_is_reported_and_unknown_conditions_are_named():
    home = sim()
    home.see('happy', 10)
    assert 'no rule' in home.status.blocked_reason and '12:00' in home.status.blocked_reason
    words, = home.room.unknown_conditions
    assert words == 'rule dim: lux has no value yet'
    home.engine.learn(LUX, '70')
    assert not home.room.unknown_conditions
    home.command(RoomCommand.SWITCH_OFF)
    home.engine.learn(LUX, None)
    assert not home.room.unknown_conditions


def test_a_face_missed_for_a_moment_does_not_make_anybody_alone():
    home = sim()
    pair = [emotion('sad', track_id=index) for index in (1, 2)]
    home.see(pair, 10)
    assert levels(home.actions) == both(0.4)
    for _ in range(20):
        home.see(pair[:1], 1.0)
        home.see(pair, 0.5)
    assert levels(home.actions) == both(0.4)


# And then as before.

def test_bright_while_surprised_and_then_as_before():
    home = sim('flash')
    before = {name: lamp.state(home.now_s) for name, lamp in home.lamps.items()}
    home.see('surprise', 5)
    assert levels(home.actions) == both(1.0)
    assert not home.see('surprise', 15)
    done = home.see('surprise', 5)
    assert {action.command for action in done} == {Command.RESTORE} and len(done) == 2
    assert done[0].reason == 'surprise: the 20 s are over'
    # Once for each time it comes, however long it stays.
    assert not home.see('surprise', 60)
    assert 'was done for 20 s' in home.status.blocked_reason
    assert {name: lamp.state(home.now_s) for name, lamp in home.lamps.items()} == before
    # It has to end and begin again.
    home.see('uncertain', 8)
    assert levels(home.see('surprise', 6)) == both(1.0)


def test_the_time_is_over_also_when_the_camera_stops():
    home = sim('flash')
    home.see('surprise', 5)
    done = home.see(None, 25)
    assert {action.command for action in done} == {Command.RESTORE}


@pytest.mark.parametrize('after', ['uncertain', 'disgust', 'neutral'])
def test_a_feeling_that_is_over_gives_the_room_back(after):
    home = sim('flash')
    home.see('happy', 10)
    assert levels(home.actions) == both(0.9)
    done = home.see(after, 10)
    assert {action.command for action in done} == {Command.RESTORE} and len(done) == 2
    assert not home.see(after, 20)


def test_a_moment_of_doubt_gives_nothing_back():
    home = sim('flash', smoothing_s=0.2)
    home.see('happy', 10)
    for _ in range(10):
        home.see('uncertain', 1.0)
        home.see('happy', 4.0)
    assert levels(home.actions) == both(0.9)


def test_looking_away_is_not_an_end_until_nobody_is_in_view():
    home = sim('flash')
    home.see('happy', 10)
    assert not home.see([], 8)
    assert len(home.see([], 4)) == 2 and home.actions[-1].command == Command.RESTORE
    # Surprise after coming back is new.
    home.see('surprise', 6)
    assert not home.see([], 3)
    home.see('surprise', 40)
    home.see([], 30)
    assert levels(home.see('surprise', 6)) == both(1.0)


def test_what_the_next_rule_asks_is_not_given_back_first_and_the_rest_is():
    home = sim('flash')
    home.see('happy', 10)
    done = home.see('angry', 10)
    assert levels(done) == both(0.3) and {action.command for action in done} == {Command.SET}
    home = sim('flash')
    home.see('happy', 10)
    done = home.see('fear', 10)
    assert {(action.target, action.command) for action in done} == {
        ('lamp', Command.SET), ('shelf', Command.RESTORE)}


def test_neutral_may_give_back_what_has_no_end():
    home = sim('flash')
    home.see('angry', 10)
    assert not home.see('uncertain', 20)
    done = home.see('neutral', 10)
    assert {action.command for action in done} == {Command.RESTORE} and len(done) == 2
    assert not home.see('neutral', 10)


def test_a_manual_override_is_not_given_back():
    home = sim('flash')
    home.see('surprise', 5)
    home.set_manually('lamp', brightness=0.4)
    home.set_manually('shelf', brightness=0.4)
    home.see('surprise', 30)
    assert home.status.on_hold and len(home.actions) == 2
    home.command(RoomCommand.RESUME)
    home.see('neutral', 10)
    assert len(home.actions) == 2


def test_another_policy_gives_back_what_was_to_end():
    home = sim('flash')
    home.see('happy', 10)
    home.command(RoomCommand.SELECT_POLICY, 'other')
    done = home.see('happy', 5)
    assert {action.command for action in done} == {Command.RESTORE}


def test_a_new_policy_file_gives_back_what_was_to_end():
    home = sim('flash')
    home.see('happy', 10)
    home.engine = home.engine.successor(home.policy)
    done = home.see('uncertain', 5)
    assert {action.command for action in done} == {Command.RESTORE} and len(done) == 2


def test_a_clock_that_jumps_over_the_end_makes_it_later_never_sooner():
    home = sim('flash')
    home.see('surprise', 5)
    for jump_s in (3600, -7200):
        home.now_s += jump_s
        assert not home.see('surprise', 4)
    assert {action.command for action in home.see('surprise', 14)} == {Command.RESTORE}


# Quiet hours.

def quiet(**fields):
    return [{'from': '21:00', 'to': '08:00', **fields}]


@pytest.mark.parametrize('action, asked, level, back', [
    # Brighter than before at night: down is allowed, up is not.
    ('nothing', 0.9, 0.6, True), ('dim', 0.9, 0.2, True),
    # Dimmed by us, 60 % before: it waits for the morning.
    ('nothing', 0.15, None, False), ('dim', 0.15, None, False)])
@pytest.mark.parametrize('how', ['nobody', 'then', 'neutral', 'exit'])
def test_going_back_at_night_makes_nothing_brighter(action, asked, level, back, how):
    text = TEXT.replace('happy: {brightness: 0.9, then: restore}',
                        f'happy: {{brightness: {asked}'
                        f'{", then: restore" if how == "then" else ""}}}')
    home = Sim(text, policy='flash', quiet_hours=quiet(action=action))
    home.see('happy', 10)
    assert levels(home.actions) == both(asked)
    home.hour = 22
    if how == 'exit':
        done = home.carry_out(home.engine.release(now_s=home.now_s))
    else:
        done = home.see({'nobody': [], 'then': 'uncertain', 'neutral': 'neutral'}[how], 20)
    assert bool(done) == back
    if back:
        assert levels(done) == both(level)
        return
    if how != 'exit':
        assert 'quiet hours until 08:00' in home.status.blocked_reason
        home.hour = 9
        done = home.see({'nobody': [], 'then': 'uncertain', 'neutral': 'neutral'}[how], 5)
        assert levels(done) == both(0.6)


def test_a_person_may_go_back_at_night():
    home = Sim(TEXT, policy='flash', quiet_hours=quiet())
    home.see('angry', 10)
    home.hour = 22
    assert levels(home.command(RoomCommand.REVERT)) == both(0.6)


@pytest.mark.parametrize('jump_s', [25.0, 86400.0, -86400.0])
def test_a_clock_that_jumps_over_an_end_moves_no_lamp_and_the_end_comes(jump_s):
    one = sim('flash')
    one.see('surprise', 10)
    assert levels(one.actions) == both(1.0)
    one.actions.clear()
    assert not one.step([emotion('surprise')], step_s=jump_s)
    # Time stands still over a jump: what is left of the 20 s is still to come.
    assert not one.see('surprise', 8)
    done = one.see('surprise', 10)
    assert {action.command for action in done} == {Command.RESTORE}
    assert {action.target for action in done} == {'lamp', 'shelf'} and len(done) == 2


@pytest.mark.parametrize('jump_s', [120.0, -120.0])
def test_a_clock_that_jumps_over_the_end_of_a_hold_does_not_end_it(jump_s):
    one = sim('flash', hold={'scope': 'lamp', 'for_s': 60})
    one.see('angry', 10)
    one.set_manually(brightness=0.8)
    one.see('angry', 10)
    assert one.status.on_hold and not one.step([emotion('fear')], step_s=jump_s)
    one.see('fear', 45)
    assert one.status.on_hold and 'lamp' not in {action.target for action in one.actions[2:]}
    one.see('fear', 20)
    assert not one.status.on_hold and one.actions[-1].target == 'lamp'
