# SPDX-License-Identifier: Apache-2.0
"""Recipes and the networks that they build. Needs TensorFlow."""

from pathlib import Path
import re
import subprocess
import sys

import pytest
import yaml

pytest.importorskip('tensorflow', reason='training needs the training extra')

# ruff: noqa: E402, I001
from training import networks
from training import recipes, train
from training_support import write_folders



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
    assert model.count_params() < {'fernet': 2.5e6, 'distilled': 2.5e6}.get(path.stem, 5e6)


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


def command(*arguments):
    return subprocess.run([sys.executable, '-m', 'training', *arguments], text=True,
                          cwd=Path(train.__file__).parents[1], capture_output=True)


def test_the_recipes_can_be_listed():
    done = command('train', '--list')
    assert done.returncode == 0 and done.stderr == ''
    for name in ('fernet', 'wide', 'study'):
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
