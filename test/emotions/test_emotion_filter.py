# SPDX-License-Identifier: Apache-2.0
"""The state over time: steadier than frames, as fast as it can be, never astray."""

from dataclasses import replace

from fer_ros.emotions.classification import EmotionClassifier
from fer_ros.emotions.emotion_filter import DEFAULTS, EmotionFilter, FilterSettings
from fer_ros.emotions.labels import Emotion, LABELS, UNCERTAIN
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation import emotions as evaluation
from fer_ros.types import BoundingBox, Face
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

HAPPY, SAD, NEUTRAL = Emotion.HAPPY, Emotion.SAD, Emotion.NEUTRAL


def face(track_id=1, quality=1.0):
    return Face(track_id, BoundingBox(10, 20, 80, 80), 0.9, quality=quality)


def opinion(emotion, strength=0.7):
    """Return probabilities that favor one emotion."""
    values = np.full(7, (1 - strength) / 6)
    values[emotion] = strength
    return values


#: As often in every state, as the readings of these tests are: the frame alone speaks.
EVEN = replace(DEFAULTS, stationary=(1 / 7,) * 7)


def even(**changes):
    return EmotionFilter(replace(EVEN, **changes))


def run(emotion_filter, opinions, rate_hz=30.0, start_s=0.0, quality=1.0):
    return [emotion_filter.update(start_s + i / rate_hz, [(face(quality=quality), one)])[0]
            for i, one in enumerate(opinions)]


def test_the_first_frame_counts_in_full():
    result = run(even(), [opinion(HAPPY, 0.8)])[0]
    assert result.label == 'happy' and result.onset and result.duration_s == 0
    assert np.allclose(result.filtered, opinion(HAPPY, 0.8), atol=1e-6)
    assert np.allclose(result.probabilities, opinion(HAPPY, 0.8))
    assert result.filtered.dtype == result.probabilities.dtype == np.float32
    assert result.box == face().box and result.valence > 0.5


def test_one_odd_frame_changes_nothing_a_lasting_one_does():
    emotion_filter = even()
    run(emotion_filter, [opinion(HAPPY)] * 30)
    odd = run(emotion_filter, [opinion(SAD)], start_s=1.0)[0]
    assert odd.label == 'happy' and not odd.onset
    assert odd.probabilities.argmax() == SAD
    later = run(emotion_filter, [opinion(SAD)] * 30, start_s=1.033)
    onsets = [i for i, one in enumerate(later) if one.onset and one.label == 'sad']
    assert len(onsets) == 1 and onsets[0] < 20
    assert later[-1].label == 'sad'
    assert later[-1].duration_s == pytest.approx((29 - onsets[0]) / 30, abs=1e-6)


@pytest.mark.parametrize('strength', [0.6, 0.8])
def test_the_frame_rate_does_not_matter(strength):
    def belief(rate_hz):
        emotion_filter = even()
        run(emotion_filter, [opinion(HAPPY, 0.4)] * int(rate_hz), rate_hz)
        return run(emotion_filter, [opinion(SAD, strength)] * round(0.3 * rate_hz), rate_hz,
                   1.0)[-1].filtered
    beliefs = {rate_hz: belief(rate_hz) for rate_hz in (10, 30, 120)}
    # Half way through the change: a saturated belief would be the same whatever the rate did.
    assert all(0.25 < one[SAD] < 0.75 for one in beliefs.values())
    for one in beliefs.values():
        assert np.abs(one - beliefs[30]).max() < 0.04


def test_a_gap_fades_to_the_stationary_distribution():
    settings = replace(DEFAULTS, time_constant_s=1.0, forget_s=100)
    emotion_filter = EmotionFilter(settings)
    run(emotion_filter, [opinion(HAPPY, 0.99)] * 30)
    blank = np.full(7, 1 / 7)
    result = emotion_filter.update(9.0, [(face(), blank)])[0]
    assert np.allclose(result.filtered, np.array(settings.stationary) / 12, atol=1e-3)
    assert result.label == 'neutral'


@pytest.mark.parametrize('time_constant_s', [0.5, 2.0])
def test_a_belief_fades_at_the_rate_of_the_time_constant(time_constant_s):
    emotion_filter = EmotionFilter(replace(DEFAULTS, time_constant_s=time_constant_s))
    before = run(emotion_filter, [opinion(HAPPY, 0.9)])[0].filtered
    # Unreadable, so that nothing but time changes it.
    after = emotion_filter.update(1.5, [(face(quality=0.0), opinion(SAD))])[0].filtered
    stay = np.exp(-1.5 / time_constant_s)
    rest = np.array(DEFAULTS.stationary) / sum(DEFAULTS.stationary)
    np.testing.assert_allclose(after, stay * before + (1 - stay) * rest, atol=1e-6)


def test_a_frame_after_a_long_pause_counts_once_and_not_more():
    emotion_filter = even(time_constant_s=2.0, correlation_s=0.25)
    before = run(emotion_filter, [opinion(HAPPY, 0.8)])[0].filtered
    after = emotion_filter.update(1.0, [(face(), opinion(SAD, 0.6))])[0].filtered
    stay = np.exp(-0.5)
    expected = (stay * before + (1 - stay) / 7) * opinion(SAD, 0.6)
    np.testing.assert_allclose(after, expected / expected.sum(), atol=1e-6)


def test_a_class_that_a_frame_rules_out_keeps_a_seven_thousandth():
    certain = np.eye(7)[HAPPY]
    belief = run(even(), [certain])[0].filtered
    expected = np.where(certain > 0, 7.0, 7e-3)
    np.testing.assert_allclose(belief, expected / expected.sum(), rtol=1e-5)


def test_probabilities_are_scaled_to_sum_to_one():
    once, twice = run(even(), [opinion(HAPPY)])[0], run(even(), [2 * opinion(HAPPY)])[0]
    np.testing.assert_allclose(once.probabilities, twice.probabilities, atol=1e-6)


def test_shares_of_the_training_are_divided_out_once_and_for_all():
    shares = np.array([2, 1, 1, 8, 4, 3, 9]) / 28
    emotion_filter = EmotionFilter(EVEN, training_shares=shares)
    # A frame that says no more than the training's shares brings no evidence, however often.
    for result in run(emotion_filter, [shares] * 30):
        assert np.allclose(result.filtered, 1 / 7, atol=1e-6)
    # One that names a rare class twice as often as the training did does.
    rare = shares * np.array([1, 6, 1, 1, 1, 1, 1])
    assert run(emotion_filter, [rare / rare.sum()] * 30, start_s=2.0)[-1].label == 'disgust'
    assert run(even(), [rare / rare.sum()] * 30)[-1].label == 'neutral'


def test_the_divisor_and_the_stationary_distribution_are_two_things():
    shares = np.full(7, 1 / 7)
    mostly_sad = replace(DEFAULTS, stationary=(1, 1, 1, 1, 6, 1, 1))
    result = run(EmotionFilter(mostly_sad, training_shares=shares), [shares])[0]
    assert result.filtered[SAD] == pytest.approx(0.5)
    result = run(EmotionFilter(EVEN, training_shares=[1, 1, 1, 1, 6, 1, 1]), [shares])[0]
    assert result.filtered[SAD] == pytest.approx(1 / 37)


def test_a_filter_of_a_classifier_has_what_its_metadata_say():
    classifier = EmotionClassifier()
    entry = classifier.metadata.label_sets['ferplus']
    # FER+ calls a third of its faces neutral and one of a hundred disgusted.
    assert entry.training_shares[NEUTRAL] > 0.3 and entry.training_shares[Emotion.DISGUST] < 0.01
    assert entry.neutral_reading.argmax() == NEUTRAL
    emotion_filter = EmotionFilter.of(classifier, EVEN)
    result = run(emotion_filter, [entry.training_shares])[0]
    assert np.allclose(result.filtered, 1 / 7, atol=1e-6)
    assert result.label == UNCERTAIN and classifier.uncertain_below > 0.5
    assert run(EmotionFilter.of(classifier), [entry.training_shares])[0].filtered[NEUTRAL] == (
        pytest.approx(0.5))


def test_the_label_is_uncertain_below_the_threshold():
    weak = opinion(HAPPY, 0.45)
    assert run(even(uncertain_below=0.5), [weak])[0].label == UNCERTAIN
    result = run(even(uncertain_below=0.4), [weak])[0]
    assert result.label == 'happy' and result.confidence == pytest.approx(0.45, abs=1e-6)
    # At the threshold itself it is known.
    assert run(even(uncertain_below=result.confidence), [weak])[0].label == 'happy'


def test_bad_crops_bring_less_evidence_and_the_worst_none():
    def after(quality):
        emotion_filter = even()
        run(emotion_filter, [opinion(HAPPY)] * 30)
        return run(emotion_filter, [opinion(SAD)] * 8, start_s=1.0, quality=quality)[-1]
    good, poor, none = after(1.0), after(0.4), after(0.05)
    assert good.filtered[SAD] > poor.filtered[SAD] > none.filtered[SAD]
    assert none.label == 'happy' and none.quality == pytest.approx(0.05)
    fresh = run(even(uncertain_below=0.4), [opinion(SAD, 0.95)], quality=0.0)[0]
    assert fresh.label == UNCERTAIN and not np.isnan(fresh.filtered).any()


def test_quality_counts_from_the_least_on_and_is_a_share():
    least = DEFAULTS.minimum_quality
    rest = np.array(DEFAULTS.stationary) / sum(DEFAULTS.stationary)
    below = run(EmotionFilter(), [opinion(SAD)], quality=least - 0.01)[0]
    np.testing.assert_allclose(below.filtered, rest, atol=1e-6)
    at = run(EmotionFilter(), [opinion(SAD)], quality=least)[0]
    assert at.filtered[SAD] > rest[SAD] + 0.01
    worst, whole, best = (run(even(), [opinion(SAD)], quality=q)[0] for q in (-1.0, 1.0, 3.0))
    assert (worst.quality, best.quality) == (0, 1)
    np.testing.assert_array_equal(best.filtered, whole.filtered)


def test_a_face_seen_for_the_first_time_teaches_no_resting_face():
    plain = run(EmotionFilter(DEFAULTS), [opinion(SAD)])[0]
    learning = run(EmotionFilter(replace(DEFAULTS, learn_resting_face=True)), [opinion(SAD)])[0]
    np.testing.assert_array_equal(plain.filtered, learning.filtered)


def test_who_was_seen_within_a_second_is_in_view():
    emotion_filter = even()
    emotion_filter.update(0.0, [(face(1), opinion(HAPPY))])
    emotion_filter.update(1.0, [(face(2), opinion(HAPPY))])
    assert emotion_filter.look_neutral() == 2
    emotion_filter.update(1.5, [])
    assert emotion_filter.look_neutral() == 1


def test_a_face_is_the_same_until_it_was_away_for_longer_than_forget_s():
    emotion_filter = even(forget_s=4.0)
    emotion_filter.update(0.0, [(face(), opinion(HAPPY, 0.99))])
    emotion_filter.update(4.0, [])
    assert len(emotion_filter) == 1
    emotion_filter.update(4.1, [])
    assert len(emotion_filter) == 0
    away = even(forget_s=4.0)
    away.update(0.0, [(face(), opinion(HAPPY, 0.99))])
    exactly = away.update(4.0, [(face(), opinion(HAPPY, 0.99))])[0]
    assert not exactly.onset and exactly.duration_s == 4.0
    # So it is where it is not its turn to be read.
    assert away.update(8.0, [(face(), None)])[0].label == exactly.label
    away.update(8.0, [(face(), opinion(HAPPY, 0.99))])
    assert away.update(12.1, [(face(), None)])[0].label == UNCERTAIN


def test_after_a_reset_it_is_as_new():
    def last(emotion_filter):
        # Stamps that stand still: the usual interval is taken, not one from before the reset.
        return [emotion_filter.update(9.0, [(face(), opinion(SAD))])[0] for _ in range(3)][-1]
    used = even()
    run(used, [opinion(HAPPY)] * 3, rate_hz=0.5)
    used.reset()
    assert last(used).duration_s == pytest.approx(last(even()).duration_s)


def test_each_face_has_its_own_state():
    emotion_filter = even()
    for i in range(10):
        first, second = emotion_filter.update(i / 30, [(face(1), opinion(HAPPY)),
                                                       (face(2), opinion(SAD))])
    assert (first.label, second.label) == ('happy', 'sad')
    assert (first.track_id, second.track_id) == (1, 2)


@pytest.mark.parametrize('stamps', [[0.0] * 60, list(np.linspace(60, 0, 60)), [3.0, 1.0] * 30])
def test_stamps_that_stand_still_or_go_back(stamps):
    emotion_filter = even()
    for i, stamp_s in enumerate(stamps):
        result = emotion_filter.update(stamp_s, [(face(), opinion(HAPPY if i < 30 else SAD))])[0]
        assert result.duration_s >= 0 and np.isfinite(result.filtered).all()
    assert result.label == 'sad'


def test_faces_are_forgotten_and_bounded():
    emotion_filter = even(forget_s=1.0, max_faces=5)
    for i in range(50):
        emotion_filter.update(i / 30, [(face(i), opinion(HAPPY))])
        assert len(emotion_filter) <= 5
    emotion_filter.update(100.0, [])
    assert len(emotion_filter) == 0
    crowd = [(face(i), opinion(SAD)) for i in range(100)]
    assert len(emotion_filter.update(101.0, crowd)) == 100
    assert len(emotion_filter) == 5
    emotion_filter.reset()
    assert len(emotion_filter) == 0
    assert emotion_filter.update(0.0, []) == []
    # One is always held.
    single = even(max_faces=0)
    single.update(0.0, crowd)
    assert len(single) == 1


@pytest.mark.parametrize('values', [
    np.full(6, 1 / 6), np.full(7, np.nan), np.zeros(7), [-1, 1, 1, 0, 0, 0, 0], 0.5,
])
def test_bad_probabilities_are_refused_and_the_state_stays(values):
    emotion_filter = even()
    run(emotion_filter, [opinion(HAPPY)] * 5)
    with pytest.raises(ValueError):
        emotion_filter.update(1.0, [(face(), values)])
    assert run(emotion_filter, [opinion(HAPPY)], start_s=0.2)[0].label == 'happy'


@pytest.mark.parametrize('arguments', [
    {'time_constant_s': -1}, {'correlation_s': -1}, {'forget_s': 0}, {'uncertain_below': 2},
    {'minimum_quality': -0.1}, {'stationary': (1, 2)}, {'stationary': (0,) * 7},
    {'stationary': (1, 1, 1, 1, 1, 1, float('inf'))}, {'stationary': (1, 1, 1, 1, 1, 1, -1)},
])
def test_values_out_of_range_are_named(arguments):
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        EmotionFilter(FilterSettings(**arguments))


@pytest.mark.parametrize('name', ['uncertain_below', 'minimum_quality'])
@pytest.mark.parametrize('value', [0.0, 1.0])
def test_the_ends_of_a_range_are_taken(name, value):
    replace(DEFAULTS, **{name: value}).check()


def test_settings_check_their_stationary_distribution_themselves():
    with pytest.raises(ConfigurationError, match='stationary'):
        replace(DEFAULTS, stationary=(0.0,) * 7).check()


@pytest.mark.parametrize('name', ['training_shares', 'neutral_reading'])
def test_invalid_shares_are_named(name):
    with pytest.raises(ConfigurationError, match=name):
        EmotionFilter(**{name: [0.5, 0.5]})


@pytest.mark.parametrize('rate_hz', [10, 30])
def test_fewer_false_switches_than_a_moving_average_of_the_same_delay(rate_hz):
    recordings = [evaluation.simulate(rate_hz=rate_hz, duration_s=60, seed=seed)
                  for seed in (11, 12, 13)]
    ours = [evaluation.measure(one, evaluation.filtered_labels(one, even()))
            for one in recordings]
    delay_s = np.mean([one.delay_s for one in ours])
    _, average = evaluation.average_with_delay(recordings, delay_s)
    assert abs(np.mean([one.delay_s for one in average]) - delay_s) < 0.15
    switches = [np.mean([one.false_switches_per_min for one in those])
                for those in (ours, average)]
    assert switches[0] < 0.6 * switches[1]
    assert delay_s < 1.0
    assert np.mean([one.right for one in ours]) > np.mean([one.right for one in average])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.floats(-10, 10), st.floats(0, 1),
                          st.lists(st.floats(0, 1), min_size=7, max_size=7)), max_size=30))
def test_whatever_comes_the_promises_hold(frames):
    emotion_filter, stamp_s = even(), 0.0
    for track_id, step_s, quality, values in frames:
        stamp_s += step_s
        values = np.array(values) + 1e-6
        result = emotion_filter.update(stamp_s, [(face(track_id, quality), values)])[0]
        assert result.filtered.sum() == pytest.approx(1, abs=1e-4)
        assert result.label in (*LABELS, UNCERTAIN)
        assert result.confidence == pytest.approx(float(result.filtered.max()), abs=1e-5)
        assert -1 <= result.valence <= 1 and -1 <= result.arousal <= 1
        assert result.duration_s >= 0 and (result.duration_s == 0 or not result.onset)


def test_a_time_constant_of_zero_remembers_nothing():
    results = run(even(time_constant_s=0.0, correlation_s=0.001),
                  [opinion(HAPPY, 0.8)] * 5 + [opinion(SAD, 0.8)])
    assert all(np.isfinite(result.filtered).all() for result in results)
    assert results[-2].label == 'happy'
    assert results[-1].label == 'sad' and np.allclose(results[-1].filtered, opinion(SAD, 0.8))
