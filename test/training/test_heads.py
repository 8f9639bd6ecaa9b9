# SPDX-License-Identifier: Apache-2.0
import numpy as np
from training import heads


def logits(labels, classes, noise, generator):
    return 2 * np.eye(classes)[labels] + generator.normal(0, noise, (len(labels), classes))


def accuracy(values, labels):
    return (values.argmax(axis=1) == labels).mean()


def test_a_head_that_knows_more_helps_on_faces_the_fit_has_not_seen():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 7, 3000)
    own, other = logits(labels, 7, 2, generator), logits(labels, 8, 1, generator)
    change, unseen = heads.fit(own[:1000], other[:1000], labels[:1000])
    after = accuracy(change(own[1000:], other[1000:]), labels[1000:])
    assert after > accuracy(own[1000:], labels[1000:]) + 0.15
    # What it says of its own faces is what it does on others, not better.
    assert abs(accuracy(unseen, labels[:1000]) - after) < 0.04


def test_noise_is_left_aside():
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 7, 600)
    own = logits(labels, 7, 0.6, generator)
    change, unseen = heads.fit(own, generator.normal(0, 1, (600, 8)), labels)
    if change is not None:      # at most a touch
        assert accuracy(unseen, labels) >= accuracy(own, labels) - 0.02
        assert abs(change.mix).max() < 0.2


def test_without_labels_nothing_is_fitted():
    own = np.zeros((20, 7))
    change, unseen = heads.fit(own, np.zeros((20, 8)), np.full(20, -1))
    assert change is None
    np.testing.assert_array_equal(unseen, own)


def test_the_folded_layer_gives_the_mapped_logits():
    generator = np.random.default_rng(2)
    features = generator.normal(0, 1, (50, 16)).astype(np.float32)
    own = generator.normal(0, 1, (16, 7)), generator.normal(0, 1, 7)
    other = generator.normal(0, 1, (16, 8)), generator.normal(0, 1, 8)
    change = heads.HeadMap(1.3, generator.normal(0, 1, (8, 7)), generator.normal(0, 1, 7))
    kernel, bias = heads.fold_in(own, other, change)
    np.testing.assert_allclose(
        features @ kernel + bias,
        change(features @ own[0] + own[1], features @ other[0] + other[1]), rtol=1e-3, atol=1e-3)
