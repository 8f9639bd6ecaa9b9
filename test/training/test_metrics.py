# SPDX-License-Identifier: Apache-2.0
from fer_ros.emotions.classification import probabilities
import numpy as np
import pytest
from training import corruptions, generated, metrics


def test_figures_of_a_small_table_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 3])
    predicted = np.array([0, 0, 1, 1, 0, 3])
    table = metrics.confusion(labels, predicted)
    assert table[0].tolist() == [2, 1, 0, 0, 0, 0, 0]
    recall = metrics.recalls(table)
    np.testing.assert_allclose(recall[[0, 1, 3]], [2 / 3, 1 / 2, 1])
    assert np.isnan(recall[2])
    # F1: 4/6, 2/4, 1; the classes that never occur do not count.
    assert metrics.macro_f1(table) == pytest.approx((4 / 6 + 2 / 4 + 1) / 3)


def test_wilson_interval_against_known_values():
    # 8 of 10: 0.490 to 0.943 (A. Agresti, B. Coull 1998 use the same interval)
    low, high = metrics.wilson_interval(8, 10)
    assert (low, high) == (pytest.approx(0.490, abs=1e-3), pytest.approx(0.943, abs=1e-3))
    assert metrics.wilson_interval(0, 0) == (0, 1)


#   neu hap sur sad ang dis fea con unk NF
@pytest.mark.parametrize('votes, seven, eight', [
    ([0, 6, 4, 0, 0, 0, 0, 0, 0, 0], 3, 3),         # a clear majority
    ([0, 5, 5, 0, 0, 0, 0, 0, 0, 0], -1, -1),       # half is not more than half
    ([0, 5, 2, 1, 1, 1, 0, 0, 0, 0], 3, 3),         # single votes do not count: 5 of 7
    ([4, 0, 0, 0, 0, 0, 0, 0, 4, 2], -1, -1),       # 'unknown' counts among the rest
    ([0, 0, 0, 0, 0, 0, 0, 0, 2, 8], -1, -1),       # a majority for 'not a face'
    ([2, 0, 0, 0, 0, 0, 0, 8, 0, 0], -1, 7),        # contempt
    ([10, 0, 0, 0, 0, 0, 0, 0, 0, 0], 6, 6),        # neutral is our last
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], -1, -1)])      # nothing left
def test_the_majority_rule(votes, seven, eight):
    votes = np.array([votes], np.float32)
    assert metrics.ferplus_majority(votes, 7).tolist() == [seven]
    assert metrics.ferplus_majority(votes, 8).tolist() == [eight]


@pytest.fixture
def overconfident():
    """Return logits drawn so that dividing by 2.5 makes them calibrated, and their labels."""
    generator = np.random.default_rng(0)
    honest = generator.normal(0, 1.5, (6000, 7))
    labels = np.array([generator.choice(7, p=row / row.sum())
                       for row in probabilities(honest).astype(float)])
    return honest * 2.5, labels


def test_the_temperature_is_found_again(overconfident):
    logits, labels = overconfident
    assert metrics.fit_temperature(logits, labels) == pytest.approx(2.5, rel=0.05)
    fitted = metrics.calibrate(logits, labels)
    assert fitted.ece < 0.02 < fitted.ece_before
    assert fitted.faces == 6000
    # Calibrated answers are more often right than wrong from about one half on.
    assert 0.4 <= fitted.uncertain_below <= 0.6
    assert fitted.accuracy_answered > fitted.accuracy


def test_rows_without_a_class_do_not_calibrate(overconfident):
    logits, labels = overconfident
    spoilt = np.where(np.arange(len(labels)) % 2, labels, -1)
    assert metrics.calibrate(logits, spoilt).faces == 3000
    with pytest.raises(ValueError, match='no labeled faces'):
        metrics.calibrate(logits, np.full(len(labels), -1))


def test_weights_give_a_sample_the_shares_of_the_population():
    # Of stratum 3 the sample has nothing: the others keep their proportions.
    sample, population = np.array([0, 0, 0, 1, 2]), np.array([0, 1, 1, 2, 3, 3, 3, 3])
    weights = metrics.poststratification_weights(sample, population)
    assert weights == pytest.approx(np.array([1 / 3, 1 / 3, 1 / 3, 2, 1]) * 5 / 4)
    assert metrics.poststratification_weights(sample[:0], population).shape == (0,)


def test_weights_mend_a_temperature_fitted_on_easy_faces(overconfident):
    logits, labels = overconfident
    right = logits.argmax(axis=1) == labels
    # Half of the hard faces are missing, as by an unlucky draw.
    kept = right | (np.arange(len(labels)) % 2 == 0)
    weights = metrics.poststratification_weights(right[kept].astype(int), right.astype(int))
    spoilt = metrics.fit_temperature(logits[kept], labels[kept])
    mended = metrics.fit_temperature(logits[kept], labels[kept], weights)
    assert spoilt < 2.2 and mended == pytest.approx(2.5, rel=0.05)


def test_calibration_error_by_hand():
    predictions = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    labels = np.array([0, 1, 0, 0])
    # Bins of 0.9 (half right) and 0.6 (all right): 0.4 and 0.4 apart.
    assert metrics.expected_calibration_error(predictions, labels) == pytest.approx(0.4)
    assert metrics.expected_calibration_error(np.eye(2)[[0, 1]], np.array([0, 1])) == 0


def test_rejection_curve_by_hand():
    predictions = np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]])
    curve = metrics.rejection_curve(predictions, np.array([0, 1, 1]))
    assert curve[0].tolist() == pytest.approx([0, 1, 2 / 3])
    assert curve[65].tolist() == pytest.approx([0.65, 2 / 3, 1 / 2])
    assert curve[80].tolist() == pytest.approx([0.80, 1 / 3, 1])
    assert np.isnan(curve[95, 2])


@pytest.mark.parametrize('name', corruptions.CORRUPTIONS)
def test_each_corruption_grows_and_repeats(name):
    images = generated.faces(14, 4).images
    distances = []
    for strength in corruptions.STRENGTHS:
        changed = corruptions.corrupt(images, name, strength)
        assert changed.shape == images.shape
        assert changed.dtype == np.uint8
        np.testing.assert_array_equal(changed, corruptions.corrupt(images, name, strength))
        distances.append(abs(changed.astype(float) - images).mean())
    assert distances[0] > 0
    assert distances[4] > distances[0]


def test_an_unknown_strength_is_refused():
    with pytest.raises(ValueError, match='strength is 6'):
        corruptions.corrupt(generated.faces(1).images, 'blur', 6)
