# SPDX-License-Identifier: Apache-2.0
"""The models of the study are imported, or refused with the reason. Needs TensorFlow."""

import json
from pathlib import Path

from fer_ros.emotions.classification import EmotionClassifier, probabilities
from fer_ros.emotions.labels import LABELS
import numpy as np
import pytest

pytest.importorskip('tensorflow', reason='training needs the training extra')

# ruff: noqa: E402, I001
import keras
from training import export, generated
from training import study_import
from training.__main__ import main
from training_support import write_csv

DATA = Path(__file__).with_name('data')


def test_a_keras_2_model_is_imported(faces):
    """The files were saved by tf_keras 2.21, with the probabilities it gave."""
    # As a training leaves it where the processor is fast in it.
    keras.mixed_precision.set_global_policy('mixed_bfloat16')
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
