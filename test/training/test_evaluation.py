# SPDX-License-Identifier: Apache-2.0
"""Evaluation and inspection of the shipped model; nothing here needs TensorFlow."""

import csv
import json
from pathlib import Path
import subprocess
import sys

import cv2
from fer_ros.emotions.classification import EmotionClassifier
from fer_ros.emotions.labels import LABELS
import numpy as np
import pytest
from training import evaluate, inspection
from training.__main__ import main
from training.datasets import Dataset, FERPLUS_COLUMNS
from training_support import write_csv, write_folders

KEYS = {'images', 'accuracy', 'macro_f1', 'recall', 'ferplus_majority7', 'ferplus_majority8',
        'ece', 'mean_corruption_accuracy', 'ms_per_face', 'parameters'}


def test_the_command_prints_the_table_and_writes_the_same(tmp_path, splits, capsys):
    data = write_csv(tmp_path / 'data', splits)
    figures, page = tmp_path / 'new' / 'e.json', tmp_path / 'e.html'
    assert main(['evaluate', str(data), '--json', str(figures), '--report', str(page)]) == 0
    values = json.loads(figures.read_text())
    assert KEYS <= set(values)
    assert values['images'] == 28       # the training rows are not evaluated
    assert set(values['recall']) == set(LABELS)
    table = capsys.readouterr().out
    assert f'{values["accuracy"]:.2%}' in table
    assert f'{values["parameters"]:,}' in table
    assert '<h2>Robustness</h2>' in page.read_text()

    # The same manually, from the class the nodes use.
    classifier = EmotionClassifier(label_set='fer2013')
    answers = classifier.classify(splits['public'].images).argmax(axis=1)
    assert values['accuracy'] == pytest.approx((answers == splits['public'].labels).mean())
    rows = [share for row in values['corruptions'].values() for share in row.values()]
    assert len(rows) == 55
    assert values['mean_corruption_accuracy'] == pytest.approx(np.mean(rows))


def test_folders_and_every_split_but_training_are_evaluated(tmp_path, splits):
    folder = write_folders(tmp_path, {'train': splits['train'], 'test': splits['public']})
    figures = tmp_path / 'e.json'
    assert main(['evaluate', str(folder), '--no-robustness', '--json', str(figures)]) == 0
    values = json.loads(figures.read_text())
    assert values['images'] == 28
    assert values['ferplus_majority7'] is None      # folders have no votes

    both = {'public': splits['public'], 'private': splits['train']}
    assert main(['evaluate', str(write_csv(tmp_path / 'csv', both)), '--no-robustness', '--json',
                 str(figures)]) == 0
    assert json.loads(figures.read_text())['images'] == 28 + 84


def test_the_ferplus_figures_follow_the_rule(splits):
    logits = EmotionClassifier().logits(splits['public'].images)['ferplus']
    answers = logits.argmax(axis=1)
    votes = np.zeros((28, 10), np.float32)
    for i, answer in enumerate(answers):    # unanimous for what the model says ...
        name = ('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral',
                'contempt')[answer]
        votes[i, FERPLUS_COLUMNS.index(name)] = 10
    votes[:7] = np.roll(votes[:7], 1, axis=1)   # ... except for the first seven
    data = Dataset(splits['public'].images, splits['public'].labels, votes,
                   splits['public'].names)
    values = evaluate.evaluate('', {'public': data}, robustness=False).values
    votes_for = votes.argmax(axis=1)
    eligible = votes_for < FERPLUS_COLUMNS.index('unknown')
    expected = (eligible & (np.arange(28) >= 7)).sum() / eligible.sum()
    assert values['ferplus_majority8'] == pytest.approx(expected)
    assert values['ferplus_images8'] == eligible.sum()


def test_faces_that_training_has_too_are_counted(splits):
    again = {'train': splits['public'], 'public': splits['public']}
    values = evaluate.evaluate('', again, robustness=False).values
    assert values['in_training']['exact'] == 28
    assert values['in_training']['accuracy_without'] is None


def test_only_training_data_is_an_error(tmp_path, splits, capsys):
    data = write_csv(tmp_path, {'train': splits['train']})
    assert main(['evaluate', str(data)]) == 2
    assert 'every image is marked Training' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, message', [
    (['evaluate', 'NOWHERE'], 'error: NOWHERE is not a folder: expected fer2013.csv'),
    (['evaluate', 'DATA', '--model', 'nothing.tflite'], 'error: model nothing.tflite: no such'),
    (['inspect', 'NOWHERE'], 'error: NOWHERE is not a folder')])
def test_bad_arguments_are_one_clear_line(tmp_path, splits, capsys, arguments, message):
    data = write_csv(tmp_path, {'public': splits['public']})
    arguments = [str(data) if word == 'DATA' else word for word in arguments]
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith(message)


def test_inspect_counts_and_finds_copies(tmp_path, splits, capsys):
    images = np.concatenate([splits['public'].images, splits['train'].images[:3]])
    public = Dataset(images, np.concatenate([splits['public'].labels,
                                             [6, 1, 2]]), None, tuple(map(str, range(31))))
    data = write_folders(tmp_path / 'data', {'train': splits['train'], 'test': public})
    figures, page = tmp_path / 'i.json', tmp_path / 'i.html'
    assert main(['inspect', str(data), '--json', str(figures), '--report', str(page)]) == 0
    values = json.loads(figures.read_text())
    assert values['counts']['train'] == dict.fromkeys(LABELS, 12)
    assert values['counts']['test']['neutral'] == 5
    (across,) = (entry for entry in values['duplicates'] if entry['splits'] == ['train', 'test'])
    assert across['exact_pairs'] == 3
    assert across['pairs_of_different_label'] >= 1     # the first was relabeled
    assert page.read_text().count('<img') >= 15
    assert '3 exact pairs' in capsys.readouterr().out


def test_agreement_of_labels_and_votes(splits):
    values = inspection.inspect({'public': splits['public']})
    # Six to ten of the ten votes of a drawn face are for its label.
    assert values['agreement']['public'] == {'with_majority': 28, 'same_as_label': 1.0}


def test_nothing_here_imports_tensorflow():
    code = ('import sys, training.__main__, training.evaluate, training.inspection; '
            'sys.exit(any(name in sys.modules for name in ("tensorflow", "keras", "matplotlib")))')
    assert subprocess.run([sys.executable, '-c', code], cwd=evaluate.__file__.rpartition(
        '/training/')[0]).returncode == 0


def test_real_faces_are_read_better_than_the_commonest_class(fer2013):
    """A mix-up of labels, colors or scaling would show here at once."""
    mosaic = cv2.imread(str(fer2013 / 'public_test_00.png'), cv2.IMREAD_GRAYSCALE)
    with open(fer2013 / 'public_test.csv', newline='') as file:
        names = [row['emotion'] for _, row in zip(range(640), csv.DictReader(file))]
    labels = np.array([LABELS.index(name) for name in names])
    faces = mosaic[:480].reshape(10, 48, 64, 48).swapaxes(1, 2).reshape(640, 48, 48)
    predictions = EmotionClassifier(label_set='fer2013').classify(faces)
    assert (predictions.argmax(axis=1) == labels).mean() > 0.55


def test_somebody_elses_model_is_evaluated_on_enlarged_faces(splits, tmp_path):
    foreign = pytest.importorskip('foreign_models', reason='needs the package onnx')
    found = evaluate.evaluate(str(foreign.write(tmp_path)), splits, robustness=False)
    assert found.values['images'] == 28 and found.values['default_label_set'] == 'affectnet'
    assert len(found.values['sha256']) == 64    # its metadata has none
    assert found.predictions['affectnet'].shape == (28, 7)
    assert 'affectnet' in evaluate.text(found)


def test_make_takes_a_model_by_name():
    made = subprocess.run(['make', '-n', 'evaluate', 'DATA=somewhere', 'MODEL=fernet_large',
                           'JSON=x.json'], text=True, capture_output=True,
                          cwd=Path(__file__).parents[2])
    assert "evaluate 'somewhere' --model 'fernet_large' --json 'x.json'" in made.stdout
