# SPDX-License-Identifier: Apache-2.0
"""Distillation: train on labels and on the outputs of trained networks.

The student's target is part label, part a teacher's output for the same augmented and blended
image that the student sees (Hinton, Vinyals and Dean 2015, with temperature 1; the same view for
both after Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent").
A teacher's output for the original face would be partly memory, since it has seen its label.
"""

from collections.abc import Sequence
from dataclasses import replace
import hashlib
import json
import os
from pathlib import Path
import zipfile

import keras
import numpy as np

from . import recipes
from .heads import log_softmax
from .networks import build


class TeacherError(ValueError):
    """Teachers are missing, unfinished or differ from those a run was started with."""


class Teachers:
    """Finished networks, of which a random one computes the targets of each batch.

    One teacher drawn at random, which is shown the batch or its mirror image, teaches on average
    what all of them together would with both, and costs a fraction of it.
    """

    def __init__(self, runs: Sequence[Path], heads: Sequence[str], precision: str = 'float32'):
        """Load the networks.

        :param runs: folders of finished runs; one named twice is drawn twice as often.
        :param heads: required label sets; each teacher must have them.
        :param precision: their precision, as in a recipe.
        :raises TeacherError: when a run is unfinished or lacks a head.
        """
        self._heads = tuple(heads)
        loaded = {run: _load(run, self._heads, precision) for run in dict.fromkeys(runs)}
        self._models = [loaded[run] for run in runs]

    def answer(self, images: np.ndarray, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Return a teacher's probabilities for a batch.

        :param images: float32 ``(n, side, side, 1)``, 0 to 255.
        :param generator: draws the teacher, and whether it sees the mirror image.
        :returns: float32 ``(n, classes)`` by head; rows sum to 1.
        """
        model = self._models[generator.integers(len(self._models))]
        view = images[:, :, ::-1] if generator.integers(2) else images
        logits = model.predict_on_batch(view)
        return {head: np.exp(log_softmax(np.asarray(logits[head], np.float32)))
                for head in self._heads}


def claim(runs: Sequence[Path], record: Path, begun: bool) -> list[Path]:
    """Record the teachers of a run, or check that they are the ones it was started with.

    :param runs: folders of finished runs; none: those on record.
    :param record: JSON file in the folder of the student's run.
    :param begun: whether the student has trained with those on record, which then cannot change.
    :returns: the folders.
    :raises TeacherError: when there are no teachers, or other ones.
    """
    known = json.loads(record.read_text()) if record.is_file() else None
    if not runs and known is None:
        raise TeacherError('the recipe has distillation, which requires teachers: give the '
                           'folders of finished runs (train --teachers RUN RUN ...)')
    runs = [Path(run).resolve() for run in runs or [row['run'] for row in known]]
    sums = {run: _checksum(run) for run in dict.fromkeys(runs)}
    rows = [{'run': str(run), 'sha256': sums[run]} for run in runs]
    if known is None or not begun:
        temporary = record.with_suffix('.writing')
        temporary.write_text(json.dumps(rows, indent=1))
        os.replace(temporary, record)
    elif [row['sha256'] for row in rows] != [row['sha256'] for row in known]:
        raise TeacherError(f'{record} names other teachers: give the same to resume, or another '
                           'folder for the run')
    return runs


def _load(run: Path, heads: tuple[str, ...], precision: str) -> keras.Model:
    """Return a finished run's network with the requested precision."""
    recipe = recipes.load(str(run / 'recipe.yaml'))
    missing = set(heads) - set(recipe.heads)
    if missing:
        raise TeacherError(f'{run}: has no head {", ".join(sorted(missing))}, which the recipe '
                           'trains')
    model = build(replace(recipe, precision=precision))
    try:
        model.load_weights(run / 'model.keras')
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TeacherError(f'{run}: model.keras is not the network of its recipe.yaml ({error}); '
                           'train it again, or omit it') from error
    return model


def _checksum(run: Path) -> str:
    """Return the hexadecimal SHA-256 of a finished run's network."""
    for name in ('model.keras', 'recipe.yaml'):
        if not (run / name).is_file():
            raise TeacherError(f'{run}: no {name}; a teacher is the folder of a finished run')
    return hashlib.sha256((run / 'model.keras').read_bytes()).hexdigest()
