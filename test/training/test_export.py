# SPDX-License-Identifier: Apache-2.0
"""What is exported equals what was trained, and is calibrated. Needs TensorFlow."""

from dataclasses import replace
import json
import os

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
from training import readings, recipes, runs, train
from training.__main__ import main
from training_support import COSINE, photographs, TINY, weights, write_csv, write_folders



@pytest.fixture(scope='module')
def exported(faces, finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp('exported')
    results = export.export(runs.load_run(finished['cosine']), folder, faces,
                            generated.faces(140, 7), variants=('float32', 'float16', 'keras'),
                            fit_heads=False)
    return folder, results


def test_exports_equal_the_keras_model(faces, finished, exported):
    folder, results = exported
    assert [row['file'] for row in results] == [
        'cosine_float32.tflite', 'cosine_float16.tflite', 'cosine_keras.keras']
    expected = export.predict(runs.load_run(finished['cosine']).model, evened(faces.images))
    for row in results:
        classifier = EmotionClassifier(folder / row['file'])
        for head, logits in classifier.logits(faces.images).items():
            np.testing.assert_allclose(logits, expected[head], atol=0.02)
        entry = classifier.metadata.values
        assert entry['parameters'] == runs.load_run(finished['cosine']).model.count_params()
        assert entry['training']['recipe']['name'] == 'cosine'
        assert (entry['data']['images'], entry['data']['held_out']) == (63, 21)


def evened(images):
    return np.stack([even_contrast(image) for image in images])


def test_the_filter_knows_what_the_network_was_trained_on_and_reads_in_neutral_faces(
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
    export.export(runs.load_run(finished['cosine']), tmp_path, faces, generated.faces(140, 7),
                  variants=('float32',), fit_heads=False, even=False)
    classifier = EmotionClassifier(tmp_path / 'cosine_float32.tflite')
    assert not classifier.input.even_contrast
    expected = export.predict(runs.load_run(finished['cosine']).model, faces.images)
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
    trained = runs.load_run(finished['cosine'])
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
        runs.load_run(finished['cosine']).model, evened(held.images))['fer2013']
    weights = metrics.poststratification_weights(export.strata(held), export.strata(faces))
    expected = metrics.calibrate(logits, held.labels, weights)
    classifier = EmotionClassifier(folder / 'cosine_float16.tflite', label_set='fer2013')
    assert classifier.uncertain_below == expected.uncertain_below
    assert classifier.metadata.label_sets['fer2013'].temperature == expected.temperature
    np.testing.assert_allclose(classifier.classify(held.images),
                               probabilities(logits, expected.temperature), atol=0.01)


def test_a_file_that_differs_from_the_model_is_refused(faces, finished, tmp_path, monkeypatch):
    trained = runs.load_run(finished['cosine'])
    convert = export._convert

    def spoil(model, *arguments):   # writes another network instead
        return convert(networks.residual(**TINY['network_args']), *arguments)

    monkeypatch.setattr(export, '_convert', spoil)
    with pytest.raises(runs.ExportError, match='float16.tflite: .* nothing was written'):
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
    trained = replace(runs.load_run(finished['cosine']), recipe=COSINE)
    export.export(trained, tmp_path, both, some, variants=('float32',), fit_heads=False)
    entry = EmotionClassifier(tmp_path / 'cosine_float32.tflite').metadata.values
    assert entry['data']['held_out'] == len(held) - len(seen)


def test_too_few_faces_are_a_clear_error(tmp_path):
    with pytest.raises(datasets.DatasetError, match='7 faces are too few'):
        train.train(COSINE, generated.faces(7), tmp_path)


def test_the_faces_of_a_run_are_found_again_also_without_copies(faces, finished):
    other = faces.subset(slice(0, 5))
    splits = {'train': faces, 'public': other}
    trained = runs.load_run(finished['cosine'])
    assert runs.training_faces(trained, splits) is faces
    fewer, _, _ = duplicates.without_copies(faces, [other])
    assert len(fewer) < len(faces)
    cleaned = replace(trained, data_sha256=train.checksum(fewer))
    assert runs.training_faces(cleaned, splits).names == fewer.names
    with pytest.raises(runs.ExportError, match='not the one the model was trained on'):
        runs.training_faces(trained, {'train': faces.subset(slice(1, 84)), 'public': other})


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
    trained = replace(runs.load_run(finished['cosine']), data_sha256=None)
    export.export(trained, tmp_path, blind, blind.subset(slice(0, 14)), variants=('float32',))
    assert 'do without it' in capsys.readouterr().out
    classifier = EmotionClassifier(tmp_path / 'cosine_float32.tflite')
    assert classifier.label_set == 'fer2013'


def test_both_formats_of_one_network_read_the_same(faces, finished, tmp_path):
    pytest.importorskip('tf2onnx', reason='the export to ONNX needs tf2onnx')
    trained = runs.load_run(finished['cosine'])
    for head in COSINE.heads:       # after four epochs the classes are hardly separated
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


def test_a_network_is_exported_together_with_another(faces, finished, exported, tmp_path):
    companion = exported[0] / 'cosine_float32.tflite'
    members = [runs.load_run(finished[name]) for name in ('plateau', 'cosine')]
    data = write_csv(tmp_path, {'train': faces, 'public': generated.faces(140, 7)})
    out = tmp_path / 'out'
    assert main(['export', str(finished['plateau']), '--with', str(companion), '--name', 'both',
                 '--data', str(data), '--out', str(out), '--variants', 'float32',
                 '--plain-heads']) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        'both_float32.json', 'both_float32.tflite', 'cosine_float32.json', 'cosine_float32.tflite']
    read = EmotionClassifier(out / 'both_float32.tflite', label_set='fer2013')
    parts = [export.predict(member.model, evened(faces.images))['fer2013'] for member in members]
    assert abs(parts[0] - parts[1]).max() > 0.1
    np.testing.assert_allclose(read.logits(faces.images)['fer2013'], np.mean(parts, axis=0),
                               atol=1e-3)
    values = read.metadata.values
    assert values['parameters'] == sum(member.model.count_params() for member in members)
    assert [member['recipe']['name'] for member in values['training']['members']] == [
        'plateau', 'cosine']
    _, held = datasets.split_holdout(faces, COSINE.holdout, COSINE.seed)
    fitted = metrics.calibrate(
        read.logits(held.images)['fer2013'], held.labels,
        metrics.poststratification_weights(export.strata(held), export.strata(faces)))
    assert read.metadata.label_sets['fer2013'].temperature == pytest.approx(fitted.temperature,
                                                                           abs=0.02)
    assert values['checked']['fer2013']['largest_difference'] < 1e-3


@pytest.mark.parametrize('change', [
    lambda values: values['training']['recipe'].update(seed=7),
    lambda values: values['data'].update(sha256='another'), lambda values: values.pop('data')])
def test_networks_that_saw_other_faces_are_not_averaged(faces, finished, exported, tmp_path,
                                                        change):
    companion = exported[0] / 'cosine_float32.tflite'
    values = json.loads(companion.with_suffix('.json').read_text())
    change(values)
    os.link(companion, tmp_path / companion.name)
    (tmp_path / companion.name).with_suffix('.json').write_text(json.dumps(values))
    with pytest.raises(runs.ExportError, match='cosine_float32 was trained on other faces'):
        export.export(runs.load_run(finished['plateau']), tmp_path / 'out', faces, faces,
                      companion=tmp_path / companion.name)
    assert not (tmp_path / 'out').exists()
