# SPDX-License-Identifier: Apache-2.0
"""Flat faces get contrast, clear ones stay as they are, pixel for pixel."""

import json
import shutil

import cv2
from fer_ros.emotions.classification import EmotionClassifier, find_model, load_metadata
from fer_ros.emotions.contrast import CLEAR, even_contrast, fine_contrast, FLAT
from fer_ros.emotions.labels import Emotion
from fer_ros.errors import ConfigurationError
import numpy as np
import pytest


@pytest.fixture
def crop(portrait):
    face = cv2.cvtColor(portrait[50:200, 150:300], cv2.COLOR_BGR2GRAY)
    return cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA)


def faded(crop, factor, level=90):
    return np.clip((crop.astype(float) - crop.mean()) * factor + level, 0, 255).astype(np.uint8)


def test_a_clear_face_is_not_touched(crop):
    clear = faded(crop, (CLEAR + 2) / fine_contrast(crop), 128)
    assert fine_contrast(clear) > CLEAR
    assert even_contrast(clear) is clear


@pytest.mark.parametrize('level', [60, 128, 200])
def test_a_flat_face_gets_contrast_and_stays_itself(crop, level):
    flat = faded(crop, 0.2, level)
    kept = flat.copy()
    assert fine_contrast(flat) < FLAT
    evened = even_contrast(flat)
    assert evened.shape == flat.shape and evened.dtype == np.uint8
    assert np.array_equal(flat, kept)
    assert fine_contrast(evened) > 1.5 * fine_contrast(flat)
    assert np.corrcoef(evened.ravel(), flat.ravel())[0, 1] > 0.5


def test_the_background_does_not_count(crop):
    before = fine_contrast(crop)
    bright = crop.copy()
    bright[:2], bright[:, -3:] = 255, 0
    assert fine_contrast(bright) == pytest.approx(before, abs=1)
    assert bright.std() > crop.std() + 5


@pytest.mark.parametrize('image', [np.zeros((48, 48), np.uint8), np.full((16, 16), 255, np.uint8),
                                   np.eye(200, dtype=np.uint8) * 255])
def test_any_square_does(image):
    assert even_contrast(image).shape == image.shape


def test_the_classifier_evens_what_its_metadata_say(crop, tmp_path):
    shipped = find_model('fernet_float16')
    for name in ('even', 'raw'):
        shutil.copy(shipped, tmp_path / f'{name}.tflite')
        values = json.loads(shipped.with_suffix('.json').read_text())
        values['input']['even_contrast'] = name == 'even'
        (tmp_path / f'{name}.json').write_text(json.dumps(values))
    even, raw = (EmotionClassifier(tmp_path / f'{name}.tflite') for name in ('even', 'raw'))
    flat = faded(crop, 0.15)
    assert np.array_equal(even.classify([flat]), raw.classify([even_contrast(flat)]))
    assert not np.array_equal(even.classify([flat]), raw.classify([flat]))
    assert even.classify([flat])[0].argmax() == Emotion.HAPPY    # she smiles


@pytest.mark.parametrize('change, words', [
    (lambda values: values['input'].update(even_contrast=1), 'input.even_contrast'),
    (lambda values: values['input'].update(even_contrast=True, color='rgb'),
     'input.even_contrast'),
    (lambda values: values['label_sets']['ferplus'].update(training_shares=[0.5, 0.5]),
     'label_sets.ferplus.training_shares'),
    (lambda values: values['label_sets']['ferplus'].update(training_shares=[0] * 8),
     'label_sets.ferplus.training_shares'),
    (lambda values: values['label_sets']['ferplus'].update(neutral_reading=['a'] * 8),
     'label_sets.ferplus.neutral_reading')])
def test_metadata_that_do_not_fit_are_refused_with_the_field(change, words, tmp_path):
    shipped = find_model('fernet_int8')
    values = json.loads(shipped.with_suffix('.json').read_text())
    del values['input']['colour']
    values['input']['color'] = 'gray'
    change(values)
    shutil.copy(shipped, tmp_path / 'm.tflite')
    (tmp_path / 'm.json').write_text(json.dumps(values))
    with pytest.raises(ConfigurationError, match=words.replace('.', r'\.')):
        load_metadata(tmp_path / 'm.tflite')
