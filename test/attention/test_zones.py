# SPDX-License-Identifier: Apache-2.0
"""Zones, the order of looks, and gestures of the head."""

from fer_ros.attention.gaze import direction_of
from fer_ros.attention.gestures import GestureWatch
from fer_ros.attention.patterns import GazePattern
from fer_ros.attention.zones import parse_zones, zone_of, ZoneWatch
from fer_ros.errors import ConfigurationError
import numpy as np
import pytest

ZONES = parse_zones(['tablet=direction 0 -30 12', 'door=point 1.5 0 0.2', '',
                     'robot=point 0 0 0 base 20'])
EYES = np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize('gaze, camera, points, zone', [
    ((0, 0), True, {}, 'camera'), ((0, 0), False, {}, 'elsewhere'),
    ((3, -26), False, {}, 'tablet'), ((3, -26), True, {}, 'tablet'), ((-60, 0), False, {},
                                                                      'elsewhere'),
    ((62, 0), False, {}, 'door'),
    ((-45, 0), False, {'robot': np.array([-1.0, 0, 0])}, 'robot')])
def test_the_zone_that_a_gaze_meets(gaze, camera, points, zone):
    assert zone_of(direction_of(np.array(gaze, float)), EYES, camera, ZONES, points) == zone


@pytest.mark.parametrize('text', ['tablet', 'tablet=up 1 2', 'tablet=direction 1',
                                  'tablet=direction 1 x', 'door=point 1 2', '=direction 1 2',
                                  'door=point 1 2 3 base 4 5', 'camera=direction 0 0',
                                  'a=direction 0 0 200', 'a=direction nan 0'])
def test_an_invalid_zone_is_named(text):
    with pytest.raises(ConfigurationError, match='zones'):
        parse_zones([text])
    with pytest.raises(ConfigurationError, match='twice'):
        parse_zones(['a=direction 0 0', 'a=direction 5 5'])


def test_a_glance_is_not_a_look_and_a_look_is_reported_when_it_ends():
    watch, left = ZoneWatch(), []
    for zone, seconds in (('camera', 2), ('tablet', 0.125), ('camera', 1), ('', 0.5),
                          ('tablet', 1)):
        left += [watch.update(zone, 0.125) for _ in range(round(seconds * 8))]
    assert [one for one in left if one] == [('camera', pytest.approx(3.625, abs=0.2))]
    assert watch.zone == 'tablet' and watch.since_s == pytest.approx(1, abs=0.01)


def test_an_unusual_look_surprises_and_the_next_is_expected():
    pattern, now_s = GazePattern(), 0.0
    for _ in range(12):
        for zone, lasted_s in (('camera', 4.0), ('tablet', 2.0)):
            now_s += lasted_s
            usual = pattern.learn(zone, lasted_s, now_s)
    assert usual.expected == 'camera' and usual.expected_probability > 0.7
    assert usual.surprise_bits < 1
    assert usual.shares == pytest.approx({'camera': 2 / 3, 'tablet': 1 / 3})
    assert pattern.learn('door', 1.0, now_s + 1).surprise_bits > 3


def gestures_of(yaws, pitches, rate_hz=8):
    watch = GestureWatch()
    return [name for yaw, pitch in zip(yaws, pitches)
            if (name := watch.update(yaw, pitch, 1 / rate_hz))]


@pytest.mark.parametrize('rate_hz', [8, 30])
def test_a_nod_a_shake_and_neither(rate_hz):
    t = np.arange(0, 3, 1 / rate_hz)
    swing, still = np.where((t > 0.5) & (t < 2), np.sin(2 * np.pi * 1.6 * (t - 0.5)), 0), 0 * t
    assert gestures_of(still, 8 * swing, rate_hz) == ['nod']
    assert gestures_of(12 * swing, 2 * swing, rate_hz) == ['shake']
    assert gestures_of(1.5 * swing, 1.5 * swing, rate_hz) == []
    turn = np.clip(40 * (t - 1), 0, 30)
    assert gestures_of(turn, still, rate_hz) == [] == gestures_of(still, -turn, rate_hz)
