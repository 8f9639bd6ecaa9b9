# SPDX-License-Identifier: Apache-2.0
"""Distillation, with real tiny teachers. Needs TensorFlow."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('tensorflow', reason='training needs the training extra')

# ruff: noqa: E402, I001
import keras
from training import export, recipes, teachers, train
from training.__main__ import main
from training_support import gratings, write_csv

TEACHER = recipes.from_dict({
    'name': 'teacher', 'network': 'residual', 'heads': ['fer2013'], 'head_weights': [1.0],
    'network_args': {'stem': 4, 'widths': [8], 'blocks': [1], 'squeeze_excite': False},
    'epochs': 8, 'batch_size': 8, 'holdout': 0.25, 'warmup_epochs': 1, 'ema': 0,
    'optimizer': 'adam', 'learning_rate': 0.01, 'weight_decay': 0, 'augmentation': None})
STUDENT = replace(TEACHER, name='student', distillation=0.75)


@pytest.fixture(scope='module')
def faces():
    return gratings(210, 3)


@pytest.fixture(scope='module')
def runs(faces, tmp_path_factory):
    """Train two teachers; returns their folders."""
    folders = []
    for seed in (1, 2):
        folders.append(tmp_path_factory.mktemp(f'teacher{seed}'))
        train.train(replace(TEACHER, seed=seed), faces, folders[-1])
    return folders


def test_teachers_answer_as_one_for_a_face_and_its_mirror_image(faces, runs, tmp_path):
    found = teachers.targets(runs, faces.images, ('fer2013',), tmp_path / 'cache.npz')
    expected = np.zeros((len(faces), 7))
    for run in runs:
        for view in (faces.images, faces.images[:, :, ::-1]):
            logits = export.predict(export.load_run(run).model, view)['fer2013']
            expected += keras.ops.convert_to_numpy(keras.ops.softmax(logits)) / 4
    np.testing.assert_allclose(found['fer2013'], expected, atol=1e-5)
    np.testing.assert_allclose(found['fer2013'].sum(axis=1), 1, atol=1e-5)


def test_a_student_is_trained_on_its_share_of_them(faces, runs, tmp_path):
    taught = teachers.targets(runs, faces.images, STUDENT.heads, tmp_path / 'cache.npz')
    batches = train.FaceBatches(faces, STUDENT, training=True, taught=taught)
    rows = batches._order[:STUDENT.batch_size]
    labels, _ = train.targets(faces, STUDENT)
    np.testing.assert_allclose(
        batches[0][1]['fer2013'],
        0.25 * labels['fer2013'][rows] + 0.75 * taught['fer2013'][rows], atol=1e-6)


def test_a_student_of_its_teachers_alone_learns_what_they_say_and_not_the_labels(
        faces, runs, tmp_path):
    # Its labels are all the same: what it tells apart it has from its teachers.
    blank = replace(faces, labels=np.zeros_like(faces.labels), votes=None)
    recipe = replace(STUDENT, distillation=1.0, holdout=0.1,
                     network_args={**STUDENT.network_args, 'dropout': 0.0})
    model = train.train(recipe, blank, tmp_path, runs)
    taught = teachers.targets(runs, faces.images, ('fer2013',), tmp_path / 'cache.npz')
    answers = keras.ops.convert_to_numpy(keras.ops.softmax(
        export.predict(model, faces.images)['fer2013']))
    off = abs(answers - taught['fer2013']).mean()
    assert off < abs(taught['fer2013'].mean(axis=0) - taught['fer2013']).mean() / 2


def test_a_stopped_student_resumes_without_its_teachers_but_not_with_others(
        faces, runs, tmp_path, monkeypatch):
    student, whole, stopped = replace(STUDENT, epochs=3), tmp_path / 'a', tmp_path / 'b'
    train.train(student, faces, whole, runs)

    def stop(self, batch, logs=None):
        if len(self.history) == 1 and batch == 1:   # in the middle of the second epoch
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train.EpochState, 'on_train_batch_end', stop)
        with pytest.raises(KeyboardInterrupt):
            train.train(student, faces, stopped, runs)
    with pytest.raises(teachers.TeacherError, match='other teachers'):
        train.train(student, faces, stopped, runs[:1])
    train.train(student, faces, stopped)
    for ours, theirs in zip(export.load_run(stopped).model.get_weights(),
                            export.load_run(whole).model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_wrong_teachers_are_refused_with_a_reason(faces, runs, tmp_path, capsys):
    with pytest.raises(recipes.RecipeError, match='teacher has no distillation'):
        train.train(TEACHER, faces, tmp_path / 'a', runs)
    with pytest.raises(teachers.TeacherError, match='has no head ferplus'):
        train.train(replace(STUDENT, heads=('fer2013', 'ferplus'), head_weights=(1.0, 1.0)),
                    faces, tmp_path / 'b', runs)
    write_csv(tmp_path / 'data', {'train': faces})
    recipe = tmp_path / 'student.yaml'
    recipe.write_text('distillation: 0.5\nepochs: 1\n')
    command = ['train', str(recipe), '--data', str(tmp_path / 'data'), '--run']
    assert main([*command, str(tmp_path / 'c')]) == 2
    assert '--teachers RUN' in capsys.readouterr().err
    assert main([*command, str(tmp_path / 'd'), '--teachers', str(tmp_path / 'nowhere')]) == 2
    assert 'nowhere: no model.keras' in capsys.readouterr().err
