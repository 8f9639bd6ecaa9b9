# SPDX-License-Identifier: Apache-2.0
"""Classes with few faces: what each treatment does, and that a comparison is on equal terms."""

import json

import numpy as np
import pytest

pytest.importorskip('tensorflow', reason='training needs the training extra')

# ruff: noqa: E402
from training import comparison, datasets, generated, generator, networks, rare, recipes, train
from training.__main__ import main
from training_support import photographs, write_csv


@pytest.fixture(scope='module')
def faces():
    """Return drawn faces of which four are disgusted."""
    whole = generated.faces(210, 3)
    keep = np.flatnonzero(whole.labels != 1)
    return whole.subset(np.sort(np.concatenate([keep, np.flatnonzero(whole.labels == 1)[:4]])))


def test_rare_faces_are_repeated_evenly_and_nothing_else_is(faces):
    assert rare.missing(faces) == {1: 3}    # a quarter of 30 is 7
    more = rare.oversampled(faces, 1)
    assert rare.counts(more).tolist() == [30, 7, 30, 30, 30, 30, 30]
    times = [more.names.count(name) for name, label in zip(faces.names, faces.labels)
             if label == 1]
    assert sorted(times) == [1, 2, 2, 2]


def test_weights_are_those_of_the_effective_number():
    labels = np.array([0] * 9 + [1])
    weights = rare.balanced_weights(labels)
    assert weights.mean() == pytest.approx(1)
    # (1 - b^9) / (1 - b^1), with b = 0.9999: nearly nine, for few faces hardly overlap.
    assert weights[9] / weights[0] == pytest.approx((1 - 0.9999 ** 9) / (1 - 0.9999))


def test_the_adjusted_loss_asks_less_of_the_common_class():
    import keras
    labels = np.array([0] * 90 + [1] * 10)
    recipe = recipes.from_dict({'name': 'r', 'rare_classes': 'logit_adjusted', 'network_args': {
        'stem': 4, 'widths': [8], 'blocks': [1]}})
    model = networks.build(recipe)
    train.compile_model(model, recipe, 1, labels)
    loss = model._compile_loss._user_loss['fer2013']
    target = np.eye(7, dtype=np.float32)[[0, 1]]
    common, seldom = keras.ops.convert_to_numpy(loss(target, np.zeros((2, 7), np.float32)))
    # With equal logits the answer is the prior: 90 and 10 of 105 (absent classes count once).
    assert common == pytest.approx(-np.log(90 / 105), abs=1e-4)
    assert seldom == pytest.approx(-np.log(10 / 105), abs=1e-4)


def test_the_generator_learns_what_a_class_looks_like():
    side, count = 48, 400
    labels = np.arange(count) % 2
    images = np.full((count, side, side), 60, np.uint8)
    images[labels == 1, :, side // 2:] = 200     # the second class is bright on the right
    images = (images + np.random.default_rng(0).integers(0, 20, images.shape)).astype(np.uint8)
    both = datasets.Dataset(images, labels, None, tuple(map(str, range(count))))
    drawn, classes = generator.generate(both, {1: 200, 0: 199}, 1, epochs=12, batch_size=16)
    assert drawn.shape == (399, side, side) and drawn.dtype == np.uint8
    assert classes.tolist() == [1] * 200 + [0] * 199
    contrast = drawn[:, :, 30:].mean(axis=(1, 2)) - drawn[:, :, :18].mean(axis=(1, 2))
    # How often the first class is the brighter one on the right. A generator that did not heed
    # the class would draw both alike: 0.5, with a standard deviation of 0.03.
    assert (contrast[:200, None] > contrast[200:]).mean() > 0.6


def test_generated_faces_do_not_vote(faces, tmp_path, monkeypatch):
    calls = []

    def draw(dataset, counts, seed):
        calls.append(counts)
        labels = np.repeat(list(counts), list(counts.values()))
        return photographs(len(labels)), labels

    monkeypatch.setattr(generator, 'generate', draw)
    recipe = recipes.from_dict({'name': 'r', 'rare_classes': 'generated'})
    more = train._with_rare_classes(faces, recipe, tmp_path)
    again = train._with_rare_classes(faces, recipe, tmp_path)
    assert calls == [{1: 3}]     # a resumed run trains on the same ones
    np.testing.assert_array_equal(more.images, again.images)
    assert rare.counts(more)[1] == 7
    _, weights = datasets.ferplus_targets(more.votes)
    assert (weights[-3:] == 0).all() and (weights[:-3] > 0).all()


def test_a_comparison_judges_all_by_the_same_held_out_faces(tmp_path, capsys):
    faces = generated.faces(140, 5)
    faces = datasets.Dataset(photographs(140), faces.labels, faces.votes, faces.names)
    public = datasets.Dataset(photographs(7, seed=9), faces.labels[:7], faces.votes[:7],
                              faces.names[:7])
    data = write_csv(tmp_path / 'data', {'train': faces, 'public': public})
    recipe = tmp_path / 'quick.yaml'
    recipe.write_text('{network_args: {stem: 4, widths: [4], blocks: [1], squeeze_excite: false},'
                      ' epochs: 1, batch_size: 32, holdout: 0.2, augmentation: null}')
    command = ['compare', str(recipe), '--data', str(data), '--out', str(tmp_path / 'runs'),
               '--vary', 'rare_classes=none,balanced_loss', '--json', str(tmp_path / 'c.json')]
    assert main(command) == 0
    rows = json.loads((tmp_path / 'c.json').read_text())
    assert [row['name'] for row in rows] == ['rare_classes-none', 'rare_classes-balanced_loss']
    assert {row['faces'] for row in rows} == {28}
    assert '| rare_classes-none | ' in capsys.readouterr().out
    assert (tmp_path / 'runs' / 'rare_classes-none-1' / 'model.keras').is_file()


def test_figures_of_a_comparison_by_hand():
    votes = np.zeros((4, 10), np.float32)
    votes[:, 1] = [10, 10, 10, 5]
    votes[3, 3] = 5     # no majority
    data = datasets.Dataset(photographs(4), np.array([3, 3, 3, 1]), votes, tuple('abcd'))
    eye7, eye8 = np.eye(7), np.eye(8)
    values = comparison.judge({'fer2013': eye7[[3, 1, 3, 1]], 'ferplus': eye8[[3, 3, 7, 0]]}, data)
    assert values['rarest'] == 'disgust'
    assert values['accuracy'] == 0.75
    assert (values['rarest_recall'], values['rarest_precision']) == (1, 0.5)
    # Contempt is skipped, so the third face falls to the first of the equal others.
    assert values['ferplus_majority7'] == pytest.approx(2 / 3)
    table = comparison.text([{'name': 'a', 'seed': seed, **values, 'accuracy': accuracy}
                             for seed, accuracy in ((1, 0.5), (2, 0.7))])
    assert '| a | 60.0% ± 14.1% |' in table
