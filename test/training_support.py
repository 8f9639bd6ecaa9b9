# SPDX-License-Identifier: Apache-2.0
import csv

import cv2
from fer_ros.emotions.labels import LABELS
import numpy as np
from training import generated, recipes
from training.datasets import Dataset, FERPLUS_COLUMNS

#: Trainings of seconds.
TINY = {'network': 'residual', 'network_args': {'stem': 4, 'widths': [8], 'blocks': [1],
                                                'squeeze_excite': False, 'dropout': 0.3},
        'epochs': 4, 'batch_size': 16, 'holdout': 0.25, 'warmup_epochs': 1}
COSINE = recipes.from_dict({**TINY, 'name': 'cosine', 'ema': 0.9})
PLATEAU = recipes.from_dict({**TINY, 'name': 'plateau', 'optimizer': 'adam', 'ema': 0.8,
                             'schedule': 'plateau', 'keep': 'best', 'learning_rate': 0.01,
                             'weight_decay': 0})
USAGES = {'train': 'Training', 'public': 'PublicTest', 'private': 'PrivateTest'}


def write_csv(folder, splits, votes=True):
    """Write data sets in the competition's layout."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / 'fer2013.csv', 'w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['emotion', 'pixels', 'Usage'])
        for name, dataset in splits.items():
            for image, label in zip(dataset.images, dataset.labels):
                writer.writerow([label, ' '.join(map(str, image.ravel())), USAGES[name]])
    if votes:
        with open(folder / 'fer2013new.csv', 'w', newline='') as file:
            writer = csv.writer(file)
            writer.writerow(['Usage', 'Image name', *FERPLUS_COLUMNS])
            for name, dataset in splits.items():
                for row in dataset.votes:
                    writer.writerow([USAGES[name], '', *map(int, row)])
    return folder


def write_folders(folder, splits, suffix='.png'):
    """Write data sets as train/<emotion>/ and test/<emotion>/."""
    for name, dataset in splits.items():
        for emotion in LABELS:
            (folder / name / emotion).mkdir(parents=True, exist_ok=True)
        for i, (image, label) in enumerate(zip(dataset.images, dataset.labels)):
            cv2.imwrite(str(folder / name / LABELS[label] / f'{i:05}{suffix}'), image)
    return folder


def photographs(count, seed=3):
    """Return images as different and detailed as photographs, uint8 ``(count, 48, 48)``."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8)).astype(np.uint8)
    return np.repeat(np.repeat(coarse, 6, axis=1), 6, axis=2)


def gratings(count, seed):
    """Return seven classes of stripes that differ in direction, easy to learn in seconds."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 7
    y, x = np.mgrid[:48, :48]
    angle = labels[:, None, None] * np.pi / 7
    phase = generator.uniform(0, 2 * np.pi, (count, 1, 1))
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 0.9 + phase)
    images = 128 + 60 * wave + generator.normal(0, 15, (count, 48, 48))
    votes = generated.faces(count).votes    # drawn faces have the same order of classes
    return Dataset(images.clip(0, 255).astype(np.uint8), labels, votes,
                   tuple(map(str, range(count))))


def weights(run):
    """Return the weights that a run has now."""
    # Not before TensorFlow is known to be there.
    from training import runs
    return runs.load_run(run).model.get_weights()
