# SPDX-License-Identifier: Apache-2.0
"""What is asked of a device, to the second, and what is remembered of it."""

from fer_ros.home.decisions.memory import TargetMemory
from fer_ros.home.kinds.base import Cause
from fer_ros.home.kinds.blind import BlindRequest, BlindState
from fer_ros.home.kinds.scene import SceneRequest
from fer_ros.home.lifecycle import ControlState, Event
from fer_ros.home.light import LightState
import pytest
from target_support import BACK, BROKER, CHANGED, FREE, Lamp, LIT, OFF, white


def test_nothing_is_known_of_a_device_at_first():
    target = Lamp().target
    assert (target.available, target.unheard, target.left, target.partly) == (
        True, False, False, False)


def test_requests_are_counted():
    lamp = Lamp(rate_limit={'actions': 2, 'per_s': 60})
    for now_s in (20, 30):
        assert lamp.refusal == ''
        lamp.ask(now_s, white(0.5))
    assert lamp.refusal == 'rate limit of 2 in 60 s reached'


def test_what_another_file_makes_of_it_goes_on_with_all_that_is_known():
    old, new = Lamp().target, Lamp().target
    apart = {'name', 'spec', 'group', 'kind', '_room', '_clock', '_tolerance', 'day', 'unheard',
             '_written', 'holds', 'limiter'}
    mine = vars(old).keys() - apart
    for name in mine:
        setattr(old, name, object())
    new.adopt(old)
    assert {name for name in mine if getattr(new, name) is not getattr(old, name)} == set()


# Requests that fail, end, or are taken back.

def test_a_command_that_failed_leaves_the_one_before_in_force():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    first = lamp.ask(20, white(0.6))
    lamp.ask(30, white(0.9))
    lamp.target.failed()
    assert lamp.target.request == first and lamp.target.state is ControlState.COMMANDED
    # It was carried out after all.
    assert lamp.say(31, white(0.9)) is Event.LATE
    assert lamp.target.request.light == white(0.9) and lamp.target.confirmed
    # Once: the same light later is somebody's.
    lamp.say(60, white(0.3))
    assert lamp.say(90, white(0.9)) is not Event.LATE


@pytest.mark.parametrize('start, way', [(white(0.2), white(0.4)),
                                        (LightState(False, 0.3), white(0.1))])
def test_the_fade_for_a_command_that_was_called_lost_is_no_override(start, way):
    # The connection ended before the answer.
    def lost():
        lamp = Lamp()
        lamp.say(0, start)
        lamp.ask(20, white(0.6), fade_s=4)
        lamp.target.failed()
        assert lamp.say(20.5, start) is None
        return lamp
    lamp = lost()
    assert lamp.say(22, way) is Event.MOVED and lamp.say(24, white(0.6)) is Event.MATCHED
    assert lamp.target.confirmed and not lamp.target.holds.held
    # It is a person who stops it on its way, or leads it elsewhere, or is seen to, or later.
    lamp = lost()
    assert lamp.say(22, way) is Event.MOVED and lamp.at(30) is CHANGED
    for at_s, light, cause in ((22, white(1.0), FREE), (22, way, Cause.PERSON),
                               (40, way, FREE)):
        assert lost().say(at_s, light, cause) in (CHANGED, LIT)


def test_a_blind_that_moves_for_a_command_that_was_called_lost_is_not_moved_manually():
    blind = Lamp(BROKER.replace('mqtt_light', 'mqtt_blind'))
    blind.say(0, BlindState(1.0))
    blind.at(20)
    blind.target.ask(Event.SET, BlindRequest(0.4), 4.0)
    blind.target.failed()
    assert blind.say(22, BlindState(0.7)) is Event.MOVED
    assert blind.say(24, BlindState(0.4)) is Event.MATCHED and not blind.target.holds.held


def test_the_first_command_that_failed_is_not_in_force():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.target.left = lamp.target.partly = True
    lamp.target.failed()
    target = lamp.target
    assert (target.request, target.state, target.left, target.partly) == (
        None, ControlState.IDLE, False, False)
    assert lamp.refusal.startswith('the last command failed')
    lamp.at(34.9)
    assert lamp.refusal
    lamp.at(35.1)
    assert not lamp.refusal


def test_a_step_of_the_day_that_failed_is_not_waited_for():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.23), resting=True)
    lamp.target.failed()
    assert lamp.target.request is None
    assert lamp.say(50, white(0.6)) is CHANGED
    # Nor is one what a rule's request that fails would go back to.
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.23), resting=True)
    assert lamp.target.at_rest
    lamp.ask(30, white(0.6))
    lamp.target.failed()
    assert lamp.target.request is None


def test_what_is_kept_is_how_the_lamp_is_from_now_on():
    lamp = Lamp()
    lamp.target.keep()
    assert lamp.target.origin is None
    lamp.say(0, white(0.2))
    lamp.ask(20, LightState(True, 0.6))
    lamp.say(22, white(0.6))
    lamp.target.keep()
    assert lamp.target.origin == white(0.6) and lamp.target.undo() is None
    assert lamp.target.state is ControlState.IDLE


def test_there_is_nothing_to_undo_of_what_is_on_its_way_back():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(21, white(0.6))
    undo = lamp.target.undo()
    assert undo.light == white(0.2)
    lamp.ask(30, undo.light, Event.RESTORE)
    assert lamp.target.undo() is None and lamp.target.restored
    lamp.target.partly = True
    assert not lamp.target.restored
    lamp.target.partly = False
    lamp.say(31, white(0.2))
    assert lamp.target.state is ControlState.RESTORING and lamp.target.origin == white(0.2)
    lamp.at(34)
    assert lamp.target.state is ControlState.IDLE and lamp.target.origin is None


def test_what_is_let_go_of_is_compared_with_how_it_is_then():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(22, white(0.4))
    lamp.target.partly = True
    lamp.target.release()
    assert not lamp.target.partly
    assert lamp.say(25, white(0.2)) is CHANGED


def test_what_follows_late_is_compared_with_how_it_is_then():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    assert lamp.at(24) is Event.UNMOVED
    assert lamp.say(40, white(0.6)) is Event.MATCHED
    assert lamp.say(43, white(0.2)) is CHANGED


def test_a_lamp_that_is_asked_to_go_on_goes_on_as_it_is_set():
    lamp = Lamp()
    lamp.say(0, LightState(False, 0.6, None, 2700))
    lamp.ask(20, white(0.6))
    assert lamp.say(20.5, white(1.0, 6500)) is Event.MOVED
    assert lamp.say(21, LightState(True, 1.0, (0.0, 1.0, 0.0))) is Event.MOVED
    assert lamp.say(21.5, white(0.6)) is Event.MATCHED


def test_a_device_without_reports_has_done_what_was_accepted_last():
    text = BROKER.replace('{type: mqtt_light, topic: a}',
                          "{type: mqtt_scene, topic: a, scenes: {one: '1', two: '2'}}")
    scene = Lamp(text)
    one, two = SceneRequest('one'), SceneRequest('two')
    scene.target.ask(Event.SET, one, 0.0)
    scene.target.ask(Event.SET, two, 0.0)
    scene.target.accept(one)
    assert scene.target.state is ControlState.COMMANDED
    scene.target.accept(two)
    assert scene.target.state is ControlState.CONFIRMED
    # A lamp says so itself.
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.target.accept(lamp.ask(20, white(0.6)))
    assert lamp.target.state is ControlState.COMMANDED


def test_what_is_not_asked_for_again_is_still_on_its_way():
    lamp = Lamp()
    lamp.ask(0, LightState(True, 0.8))
    lamp.ask(1, LightState(True, 0.7))
    lamp.say(10, white(0.2))
    lamp.ask(20, LightState(True, 0.8))
    lamp.say(20.5, white(0.4))
    red = LightState(True, None, (1.0, 0.0, 0.0))
    lamp.target.partly = True
    assert lamp.ask(21, red).expected.brightness == 0.8 and not lamp.target.partly
    lamp.say(21.5, LightState(True, 0.5, (1.0, 0.0, 0.0)))
    # When its time is over it is where it is.
    assert lamp.ask(30, white(None)).expected.brightness == 0.5


# The day.

def test_how_a_lamp_would_be_without_any_rule():
    lamp = Lamp()
    lamp.target.day = white(0.9, 4000)
    assert lamp.target.base is None
    lamp.say(0, white(0.5))
    assert lamp.target.base == white(0.9, 4000)
    lamp.target.day = None
    assert lamp.target.base == white(0.5)
    lamp.ask(20, white(0.7))
    lamp.say(21, white(0.7))
    assert lamp.target.base == white(0.5) and lamp.target.situation.base == white(0.5)


def test_steps_to_the_light_of_the_day_leave_time_between_them():
    for limit, pause_s in (({'actions': 6, 'per_s': 60}, 30.0), ({'actions': 2, 'per_s': 60}, 60)):
        lamp = Lamp(rate_limit=limit)
        target = lamp.target
        assert target.step() is None
        target.day = white(0.9)
        assert target.step() is None, 'nothing is known of it'
        lamp.say(0, OFF)
        assert target.step() is None
        lamp.say(20, white(0.5))
        lamp.at(30)
        step = target.step()
        # Somebody has just turned it on: all of the way at once.
        assert step.light.brightness == 0.9
        lamp.ask(30, step.light, resting=True)
        lamp.say(31, white(0.5))
        lamp.at(30 + pause_s - 0.1)
        assert target.step() is None
        lamp.at(30 + pause_s)
        assert target.step().light.brightness == pytest.approx(0.53)


def test_a_step_that_is_not_followed_is_not_asked_for_again():
    lamp = Lamp()
    lamp.say(0, white(0.5))
    lamp.target.day = white(0.9)
    lamp.at(40)
    lamp.ask(40, lamp.target.step().light, resting=True)
    lamp.at(100)
    assert lamp.target.step() is None
    lamp.say(100, white(0.53))
    assert lamp.target.step().light.brightness == pytest.approx(0.56)


def test_no_step_is_taken_during_another_and_all_of_the_way_after_a_power_cut():
    lamp = Lamp()
    lamp.say(0, white(0.5))
    lamp.target.day = white(0.9)
    lamp.at(40)
    lamp.ask(40, lamp.target.step().light, fade_s=60.0, resting=True)
    lamp.say(41, white(0.51))
    lamp.say(75, white(0.53))
    assert lamp.target.step() is None
    lamp.say(103, white(0.53))
    assert lamp.target.step() is not None
    assert lamp.say(104, white(1.0, 6500), BACK) is Event.RECOVERED
    assert lamp.target.step().light == white(0.9)


def test_no_step_is_taken_while_a_rule_asks_or_something_is_to_come_back():
    lamp = Lamp()
    lamp.say(0, white(0.5))
    lamp.target.day = white(0.9)
    lamp.at(40)
    assert lamp.target.step() is not None
    lamp.target.partly = True
    assert lamp.target.step() is None
    lamp.target.partly = False
    lamp.ask(40, white(0.7))
    lamp.at(80)
    assert lamp.target.step() is None


# Memory.

def remembered(lamp):
    """Return a lamp of another process with the memory of this one."""
    other = Lamp(BROKER)
    other.at(0.0)
    other.target.recall(TargetMemory.model_validate(lamp.target.memory()))
    return other


def test_what_is_remembered_of_a_lamp():
    lamp = Lamp(BROKER)
    assert lamp.target.memory() is None
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    memory = lamp.target.memory()
    assert (memory['state'], memory['moved'], memory['chosen']) == ('commanded', False, None)
    other = remembered(lamp).target
    assert other.state is ControlState.COMMANDED and other.request.light == white(0.6)
    assert other.origin == white(0.2) and other.undo().light == white(0.2)
    other = remembered(lamp)
    for now_s, in_window in ((2.0, True), (2.1, False)):
        other.clock.s = now_s
        assert other.target.in_window == in_window
    lamp.say(20.5, white(0.4))
    assert lamp.target.memory()['moved']
    lamp.say(21, white(0.6))
    assert lamp.target.memory()['moved']
    assert remembered(lamp).target.state is ControlState.CONFIRMED
    # On its way back there is nothing to undo any more, unless it may not go all of it.
    lamp.ask(30, white(0.2), Event.RESTORE)
    other = remembered(lamp).target
    assert (other.state, other.origin) == (ControlState.IDLE, None)
    lamp.target.partly = True
    other = remembered(lamp).target
    assert (other.state, other.origin, other.partly) == (ControlState.IDLE, white(0.2), True)
    assert other.undo().light == white(0.2)


def test_what_a_person_chose_is_remembered():
    lamp = Lamp(BROKER, hold={'settle_s': 2, 'for_s': 100, 'scope': 'lamp'})
    lamp.say(0, white(0.2))
    assert lamp.say(20, white(0.9)) is CHANGED
    other = remembered(lamp)
    assert other.target.chosen == white(0.9) and other.target.state is ControlState.OVERRIDDEN
    assert other.target.holds.held == {'brightness', 'color', 'power'}
    # The clock of the other process began 20 s before.
    assert other.target.holds.left_s == 100 and 'lamp was changed' in other.target.holds.reason
    other.at(100.0)
    assert not other.target.holds.held and other.target.state is ControlState.IDLE


@pytest.mark.parametrize('change', [
    {'type': 'home_assistant_light'}, {'request': {'light': 'pink'}}, {'request': None}])
def test_what_is_not_understood_of_a_memory_is_not_used(change):
    lamp = Lamp(BROKER)
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    other = Lamp(BROKER)
    other.target.recall(TargetMemory.model_validate({**lamp.target.memory(), **change}))
    assert (other.target.state, other.target.request, other.target.origin) == (
        ControlState.IDLE, None, None)
