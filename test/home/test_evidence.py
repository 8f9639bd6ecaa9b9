# SPDX-License-Identifier: Apache-2.0
"""What is felt: smoothing, thresholds, dwell, and whose feeling counts."""

import math

from fer_ros.home.decisions.evidence import Evidence
from fer_ros.home.policy import parse_policy
from home_support import emotion, policy_of, REGIONS, study_of
import numpy as np
import pytest


def evidence_of(**fields):
    room = study_of(**{'stale_after_s': 60, **fields})
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


def test_below_the_threshold_frames_are_counted_from_none():
    evidence = evidence_of(smoothing_s=0, dwell_s=0.1, minimum_frames=3, enter_threshold=0.5,
                           exit_threshold=0.4, minimum_confidence=0.0)
    feel(evidence, 'happy', 1.0, 1.1, 1.2)
    assert evidence.ready
    feel(evidence, 'happy', 1.3, probability=0.3)
    feel(evidence, 'happy', 1.4, 1.6)
    assert not evidence.ready
    feel(evidence, 'happy', 1.7)
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
def test_after_a_gap_the_evidence_restarts(gap_s, kept):
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


def test_a_regions_emotion_is_named_from_the_threshold_on():
    evidence = Evidence(study_of(smoothing_s=0, enter_threshold=0.5, minimum_confidence=0.0),
                        parse_policy(REGIONS).policies['regions'])
    evidence.add([(('camera', 1), emotion('fear', 0.5, valence=-0.6, arousal=0.7))], 1.0)
    assert (evidence.key, evidence.emotion) == ('tense', 'fear')


def test_the_thresholds_themselves_count():
    # Both are what a float32 holds.
    evidence = evidence_of(smoothing_s=0, enter_threshold=0.5, exit_threshold=0.25,
                           minimum_confidence=0.0)
    feel(evidence, 'happy', 1.0, probability=0.5)
    assert evidence.emotion == 'happy'
    feel(evidence, 'happy', 1.1, probability=0.25)
    assert evidence.emotion == 'happy'


def test_an_emotion_lasts_from_when_it_leads_though_it_becomes_strong_enough_later():
    evidence = evidence_of(smoothing_s=0, enter_threshold=0.5, exit_threshold=0.4,
                           minimum_confidence=0.0)
    feel(evidence, 'happy', 1.0, probability=0.45)
    assert evidence.emotion == 'uncertain'
    feel(evidence, 'happy', 2.0)
    assert evidence.emotion == 'happy' and evidence.lasted_s == 1.0
