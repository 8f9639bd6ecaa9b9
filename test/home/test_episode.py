# SPDX-License-Identifier: Apache-2.0
"""How long a rule goes on, what it owes at its end, and how long parts of a device are held."""

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.episode import Episode, RECALL_S
from fer_ros.home.decisions.holds import Holds
from fer_ros.home.policy.rules import PlacedRule, Rule
import pytest


def rule(name, **fields):
    return PlacedRule(('by_emotion', name), Rule(brightness=0.5, **fields), frozenset((name,)))


HAPPY, SAD = rule('happy', then='restore'), rule('sad')


class Feelings(Episode):
    """An episode that is told of rules at given seconds; a rule may be missing for 3 s."""

    def __init__(self):
        self.clock = RoomClock()
        super().__init__(self.clock)

    def at(self, now_s, placed):
        """Follow a rule; return whether one goes on."""
        self.clock.s = now_s
        self.follow(placed, 3.0)
        return self.rule


def test_a_rule_goes_on_until_it_has_been_missing_for_some_time():
    one = Feelings()
    assert one.at(1, None) is None and one.at(2, HAPPY) is HAPPY
    one.act('lamp')
    # Each time from when it was last there.
    assert one.at(10, None) is HAPPY and one.at(12.9, None) is HAPPY
    assert one.at(13, HAPPY) is HAPPY and one.requested == {'lamp'}
    assert one.at(20, None) is HAPPY and one.at(22.9, None) is HAPPY and not one.owed
    assert one.debts == ['lamp']
    assert one.at(23, None) is None and one.owed == one.due == {'lamp': 'happy is over'}
    assert one.debts == ['lamp'] and not one.requested


def test_another_rule_ends_it_at_once():
    one = Feelings()
    one.at(1, HAPPY)
    one.act('lamp')
    one.act('other')
    assert one.at(2, SAD) is SAD and set(one.owed) == {'lamp', 'other'}
    # What the new one does to a target, the old one owes no more.
    one.act('lamp')
    assert set(one.owed) == {'other'} and one.requested == {'lamp'}
    # It has no end: nothing comes of that.
    assert one.debts == ['other']
    one.end()
    assert one.rule is None and set(one.owed) == {'other'} and not one.requested


def test_what_is_forgotten_is_owed_by_nothing():
    one = Feelings()
    one.at(1, HAPPY)
    one.act('lamp')
    one.act('other')
    one.forget('lamp')
    assert one.debts == ['other']
    one.end()
    one.forget('other')
    one.forget('unknown')
    assert one.debts == []
    one.at(2, HAPPY)
    one.act('lamp')
    one.end()
    one.at(3, HAPPY)
    one.act('other')
    one.clear()
    assert (one.rule, one.requested, one.owed) == (None, set(), {})


def test_a_rule_with_a_duration_is_over_after_it_and_does_not_begin_again():
    short = rule('surprise', for_s=5)
    one = Feelings()
    assert not one.spent
    one.at(1, short)
    one.clock.s = 9
    assert not one.spent, 'it has not done anything yet'
    one.act('lamp')
    one.clock.s = 12
    one.act('other')
    for now_s, over in ((13.9, False), (14.0, True)):
        one.clock.s = now_s
        one.check_time()
        assert one.spent == over
        reason = 'surprise: the 5 s are over'
        assert one.owed == ({'lamp': reason, 'other': reason} if over else {})
    assert not one.requested and one.rule is short
    one.at(14, rule('anger'))
    assert not one.spent


def test_after_a_restart_an_emotion_has_some_time_to_reappear():
    one = Feelings()
    one.clock.s = 10
    one.recall(['lamp'])
    assert one.owed and one.debts == ['lamp']
    until_s = 10 + 2 * 3 + RECALL_S
    one.at(until_s, None)
    assert one.due == {}
    one.at(until_s + 0.5, None)
    assert one.due == {'lamp': 'what was done before the restart is over'}
    one.recall([])
    assert one.due == one.owed == {}
    one.owed = {'other': 'why'}
    assert one.due == {'other': 'why'}


# Holds.

@pytest.fixture
def holds():
    return Holds(RoomClock(5.0, 1000.0), 10.0)


def test_each_part_is_held_for_its_time(holds):
    assert not holds.held and holds.left_s == 0 and not holds.expire()
    holds.begin(['color'])
    holds._clock.s, holds._clock.now_s = 10.0, 1005.0
    holds.begin(['brightness'])
    assert holds.held == {'color', 'brightness'} and holds.left_s == 10
    assert holds.ends_s == {'color': 1010.0, 'brightness': 1015.0}
    holds._clock.s = 15.0
    assert holds.held == {'brightness'} and not holds.expire()
    assert holds.ends_s == {'brightness': 1015.0}
    holds._clock.s = 20.0
    assert not holds.held and holds.expire() and not holds.expire()
    assert holds.until_s == holds.ends_s == {}


def test_some_parts_or_all_are_released(holds):
    holds.begin(['color', 'brightness', 'power'])
    holds.end(['color', 'unknown'])
    assert holds.held == set(holds.ends_s) == {'brightness', 'power'}
    holds.end()
    assert not holds.held and not holds.ends_s


def test_holds_of_an_earlier_process_last_until_their_end_and_no_longer_than_any(holds):
    holds.recall({'color': 1000.0, 'power': 999.0}, 'why')
    assert not holds.held and holds.reason == ''
    holds.recall({'color': 1000.5, 'brightness': 2000.0, 'power': 999.0}, 'why')
    assert holds.until_s == {'color': 5.5, 'brightness': 15.0} and holds.reason == 'why'
    assert holds.ends_s == {'color': 1000.5, 'brightness': 2000.0}
    other = Holds(holds._clock, 99.0)
    other.adopt(holds)
    assert (other.until_s, other.ends_s, other.reason) == (
        holds.until_s, holds.ends_s, holds.reason)
    other.end()
    assert holds.held, 'it has its own'


def test_a_hold_that_begins_before_the_first_time_is_known():
    holds = Holds(RoomClock(), 10.0)
    holds.begin(['color'])
    assert holds.ends_s == {'color': 10.0} and holds.held == {'color'}
    holds.recall({'power': 4.0}, 'why')
    assert holds.until_s == {'color': 10.0, 'power': 4.0}
