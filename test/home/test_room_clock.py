# SPDX-License-Identifier: Apache-2.0
"""What passes in a room's time: the clock, holds, the rate limit."""

from fer_ros.home.decisions.attentiveness import Attentiveness
from fer_ros.home.decisions.clock import COUNTED_STEP_S, MAXIMUM_STEP_S, RoomClock
from fer_ros.home.decisions.headcount import Headcount
from fer_ros.home.decisions.override import Override
from fer_ros.home.decisions.rate_limit import RateLimiter
from fer_ros.home.policy.rooms import RateLimit
from fer_ros.types import PersonAttention
import pytest


@pytest.mark.parametrize('step_s, passes, counted_s', [
    (0.0, True, 0.0), (0.1, True, 0.1), (COUNTED_STEP_S, True, COUNTED_STEP_S),
    (COUNTED_STEP_S + 0.1, True, COUNTED_STEP_S), (MAXIMUM_STEP_S, True, COUNTED_STEP_S),
    (MAXIMUM_STEP_S + 0.1, False, 0.0), (-0.1, False, 0.0)])
def test_the_rooms_time_stands_still_where_the_clock_jumps_or_nobody_calls(
        step_s, passes, counted_s):
    clock = RoomClock()
    assert clock.advance(1000.0) and clock.s == 0
    assert clock.advance(1000.0 + step_s) == passes
    assert clock.s == pytest.approx(counted_s)
    assert clock.now_s == 1000.0 + step_s
    assert clock.advance(1000.5 + step_s) and clock.s == pytest.approx(0.5 + counted_s)


def test_a_hold_lasts_its_time_and_is_pending_until_it_is_ended():
    clock = RoomClock()
    hold = Override(clock, 20.0)
    assert (hold.left_s, hold.pending, hold.reason) == (0.0, False, '')
    clock.s = 5.0
    hold.begin('lamp')
    assert hold.ends_s is None
    clock.now_s = 1000.0
    hold.begin('lamp')
    assert hold.ends_s == 1020.0
    clock.s = 24.0
    assert (hold.left_s, hold.pending, hold.reason) == (1.0, True, 'lamp')
    clock.s = 25.0
    assert (hold.left_s, hold.pending) == (0.0, True)
    hold.end()
    assert (hold.left_s, hold.pending, hold.reason) == (0.0, False, '')


def test_the_rate_limit_counts_in_a_window_that_moves():
    limiter = RateLimiter(RateLimit(actions=2, per_s=10))
    for at_s, free in ((0.0, True), (5.0, True), (9.9, False), (10.0, True), (12.0, False),
                       (14.9, False), (15.0, True), (16.0, False)):
        refusal = limiter.refusal(at_s)
        assert refusal == ('' if free else 'rate limit of 2 in 10 s reached'), at_s
        if free:
            limiter.count(at_s)


@pytest.mark.parametrize('ends_s, left_s', [
    (1000.0, 0.0), (999.0, 0.0), (1000.5, 0.5), (1020.0, 20.0), (5000.0, 20.0)])
def test_a_hold_of_an_earlier_process_lasts_until_its_end(ends_s, left_s):
    clock = RoomClock()
    clock.advance(1000.0)
    hold = Override(clock, 20.0)
    hold.recall(ends_s, 'lamp')
    assert hold.left_s == left_s and hold.pending == bool(left_s)
    assert hold.reason == ('lamp' if left_s else '')
    assert hold.ends_s == (1000.0 + left_s if left_s else None)


def test_people_count_once_they_have_been_there_for_some_time():
    clock = RoomClock(5.0)
    heads = Headcount(clock, 2.0)
    for at_s, seen, people in ((5.0, 0, 0), (6.0, 2, 0), (7.9, 2, 0), (8.0, 2, 2), (9.0, 1, 2),
                               (10.0, 2, 2), (11.0, 1, 2), (12.9, 1, 2), (13.0, 1, 1)):
        clock.s = at_s
        heads.see(seen)
        assert heads.people == people, at_s
    clock.s = 20.0
    heads.clear()
    assert heads.people == 0
    heads.see(0)
    clock.s = 21.0
    heads.see(1)
    clock.s = 22.9
    heads.see(1)
    assert heads.people == 0


def test_who_looks_where_counts_as_long_as_it_is_fresh():
    clock = RoomClock(5.0)
    attention = Attentiveness(clock, 2.0, 0.25)
    assert attention.people is None and attention.figures == {}
    attention.add('a', [PersonAttention(1, 'away'), PersonAttention(2, 'camera')])
    clock.s = 6.0
    attention.add('b', [PersonAttention(1, 'closed'), PersonAttention(3, 'down')])
    clock.s = 7.0
    weights = {key: attention.weight_of(key)
               for key in (('a', 1), ('a', 2), ('a', 3), ('b', 1), ('b', 3), ('c', 1))}
    assert weights == {('a', 1): 0.25, ('a', 2): 1, ('a', 3): 1, ('b', 1): 1, ('b', 3): 0.25,
                       ('c', 1): 1}
    assert len(attention.people) == 4
    assert attention.figures == {'attentive': 1, 'eyes_closed': True}
    clock.s = 7.1
    assert attention.weight_of(('a', 1)) == 1 and attention.weight_of(('b', 3)) == 0.25
    assert attention.figures == {'attentive': 0, 'eyes_closed': True}
    attention.clear()
    assert attention.people is None
