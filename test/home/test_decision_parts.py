# SPDX-License-Identifier: Apache-2.0
"""The parts of a decision, each by itself and at its exact bounds."""

from dataclasses import replace
import math

from fer_ros.home.commands import RoomCommand
from fer_ros.home.decisions.check import face_problem
from fer_ros.home.decisions.clock import COUNTED_STEP_S, MAXIMUM_STEP_S, RoomClock
from fer_ros.home.decisions.evidence import Evidence
from fer_ros.home.decisions.override import Override
from fer_ros.home.decisions.rate_limit import RateLimiter
from fer_ros.home.decisions.sightings import FUTURE_TOLERANCE_S, Sightings
from fer_ros.home.lifecycle import ControlState
from fer_ros.home.light import LightState
from fer_ros.home.policy import parse_policy
from fer_ros.home.policy.rooms import RateLimit
from home_support import emotion, POLICY, policy_of, REGIONS, Sim
import numpy as np
import pytest


def room_of(**fields):
    return policy_of(**fields).rooms['study']


# Time.

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


# Who is in view.

def test_each_source_has_its_newest_sighting_until_that_is_stale():
    clock = RoomClock()
    clock.advance(1000.0)
    sightings = Sightings(room_of(sources=['left', 'right'], stale_after_s=2), clock)
    assert not sightings.fresh and not sightings.any_recent and sightings.frame_id == ''
    assert not sightings.add('left', [emotion('happy', track_id=7)], 999.5, 'camera_left')
    assert sightings.occupied and sightings.any_recent and not sightings.fresh
    assert [key for key, _ in sightings.faces] == [('left', 7)]
    clock.advance(1001.0)
    assert not sightings.add('right', [], 1000.75, 'camera_right')
    assert sightings.fresh and sightings.frame_id == 'camera_right'
    # Half a second old when it came, it is stale 1.5 s later.
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
    refused = Sightings(room_of(stale_after_s=2), clock).add('emotions', [], 1000.0 - age_s, '')
    assert words in refused and bool(refused) == bool(words)


def test_a_stamp_of_the_future_is_not_fresh_for_longer():
    clock = RoomClock()
    clock.advance(1000.0)
    sightings = Sightings(room_of(stale_after_s=2), clock)
    assert not sightings.add('emotions', [emotion('sad')], 1000.4, '')
    clock.advance(1001.0)
    clock.advance(1002.0)
    assert sightings.fresh
    clock.advance(1002.1)
    assert not sightings.fresh


def test_how_long_nobody_is_in_view():
    clock = RoomClock()
    sightings = Sightings(room_of(stale_after_s=2), clock)

    def see(now_s, *faces):
        clock.advance(now_s)
        assert not sightings.add('emotions', faces, now_s, '')
        return sightings.empty_s
    assert [see(now_s) for now_s in (1000.0, 1001.0, 1002.0)] == [0.0, 1.0, 2.0]
    assert see(1003.0, emotion('happy')) == 0.0
    assert [see(now_s) for now_s in (1004.0, 1005.0)] == [0.0, 1.0]
    sightings.doubt_emptiness()
    assert sightings.empty_s == 0.0 and [see(1006.0), see(1007.0)] == [0.0, 1.0]


# What is felt.

def evidence_of(**fields):
    room = room_of(**{'stale_after_s': 60, **fields})
    return Evidence(room, policy_of().policies['mirror'])


def feel(evidence, label, *stamps_s, probability=0.9):
    for stamp_s in stamps_s:
        faces = [] if label is None else [
            (('camera', 1), emotion(label, probability, valence=0.5, arousal=-0.25))]
        evidence.add(faces, stamp_s)


@pytest.mark.parametrize('intervals_s', [[1.0], [0.5, 0.5], [0.1] * 10, [0.7, 0.3]])
def test_smoothing_goes_by_time_and_not_by_frames(intervals_s):
    evidence = evidence_of(smoothing_s=2.0)
    stamps_s = np.cumsum([100.0, *intervals_s])
    # The first frame says only when it began.
    feel(evidence, 'happy', stamps_s[0])
    assert evidence.confidence == 0.0 and evidence.key is None
    feel(evidence, 'happy', *stamps_s[1:])
    assert evidence.confidence == pytest.approx(0.9 * (1 - math.exp(-0.5)), rel=1e-6)
    assert evidence.valence_arousal == pytest.approx((0.5, -0.25))
    # Where nothing is seen it fades by the same law.
    feel(evidence, None, stamps_s[-1] + 2.0)
    assert evidence.confidence == pytest.approx(0.9 * (1 - math.exp(-0.5)) * math.exp(-1))
    assert evidence.valence_arousal == pytest.approx((0.5, -0.25))


def test_without_smoothing_each_frame_counts_wholly():
    evidence = evidence_of(smoothing_s=0)
    feel(evidence, 'happy', 1.0)
    assert evidence.confidence == pytest.approx(0.9) and evidence.key == 'happy'
    feel(evidence, 'sad', 1.1)
    assert evidence.key == 'sad' and evidence.support == pytest.approx(0.9)


@pytest.mark.parametrize('dwell_s, stamps_s, ready', [
    (0.5, (1.0, 1.25, 1.5), True), (0.5, (1.0, 1.25, 1.49), False),
    # Long enough, but in too few frames.
    (0.5, (1.0, 1.5), False), (0.5, (1.0, 1.75, 2.0), True)])
def test_ready_after_the_dwell_and_in_enough_frames(dwell_s, stamps_s, ready):
    evidence = evidence_of(smoothing_s=0, dwell_s=dwell_s, minimum_frames=3)
    feel(evidence, 'happy', *stamps_s)
    assert evidence.ready == ready
    assert evidence.lasted_s == pytest.approx(stamps_s[-1] - stamps_s[0])


def test_a_frame_that_says_nothing_does_not_count():
    evidence = evidence_of(smoothing_s=5.0, dwell_s=0.1, minimum_frames=3, enter_threshold=0.3,
                           exit_threshold=0.2)
    feel(evidence, 'happy', 0.0, 10.0, 10.1)
    assert evidence.emotion == 'happy' and not evidence.ready
    feel(evidence, None, 10.2)
    assert evidence.emotion == 'happy' and not evidence.ready
    feel(evidence, 'happy', 10.3)
    assert evidence.ready


@pytest.mark.parametrize('probability, emotion_, entered_before', [
    (0.5, 'happy', False), (0.49, 'uncertain', False), (0.4, 'happy', True),
    (0.39, 'uncertain', True)])
def test_an_emotion_counts_from_the_one_threshold_and_until_the_other(
        probability, emotion_, entered_before):
    evidence = evidence_of(smoothing_s=0, enter_threshold=0.5, exit_threshold=0.4,
                           minimum_confidence=0.0)
    if entered_before:
        feel(evidence, 'happy', 0.9, probability=0.9)
    # A float32 lies on the one side or the other of what was written.
    feel(evidence, 'happy', 1.0, probability=probability + 1e-6)
    assert evidence.emotion == emotion_


def test_below_the_threshold_frames_are_counted_again():
    evidence = evidence_of(smoothing_s=0, dwell_s=0.1, minimum_frames=2, enter_threshold=0.5,
                           exit_threshold=0.4, minimum_confidence=0.0)
    feel(evidence, 'happy', 1.0, 1.1)
    assert evidence.ready
    feel(evidence, 'happy', 1.2, probability=0.3)
    feel(evidence, 'happy', 1.3)
    assert not evidence.ready
    feel(evidence, 'happy', 1.45)
    assert evidence.ready


def test_what_was_lost_and_comes_again_lasts_from_then_on():
    evidence = evidence_of(smoothing_s=0.5, dwell_s=1.0)
    for stamp in range(30):
        feel(evidence, 'happy', stamp / 10)
    for stamp in range(30, 60):
        feel(evidence, 'uncertain', stamp / 10)
    assert evidence.emotion == 'uncertain' and evidence.key == 'happy'
    for stamp in range(60, 73):
        feel(evidence, 'happy', stamp / 10)
    assert not evidence.ready and evidence.lasted_s < 1.0
    feel(evidence, 'happy', 7.4, 7.5, 7.6)
    assert evidence.ready


@pytest.mark.parametrize('gap_s, kept', [(2.0, True), (2.1, False)])
def test_after_a_gap_the_evidence_begins_again(gap_s, kept):
    evidence = evidence_of(smoothing_s=0, stale_after_s=2, dwell_s=1.0, minimum_frames=2)
    feel(evidence, 'happy', 1.0, 2.0)
    feel(evidence, 'happy', 2.0 + gap_s)
    assert evidence.ready == kept


def test_two_cameras_whose_stamps_cross_do_not_turn_time_back():
    evidence = evidence_of(smoothing_s=1.0)
    feel(evidence, 'happy', 1.0, 3.0)
    before = evidence.confidence
    feel(evidence, 'happy', 2.5)
    assert evidence.confidence == before
    feel(evidence, 'happy', 3.5)
    assert evidence.confidence == pytest.approx(0.9 * (1 - math.exp(-2.5)))


def test_another_emotion_begins_from_nothing():
    evidence = evidence_of(smoothing_s=0, dwell_s=0.1, minimum_frames=4, enter_threshold=0.5,
                           exit_threshold=0.4, minimum_confidence=0.0)
    feel(evidence, 'happy', *np.arange(1.0, 2.0, 0.1))
    assert evidence.ready and evidence.lasted_s == pytest.approx(0.9)
    # Below the threshold from which it counts, though above the one until which.
    feel(evidence, 'sad', 2.0, probability=0.45)
    assert evidence.key == 'sad' and evidence.emotion == 'uncertain' and evidence.lasted_s == 0
    feel(evidence, 'sad', 2.1, 2.2, 2.3)
    assert not evidence.ready
    feel(evidence, 'sad', 2.4)
    assert evidence.ready


def test_another_policy_counts_at_once():
    evidence = evidence_of(smoothing_s=0)
    evidence.add([(('camera', 1), emotion('fear', valence=-0.6, arousal=0.7))], 1.0)
    assert evidence.key == 'fear'
    evidence.select(parse_policy(REGIONS).policies['regions'])
    assert evidence.key == 'tense' and evidence.lasted_s == 0


def test_the_main_person_stays_the_main_person():
    evidence = evidence_of(aggregation='primary_person', smoothing_s=0)
    first = (('camera', 1), emotion('happy', side_px=100))
    evidence.add([first], 1.0)
    # Nearer, but not clearly.
    evidence.add([(('camera', 2), emotion('sad', side_px=110)), first], 1.1)
    assert evidence.key == 'happy' and evidence.reading.primary == ('camera', 1)
    evidence.add([(('camera', 2), emotion('sad', side_px=130)), first], 1.2)
    assert evidence.key == 'sad'
    evidence.add([(('camera', 2), emotion('uncertain', side_px=130))], 1.3)
    assert evidence.reading.why == 'no face is certain enough'


def test_nothing_is_known_of_a_room_in_which_nothing_was_seen():
    evidence = evidence_of()
    assert (evidence.key, evidence.support, evidence.confidence, evidence.lasted_s) == (
        None, 0.0, 0.0, 0.0)
    assert evidence.valence_arousal == (0.0, 0.0) and evidence.emotion == 'uncertain'
    assert not evidence.ready and evidence.reading.why == 'nothing seen yet'


# A face's numbers.

@pytest.mark.parametrize('change, words', [
    ({}, ''), ({'confidence': 0.0}, ''), ({'confidence': 1.0}, ''),
    ({'confidence': -0.1}, '0 to 1'), ({'confidence': 1.1}, '0 to 1'),
    ({'quality': 2.0}, 'quality is 2.0: expected 0 to 1'),
    ({'valence': -1.0}, ''), ({'valence': -1.1}, '-1 to 1'), ({'arousal': 1.0}, ''),
    ({'arousal': -1.5}, 'arousal is -1.5: expected -1 to 1'), ({'label': 'uncertain'}, ''),
    ({'label': 'bored'}, "unknown label 'bored'"),
    # Rounding is no fault: a sum of 1.015, a part of 1.0005 or -0.0005.
    ({'filtered': np.eye(7)[3]}, ''), ({'filtered': np.full(7, 1.015 / 7)}, ''),
    ({'filtered': np.eye(7)[3] * 1.0005}, ''), ({'filtered': np.eye(7)[3] - 0.0005}, ''),
    ({'filtered': np.eye(7)[3] * 0.97}, 'the sum is 0.970'),
    ({'filtered': np.eye(7)[3] * 1.01}, 'not a distribution'),
    ({'filtered': np.array([1.002, -0.002, 0, 0, 0, 0, 0])}, 'not a distribution'),
    ({'filtered': np.array([0.52, 0.51, -0.01, 0, 0, 0, 0])}, 'not a distribution')])
def test_what_a_face_may_say(change, words):
    problem = face_problem(replace(emotion('happy'), **change))
    assert words in problem and bool(problem) == bool(words)


# What is done, in numbers and words.

def test_an_action_says_how_sure_it_is_and_for_how_many():
    sim = Sim(smoothing_s=0, nobody={'after_s': 1})
    two = [emotion('happy', 0.8, track_id=1), emotion('happy', 0.8, track_id=2)]
    action, = sim.see(two, 5)
    assert action.confidence == pytest.approx(0.8) and '(2 faces)' in action.reason
    action, = sim.see([], 5)
    assert action.confidence == 0.0
    action, = sim.see([emotion('happy', 1.0)], 20)
    assert action.confidence == 1.0 and '(1 face)' in action.reason
    # Rounding of others is not passed on.
    sure = replace(emotion('angry', 1.0), filtered=np.eye(7)[0] * 1.0005)
    action, = sim.see([sure], 20)
    assert action.confidence == 1.0


def test_what_keeps_an_empty_room_from_acting_is_said():
    sim = Sim(nobody={'after_s': 1, 'action': 'off'})
    sim.see('happy', 5)
    sim.room.targets['lamp'].set_available(False)
    assert not sim.see([], 5)
    assert sim.status.blocked_reason == 'lamp: not reachable'
    sim.room.targets['lamp'].set_available(True)
    assert len(sim.see([], 1)) == 1
    sim = Sim(nobody={'after_s': 1, 'action': 'restore'})
    sim.see('happy', 5)
    sim.room.targets['lamp'].set_available(False)
    assert not sim.see([], 5) and sim.status.blocked_reason == 'lamp: not reachable'


@pytest.mark.parametrize('how', ['revert', 'off', 'end'])
def test_what_a_person_or_the_end_commands_obeys_no_rate_limit(how):
    sim = Sim(rate_limit={'actions': 1, 'per_s': 3600})
    assert len(sim.see('happy', 5)) == 1
    if how == 'end':
        actions = sim.engine.release(now_s=sim.now_s)
    else:
        actions = sim.command(RoomCommand.REVERT if how == 'revert' else RoomCommand.SWITCH_OFF)
    action, = actions
    assert action.transition_s == 0.5 and action.request.light.brightness == pytest.approx(0.6)
    # What cannot be reached stays as it is.
    sim = Sim()
    sim.see('happy', 5)
    sim.room.targets['lamp'].set_available(False)
    assert not sim.command(RoomCommand.REVERT)
    assert 'not reachable' in sim.room.snapshot.blocked_reason


TWO_LAMPS = {'targets': {'lamp': {'type': 'terminal'}, 'other': {'type': 'terminal'}}}


@pytest.mark.parametrize('what', ['on hold', 'switched off', 'restore_on_exit'])
def test_the_end_gives_nothing_back_that_it_must_not(what):
    sim = Sim(**TWO_LAMPS, restore_on_exit=what != 'restore_on_exit')
    assert len(sim.see('happy', 5)) == 2
    if what == 'on hold':
        sim.hand('other', brightness=0.1)
    elif what == 'switched off':
        for target in sim.room.targets.values():
            target.set_available(False)
        assert not sim.command(RoomCommand.SWITCH_OFF)
        for target in sim.room.targets.values():
            target.set_available(True)
    assert not sim.engine.release(now_s=sim.now_s)


def test_what_a_room_waits_for_is_said():
    sim = Sim(nobody={'after_s': 10})
    sim.see(None, 1)
    assert sim.status.blocked_reason == 'no fresh emotions'
    sim.see([], 1)
    assert sim.status.blocked_reason == 'nobody in view'
    sim.see('happy', 0.5)
    assert sim.status.blocked_reason == 'no feeling has lasted yet'
    sim.see('uncertain', 0.5)
    assert sim.status.blocked_reason == 'no face is certain enough'
    sim.see('happy', 5)
    assert sim.status.blocked_reason == ''
    sim.see('sad', 4)
    assert sim.status.blocked_reason == 'lamp: cooling down'
    sim.command(RoomCommand.REVERT)
    sim.see('sad', 1)
    assert sim.status.blocked_reason == 'on hold: reverted by a person'
    sim.command(RoomCommand.SWITCH_OFF)
    sim.see('sad', 1)
    assert sim.status.blocked_reason == 'switched off'


def test_where_there_is_nothing_to_undo_nothing_is_undone_later():
    sim = Sim(policy='warm', nobody={'after_s': 1, 'action': 'off'}, cooldown_s=0,
              hold={'for_s': 1})
    sim.hand(brightness=0.3, color_temperature_k=2200)
    # The lamp is as the rule wants it.
    assert len(sim.see('happy', 8)) == 1
    assert not sim.command(RoomCommand.REVERT)
    action, = sim.see([], 8)
    assert not action.request.light.on
    assert not sim.command(RoomCommand.REVERT)


def test_a_command_is_given_at_its_time():
    sim = Sim()
    sim.see('happy', 5)
    sim.now_s += 3
    action, = sim.command(RoomCommand.REVERT)
    assert action.stamp_s == sim.now_s and sim.status.hold_left_s == 1800


def test_a_report_counts_at_its_time():
    sim = Sim(hold={'for_s': 100})
    sim.see('happy', 5)
    sim.now_s += 3
    sim.hand(brightness=0.1)
    sim.step([emotion('happy')])
    assert sim.status.hold_left_s == pytest.approx(99.9)


def test_a_changed_file_keeps_what_is_known_of_a_device():
    sim = Sim(cooldown_s=0, answers=False)
    assert len(sim.see('happy', 5)) == 1
    sim.room.targets['lamp'].failed()
    sim.engine = sim.engine.successor(policy_of(cooldown_s=0))
    assert not sim.see('happy', 10)
    assert 'the last command failed' in sim.status.blocked_reason
    sim.room.targets['lamp'].set_available(False)
    sim.engine = sim.engine.successor(policy_of(cooldown_s=0))
    assert not sim.status.devices[0].available
    assert not sim.see('happy', 10) and 'not reachable' in sim.status.blocked_reason


def test_a_device_of_another_type_is_another_device():
    sim = Sim()
    assert len(sim.see('happy', 5)) == 1
    sim.engine = sim.engine.successor(parse_policy(POLICY.replace(
        'version: 1', 'version: 1\nbroker: {host: localhost}').replace(
            '{type: terminal}', '{type: mqtt_light, topic: a/b}')))
    lamp = sim.room.targets['lamp']
    assert lamp.state is ControlState.IDLE and lamp.reported is None
    # One of another name too.
    sim.engine = sim.engine.successor(policy_of(targets={'new': {'type': 'terminal'}}))
    assert list(sim.room.targets) == ['new']


def test_a_regions_emotion_is_named_from_the_threshold_on():
    evidence = Evidence(room_of(smoothing_s=0, enter_threshold=0.5, minimum_confidence=0.0),
                        parse_policy(REGIONS).policies['regions'])
    evidence.add([(('camera', 1), emotion('fear', 0.5, valence=-0.6, arousal=0.7))], 1.0)
    assert (evidence.key, evidence.emotion) == ('tense', 'fear')


# A person and the switch.

def test_switching_off_and_on_ends_a_hold_and_begins_the_evidence_again():
    sim = Sim(dwell_s=2, cooldown_s=0)
    sim.see('happy', 5)
    sim.hand(brightness=0.1)
    assert sim.status.on_hold
    sim.command(RoomCommand.SWITCH_OFF)
    assert not sim.status.on_hold and sim.room.targets['lamp'].state is ControlState.IDLE
    sim.command(RoomCommand.SWITCH_ON)
    assert not sim.see('happy', 1.9) and len(sim.see('happy', 2)) == 1
    # Nor does anything that was felt before the switch count after it.
    sim.command(RoomCommand.SWITCH_OFF)
    sim.command(RoomCommand.SWITCH_ON)
    assert not sim.see('happy', 1.9) and len(sim.see('happy', 2)) == 1


def test_a_lamp_turned_on_by_a_person_waits_for_an_emotion_that_lasts_from_then_on():
    sim = Sim(dwell_s=2, answers=False)
    sim.lamps['lamp'].set(LightState(False), 0, sim.now_s)
    sim.answers = True
    assert not sim.see('happy', 10)
    sim.hand(on=True)
    assert not sim.see('happy', 1.9) and len(sim.see('happy', 2)) == 1


def test_a_lamp_that_a_person_turned_off_and_on_again_is_ours_to_turn_off_and_on():
    sim = Sim(dwell_s=0.5, cooldown_s=0, nobody={'after_s': 1, 'action': 'off'})
    sim.see('happy', 5)
    sim.hand(on=False)
    sim.hand(on=True)
    sim.see('happy', 5)
    off, = sim.see([], 5)
    assert not off.request.light.on
    assert len(sim.see('happy', 5)) == 1


def test_another_policy_answers_by_its_own_regions():
    sim = Sim(REGIONS, cooldown_s=0)
    seen = [emotion('fear', valence=-0.6, arousal=0.7)]
    assert not sim.see(seen, 5)
    sim.command(RoomCommand.SELECT_POLICY, 'regions')
    assert not sim.see(seen, 1)
    action, = sim.see(seen, 5)
    assert action.reason.startswith('tense for')


# Several devices.

@pytest.mark.parametrize('obstacle', ['not reachable', 'off already', 'on hold'])
@pytest.mark.parametrize('nobody', ['off', 'restore', 'keep'])
def test_what_one_lamp_cannot_another_does(obstacle, nobody):
    sim = Sim(**TWO_LAMPS, nobody={'after_s': 1, 'action': nobody}, hold={'for_s': 1})
    assert len(sim.see('happy', 5)) == 2
    if obstacle == 'not reachable':
        sim.room.targets['lamp'].set_available(False)
    elif obstacle == 'off already':
        sim.hand('lamp', on=False)
    else:
        sim.hand('lamp', brightness=0.1)
    done = sim.see([], 10)
    if nobody == 'keep':
        assert not done and not sim.engine.release(now_s=sim.now_s)
    else:
        expected = ['lamp', 'other'] if (obstacle, nobody) == ('on hold', 'off') else ['other']
        assert [action.target for action in done] == expected


def test_the_last_command_failed_until_its_pause_is_over_or_the_device_is_back():
    sim = Sim(cooldown_s=0, answers=False)
    assert len(sim.see('happy', 5)) == 1
    lamp = sim.room.targets['lamp']
    lamp.failed()
    # As each tick of a device that never was away says.
    lamp.set_available(True)
    assert not sim.see('happy', 10)
    lamp.set_available(False)
    assert not sim.see('happy', 1)
    lamp.set_available(True)
    assert len(sim.see('happy', 1)) == 1


def test_the_reason_says_what_the_policy_does():
    action, = Sim(policy='warm').see('happy', 5)
    assert action.reason.endswith('(1 face): policy warm has a rule for it')
    action, = Sim().see('happy', 5)
    assert action.reason.endswith('(1 face): policy mirror shows the emotion')


def test_the_thresholds_themselves_count():
    # Both are what a float32 holds.
    evidence = evidence_of(smoothing_s=0, enter_threshold=0.5, exit_threshold=0.25,
                           minimum_confidence=0.0)
    feel(evidence, 'happy', 1.0, probability=0.5)
    assert evidence.emotion == 'happy'
    feel(evidence, 'happy', 1.1, probability=0.25)
    assert evidence.emotion == 'happy'


def test_one_lamp_that_cannot_be_asked_does_not_keep_another_from_it():
    sim = Sim(**TWO_LAMPS)
    sim.room.targets['lamp'].set_available(False)
    action, = sim.see('happy', 5)
    assert action.target == 'other' and sim.status.blocked_reason == 'lamp: not reachable'


def test_an_empty_room_obeys_the_rate_limit():
    sim = Sim(rate_limit={'actions': 1, 'per_s': 3600}, nobody={'after_s': 1})
    assert len(sim.see('happy', 5)) == 1
    assert not sim.see([], 30)
    assert 'rate limit of 1' in sim.status.blocked_reason


def test_switched_off_a_room_has_forgotten_who_is_there():
    sim = Sim()
    sim.see('happy', 1)
    assert sim.room.faces
    sim.command(RoomCommand.SWITCH_OFF)
    assert not sim.room.faces


def test_after_a_hold_an_emotion_must_last_again():
    sim = Sim(dwell_s=2, cooldown_s=0, hold={'for_s': 10})
    for end in ('command', 'time'):
        sim.see('happy', 5)
        sim.hand(brightness=0.1)
        sim.see('happy', 5)
        if end == 'command':
            sim.command(RoomCommand.RESUME)
        else:
            while sim.status.on_hold:
                sim.step([emotion('happy')])
        assert not sim.see('happy', 1.8) and len(sim.see('happy', 2)) == 1


def test_a_lamp_that_never_said_how_it_is_is_asked_again_after_it_was_kept():
    sim = Sim(answers=False, cooldown_s=0, nobody={'after_s': 1, 'action': 'keep'})
    assert len(sim.see('happy', 5)) == 1
    assert not sim.see([], 5)
    assert len(sim.see('happy', 5)) == 1


def test_what_was_undone_is_not_undone_again_later():
    sim = Sim(nobody={'after_s': 1, 'action': 'off'}, hold={'for_s': 1}, cooldown_s=0)
    assert len(sim.see('happy', 5)) == 1
    assert len(sim.command(RoomCommand.REVERT)) == 1
    # It has come back before anything else is asked of it.
    sim.see('uncertain', 4)
    off, = sim.see([], 8)
    assert not off.request.light.on
    assert not sim.command(RoomCommand.REVERT)


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


def test_what_a_lamp_reports_just_after_a_person_turned_it_on_is_not_a_second_change():
    sim = Sim(answers=False, hold={'settle_s': 2})
    sim.lamps['lamp'].set(LightState(False), 0, sim.now_s)
    sim.answers = True
    sim.see([], 1)
    sim.hand(on=True)
    sim.see([], 1)
    sim.hand(brightness=0.9)
    assert not sim.status.on_hold


@pytest.mark.parametrize('away', [True, False])
def test_a_lamp_that_goes_away_on_its_way_is_not_overridden(away):
    sim = Sim(POLICY.replace('happy: {strategy: mirror}', 'happy: {brightness: 1.0}'),
              transition_s=2.0, hold={'scope': 'attribute'})
    while not sim.see('happy', 0.1):
        pass
    sim.see('happy', 1.0)
    target = sim.room.targets['lamp']
    assert target.in_window and target.reported != target.request.expected
    # It is heard no more while it fades, and long after.
    sim.answers, target.unheard = False, away
    sim.see('happy', 20)
    assert bool(target.holds.held) == (not away)
    sim.answers = True
    sim.see('happy', 5)
    assert bool(target.holds.held) == (not away) and len(sim.actions) == 1
