# SPDX-License-Identifier: Apache-2.0
import os

import pytest
from training import generated
from training_support import COSINE, PLATEAU

# Before TensorFlow is imported: no search for GPUs, no chatter.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')


@pytest.fixture(scope='session')
def fer2013(shared):
    """Return the folder with the real FER2013, or skip."""
    if not (shared / 'fer2013' / 'training.csv').is_file():
        pytest.skip(f'no FER2013 at {shared}/fer2013: it may not be distributed')
    return shared / 'fer2013'


@pytest.fixture(scope='session')
def splits():
    return {'train': generated.faces(84, 1), 'public': generated.faces(28, 2)}


@pytest.fixture(scope='session')
def faces(splits):
    return splits['train']


@pytest.fixture(scope='session')
def finished(faces, tmp_path_factory):
    """Train both tiny recipes without a stop; returns the folders by recipe name."""
    from training import train
    folders = {}
    for recipe in (COSINE, PLATEAU):
        folders[recipe.name] = tmp_path_factory.mktemp(recipe.name)
        train.train(recipe, faces, folders[recipe.name])
    return folders
