# SPDX-License-Identifier: Apache-2.0
"""A network whose metadata names a companion: their outputs are averaged."""

import hashlib
import json
import shutil

from fer_ros.emotions.classification import DEFAULT_MODEL, EmotionClassifier, MODEL_DIR
from fer_ros.errors import ConfigurationError
import numpy as np
import pytest

OTHER = 'fernet_float16.tflite'


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def edit(path, change):
    """Change the metadata beside a file."""
    path = path.with_suffix('.json')
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


@pytest.fixture
def model(tmp_path):
    """Return a copy of the shipped network, together with the shipped other variant of it."""
    path = tmp_path / 'both.tflite'
    for suffix in ('.tflite', '.json'):
        shutil.copy((MODEL_DIR / DEFAULT_MODEL).with_suffix(suffix), path.with_suffix(suffix))
    edit(path, lambda values: values.update(
        name='both', together_with={'file': OTHER, 'sha256': digest(MODEL_DIR / OTHER)}))
    return path


@pytest.fixture
def companion(model):
    """Return a copy of the companion beside the network, which comes before the shipped one."""
    for suffix in ('.tflite', '.json'):
        shutil.copy((MODEL_DIR / OTHER).with_suffix(suffix), model.parent)
    return model.parent / OTHER


@pytest.mark.parametrize('options, told', [
    ({}, []), ({'delegate': '/nowhere.so', 'providers': ['openvino']}, ['providers', 'providers',
                                                                        'delegate'])])
def test_logits_are_the_mean_of_both(model, options, told):
    faces = np.random.default_rng(1).integers(0, 256, (18, 6, 6), np.uint8).repeat(
        8, axis=1).repeat(8, axis=2)
    both = EmotionClassifier(model, **options)
    parts = [EmotionClassifier(name).logits(faces) for name in (DEFAULT_MODEL, OTHER)]
    for name, logits in both.logits(faces).items():
        assert abs(parts[0][name] - parts[1][name]).max() > 0.01
        np.testing.assert_allclose(logits, (parts[0][name] + parts[1][name]) / 2, atol=1e-4)
    assert both.runs_on == 'LiteRT, 1 thread, together with fernet_float16'
    assert sorted(line.split(':')[0] for line in both.warnings) == sorted(told)


def test_a_companion_beside_the_network_comes_before_a_shipped_one(model, companion):
    assert EmotionClassifier(model).name == 'both'
    companion.write_bytes(companion.read_bytes()[:-1])
    with pytest.raises(ConfigurationError, match='the SHA-256 of .*another version') as caught:
        EmotionClassifier(model)
    assert str(companion) in str(caught.value)


@pytest.mark.parametrize('change, message', [
    ({'file': 'gone.tflite'}, "together_with.file is 'gone.tflite', which is neither in .*copy"),
    ({'file': '../fernet_int8.tflite'}, 'file is .*int8.tflite., expected the name, without a f'),
    ({'file': 'fernet'}, "together_with.file is 'fernet', expected .* ends in .tflite"),
    ({'sha256': '0' * 64}, 'SHA-256 of .*expected 000000000000'),
    ({'sha256': ''}, "together_with.sha256 is '', expected 64"),
    ({'weight': 0.3}, "unknown key together_with.'weight'")])
def test_an_entry_that_cannot_be_used_is_refused(model, change, message):
    edit(model, lambda values: values['together_with'].update(change))
    with pytest.raises(ConfigurationError, match=message) as caught:
        EmotionClassifier(model)
    assert str(model.with_suffix('.json')) in str(caught.value)


@pytest.mark.parametrize('change, message', [
    (lambda v: v['input'].update(side_px=64), 'px=64.* expected .*px=48'),
    (lambda v: v['input'].update(even_contrast=False), 'whose input is .*=False.* exp.*=True'),
    (lambda v: v['label_sets']['ferplus']['labels'].reverse(), 'whose label set ferplus is .*c'),
    (lambda v: v['label_sets'].pop('fer2013'), 'whose label set fer2013 is None, expected'),
    (lambda v: v.update(arousal={'output': 'fer2013'}), 'whose arousal is Scalar'),
    (lambda v: v.update(together_with={'file': OTHER, 'sha256': '0' * 64}),
     'has a companion itself')])
def test_a_companion_that_does_not_fit_is_refused(model, companion, change, message):
    def without_shares(values):
        values['default_label_set'] = 'ferplus'
        for entry in values['label_sets'].values():
            del entry['training_shares'], entry['neutral_reading']
        change(values)

    edit(companion, without_shares)
    with pytest.raises(ConfigurationError, match=message) as caught:
        EmotionClassifier(model)
    assert '\n' not in str(caught.value)


def test_a_companion_without_metadata_is_refused(model, companion):
    companion.with_suffix('.json').unlink()
    with pytest.raises(ConfigurationError, match=f'{companion.stem}.json .* is missing'):
        EmotionClassifier(model)


def test_a_companion_of_other_outputs_than_its_metadata_says_is_refused(model, companion):
    foreign = pytest.importorskip('foreign_models', reason='needs the package onnx')
    path = companion.with_suffix('.onnx')
    path.write_bytes(foreign.build())
    edit(model, lambda values: values.update(
        together_with={'file': path.name, 'sha256': digest(path)}))
    with pytest.raises(ConfigurationError, match='input and outputs are .*64, 64.* expected .*48'):
        EmotionClassifier(model)
