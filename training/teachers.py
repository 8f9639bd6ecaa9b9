# SPDX-License-Identifier: Apache-2.0
"""Distillation: trained networks say what else a face could have been labeled.

The student's target is part label, part what a teacher reads in the very picture that the student
sees, augmented and blended (Hinton, Vinyals and Dean 2015, with temperature 1; the same view for
both after Beyer et al. 2022, "Knowledge distillation: a good teacher is patient and consistent").
What a teacher reads in the plain face would be half memory: it has learnt its label by heart.
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
    """Teachers are missing, unfinished or other ones than a run was begun with."""


class Teachers:
    """Finished networks, one of which answers each batch.

    One teacher drawn at random, which is shown the batch or its mirror image, teaches on average
    what all of them together would with both, and costs a fraction of it.
    """

    def __init__(self, runs: Sequence[Path], heads: Sequence[str], precision: str = 'float32'):
        """Load the networks.

        :param runs: folders of finished runs; one named twice is drawn twice as often.
        :param heads: label sets wanted; each teacher must have them.
        :param precision: in which they compute, as in a recipe.
        :raises TeacherError: when a run is unfinished or lacks a head.
        """
        self._heads = tuple(heads)
        loaded = {run: _load(run, self._heads, precision) for run in dict.fromkeys(runs)}
        self._models = [loaded[run] for run in runs]

    def answer(self, images: np.ndarray, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Return what one of them reads in a batch.

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
    """Write which teachers a run has, or see that they are the ones it was begun with.

    :param runs: folders of finished runs; none: those on record.
    :param record: JSON file in the folder of the student's run.
    :param begun: whether the student has learnt from those on record, so that no others may come.
    :returns: the folders.
    :raises TeacherError: when there are no teachers, or not these.
    """
    known = json.loads(record.read_text()) if record.is_file() else None
    if not runs and known is None:
        raise TeacherError('the recipe has distillation, which needs teachers: give the folders '
                           'of finished runs (train --teachers RUN RUN ...)')
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
    """Return a finished run's network, computing in the precision wanted."""
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
                           'train it again, or leave it out') from error
    return model


def _checksum(run: Path) -> str:
    """Return the hexadecimal SHA-256 of a finished run's network."""
    for name in ('model.keras', 'recipe.yaml'):
        if not (run / name).is_file():
            raise TeacherError(f'{run}: no {name}; a teacher is the folder of a finished run')
    return hashlib.sha256((run / 'model.keras').read_bytes()).hexdigest()
