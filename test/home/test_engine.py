# SPDX-License-Identifier: Apache-2.0
"""The decisions, case by case, on a simulated clock."""

from dataclasses import replace

from fer_ros.home.action import Command
from fer_ros.home.commands import RoomCommand
from fer_ros.home.light import differences
from home_support import emotion, Sim
import numpy as np
import pytest


def test_an_action_comes_within_a_second_of_the_dwell():
    sim = Sim(dwell_s=2.0)
    assert not sim.see('happy', 2.0)
    action, = sim.see('happy', 1.0)
    assert (action.room, action.target, action.emotion) == ('study', 'lamp', 'happy')
    assert action.command == Command.SET and action.request.light.on
    assert action.stamp_s <= sim.now_s
    assert action.reason.startswith('happy for 2.') and 'mirror' in action.reason
    assert sim.status.last_reason == action.reason


def test_nothing_is_repeated():
    sim = Sim()
    sim.see('happy', 60)
    # Gone for a moment and back: the light is what it should be.
    sim.see('uncertain', 8)
    sim.see('happy', 60)
    assert len(sim.actions) == 1


def test_flapping_at_five_hertz_for_a_minute_acts_at_most_once():
    sim = Sim(smoothing_s=0.0, dwell_s=0.5, cooldown_s=0.0)
    for index in range(600):
        sim.step([emotion('happy' if index % 2 else 'sad')])
    assert len(sim.actions) <= 1


def test_a_single_frame_does_nothing_however_sure():
    sim = Sim(smoothing_s=0.0, dwell_s=0.1, minimum_frames=2, stale_after_s=5)
    sim.step([emotion('happy', 0.999)])
    assert not sim.see(None, 4)
    sim.step([emotion('happy', 0.999)])
    assert sim.actions == sim.step([emotion('happy', 0.999)]) + sim.actions


@pytest.mark.parametrize('label, probability', [
    ('happy', 0.4),      # below minimum_confidence
    ('uncertain', 0.9),  # the classifier is not sure
    ('neutral', 0.9),    # no rule
])
def test_what_is_not_sure_or_has_no_rule_does_nothing(label, probability):
    sim = Sim()
    assert not sim.see([emotion(label, probability)], 20)
    assert sim.status.blocked_reason


def test_a_weak_feeling_stays_in_force_until_the_exit_threshold():
    sim = Sim(enter_threshold=0.7, exit_threshold=0.4, minimum_confidence=0.3, smoothing_s=0.2)
    assert len(sim.see([emotion('happy', 0.8)], 5)) == 1
    sim.see([emotion('happy', 0.5)], 5)
    assert sim.status.emotion == 'happy'
    sim.see([emotion('happy', 0.35)], 5)
    assert sim.status.emotion == 'uncertain'
    assert len(sim.actions) == 1


def test_another_feeling_waits_for_the_cooldown():
    sim = Sim(cooldown_s=20, dwell_s=1)
    first, = sim.see('happy', 5)
    second, = sim.see('sad', 30)
    assert 20 <= second.stamp_s - first.stamp_s <= 20.5
    assert 'cooling down' not in sim.status.blocked_reason


def test_the_rate_limit_holds_over_any_window():
    sim = Sim(cooldown_s=0, dwell_s=0.2, smoothing_s=0, transition_s=0,
              rate_limit={'actions': 3, 'per_s': 60})
    for index in range(60):
        sim.see(('happy', 'sad')[index % 2], 2)
    stamps = [action.stamp_s for action in sim.actions]
    assert len(stamps) >= 4
    assert all(later - earlier >= 59.9 for earlier, later in zip(stamps, stamps[3:]))


def test_people_who_leave_get_the_room_back_as_it_was():
    sim = Sim(nobody={'after_s': 5, 'action': 'restore'})
    before = sim.lamps['lamp'].state(sim.now_s)
    sim.see('happy', 5)
    assert not sim.see([], 4.8)
    action, = sim.see([], 1)
    assert action.command == Command.RESTORE and action.emotion == 'nobody'
    sim.see([], 30)
    assert sim.lamps['lamp'].state(sim.now_s) == before
    # And the next one starts from scratch.
    assert len(sim.see('happy', 5)) == 1


@pytest.mark.parametrize('what, count', [('keep', 0), ('off', 1)])
def test_nobody_may_also_keep_or_turn_off(what, count):
    sim = Sim(nobody={'after_s': 2, 'action': what})
    sim.see('happy', 5)
    done = sim.see([], 20)
    assert len(done) == count
    assert all(not action.request.light.on for action in done)
    # What we turned off we may turn on.
    assert len(sim.see('sad', 15)) == 1


def test_what_is_kept_when_people_leave_is_neither_asked_again_nor_undone():
    sim = Sim(nobody={'after_s': 2, 'action': 'keep'}, cooldown_s=1)
    happy, = sim.see('happy', 5)
    assert not sim.see([], 20)
    kept = sim.lamps['lamp'].state(sim.now_s)
    assert not sim.see('happy', 20)
    assert not sim.engine.release(now_s=sim.now_s)
    # What comes after is undone up to what was kept.
    sim.see('happy', 5)
    sad, = sim.see('sad', 20)
    assert sad.request.light != happy.request.light
    action, = sim.command(RoomCommand.REVERT)
    assert action.command == Command.RESTORE and not differences(action.request.light, kept)


def test_a_camera_that_stops_changes_nothing():
    sim = Sim(nobody={'after_s': 2, 'action': 'restore'})
    sim.see('happy', 5)
    assert not sim.see(None, 60)
    assert sim.status.stale and sim.status.emotion is None and sim.status.occupied is None


def test_one_blind_camera_of_two_keeps_the_room_from_being_called_empty():
    sim = Sim(sources=['left', 'right'], nobody={'after_s': 2, 'action': 'restore'})
    for _ in range(50):
        sim.step([emotion('happy')], source='left')
        sim.step([], source='right')
    assert len(sim.actions) == 1
    for _ in range(100):
        sim.step([], source='left')
    assert len(sim.actions) == 1
    for _ in range(50):
        sim.step([], source='left')
        sim.step([], source='right')
    assert sim.actions[-1].command == Command.RESTORE


@pytest.mark.parametrize('age_s, words', [
    (-5.0, 'in the future'), (10.0, 'old'), (float('nan'), 'not a number')])
def test_stamps_that_cannot_be_are_refused(age_s, words):
    sim = Sim()
    for _ in range(100):
        sim.step([emotion('happy')], age_s=age_s)
    assert not sim.actions and words in sim.problems[0]


def test_the_same_stamp_twice_counts_once():
    sim = Sim()
    problems = [sim.engine.observe('emotions', [emotion('happy')], sim.now_s, now_s=sim.now_s)
                for _ in range(2)]
    assert not problems[0] and 'not newer' in problems[1][0]


@pytest.mark.parametrize('change, words', [
    ({'filtered': np.full(7, np.nan)}, 'NaN'),
    ({'filtered': np.full(7, 0.3)}, 'sum is 2.1'),
    ({'filtered': np.array([2.0, -1, 0, 0, 0, 0, 0])}, 'not a distribution: -1 to 2'),
    ({'probabilities': np.zeros(7)}, 'sum is 0'),
    ({'probabilities': np.full(8, 1 / 8)}, 'shape'),
    ({'confidence': float('nan')}, 'confidence is nan'),
    ({'confidence': 1.5}, 'confidence is 1.5'),
    ({'valence': -3.0}, 'valence is -3'),
    ({'label': 'hungry'}, "unknown label 'hungry'"),
])
def test_numbers_that_make_no_sense_are_skipped(change, words):
    sim = Sim(nobody={'after_s': 1, 'action': 'off'})
    sim.see([replace(emotion('happy'), **change)], 10)
    # Nor does the room count as empty.
    assert not sim.actions and words in sim.problems[0]
    assert len(sim.see('happy', 5)) == 1


def test_a_clock_that_jumps_neither_acts_nor_loses_a_hold():
    sim = Sim(hold={'for_s': 100}, dwell_s=2)
    sim.see('happy', 1)
    for jump_s in (3600, -7200):
        sim.now_s += jump_s
        assert not sim.step([emotion('happy')])
        assert not sim.see('happy', 1.5)
    sim.see('happy', 5)
    assert len(sim.actions) == 1
    sim.set_manually(brightness=0.1)
    for jump_s in (3600, -7200):
        sim.now_s += jump_s
        sim.see('sad', 20)
        assert sim.status.on_hold
    sim.see('sad', 70)
    assert not sim.status.on_hold and len(sim.actions) == 2


def test_the_same_input_gives_the_same_actions():
    def run():
        sim = Sim(hold={'for_s': 20})
        generator = np.random.default_rng(5)
        for _ in range(150):
            seen = generator.choice(['happy', 'sad', 'angry', 'uncertain', 'neutral'])
            sim.see(str(seen), float(generator.integers(1, 40)) / 10)
            if generator.random() < 0.02:
                sim.set_manually(brightness=float(generator.random()))
        return sim.actions
    first = run()
    assert first == run() and len(first) > 10


def test_an_empty_room_obeys_the_rate_limit():
    sim = Sim(rate_limit={'actions': 1, 'per_s': 3600}, nobody={'after_s': 1})
    assert len(sim.see('happy', 5)) == 1
    assert not sim.see([], 30)
    assert 'rate limit of 1' in sim.status.blocked_reason


def test_a_room_is_empty_only_from_when_all_cameras_see_it():
    sim = Sim(sources=['left', 'right'], nobody={'after_s': 5, 'action': 'restore'})
    for _ in range(50):
        sim.step([emotion('happy')], source='left')
        sim.step([], 0, source='right')
    assert len(sim.actions) == 1
    for _ in range(100):
        sim.step([], source='left')
    for count in range(60):
        sim.step([], source='left')
        sim.step([], 0, source='right')
        if len(sim.actions) > 1:
            break
    assert count >= 48
