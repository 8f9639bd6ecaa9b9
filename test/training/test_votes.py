# SPDX-License-Identifier: Apache-2.0
"""What the votes say of a label, against a data set whose truth is known."""

from dataclasses import replace

from fer_ros.emotions.labels import LABELS
import numpy as np
from training import votes
from training.datasets import Dataset, FERPLUS_COLUMNS


def voted_faces(count=3000):
    """Return votes, the true shares of the labels, and labels drawn from them."""
    generator = np.random.default_rng(5)
    happy, neutral = FERPLUS_COLUMNS.index('happiness'), FERPLUS_COLUMNS.index('neutral')
    counts = np.zeros((count, len(FERPLUS_COLUMNS)))
    counts[:, happy] = generator.integers(0, 11, count)
    counts[:, neutral] = 10 - counts[:, happy]
    # Whoever labeled was like one more voter, but took one face in ten for surprised.
    shares = np.zeros((count, len(LABELS)))
    shares[:, LABELS.index('happy')] = 0.9 * counts[:, happy] / 10
    shares[:, LABELS.index('neutral')] = 0.9 * counts[:, neutral] / 10
    shares[:, LABELS.index('surprise')] = 0.1
    labels = np.array([generator.choice(len(LABELS), p=row) for row in shares])
    return counts, shares, labels


def test_the_shares_of_the_labels_are_found_from_single_labels():
    counts, shares, labels = voted_faces()
    found = votes.label_shares(counts, labels)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert abs(found - shares).mean() < 0.01
    assert abs(found - shares).max() < 0.08


def test_targets_lie_between_the_label_and_what_the_votes_say():
    from training import recipes, train
    counts, _, labels = voted_faces(300)
    dataset = Dataset(np.zeros((300, 48, 48), np.uint8), labels, counts,
                      tuple(map(str, range(300))))
    recipe = recipes.from_dict({'name': 'votes', 'vote_smoothing': 0.25, 'label_smoothing': 0})
    targets, _ = train.targets(dataset, recipe)
    expected = 0.75 * np.eye(len(LABELS))[labels] + 0.25 * votes.label_shares(counts, labels)
    np.testing.assert_allclose(targets['fer2013'], expected, atol=1e-6)
    # Without votes there is nothing to report.
    targets, _ = train.targets(replace(dataset, votes=None), recipe)
    np.testing.assert_array_equal(targets['fer2013'], np.eye(len(LABELS))[labels])
