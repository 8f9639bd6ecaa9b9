# SPDX-License-Identifier: Apache-2.0
"""Blinks, a person's constant and the state of attention, on sequences that are known."""

from fer_ros.attention.constant import LOOK_S, PersonalConstant
from fer_ros.attention.eyes import EyeWatch
from fer_ros.attention.state import AttentionFilter, AttentionSettings, odds
from fer_ros.errors import ConfigurationError
import numpy as np
import pytest

OPEN = 0.26
SETTINGS = AttentionSettings()
NOISE = np.diag([25.0, 50.0])


def eyes_of(lids, rate_hz):
    watch, seen = EyeWatch(), []
    for i, value in enumerate(lids):
        seen.append(watch.update(value, 1 / rate_hz if i else 0.0))
    return seen


@pytest.mark.parametrize('rate_hz', [8, 15, 30])
def test_blinks_are_counted_at_any_rate(rate_hz):
    lids = []
    for _ in range(10):
        lids += [OPEN] * round(2.8 * rate_hz) + [0.08] * max(1, round(0.2 * rate_hz))
    seen = eyes_of([*lids, OPEN], rate_hz)
    assert sum(eyes.blinked for eyes in seen) == 10
    assert seen[-1].blinks_per_min == pytest.approx(20, abs=1.5)
    assert np.isnan(seen[0].blinks_per_min)


def test_closed_eyes_are_not_a_blink_and_their_time_is_reported():
    seen = eyes_of([OPEN] * 30 + [0.07] * 45 + [OPEN] * 5, 15)
    assert not any(eyes.blinked for eyes in seen)
    assert seen[74].closed and seen[74].closed_s == pytest.approx(44 / 15)
    assert not seen[-1].closed and seen[-1].closed_s == 0


def test_eyes_that_look_down_at_once_are_not_closed():
    # Between two readings the lids fall by a third and stay half open.
    watch = EyeWatch()
    for i in range(20):
        watch.update(0.22, 0.2 if i else 0.0)
    seen = [watch.update(0.14, 0.2, -25.0) for _ in range(20)]
    assert not any(eyes.closed or eyes.blinked for eyes in seen[3:])
    assert watch.update(0.02, 0.2, -25.0).closed
    assert watch.update(0.14, 0.2, -25.0).blinked


def test_narrow_eyes_are_learned():
    # This person's open eyes measure what another's measure when they look down.
    seen = eyes_of([0.16] * 300 + [0.06] * 2 + [0.16], 15)
    assert seen[299].openness == pytest.approx(1, abs=0.15)
    assert [eyes.blinked for eyes in seen[-2:]] == [False, True]


def test_the_constant_is_where_the_gaze_dwells_and_less_sure_before():
    constant, rng = PersonalConstant(np.array([1.0, 5.6])), np.random.default_rng(1)
    before = constant.covariance[1, 1]
    for i in range(240):
        off = rng.normal((0.5, -9), (2, 2.5)) if i % 3 else rng.uniform((-40, -30), (40, 20))
        constant.learn(off, 0.125)
    assert constant.mean_deg == pytest.approx([0.5, -9], abs=1.5)
    assert constant.covariance[1, 1] < before / 4


def test_look_here_now_teaches_the_constant_in_three_seconds():
    told, untold = (PersonalConstant(np.array([1.0, 5.6])) for _ in range(2))
    told.look_here()
    for _ in range(round(LOOK_S * 8)):
        for one in (told, untold):
            one.learn(np.array([0.0, 11.0]), 0.125)
    assert told.mean_deg[1] == pytest.approx(11, abs=1.5)
    assert abs(untold.mean_deg[1] - 11) > abs(told.mean_deg[1] - 11)


def feed(attention, seconds, gaze=(0.0, 0.0), head=(0.0, 0.0), lids=1.0, closed=False, reason='',
         rate_hz=8):
    seen = []
    for i in range(round(seconds * rate_hz)):
        seen.append(attention.update(
            1 / rate_hz, None if closed or reason else
            odds(np.array(gaze), NOISE, np.array(head), lids, SETTINGS),
            (i + 1) / rate_hz if closed else 0.0, reason))
    return seen


@pytest.mark.parametrize('state, gaze, head, lids', [
    ('camera', (0, 0), (0, 0), 1.0), ('camera', (3, -4), (20, 0), 1.0),
    ('away', (30, 0), (20, 0), 1.0), ('away', (-20, 2), (0, 0), 1.0),
    ('down', (0, -30), (0, -20), 0.7), ('down', (0, -13), (0, -20), 0.7)])
def test_where_a_person_looks(state, gaze, head, lids):
    attention = AttentionFilter(SETTINGS)
    feed(attention, 3, gaze=(0, 0))
    last = feed(attention, 2, gaze, head, lids)[-1]
    assert last.state == state and last.probability > 0.6
    assert last.probabilities.sum() == pytest.approx(1)


def test_a_turn_is_reported_once_within_the_time_and_its_length_counts():
    attention = AttentionFilter(SETTINGS)
    feed(attention, 3)
    seen = feed(attention, 2, gaze=(30, 0), head=(20, 0))
    changes = [i for i, one in enumerate(seen) if one.before]
    assert len(changes) == 1 and changes[0] / 8 <= 0.4
    assert seen[changes[0]].before == 'camera' and seen[changes[0]].duration_s == 0
    assert seen[-1].duration_s == pytest.approx((len(seen) - 1 - changes[0]) / 8)


def test_a_blink_moves_nothing_and_closed_eyes_do():
    attention = AttentionFilter(SETTINGS)
    feed(attention, 3)
    assert {one.state for one in feed(attention, 0.375, closed=True)} == {'camera'}
    feed(attention, 1)
    assert feed(attention, 1.5, closed=True)[-1].state == 'closed'
    assert feed(attention, 1)[-1].state == 'camera'


def test_what_cannot_be_read_is_unknown_with_its_reason():
    attention = AttentionFilter(SETTINGS)
    assert feed(attention, 0.2, reason='covered')[0].reason == 'covered'
    feed(attention, 2)
    seen = feed(attention, 1.5, reason='the face is covered')
    assert seen[1].state == 'camera', 'a moment is bridged'
    assert (seen[-1].state, seen[-1].reason, seen[-1].probability) == (
        'unknown', 'the face is covered', 0)
    assert feed(attention, 1)[-1].state == 'camera'


@pytest.mark.parametrize('change, name', [
    ({'time_constant_s': 0}, 'time_constant_s'), ({'enter': 0.4}, 'enter'),
    ({'stationary': (1, 1, 1)}, 'stationary'), ({'stationary': (1, 1, 1, 0)}, 'stationary')])
def test_a_value_out_of_range_is_named(change, name):
    with pytest.raises(ConfigurationError, match=name):
        AttentionSettings(**change).check()
