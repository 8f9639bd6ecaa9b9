# SPDX-License-Identifier: Apache-2.0
"""The next event and when: from order, time of day and state, with honest probabilities."""

from fer_ros.habits.sequence import (
    CAPACITY,
    Context,
    DAY_S,
    SequenceModel,
    weighted_quantiles,
)
import numpy as np
import pytest

HOUR_S = 3600.0


def learnt(events, gap_s=60.0, state=''):
    """Return a model that has learned a sequence, and the recent events after it."""
    model, recent, time_s = SequenceModel(), (), 0.0
    for event in events:
        model.learn(Context(recent, time_s, state), event, gap_s)
        recent, time_s = (event, *recent)[:3], time_s + gap_s
    return model, recent, time_s


def test_knowing_nothing_everything_is_new():
    prediction = SequenceModel().predict(Context((), 0.0))
    assert prediction.probabilities == {} and prediction.new == pytest.approx(1)
    assert prediction.most_probable is None and prediction.evidence == 0
    assert prediction.interval_s(0.9) is None and prediction.within(60) is None


def test_probabilities_add_up_to_one_and_something_new_keeps_a_part():
    model, recent, time_s = learnt('abcabdabcabd')
    prediction = model.predict(Context(recent, time_s))
    assert sum(prediction.probabilities.values()) + prediction.new == pytest.approx(1)
    assert 0 < prediction.new < 0.1
    assert prediction.of('never seen') == prediction.new


def test_longer_contexts_tell_apart_what_shorter_ones_cannot():
    # After 'b' comes 'c' or 'd'; the two events before decide.
    model, _, time_s = learnt('abcxbd' * 12)
    assert model.predict(Context(('b', 'a'), time_s)).most_probable == 'c'
    assert model.predict(Context(('b', 'x'), time_s)).most_probable == 'd'


def test_the_time_of_day_decides_where_the_order_does_not():
    model = SequenceModel()
    for day in range(20):
        for hour, event in ((8, 'coffee'), (20, 'tea')):
            model.learn(Context(('kitchen',), day * DAY_S + hour * HOUR_S), event, 60)
    morning = model.predict(Context(('kitchen',), 21 * DAY_S + 8.4 * HOUR_S))
    evening = model.predict(Context(('kitchen',), 21 * DAY_S + 19.6 * HOUR_S))
    assert morning.of('coffee') > 0.8 and evening.of('tea') > 0.8


def test_the_time_of_day_is_a_circle():
    model = SequenceModel()
    for day in range(20):
        for hour, event in ((23.8, 'sleep'), (12, 'lunch')):
            model.learn(Context((), day * DAY_S + hour * HOUR_S), event, 60)
    assert model.predict(Context((), 21 * DAY_S + 0.2 * HOUR_S)).most_probable == 'sleep'


def test_the_state_decides_where_order_and_time_do_not():
    model = SequenceModel()
    for i in range(30):
        state, event = (('sad', 'dim'), ('happy', 'bright'))[i % 2]
        model.learn(Context(('enters',), i * DAY_S, state), event, 60)
    assert model.predict(Context(('enters',), 31 * DAY_S, 'sad')).of('dim') > 0.7
    assert model.predict(Context(('enters',), 31 * DAY_S, 'happy')).of('bright') > 0.7


def test_what_changed_weeks_ago_is_forgotten():
    model = SequenceModel(half_life_days=10)
    for day in range(60):
        model.learn(Context(('enters',), day * DAY_S), 'dim' if day < 30 else 'bright', 60)
    assert model.predict(Context(('enters',), 60 * DAY_S)).of('bright') > 0.8


@pytest.mark.parametrize('coverage', [0.5, 0.9])
def test_intervals_hold_what_they_say(coverage):
    generator = np.random.default_rng(0)
    model, held, n = SequenceModel(), 0, 600
    for i in range(n):
        context = Context(('a',), i * 1000.0)
        # The scale doubles half-way: an interval that never learns would fail from there on.
        gap_s = generator.lognormal(5 + (i > n / 2), 0.7)
        if i >= 20:
            low, high = model.predict(context).interval_s(coverage)
            held += low <= gap_s <= high
        model.learn(context, 'a', gap_s)
    assert held / (n - 20) == pytest.approx(coverage, abs=0.04)


def test_within_counts_from_now():
    model, _, time_s = learnt('a' * 40, gap_s=600)
    prediction = model.predict(Context(('a',), time_s))
    assert prediction.within(599) == 0 and prediction.within(600) == 1
    assert prediction.within(100, waited_s=550) == 1
    assert prediction.within(10, waited_s=550) == 0
    assert prediction.within(60, waited_s=600) is None


def test_a_clock_set_back_does_no_harm():
    model, recent, _ = learnt('abab' * 10)
    before = model.predict(Context(recent, -30 * DAY_S))
    model.learn(Context(recent, -30 * DAY_S), 'a', -5.0)
    assert before.most_probable == 'a' and np.isfinite(list(before.probabilities.values())).all()


def test_memory_is_bounded():
    model, _, _ = learnt(['a', 'b'] * (CAPACITY // 2 + 5))
    assert len(model) == CAPACITY


def test_a_half_life_is_positive():
    with pytest.raises(ValueError, match='half_life_days is 0'):
        SequenceModel(0)


def test_weighted_quantiles_are_values_below_which_the_weight_lies():
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0])
    np.testing.assert_array_equal(weighted_quantiles(values, weights, (0, 0.5, 0.6, 1)),
                                  [1, 1, 2, 3])
