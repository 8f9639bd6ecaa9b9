# SPDX-License-Identifier: Apache-2.0
"""Counts, hidden Markov and recurrent models answer the same question with probabilities."""

import numpy as np
import pytest
from training.sequence_models import Counts, HiddenMarkov, Mixture, Recurrent
from training.sequence_tuning import best, FAMILIES
from training.sequences import as_markdown, compare, Event, Row, score


def alternating(n=80):
    """Return coffee and tea by turns, an hour apart."""
    return [Event(('coffee', 'tea')[i % 2], i * 3600.0, i * 3600.0) for i in range(n)]


@pytest.mark.parametrize('make', [
    lambda: Counts(1), lambda: Counts(1, width_h=2.0), lambda: Counts(2), Mixture, HiddenMarkov])
def test_what_is_certain_is_learned(make):
    row = score(alternating(), 'x', make())
    assert row.top1 > 0.9 and 0 < row.log_loss < 0.5 and row.values > 0


def test_a_recurrent_network_learns_it_too():
    pytest.importorskip('keras')
    row = score(alternating(60), 'x', Recurrent(units=16, epochs=30, dropout=0.0))
    assert row.top1 > 0.9 and row.log_loss < 0.7


@pytest.mark.parametrize('make', [lambda: Counts(0), lambda: Counts(2), Mixture, HiddenMarkov])
def test_shares_add_up_to_one_with_room_for_something_new(make):
    model, past, times_s = make(), [0], [0.0]
    for i in range(1, 45):
        model.learn(past, times_s, i % 3)
        past.append(i % 3)
        times_s.append(i * 600.0)
    shares = model.predict(past, times_s, 3)
    assert shares.shape == (4,) and shares[3] > 0
    np.testing.assert_allclose(shares.sum(), 1, atol=1e-6)


def test_the_table_has_a_row_for_each_model():
    text = as_markdown([score(alternating(30), 'counts', Counts(1))])
    assert text.splitlines()[2].startswith('| counts | ')


def test_the_mean_of_homes_is_one_row():
    (row,) = compare([alternating(30), alternating(60)], {'counts': lambda: Counts(1)})
    assert row.model == 'counts' and row.top1 == 1 and row.values == (29 + 59) * 3 / 2


def test_the_best_settings_have_the_least_loss_of_their_family():
    family, other = FAMILIES[:2]
    found = [(family, {'order': order}, Row('', 0.5, loss, 1.0, 9))
             for order, loss in ((1, 1.5), (2, 1.2), (0, 1.9))]
    assert best([*found, (other, {}, Row('', 0.5, 3.0, 1.0, 9))]) == {
        family.name: {'order': 2}, other.name: {}}
