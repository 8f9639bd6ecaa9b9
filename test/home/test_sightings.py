# SPDX-License-Identifier: Apache-2.0
"""Who is in view: stamps, cameras, and what a face may say."""

from dataclasses import replace

from fer_ros.home.decisions.check import face_problem
from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.sightings import FUTURE_TOLERANCE_S, Sightings
from home_support import emotion, study_of
import numpy as np
import pytest


def test_each_source_has_its_newest_sighting_until_that_is_stale():
    clock = RoomClock()
    clock.advance(1000.0)
    sightings = Sightings(study_of(sources=['left', 'right'], stale_after_s=2), clock)
    assert not sightings.fresh and not sightings.any_recent and sightings.frame_id == ''
    assert not sightings.add('left', [emotion('happy', track_id=7)], 999.5, 'camera_left')
    assert sightings.occupied and sightings.any_recent and not sightings.fresh
    assert [key for key, _ in sightings.faces] == [('left', 7)]
    clock.advance(1001.0)
    assert not sightings.add('right', [], 1000.75, 'camera_right')
    assert sightings.fresh and sightings.frame_id == 'camera_right'
    # Half a second old on arrival, it is stale 1.5 s later.
    clock.advance(1001.5)
    assert sightings.fresh and sightings.occupied
    clock.advance(1001.51)
    assert not sightings.fresh and not sightings.occupied and sightings.any_recent


@pytest.mark.parametrize('age_s, words', [
    (-FUTURE_TOLERANCE_S - 0.01, '0.5 s in the future'), (-FUTURE_TOLERANCE_S, ''), (0.0, ''),
    (2.0, ''), (2.01, '2.0 s old, more than stale_after_s (2)')])
def test_how_old_and_how_new_a_stamp_may_be(age_s, words):
    clock = RoomClock()
    clock.advance(1000.0)
    refused = Sightings(study_of(stale_after_s=2), clock).add('emotions', [], 1000.0 - age_s, '')
    assert words in refused and bool(refused) == bool(words)


def test_a_stamp_of_the_future_is_not_fresh_for_longer():
    clock = RoomClock()
    clock.advance(1000.0)
    sightings = Sightings(study_of(stale_after_s=2), clock)
    assert not sightings.add('emotions', [emotion('sad')], 1000.4, '')
    clock.advance(1001.0)
    clock.advance(1002.0)
    assert sightings.fresh
    clock.advance(1002.1)
    assert not sightings.fresh


def test_how_long_nobody_is_in_view():
    clock = RoomClock()
    sightings = Sightings(study_of(stale_after_s=2), clock)

    def see(now_s, *faces):
        clock.advance(now_s)
        assert not sightings.add('emotions', faces, now_s, '')
        return sightings.empty_s
    assert [see(now_s) for now_s in (1000.0, 1001.0, 1002.0)] == [0.0, 1.0, 2.0]
    assert see(1003.0, emotion('happy')) == 0.0
    assert [see(now_s) for now_s in (1004.0, 1005.0)] == [0.0, 1.0]
    sightings.doubt_emptiness()
    assert sightings.empty_s == 0.0 and [see(1006.0), see(1007.0)] == [0.0, 1.0]


@pytest.mark.parametrize('change, words', [
    ({}, ''), ({'confidence': 0.0}, ''), ({'confidence': 1.0}, ''),
    ({'confidence': -0.1}, '0 to 1'), ({'confidence': 1.1}, '0 to 1'),
    ({'quality': 2.0}, 'quality is 2.0: expected 0 to 1'),
    ({'valence': -1.0}, ''), ({'valence': -1.1}, '-1 to 1'), ({'arousal': 1.0}, ''),
    ({'arousal': -1.5}, 'arousal is -1.5: expected -1 to 1'), ({'label': 'uncertain'}, ''),
    ({'label': 'bored'}, "unknown label 'bored'"),
    # Rounding errors are accepted: a sum of 1.015, a part of 1.0005 or -0.0005.
    ({'filtered': np.eye(7)[3]}, ''), ({'filtered': np.full(7, 1.015 / 7)}, ''),
    ({'filtered': np.eye(7)[3] * 1.0005}, ''), ({'filtered': np.eye(7)[3] - 0.0005}, ''),
    ({'filtered': np.eye(7)[3] * 0.97}, 'the sum is 0.970'),
    ({'filtered': np.eye(7)[3] * 1.01}, 'not a distribution'),
    ({'filtered': np.array([1.002, -0.002, 0, 0, 0, 0, 0])}, 'not a distribution'),
    ({'filtered': np.array([0.52, 0.51, -0.01, 0, 0, 0, 0])}, 'not a distribution')])
def test_what_a_face_may_say(change, words):
    problem = face_problem(replace(emotion('happy'), **change))
    assert words in problem and bool(problem) == bool(words)


@pytest.mark.parametrize('now_s, stamp_s, words', [
    (1000.0, 0.0, 'the stamp is 0'), (1.0, 1.0, ''), (2e8, 1e8, 's old, more than'),
    (2e8, 1e8 - 1, 'of another clock'), (1.0, 1e8 + 1, 's in the future'),
    (1.0, 1e8 + 2, 'of another clock')])
def test_stamps_of_other_clocks(now_s, stamp_s, words):
    clock = RoomClock()
    clock.advance(now_s)
    refused = Sightings(study_of(), clock).add('emotions', [], stamp_s, '')
    assert words in refused and bool(refused) == bool(words)


def test_a_stamp_counts_once():
    clock = RoomClock()
    clock.advance(1000.0)
    sightings = Sightings(study_of(), clock)
    assert not sightings.add('emotions', [], 1000.0, '')
    assert 'not newer' in sightings.add('emotions', [emotion('sad')], 1000.0, '')
    assert not sightings.occupied and not sightings.add('other', [], 1000.0, '')
