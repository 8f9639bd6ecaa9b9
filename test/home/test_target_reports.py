# SPDX-License-Identifier: Apache-2.0
"""What the reports of a device are taken for, to the second."""

from fer_ros.home.devices.base import BACK_S
from fer_ros.home.kinds.base import Cause
from fer_ros.home.lifecycle import ControlState, Event
from fer_ros.home.light import LightState
import pytest
from target_support import ADJUSTED, BACK, CHANGED, CLOCK, FREE, Lamp, LIT, OFF, white


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
    # So is what it was asked.
    lamp.ask(40, white(0.9))
    for now_s, in_window in ((48.0, True), (48.1, False)):
        lamp.clock.s = now_s
        assert lamp.target.in_window == in_window


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


def test_what_was_asked_for_long_ago_is_not_on_the_way_any_more():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(21, white(0.6))
    lamp.ask(40, white(0.9))
    assert lamp.say(40.5, white(0.25)) is CHANGED


def test_what_reacts_late_has_its_time_from_then_on():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    assert lamp.at(24) is Event.UNMOVED
    assert lamp.say(30, white(0.3)) is lamp.say(31, white(0.45)) is Event.MOVED
    assert lamp.say(32.5, white(0.6)) is Event.MATCHED


def test_what_does_not_go_back_is_compared_with_how_it_is_then():
    lamp = Lamp()
    lamp.say(0, white(0.5))
    assert lamp.say(15, white(0.55)) is None
    lamp.ask(16, white(0.9), Event.RESTORE)
    assert lamp.at(19.5) is Event.UNMOVED and lamp.target.state is ControlState.IDLE
    assert lamp.say(20, white(0.6)) is None


@pytest.mark.parametrize('follows, event', [(False, None), (True, CHANGED)])
def test_a_way_back_that_comes_late_is_ours(follows, event):
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(21, white(0.6))
    lamp.ask(30, white(0.2), Event.RESTORE)
    if follows:
        lamp.say(31, white(0.2))
        lamp.at(34)
        assert lamp.say(50, white(0.6)) is CHANGED
    else:
        assert lamp.at(34) is Event.UNMOVED
    assert lamp.say(70, white(0.2)) is event


def test_what_an_automation_makes_of_it_on_the_way_may_still_be_said():
    lamp = Lamp()
    lamp.say(0, white(0.4))
    lamp.ask(20, white(0.9))
    lamp.say(20.5, white(0.6))
    assert lamp.say(21, white(0.1), CLOCK) is ADJUSTED
    assert lamp.say(21.5, white(0.2)) is Event.MOVED


@pytest.mark.parametrize('last, event', [(4000, Event.MATCHED), (3200, CHANGED)])
def test_the_nearest_white_that_a_lamp_can_is_as_asked_and_what_leaves_it_is_not(last, event):
    lamp = Lamp()
    lamp.say(0, white(0.6))
    lamp.ask(20, white(0.6, 6500))
    assert lamp.say(21, white(0.6, 4000)) is Event.MOVED
    assert lamp.say(22, white(0.6, last)) is Event.MOVED
    assert lamp.at(23.5) is event


def test_what_was_turned_on_is_looked_at_once():
    lamp = Lamp()
    lamp.say(0, OFF)
    assert lamp.say(20, white(0.5)) is LIT and lamp.at(23) is None
    assert lamp.say(40, white(0.1), CLOCK) is ADJUSTED
    assert lamp.at(41) is None


def test_what_rose_a_little_by_itself_is_compared_with_how_it_is_then():
    lamp = Lamp()
    lamp.say(0, OFF)
    assert lamp.say(20, white(0.5)) is LIT and lamp.say(21, white(0.55)) is None
    assert lamp.at(23) is None and lamp.say(25, white(0.6)) is None


@pytest.mark.parametrize('cause, event', [(CLOCK, ADJUSTED), (FREE, CHANGED)])
def test_where_a_lamp_stops_on_its_way_is_what_was_last_made_of_it(cause, event):
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.9))
    assert lamp.say(21, white(0.5), cause) is Event.MOVED
    assert lamp.at(23.5) is event


def test_what_an_automation_makes_of_it_is_how_it_is_to_be():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(21, white(0.6))
    assert lamp.say(40, white(0.3), CLOCK) is ADJUSTED and lamp.target.confirmed
    assert lamp.say(60, white(0.6)) is CHANGED


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
    lamp.say(21, white(0.2), BACK)
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


def test_one_that_comes_with_a_power_cut_has_just_come_back():
    lamp = Lamp()
    lamp.say(20, white(0.2), BACK)
    lamp.ask(20 + BACK_S, white(0.9), fade_s=0.0)
    assert lamp.at(22.5 + BACK_S) is None


def test_what_is_brought_back_after_a_power_cut_is_how_it_is():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(21, white(0.6))
    lamp.say(30, white(1.0), BACK)
    assert lamp.target.undo() is None and lamp.target.base == white(1.0)


def test_what_was_before_a_power_cut_is_gone_back_to_unless_a_person_chooses():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.say(21, white(0.6))
    lamp.target.left = True
    assert lamp.say(30, white(1.0), BACK) is Event.RECOVERED
    assert lamp.target.base == white(0.2) and not lamp.target.left
    lamp.target.partly = True
    assert lamp.say(60, white(0.4)) is CHANGED and lamp.target.base == white(0.4)
    assert not lamp.target.partly


def test_after_a_power_cut_no_earlier_request_is_in_force_again():
    lamp = Lamp()
    lamp.say(0, white(0.2))
    lamp.ask(20, white(0.6))
    lamp.ask(30, white(0.9))
    lamp.say(31, white(0.9))
    assert lamp.say(40, white(1.0, 5000), BACK) is Event.RECOVERED
    assert lamp.target.request is None and lamp.target.state is ControlState.IDLE


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


def test_what_follows_on_what_repeats_itself_is_compared_with_it():
    lamp = Lamp(hold={'settle_s': 2, 'for_s': 1000, 'scope': 'attribute'})
    lamp.say(0, white(0.5))
    for index in range(4):
        lamp.say(100 + 90 * index, white(0.3 + 0.2 * (index % 2)))
    assert lamp.say(373, white(0.3)) is CHANGED


def test_what_is_written_while_a_lamp_fades_for_us_counts_too():
    lamp = Lamp(rate_limit={'actions': 100})
    lamp.say(0, white(0.2))
    for index in range(5):
        lamp.ask(99 + 90 * index, white(0.9 - 0.7 * (index % 2)))
        lamp.say(100 + 90 * index, white(0.5 + 0.02 * index), CLOCK)
        assert lamp.at(103 + 90 * index) is ADJUSTED
    assert 'about every 90 s' in lamp.target.other_writer
    lamp.at(460 + 3599)
    assert lamp.target.other_writer


def test_its_next_is_known_while_the_lamp_fades_for_us():
    lamp = Lamp(hold={'settle_s': 2, 'for_s': 1000, 'scope': 'attribute'})
    lamp.say(0, white(0.5))
    for index in range(4):
        lamp.say(100 + 90 * index, white(0.3 + 0.2 * (index % 2)))
    lamp.ask(459, LightState(True, None, (1.0, 0.0, 0.0)))
    assert lamp.say(460, LightState(True, 0.3, (1.0, 0.4, 0.2))) is ADJUSTED


def test_what_changes_more_than_it_ever_did_is_a_person():
    lamp = Lamp(hold={'settle_s': 2, 'for_s': 1000, 'scope': 'attribute'})
    lamp.say(0, white(0.4))
    lamp.ask(20, white(0.5))
    lamp.say(21, white(0.5))
    for index in range(4):
        lamp.say(100 + 90 * index, white(0.3 + 0.2 * (index % 2)))
    assert lamp.target.other_writer and lamp.target.request is not None
    assert lamp.say(460, LightState(True, 0.3, (1.0, 0.0, 0.0))) is CHANGED


@pytest.mark.parametrize('automations, cause, event', [
    (False, CLOCK, ADJUSTED), (True, CLOCK, CHANGED), (True, BACK, ADJUSTED),
    (True, FREE, CHANGED)])
def test_an_automation_is_a_person_where_the_policy_says_so(automations, cause, event):
    lamp = Lamp(hold={'automations': automations})
    lamp.say(0, white(0.5))
    assert lamp.say(20, white(0.1), cause) is event


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
