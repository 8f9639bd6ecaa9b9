# SPDX-License-Identifier: Apache-2.0
"""Real, tiny trainings: learning, resuming, exporting, importing. Needs TensorFlow."""

from dataclasses import replace
import json
import os
from pathlib import Path
import re
import signal
import subprocess
import sys
import time

from fer_ros.emotions.classification import EmotionClassifier, InputFormat, probabilities
from fer_ros.emotions.classification.draft import draft
from fer_ros.emotions.contrast import even_contrast
from fer_ros.emotions.labels import LABELS
from fer_ros.errors import ConfigurationError
import numpy as np
import pytest
import yaml

pytest.importorskip('tensorflow', reason='training needs the training extra')

# ruff: noqa: E402, I001
import keras
from training import datasets, duplicates, export, generated, heads, metrics, networks
from training import readings, recipes, study_import, train
from training.__main__ import main
from training_support import gratings, photographs, write_csv, write_folders

DATA = Path(__file__).with_name('data')
TINY = {'network': 'residual', 'network_args': {'stem': 4, 'widths': [8], 'blocks': [1],
                                                'squeeze_excite': False, 'dropout': 0.3},
        'epochs': 4, 'batch_size': 16, 'holdout': 0.25, 'warmup_epochs': 1}
COSINE = recipes.from_dict({**TINY, 'name': 'cosine', 'ema': 0.9})
PLATEAU = recipes.from_dict({**TINY, 'name': 'plateau', 'optimizer': 'adam', 'ema': 0.8,
                             'schedule': 'plateau', 'keep': 'best', 'learning_rate': 0.01,
                             'weight_decay': 0})


@pytest.fixture(scope='module')
def faces():
    return generated.faces(84, 1)


@pytest.fixture(scope='module')
def finished(faces, tmp_path_factory):
    """Train both tiny recipes without a stop; returns the folders by recipe name."""
    folders = {}
    for recipe in (COSINE, PLATEAU):
        folders[recipe.name] = tmp_path_factory.mktemp(recipe.name)
        train.train(recipe, faces, folders[recipe.name])
    return folders


def weights(run):
    return export.load_run(run).model.get_weights()


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
        patch.setattr(train.EpochState, 'on_train_batch_end', stop)
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
        deadline = time.monotonic() + 120
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
    model = export.load_run(finished['plateau']).model
    _, held = datasets.split_holdout(faces, PLATEAU.holdout, PLATEAU.seed)
    answers = export.predict(model, held.images)['fer2013'].argmax(axis=1)
    assert (answers == held.labels).mean() == pytest.approx(
        max(row['val_fer2013_accuracy'] for row in rows), abs=1e-6)


@pytest.mark.parametrize('losses, rate', [
    ([], 1e-2),
    ([1.0, 0.9, 0.8], 1e-2),
    ([1.0, 1.0, 1.0], 1e-3),                        # two epochs without a better one
    ([1.0, 1.1, 0.9, 1.0], 1e-2),                   # the wait starts anew
    ([1.0, 1.1, 1.1, 1.1], 1e-3),
    ([1.0, 1.1, 1.1, 1.1, 1.1], 1e-4),
    ([1.0] + [0.99995] * 2, 1e-3),                  # better by less than 1e-4 is not better
    ([1.0] * 20, 1e-5)])                            # never below the minimum
def test_the_plateau_rule(losses, rate):
    assert train.plateau_rate(1e-2, losses) == pytest.approx(rate)


def test_the_plateau_rule_is_that_of_keras():
    import keras
    losses = np.random.default_rng(1).normal(1, 0.1, 30).round(4).tolist()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), 'mse')
    callback = keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=2, min_lr=1e-5)
    callback.set_model(model)
    callback.on_train_begin()
    for i, loss in enumerate(losses):
        callback.on_epoch_end(i, {'val_loss': loss})
        assert float(model.optimizer.learning_rate) == pytest.approx(
            train.plateau_rate(0.01, losses[:i + 1]), rel=1e-5)


def test_both_heads_learn(tmp_path):
    recipe = recipes.from_dict({
        **TINY, 'name': 'learn', 'epochs': 8, 'ema': 0, 'optimizer': 'adam', 'weight_decay': 0,
        'batch_size': 8, 'learning_rate': 0.01, 'augmentation': None})
    trained = train.train(recipe, gratings(210, 3), tmp_path)
    check = gratings(140, 4)
    answers = export.predict(trained, check.images)
    assert (answers['fer2013'].argmax(axis=1) == check.labels).mean() > 0.6
    assert (answers['ferplus'].argmax(axis=1) == check.labels).mean() > 0.6


@pytest.fixture(scope='module')
def exported(faces, finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp('exported')
    results = export.export(export.load_run(finished['cosine']), folder, faces,
                            generated.faces(140, 7), variants=('float32', 'float16', 'keras'),
                            fit_heads=False)
    return folder, results


def test_exports_equal_the_keras_model(faces, finished, exported):
    folder, results = exported
    assert [row['file'] for row in results] == [
        'cosine_float32.tflite', 'cosine_float16.tflite', 'cosine_keras.keras']
    expected = export.predict(export.load_run(finished['cosine']).model, evened(faces.images))
    for row in results:
        classifier = EmotionClassifier(folder / row['file'])
        for head, logits in classifier.logits(faces.images).items():
            np.testing.assert_allclose(logits, expected[head], atol=0.02)
        entry = classifier.metadata.values
        assert entry['parameters'] == export.load_run(finished['cosine']).model.count_params()
        assert entry['training']['recipe']['name'] == 'cosine'
        assert (entry['data']['images'], entry['data']['held_out']) == (63, 21)


def evened(images):
    return np.stack([even_contrast(image) for image in images])


def test_the_filter_is_told_what_the_network_was_trained_on_and_reads_in_neutral_faces(
        faces, finished, exported):
    folder, _ = exported
    rest, held = datasets.split_holdout(faces, COSINE.holdout, COSINE.seed)
    classifier = EmotionClassifier(folder / 'cosine_float32.tflite', label_set='fer2013')
    entry = classifier.metadata.label_sets['fer2013']
    np.testing.assert_allclose(entry.training_shares,
                               np.bincount(rest.labels, minlength=7) / len(rest), atol=1e-4)
    read = np.log(classifier.classify(held.images[held.labels == 6])).mean(axis=0)
    np.testing.assert_allclose(entry.neutral_reading, np.exp(read) / np.exp(read).sum(),
                               atol=0.01)
    votes = classifier.metadata.label_sets['ferplus'].training_shares
    assert votes.sum() == pytest.approx(1) and (votes > 0).all()


def test_contrast_is_left_as_it_is_where_that_is_asked_for(faces, finished, tmp_path):
    export.export(export.load_run(finished['cosine']), tmp_path, faces, generated.faces(140, 7),
                  variants=('float32',), fit_heads=False, even=False)
    classifier = EmotionClassifier(tmp_path / 'cosine_float32.tflite')
    assert not classifier.input.even_contrast
    expected = export.predict(export.load_run(finished['cosine']).model, faces.images)
    for head, logits in classifier.logits(faces.images).items():
        np.testing.assert_allclose(logits, expected[head], atol=0.02)


def test_shares_of_votes_are_weighted_as_in_training():
    votes = np.zeros((3, 10), np.float32)
    votes[0, datasets.FERPLUS_COLUMNS.index('happiness')] = 10
    votes[1, datasets.FERPLUS_COLUMNS.index('anger')] = 6
    votes[1, datasets.FERPLUS_COLUMNS.index('unknown')] = 4
    votes[2, datasets.FERPLUS_COLUMNS.index('NF')] = 10
    faces = datasets.Dataset(np.zeros((3, 48, 48), np.uint8), np.array([3, 0, 6]), votes,
                             ('a', 'b', 'c'))
    shares = readings.training_shares('ferplus', faces)
    assert shares[3] == pytest.approx(10 / 16, abs=1e-3)
    assert shares[0] == pytest.approx(6 / 16, abs=1e-3)
    assert 0 < shares[6] < 1e-4
    assert readings.training_shares('fer2013', faces)[[3, 0, 6]] == pytest.approx(1 / 3, abs=1e-3)


def test_fitted_heads_are_exported_as_they_were_fitted(faces, finished, tmp_path):
    trained = export.load_run(finished['cosine'])
    export.export(trained, tmp_path, faces, generated.faces(140, 7), variants=('float32',))
    _, held = datasets.split_holdout(faces, COSINE.holdout, COSINE.seed)
    plain = export.predict(trained.model, evened(held.images))
    change, _ = heads.fit(plain['fer2013'], plain['ferplus'], held.labels)
    expected = plain['fer2013'] if change is None else change(plain['fer2013'], plain['ferplus'])
    logits = EmotionClassifier(tmp_path / 'cosine_float32.tflite').logits(held.images)
    np.testing.assert_allclose(logits['fer2013'], expected, atol=1e-3)


def test_calibration_is_that_of_the_held_out_faces(faces, finished, exported):
    folder, _ = exported
    _, held = datasets.split_holdout(faces, COSINE.holdout, COSINE.seed)
    logits = export.predict(
        export.load_run(finished['cosine']).model, evened(held.images))['fer2013']
    weights = metrics.poststratification_weights(export.strata(held), export.strata(faces))
    expected = metrics.calibrate(logits, held.labels, weights)
    classifier = EmotionClassifier(folder / 'cosine_float16.tflite', label_set='fer2013')
    assert classifier.uncertain_below == expected.uncertain_below
    assert classifier.metadata.label_sets['fer2013'].temperature == expected.temperature
    np.testing.assert_allclose(classifier.classify(held.images),
                               probabilities(logits, expected.temperature), atol=0.01)


def test_a_file_that_differs_from_the_model_is_refused(faces, finished, tmp_path, monkeypatch):
    trained = export.load_run(finished['cosine'])
    convert = export._convert

    def spoil(model, *arguments):   # writes another network instead
        return convert(networks.residual(**TINY['network_args']), *arguments)

    monkeypatch.setattr(export, '_convert', spoil)
    with pytest.raises(export.ExportError, match='float16.tflite: .* nothing was written'):
        export.export(trained, tmp_path, faces, generated.faces(140, 7), variants=('float16',),
                      fit_heads=False)
    assert not list(tmp_path.iterdir())


def test_a_run_that_still_goes_on_can_be_exported(finished, tmp_path):
    for name in ('recipe.yaml', 'history.json', 'state.weights.h5'):
        os.link(finished['cosine'] / name, tmp_path / name)
    for ours, theirs in zip(weights(tmp_path), weights(finished['cosine'])):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_held_out_faces_that_were_trained_on_do_not_calibrate(finished, tmp_path):
    some = replace(generated.faces(84), images=photographs(84))
    _, held = datasets.split_holdout(some, COSINE.holdout, COSINE.seed)
    # The first five held-out images, each with a copy of its own class among the others.
    copies = held.subset(slice(0, 5))
    both = datasets.concatenate([some, copies])
    rest, held = datasets.split_holdout(both, COSINE.holdout, COSINE.seed)
    seen = set(duplicates.find(held.images, rest.images).first)
    assert 0 < len(seen) < len(held) / 2
    trained = replace(export.load_run(finished['cosine']), recipe=COSINE)
    export.export(trained, tmp_path, both, some, variants=('float32',), fit_heads=False)
    entry = EmotionClassifier(tmp_path / 'cosine_float32.tflite').metadata.values
    assert entry['data']['held_out'] == len(held) - len(seen)


def test_too_few_faces_are_a_clear_error(tmp_path):
    with pytest.raises(datasets.DatasetError, match='7 faces are too few'):
        train.train(COSINE, generated.faces(7), tmp_path)


def test_the_faces_of_a_run_are_found_again_also_without_copies(faces, finished):
    other = faces.subset(slice(0, 5))
    splits = {'train': faces, 'public': other}
    trained = export.load_run(finished['cosine'])
    assert export.training_faces(trained, splits) is faces
    fewer, _, _ = duplicates.without_copies(faces, [other])
    assert len(fewer) < len(faces)
    cleaned = replace(trained, data_sha256=train.checksum(fewer))
    assert export.training_faces(cleaned, splits).names == fewer.names
    with pytest.raises(export.ExportError, match='not the one the model was trained on'):
        export.training_faces(trained, {'train': faces.subset(slice(1, 84)), 'public': other})


def test_exporting_nothing_is_a_clear_error(tmp_path, capsys):
    assert main(['export', str(tmp_path), '--data', str(tmp_path), '--out', str(tmp_path)]) == 2
    assert 'no recipe.yaml; give the folder of a training run' in capsys.readouterr().err


def test_the_keras_model_is_refused_when_it_does_not_fit(exported):
    folder, _ = exported
    path = folder / 'cosine_keras.json'
    whole = path.read_text()
    values = json.loads(whole)
    values['input']['side_px'] = 64
    path.write_text(json.dumps(values))
    try:
        with pytest.raises(ConfigurationError, match='the metadata says 64x64'):
            EmotionClassifier(folder / 'cosine_keras.keras')
    finally:
        path.write_text(whole)


def test_a_keras_2_model_is_imported(faces):
    """The files were saved by tf_keras 2.21, with the probabilities it gave."""
    model = study_import.import_keras2(DATA / 'keras2_model.json', DATA / 'keras2_weights.h5')
    images = generated.faces(70, 5).images[:14]
    ours = probabilities(export.predict(model, images)['fer2013'])
    theirs = np.load(DATA / 'keras2_probabilities.npy')
    theirs = theirs[:, [study_import.STUDY_LABELS.index(name) for name in LABELS]]
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert abs(theirs - theirs[0]).max() > 0.1


def test_an_imported_model_is_exported_by_the_command(faces, tmp_path):
    data = write_csv(tmp_path / 'data', {'train': faces}, votes=False)
    assert main(['import-study', str(DATA / 'keras2_model.json'), str(DATA / 'keras2_weights.h5'),
                 '--data', str(data), '--out', str(tmp_path), '--variants', 'float32']) == 0
    classifier = EmotionClassifier(tmp_path / 'study_float32.tflite')
    assert classifier.label_set == 'fer2013'
    assert classifier.classify(faces.images[:3]).shape == (3, 7)


def _edit(change):
    values = json.loads((DATA / 'keras2_model.json').read_text())
    change(values['config']['layers'])
    return json.dumps(values)


@pytest.mark.parametrize('text, message', [
    ('no json', 'not the JSON of a Keras 2 model'),
    ('{}', 'not the JSON of a Keras 2 model'),
    (_edit(lambda layers: layers[1].update(class_name='LSTM')), 'type LSTM are not supported'),
    (_edit(lambda layers: layers[0]['config'].update(batch_input_shape=[None, 48, 48, 3])),
     'expected a square grayscale image'),
    (_edit(lambda layers: layers[1]['config'].update(data_format='channels_first')),
     'channels_first'),
    (_edit(lambda layers: layers[1]['config'].update(filters=5)), 'do not fit'),
    (_edit(lambda layers: layers[-1]['config'].update(activation='relu')), 'expected a softmax')])
def test_what_cannot_be_imported_is_named(tmp_path, text, message):
    (tmp_path / 'model.json').write_text(text)
    with pytest.raises(study_import.ImportFailed, match=message):
        study_import.import_keras2(tmp_path / 'model.json', DATA / 'keras2_weights.h5')


def test_bad_weights_and_labels_are_named(tmp_path):
    (tmp_path / 'w.h5').write_text('nothing')
    with pytest.raises(study_import.ImportFailed, match='not the HDF5 weights'):
        study_import.import_keras2(DATA / 'keras2_model.json', tmp_path / 'w.h5')
    with pytest.raises(study_import.ImportFailed, match='no such file'):
        study_import.import_keras2(DATA / 'keras2_model.json', tmp_path / 'absent.h5')
    with pytest.raises(study_import.ImportFailed, match='labels are a, b'):
        study_import.import_keras2(DATA / 'keras2_model.json', DATA / 'keras2_weights.h5',
                                   labels=('a', 'b'))


@pytest.mark.parametrize('values, message', [
    ({'epoch': 3}, 'unknown key epoch; known are .*epochs'),
    ({'network': 'vgg'}, "network is 'vgg', expected one of residual, study"),
    ({'augmentation': {'spin': 1}}, 'augmentation: unknown key spin'),
    ({'augmentation': True}, 'expected a mapping or null'),
    ({'epochs': 0}, 'epochs is 0, expected a number from 1'),
    ({'epochs': 2.5}, 'epochs is 2.5, expected a whole number'),
    ({'learning_rate': 'fast'}, "learning_rate is 'fast'"),
    ({'holdout': 0}, 'holdout is 0'),
    ({'mixup': 1.5}, 'mixup is 1.5, expected a number from 0 to 1'),
    ({'heads': ['arousal'], 'head_weights': [1]}, 'heads are arousal'),
    ({'heads': ['fer2013']}, 'one number for each of heads')])
def test_a_bad_recipe_says_what_is_wrong(tmp_path, values, message):
    path = tmp_path / 'r.yaml'
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(recipes.RecipeError, match=f'r.yaml: .*{message}'):
        recipes.load(str(path))


def test_a_missing_or_broken_recipe_says_so(tmp_path):
    with pytest.raises(recipes.RecipeError,
                       match='no recipe nothing: .* ' + ', '.join(sorted(
                           path.stem for path in recipes.RECIPE_DIR.glob('*.yaml')))):
        recipes.load('nothing')
    (tmp_path / 'r.yaml').write_text('a: [')
    with pytest.raises(recipes.RecipeError, match='r.yaml'):
        recipes.load(str(tmp_path / 'r.yaml'))


@pytest.mark.parametrize('path', sorted(recipes.RECIPE_DIR.glob('*.yaml')), ids=lambda p: p.stem)
def test_every_shipped_recipe_can_be_built(path):
    recipe = recipes.load(path.stem)
    model = networks.build(recipe)
    assert set(model.output) == set(recipe.heads)
    most = {'fernet': 2.5e6, 'fernet_large': 5e6, 'study': 5e6}
    assert model.count_params() < most.get(path.stem, 5e6)


def test_recipes_name_the_networks_there_are():
    assert recipes.NETWORKS == tuple(networks.NETWORKS)


def test_the_study_network_has_the_study_sizes():
    """Follow n_out = floor((n_in - f) / s) + 1 through the pools; 'same' keeps the size."""
    model = networks.study()
    sides = [layer.output.shape[1] for layer in model.layers
             if layer.__class__.__name__ == 'MaxPooling2D']
    expected, side = [], 48
    for _ in range(4):
        side = (side - 2) // 2 + 1
        expected.append(side)
    assert sides == expected == [24, 12, 6, 3]
    assert model.count_params() == 4_478_727     # the study's own summary


@pytest.mark.parametrize('flags, expected', [
    ('flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile', 'mixed_bfloat16'),
    ('flags\t\t: fpu amx_bf16', 'mixed_bfloat16'),
    ('flags\t\t: fpu avx2 avx512f avx512_vnni', 'float32')])
def test_auto_precision_is_the_fast_one_of_this_processor(monkeypatch, flags, expected):
    monkeypatch.setattr(networks.Path, 'exists', lambda path: True)
    monkeypatch.setattr(networks.Path, 'read_text', lambda path: flags)
    assert networks.machine_precision('auto') == expected
    assert networks.machine_precision('float32') == 'float32'
    assert networks.machine_precision('mixed_bfloat16') == 'mixed_bfloat16'


def test_faces_that_most_could_not_read_are_left_out_where_the_recipe_says_so(
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
        def note(dataset, recipe, training, teachers=None):
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


def test_without_votes_the_head_that_can_be_taught_is_and_the_export_follows(
        faces, tmp_path, capsys):
    data = write_folders(tmp_path / 'data', {'train': faces, 'test': faces.subset(slice(0, 21))})
    recipe = tmp_path / 'two.yaml'
    recipe.write_text(yaml.safe_dump({**TINY, 'epochs': 1}))
    run = tmp_path / 'run'
    # Drawn faces resemble one another: the copies of the test split are wanted here.
    assert main(['train', str(recipe), '--data', str(data), '--run', str(run),
                 '--keep-copies']) == 0
    told = capsys.readouterr().out
    before, _, after = told.partition('no FER+ votes')
    assert 'training fer2013 alone, without ferplus' in after and 'Epoch' not in before
    assert recipes.load(str(run / 'recipe.yaml')).heads == ('fer2013',)
    assert main(['export', str(run), '--data', str(data), '--out', str(tmp_path / 'out'),
                 '--variants', 'float32']) == 0
    metadata = EmotionClassifier(tmp_path / 'out' / 'two_float32.tflite').metadata
    assert list(metadata.label_sets) == ['fer2013'] == [metadata.default_label_set]


def test_a_network_of_two_heads_without_votes_is_exported_with_the_one_it_can_calibrate(
        faces, finished, tmp_path, capsys):
    blind = datasets.Dataset(faces.images, faces.labels, None, faces.names)
    trained = replace(export.load_run(finished['cosine']), data_sha256=None)
    export.export(trained, tmp_path, blind, blind.subset(slice(0, 14)), variants=('float32',))
    assert 'do without it' in capsys.readouterr().out
    classifier = EmotionClassifier(tmp_path / 'cosine_float32.tflite')
    assert classifier.label_set == 'fer2013'


def test_a_recipe_for_votes_alone_is_refused_before_anything_is_written(faces, tmp_path):
    blind = datasets.Dataset(faces.images, faces.labels, None, faces.names)
    recipe = replace(COSINE, heads=('ferplus',), head_weights=(1.0,))
    with pytest.raises(datasets.DatasetError, match='ferplus alone.*fer2013new.csv'):
        train.train(recipe, blind, tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


def command(*arguments):
    return subprocess.run([sys.executable, '-m', 'training', *arguments], text=True,
                          cwd=Path(train.__file__).parents[1], capture_output=True)


def test_the_recipes_can_be_listed():
    done = command('train', '--list')
    assert done.returncode == 0 and done.stderr == ''
    for name in ('fernet', 'fernet_large', 'study'):
        assert re.search(rf'^{name} +[A-Z]', done.stdout, re.M), done.stdout


@pytest.mark.parametrize('arguments', [
    ('train', 'nothing', '--data', '.'), ('train', 'fernet', '--data', '/nowhere'),
    ('export', '/nowhere', '--data', '{data}', '--out', '/tmp/none')])
def test_an_error_of_the_user_is_one_line_without_a_word_of_tensorflow(
        faces, tmp_path, arguments):
    data = write_folders(tmp_path, {'train': faces.subset(slice(0, 21))})
    done = command(*(argument.format(data=data) for argument in arguments))
    assert done.returncode == 2 and done.stderr.startswith('error: ')
    assert done.stderr.count('\n') == 1, done.stderr


def test_both_formats_of_one_network_read_the_same(faces, finished, tmp_path):
    pytest.importorskip('tf2onnx', reason='the export to ONNX needs tf2onnx')
    trained = export.load_run(finished['cosine'])
    for head in COSINE.heads:       # four epochs told the classes hardly apart
        layer = trained.model.get_layer(head)
        layer.set_weights([200 * values for values in layer.get_weights()])
    export.export(trained, tmp_path, faces, faces, variants=('float32', 'onnx'),
                  fit_heads=False)
    for label_set in ('fer2013', 'ferplus'):
        readings = [EmotionClassifier(tmp_path / name, label_set=label_set).classify(faces.images)
                    for name in ('cosine_float32.tflite', 'cosine_onnx.onnx')]
        assert abs(readings[0] - readings[1]).max() < 1e-3
        assert readings[0].std(axis=0).max() > 0.01


def test_a_network_in_color_reads_the_same_in_both_formats(tmp_path):
    """The LiteRT twin of test/foreign_models.py: NHWC, no signature names of ours."""
    foreign = pytest.importorskip('foreign_models', reason='needs the package onnx')
    import tensorflow
    kernel, bias = foreign.weights()
    inputs = keras.Input((64, 64, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    dense = keras.layers.Dense(8, activation='softmax', name='emotion')
    model = keras.Model(inputs, dense(pooled))
    dense.set_weights([kernel, bias])
    path = tmp_path / 'twin.tflite'
    path.write_bytes(tensorflow.lite.TFLiteConverter.from_keras_model(model).convert())
    values = yaml.safe_load(draft(path))
    (entry,) = values['label_sets'].values()
    assert values['input']['layout'] == 'NHWC' and entry['activation'] == 'softmax'
    values['input'].update(color='rgb', range=[0, 1], mean=foreign.MEAN, std=foreign.STD)
    entry['labels'] = foreign.LABELS
    path.with_suffix('.yaml').write_text(yaml.safe_dump(values))
    crops = np.random.default_rng(2).integers(0, 256, (20, 64, 64, 3), np.uint8)
    crops[:3] = np.array(list(foreign.READS), np.uint8)[:, None, None]
    onnx = EmotionClassifier(foreign.write(tmp_path)).classify(crops)
    litert = EmotionClassifier(path).classify(crops)
    assert abs(onnx - litert).max() < 1e-3
    assert [LABELS[i] for i in litert[:3].argmax(axis=1)] == list(foreign.READS.values())


def test_a_network_of_whole_numbers_alone_reads_nearly_the_same(tmp_path):
    """Inputs and outputs int8, as microcontrollers and NPUs have them: scaled by their steps."""
    foreign = pytest.importorskip('foreign_models', reason='needs the package onnx')
    import tensorflow
    kernel, bias = foreign.weights()
    inputs = keras.Input((64, 64, 3))
    dense = keras.layers.Dense(8, activation='softmax')
    model = keras.Model(inputs, dense(keras.layers.GlobalAveragePooling2D()(inputs)))
    dense.set_weights([kernel, bias])
    values = foreign.metadata(affect=False)
    values['input']['layout'] = 'NHWC'
    crops = np.random.default_rng(2).integers(0, 256, (20, 64, 64, 3), np.uint8)
    crops[:3] = np.array(list(foreign.READS), np.uint8)[:, None, None]
    form = InputFormat(64, 'rgb', 'NHWC', (0, 1), foreign.MEAN, foreign.STD)
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([form.blob(crop[None])] for crop in crops)
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tensorflow.int8
    path = tmp_path / 'whole.tflite'
    path.write_bytes(converter.convert())
    (entry,) = values['label_sets'].values()
    entry.update(output=next(iter(yaml.safe_load(draft(path))['label_sets'])),
                 activation='softmax')
    path.with_suffix('.yaml').write_text(yaml.safe_dump(values))
    expected = EmotionClassifier(foreign.write(tmp_path)).classify(crops)
    assert abs(EmotionClassifier(path).classify(crops) - expected).max() < 0.03
