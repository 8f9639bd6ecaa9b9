# SPDX-License-Identifier: Apache-2.0
"""A device of a room by itself: its requests and its reports, to the second."""

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.memory import TargetMemory
from fer_ros.home.decisions.target import Target
from fer_ros.home.devices.base import BACK_S
from fer_ros.home.kinds.base import Cause
from fer_ros.home.kinds.light import LightRequest
from fer_ros.home.kinds.scene import SceneRequest
from fer_ros.home.lifecycle import ControlState, Event
from fer_ros.home.light import LightState
from home_support import POLICY, study_of
import pytest

OFF = LightState(False)
CHANGED, ADJUSTED, LIT = (Event.CHANGED_MANUALLY, Event.ADJUSTED, Event.TURNED_ON_MANUALLY)
FREE, CLOCK, BACK = Cause.UNKNOWN, Cause.AUTOMATION, Cause.RECOVERED
BROKER = POLICY.replace('version: 1', 'version: 1\nbroker: {host: localhost}').replace(
    '{type: terminal}', '{type: mqtt_light, topic: a}')


def white(level, kelvin=2700):
    return LightState(True, level, None, kelvin)


class Lamp:
    """A lamp that is told and asked at given seconds; an attempt lasts 1 + 2 s."""

    def __init__(self, text=POLICY, **room):
        settings = study_of(text, **{'hold': {'settle_s': 2, 'for_s': 100}, **room})
        self.clock = RoomClock(0.0, 1000.0)
        self.target = Target('lamp', settings.targets['lamp'], settings, self.clock)

    def at(self, now_s):
        """Let it be a time; return what the time alone has told."""
        self.clock.s, self.clock.now_s = now_s, 1000.0 + now_s
        return self.target.check_time().event

    def say(self, now_s, state, cause=FREE):
        """Report; return what it was taken for."""
        self.at(now_s)
        return self.target.report(state, cause).event

    def ask(self, now_s, light, event=Event.SET, *, fade_s=1.0, resting=False):
        """Ask for a light as the engine does."""
        self.at(now_s)
        if event is Event.SET and not resting:
            self.target.remember()
        return self.target.ask(event, LightRequest(light), fade_s, resting=resting)

    @property
    def refusal(self):
        return self.target.refusal(LightRequest(white(0.5)))


def test_a_lamp_that_was_turned_on_is_left_alone_for_as_long_as_it_may_be_heard_late():
    lamp = Lamp()
    lamp.target.delay_s = 5.0
    lamp.say(0, white(0.6))
    lamp.say(20, OFF)
    assert lamp.say(30, white(0.6)) is LIT
    lamp.at(37.0)
    assert lamp.refusal == 'turned on manually a moment ago'
    lamp.at(37.1)
    assert lamp.refusal == ''


def test_what_is_still_said_of_the_start_of_a_request_before_is_its_own():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(20.3, white(0.5))
    lamp.ask(20.5, white(0.9))
    assert lamp.say(20.7, white(0.25)) is Event.MOVED
    assert lamp.say(21.0, white(0.1)) is CHANGED


@pytest.mark.parametrize('count, known', [(4, True), (5, False)])
def test_the_starts_of_four_requests_are_remembered(count, known):
    lamp = Lamp(rate_limit={'actions': 100})
    lamp.say(0, white(0.1))
    for index in range(count + 1):
        lamp.ask(20 + 0.2 * index, white(0.95))
        lamp.say(20.1 + 0.2 * index, white(0.5))
    assert (lamp.say(21.5, white(0.15)) is not CHANGED) == known


def test_a_level_that_is_told_of_a_lamp_that_is_off_is_not_what_it_rises_to():
    for level, event in ((0.3, CHANGED), (0.6, None)):
        lamp = Lamp()
        lamp.say(0, white(0.6))
        lamp.say(20, LightState(False, 0.3))
        lamp.say(40, LightState(False, 0.3))
        assert lamp.say(60, white(0.1)) is LIT
        lamp.say(61, white(level))
        assert lamp.at(62.5) is event


def test_what_an_automation_made_of_it_is_what_later_changes_are_compared_with():
    for cause, event in ((CLOCK, CHANGED), (FREE, None)):
        lamp = Lamp()
        lamp.say(0, white(0.6))
        lamp.say(20, white(0.57 if cause is FREE else 0.3), cause)
        assert lamp.say(23, white(0.6)) is event


def test_a_slow_dial_is_a_person_whoever_turned_it_a_little_at_first():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    assert lamp.say(20, white(0.23), Cause.PERSON) is None
    assert lamp.say(25, white(0.28)) is CHANGED


def test_turned_on_and_off_again_it_is_not_looked_at_once_more():
    lamp = Lamp()
    lamp.say(0, OFF)
    assert lamp.say(20, white(0.5)) is LIT and lamp.say(21, OFF) is CHANGED
    assert lamp.at(23) is None


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
    lamp.target.release()
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
    lamp.say(0, OFF)
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


# A device that was away.

@pytest.mark.parametrize('unheard, asked_s, again', [
    (True, 0.0, True), (True, BACK_S, True), (True, BACK_S + 0.5, False), (False, BACK_S, True),
    (False, BACK_S + 0.5, False)])
def test_what_is_asked_of_a_lamp_that_has_just_come_back_is_asked_once_more(unheard, asked_s,
                                                                            again):
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.target.unheard = unheard
    # It says so more than once.
    lamp.say(20, white(0.2), BACK)
    lamp.say(20 + asked_s, white(0.2), BACK)
    lamp.ask(20 + asked_s, white(0.9), fade_s=0.0)
    assert lamp.at(22.5 + asked_s) is (None if again else Event.UNMOVED)
    if again:
        assert lamp.at(20 + asked_s + BACK_S) is None
        assert lamp.at(20 + asked_s + BACK_S + 0.5) is Event.RECOVERED
    assert lamp.target.state is (ControlState.IDLE if again else ControlState.UNRESPONSIVE)


def test_what_a_lamp_that_has_just_come_back_says_on_its_way_is_ours():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.say(20, white(0.2), BACK)
    lamp.ask(21, white(0.9))
    assert lamp.say(21.5, white(0.5), BACK) is Event.MOVED
    assert lamp.say(21.7, white(0.1), BACK) is Event.RECOVERED
    # What was asked before it was away is another matter.
    lamp.ask(40, white(0.9))
    lamp.say(41, white(0.5))
    assert lamp.say(41.5, white(0.6), BACK) is Event.RECOVERED


def test_a_lamp_that_has_nothing_else_to_say_when_it_is_back_has_not_reacted():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.9))
    lamp.target.unheard = True
    lamp.say(20.5, white(0.2))
    assert lamp.at(23.5) is Event.UNMOVED


def test_what_was_before_a_power_cut_is_gone_back_to_unless_a_person_chooses():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(21, white(0.6))
    lamp.target.left = True
    assert lamp.say(30, white(1.0), BACK) is Event.RECOVERED
    assert lamp.target.base == white(0.2) and not lamp.target.left
    assert lamp.say(60, white(0.4)) is CHANGED and lamp.target.base == white(0.4)


def test_a_person_on_the_way_is_one():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(21, white(0.9))
    assert lamp.say(21.5, white(0.5), Cause.PERSON) is CHANGED


def test_a_restore_that_a_power_cut_undid_is_asked_for_again():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(21, white(0.6))
    lamp.ask(30, white(0.2), Event.RESTORE)
    assert lamp.say(31, white(1.0, 4000), BACK) is Event.RECOVERED
    assert lamp.target.state is ControlState.COMMANDED and lamp.target.origin == white(0.2)
    assert lamp.target.undo().light == white(0.2)
    lamp.clock.s = 33.0
    assert lamp.target.in_window
    lamp.clock.s = 33.1
    assert not lamp.target.in_window


# Something else that changes it again and again.

def test_what_repeats_itself_is_not_a_person_from_the_fourth_time_on():
    lamp = Lamp(hold={'settle_s': 2, 'for_s': 1000, 'scope': 'attribute'})
    lamp.say(0, white(0.5))
    seen = [lamp.say(100 + 90 * index, white(0.3 + 0.2 * (index % 2))) for index in range(5)]
    assert seen == [CHANGED] * 3 + [ADJUSTED] * 2
    assert not lamp.target.holds.held and 'about every 90 s' in lamp.target.other_writer
    # Beside it, a person.
    assert lamp.say(500, white(0.9)) is CHANGED and lamp.target.holds.held == {'brightness'}
    # It is forgotten when it has long been silent.
    lamp.at(460 + 3601)
    assert not lamp.target.other_writer


def test_what_is_turned_on_and_off_at_even_times_is_so_by_people():
    lamp = Lamp()
    lamp.say(0, white(0.5))
    for index in range(6):
        assert lamp.say(100 + 90 * index, OFF) is CHANGED
        assert lamp.say(140 + 90 * index, white(0.5)) is LIT
    assert lamp.target.other_writer == ''


def test_a_known_cause_is_not_what_repeats_itself():
    for cause, event in ((Cause.PERSON, CHANGED), (BACK, ADJUSTED)):
        lamp = Lamp()
        lamp.say(0, white(0.5))
        for index in range(6):
            assert lamp.say(100 + 90 * index, white(0.3 + 0.2 * (index % 2)), cause) is event
        assert lamp.target.other_writer == ''


def test_a_lamp_that_comes_late_to_what_it_was_asked_for_is_nothing_else_that_changes_it():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.9))
    lamp.say(21, white(0.5))
    lamp.say(22.5, white(0.9))
    for index in range(6):
        # Within its tolerance, from below.
        lamp.say(100 + 90 * index, white(0.86 + 0.005 * index))
        lamp.say(130 + 90 * index, white(0.86 + 0.005 * index))
    assert lamp.target.other_writer == ''
    for index in range(8):
        lamp.say(1000 + 90 * index, white(0.89 - 0.012 * (index % 2)))
    assert lamp.target.other_writer != '' and lamp.target.confirmed


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
