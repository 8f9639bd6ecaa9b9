# SPDX-License-Identifier: Apache-2.0
"""Real, tiny trainings: learning, resuming, what a run leaves. Needs TensorFlow."""

from contextlib import closing
from dataclasses import replace
import json
from pathlib import Path
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

pytest.importorskip('tensorflow', reason='training needs the training extra')

# ruff: noqa: E402, I001
import keras
from training import datasets, export, runs
from training import epochs, recipes, train
from training.__main__ import main
from training.augmentation import Augmentation
from training_support import COSINE, gratings, PLATEAU, TINY, weights, write_csv



def history(run):
    return [{key: value for key, value in row.items() if key != 'seconds'}
            for row in json.loads((run / 'history.json').read_text())]


def assert_same_run(run, reference):
    assert history(run) == history(reference)
    for ours, theirs in zip(weights(run), weights(reference)):
        np.testing.assert_array_equal(ours, theirs)


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_stopped_run_resumes_and_ends_the_same(faces, finished, tmp_path, monkeypatch):
    def stop(self, batch, logs=None):
        if len(self.history) == 2 and batch == 1:   # in the middle of the third epoch
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(epochs.EpochState, 'on_train_batch_end', stop)
        with pytest.raises(Killed):
            train.train(PLATEAU, faces, tmp_path)
    rows = json.loads((tmp_path / 'history.json').read_text())
    assert len(rows) == 2
    # A stop after the history of the third epoch was written and before its weights were.
    rows.append({**rows[-1], 'epoch': 3, 'val_loss': 0.0, 'val_fer2013_accuracy': 1.0})
    (tmp_path / 'history.json').write_text(json.dumps(rows))
    train.train(PLATEAU, faces, tmp_path)
    assert_same_run(tmp_path, finished['plateau'])


def test_a_killed_process_resumes_and_ends_the_same(faces, finished, tmp_path):
    data, run, recipe = tmp_path / 'data', tmp_path / 'run', tmp_path / 'cosine.yaml'
    write_csv(data, {'train': faces})
    values = {**COSINE.to_dict(), 'heads': list(COSINE.heads),
              'head_weights': list(COSINE.head_weights)}
    recipe.write_text(yaml.safe_dump(values))
    command = ['train', str(recipe), '--data', str(data), '--run', str(run)]
    process = subprocess.Popen([sys.executable, '-m', 'training', *command],
                               cwd=Path(train.__file__).parents[1], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 600
        while not (run / 'state.weights.h5').is_file():
            assert process.poll() is None, 'the training ended before its first epoch'
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert main(command) == 0
    assert_same_run(run, finished['cosine'])


def test_a_finished_run_is_left_as_it_is(faces, finished):
    before = history(finished['cosine']), weights(finished['cosine'])
    train.train(COSINE, faces, finished['cosine'])
    assert history(finished['cosine']) == before[0]
    for ours, theirs in zip(weights(finished['cosine']), before[1]):
        np.testing.assert_array_equal(ours, theirs)


def test_a_run_of_another_recipe_or_data_is_not_resumed(faces, finished):
    with pytest.raises(recipes.RecipeError, match='run of another recipe'):
        train.train(replace(COSINE, epochs=9), faces, finished['cosine'])
    with pytest.raises(datasets.DatasetError, match='84 other faces, this data has 70'):
        train.train(COSINE, faces.subset(slice(0, 70)), finished['cosine'])


def test_a_run_leaves_what_it_promises(finished):
    run = finished['cosine']
    assert {'recipe.yaml', 'data.json', 'history.json', 'curves.html', 'model.keras'} <= {
        path.name for path in run.iterdir()}
    assert recipes.load(str(run / 'recipe.yaml')) == COSINE
    rates = [row['learning_rate'] for row in history(run)]
    assert rates[0] > rates[1] > rates[2] > rates[3]
    assert '4 of 4 epochs' in (run / 'curves.html').read_text()


def test_tensorboard_gets_the_curves(finished):
    import tensorflow
    for folder, key in (('train', 'loss'), ('validation', 'val_loss')):
        (file,) = (finished['cosine'] / 'tensorboard' / folder).iterdir()
        points = [(event.step, tensorflow.make_ndarray(value.tensor).item())
                  for event in tensorflow.compat.v1.train.summary_iterator(str(file))
                  for value in event.summary.value if value.tag == 'epoch_loss']
        assert points == [(i, pytest.approx(row[key]))
                          for i, row in enumerate(history(finished['cosine']))]


def test_best_weights_are_those_of_the_best_epoch(faces, finished):
    rows = history(finished['plateau'])
    model = runs.load_run(finished['plateau']).model
    _, held = datasets.split_holdout(faces, PLATEAU.holdout, PLATEAU.seed)
    answers = export.predict(model, held.images)['fer2013'].argmax(axis=1)
    assert (answers == held.labels).mean() == pytest.approx(
        max(row['val_fer2013_accuracy'] for row in rows), abs=1e-6)


@pytest.mark.parametrize('losses, rate', [
    ([], 1e-2),
    ([1.0, 0.9, 0.8], 1e-2),
    ([1.0, 1.0, 1.0], 1e-3),                        # two epochs without a better one
    ([1.0, 1.1, 0.9, 1.0], 1e-2),                   # the wait restarts
    ([1.0, 1.1, 1.1, 1.1], 1e-3),
    ([1.0, 1.1, 1.1, 1.1, 1.1], 1e-4),
    ([1.0] + [0.99995] * 2, 1e-3),                  # better by less than 1e-4 is not better
    ([1.0] * 20, 1e-5)])                            # never below the minimum
def test_the_plateau_rule(losses, rate):
    assert epochs.plateau_rate(1e-2, losses) == pytest.approx(rate)


def test_workers_change_nothing_in_the_batches(faces):
    recipe = replace(COSINE, augmentation=Augmentation(blur=0.5, noise=0.5), mixup=0.5)
    alone = train.FaceBatches(faces, recipe, training=True)
    with closing(train.FaceBatches(faces, recipe, training=True, workers=2)) as helped:
        for epoch in (0, 1, 0):
            alone.start_epoch(epoch)
            helped.start_epoch(epoch)
            for i in (0, 1, len(alone) - 1, 0):
                (images, targets, weights), (ours, our_targets, our_weights) = alone[i], helped[i]
                np.testing.assert_array_equal(images, ours)
                for head in targets:
                    np.testing.assert_array_equal(targets[head], our_targets[head])
                    np.testing.assert_array_equal(weights[head], our_weights[head])


def test_writing_the_state_takes_at_most_a_tenth_of_the_time(tmp_path, monkeypatch):
    now = [0.0]
    written = []

    def save(model, path):
        now[0] += 0.375
        written.append(len(state.history))

    monkeypatch.setattr(epochs.time, 'monotonic', lambda: now[0])
    monkeypatch.setattr(epochs, 'save_weights', save)
    recipe = replace(COSINE, epochs=12)
    batches = SimpleNamespace(start_epoch=lambda epoch: None)
    state = epochs.EpochState(tmp_path, recipe, batches, [])
    state.set_model(SimpleNamespace(layers=[], optimizer=SimpleNamespace(learning_rate=0.1)))
    for epoch in range(recipe.epochs):
        state.on_epoch_begin(epoch)
        now[0] += 1.0
        state.on_epoch_end(epoch, {epochs.accuracy_name(recipe): 0.5, 'loss': 1.0})
    assert written == [1, 5, 9, 12]    # every four seconds, and the last


def test_the_plateau_rule_is_that_of_keras():
    losses = np.random.default_rng(1).normal(1, 0.1, 30).round(4).tolist()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), 'mse')
    callback = keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=2, min_lr=1e-5)
    callback.set_model(model)
    callback.on_train_begin()
    for i, loss in enumerate(losses):
        callback.on_epoch_end(i, {'val_loss': loss})
        assert float(model.optimizer.learning_rate) == pytest.approx(
            epochs.plateau_rate(0.01, losses[:i + 1]), rel=1e-5)


def test_both_heads_learn(tmp_path):
    recipe = recipes.from_dict({
        **TINY, 'name': 'learn', 'epochs': 8, 'ema': 0, 'optimizer': 'adam', 'weight_decay': 0,
        'batch_size': 8, 'learning_rate': 0.01, 'augmentation': None})
    trained = train.train(recipe, gratings(210, 3), tmp_path)
    check = gratings(140, 4)
    answers = export.predict(trained, check.images)
    assert (answers['fer2013'].argmax(axis=1) == check.labels).mean() > 0.6
    assert (answers['ferplus'].argmax(axis=1) == check.labels).mean() > 0.6


def test_faces_that_most_could_not_read_are_skipped_where_the_recipe_says_so(
        faces, tmp_path, monkeypatch):
    unread = np.zeros((len(faces), 10), np.float32)
    unread[:, 0] = 10
    unknown, none = (datasets.FERPLUS_COLUMNS.index(name) for name in ('unknown', 'NF'))
    unread[::4, 0], unread[::4, unknown] = 4, 6     # most voters could not read these
    unread[1::4, 0], unread[1::4, none] = 5, 5      # half of them could
    data = datasets.Dataset(faces.images, faces.labels, unread, faces.names)
    assert datasets.readable(unread).tolist() == [i % 4 != 0 for i in range(len(faces))]
    seen = {}

    class Stop(Exception):
        pass

    def look(recipe):
        def note(dataset, recipe, training, **_):
            seen.setdefault(training, len(dataset))
            if not training:
                raise Stop
        monkeypatch.setattr(train, 'FaceBatches', note)
        with pytest.raises(Stop):
            train.train(recipe, data, tmp_path / recipe.name)
        return {key: seen.pop(key) for key in (True, False)}

    whole = look(COSINE)
    less = look(replace(COSINE, name='dropped', drop_unreadable=True))
    assert whole[True] + whole[False] == len(faces)
    # What is held out stays: it is what the figures are about.
    assert less[False] == whole[False] and 0.6 < less[True] / whole[True] < 0.9
    with pytest.raises(recipes.RecipeError, match="drop_unreadable is 'yes', expected true or"):
        recipes.from_dict({'name': 'x', 'drop_unreadable': 'yes'})


def test_a_recipe_for_votes_alone_is_refused_before_anything_is_written(faces, tmp_path):
    blind = datasets.Dataset(faces.images, faces.labels, None, faces.names)
    recipe = replace(COSINE, heads=('ferplus',), head_weights=(1.0,))
    with pytest.raises(datasets.DatasetError, match='ferplus alone.*fer2013new.csv'):
        train.train(recipe, blind, tmp_path / 'run')
    assert not (tmp_path / 'run').exists()
