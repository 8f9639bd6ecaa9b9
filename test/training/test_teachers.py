# SPDX-License-Identifier: Apache-2.0
"""Distillation, with real tiny teachers. Needs TensorFlow."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('tensorflow', reason='training needs the training extra')

# ruff: noqa: E402, I001
import keras
from training import epochs, export, recipes, teachers, train
from training.augmentation import Augmentation
from training.__main__ import main
from training.runs import load_run
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


def answers_of(run, images):
    logits = export.predict(load_run(run).model, images)['fer2013']
    return keras.ops.convert_to_numpy(keras.ops.softmax(logits))


def test_each_batch_is_answered_by_one_teacher_for_itself_or_its_mirror_image(faces, runs):
    images = faces.images[:16]
    possible = [answers_of(run, view) for run in runs for view in (images, images[:, :, ::-1])]
    taught_by = teachers.Teachers(runs, ('fer2013',))
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(40):
        found = taught_by.answer(images[..., None].astype(np.float32), generator)['fer2013']
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        off = [abs(found - answers).max() for answers in possible]
        assert min(off) < 1e-4
        drawn.append(int(np.argmin(off)))
    assert set(drawn) == {0, 1, 2, 3}


def test_a_teacher_that_is_named_twice_is_drawn_twice_as_often(faces, runs):
    images = faces.images[:16, ..., None].astype(np.float32)
    theirs = answers_of(runs[1], faces.images[:16]), answers_of(runs[1],
                                                                faces.images[:16, :, ::-1])
    taught_by = teachers.Teachers([runs[0], runs[0], runs[1]], ('fer2013',))
    generator = np.random.default_rng(1)
    second = 0
    for _ in range(150):
        found = taught_by.answer(images, generator)['fer2013']
        second += min(abs(found - answers).max() for answers in theirs) < 1e-4
    assert 30 < second < 70


def test_teachers_answer_the_picture_that_the_student_sees(faces, runs):
    recipe = replace(STUDENT, augmentation=Augmentation(), mixup=0.5)
    batches = train.FaceBatches(faces, recipe, training=True,
                                teachers=teachers.Teachers(runs, ('fer2013',)))
    alone = train.FaceBatches(faces, replace(recipe, distillation=0), training=True)
    images, expected, _ = batches[0]
    same, labels, _ = alone[0]
    np.testing.assert_array_equal(images, same)
    assert abs(images - np.round(images)).max() > 0   # some are blended
    plain = faces.images[batches._order[:recipe.batch_size]]
    assert abs(images[..., 0] - plain).mean() > 1
    said = (expected['fer2013'] - 0.25 * labels['fer2013']) / 0.75
    possible = []
    for run in runs:
        model = load_run(run).model
        for view in (images, images[:, :, ::-1]):
            possible.append(keras.ops.convert_to_numpy(
                keras.ops.softmax(model.predict(view, verbose=0)['fer2013'])))
    assert min(abs(said - answers).max() for answers in possible) < 1e-4


def test_a_student_of_its_teachers_alone_learns_what_they_say_and_not_the_labels(
        faces, runs, tmp_path):
    # Its labels are all the same: it learns the classes from its teachers.
    blank = replace(faces, labels=np.zeros_like(faces.labels), votes=None)
    recipe = replace(STUDENT, distillation=1.0, holdout=0.1,
                     network_args={**STUDENT.network_args, 'dropout': 0.0})
    found = export.predict(train.train(recipe, blank, tmp_path, runs), faces.images)['fer2013']
    found = keras.ops.convert_to_numpy(keras.ops.softmax(found))
    taught = np.mean([answers_of(run, view) for run in runs
                      for view in (faces.images, faces.images[:, :, ::-1])], axis=0)
    assert abs(found - taught).mean() < abs(taught.mean(axis=0) - taught).mean() / 2


def test_a_stopped_student_resumes_with_its_teachers_named_or_not_but_not_with_others(
        faces, runs, tmp_path, monkeypatch):
    student, whole, stopped = replace(STUDENT, epochs=3), tmp_path / 'a', tmp_path / 'b'
    train.train(student, faces, whole, runs)

    def stop(self, batch, logs=None):
        if len(self.history) == 1 and batch == 1:   # in the middle of the second epoch
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(epochs.EpochState, 'on_train_batch_end', stop)
        with pytest.raises(KeyboardInterrupt):
            train.train(student, faces, stopped, runs)
    with pytest.raises(teachers.TeacherError, match='other teachers'):
        train.train(student, faces, stopped, runs[:1])
    train.train(student, faces, stopped)
    for ours, theirs in zip(load_run(stopped).model.get_weights(),
                            load_run(whole).model.get_weights()):
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


def test_a_teacher_that_cannot_be_read_is_refused_and_another_may_take_its_place(
        faces, runs, tmp_path):
    broken, student = tmp_path / 'broken', tmp_path / 'student'
    broken.mkdir()
    (broken / 'model.keras').write_text('nothing')
    with pytest.raises(teachers.TeacherError, match='broken: no recipe.yaml'):
        train.train(replace(STUDENT, epochs=1), faces, student, [broken])
    (broken / 'recipe.yaml').write_text((runs[0] / 'recipe.yaml').read_text())
    with pytest.raises(teachers.TeacherError, match='broken: model.keras is not the network'):
        train.train(replace(STUDENT, epochs=1), faces, student, [broken])
    train.train(replace(STUDENT, epochs=1), faces, student, runs)
    assert (student / 'model.keras').is_file()
