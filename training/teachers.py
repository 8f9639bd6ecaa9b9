# SPDX-License-Identifier: Apache-2.0
"""Distillation: trained networks say what else a face could have been labelled.

The student's target is part label, part what its teachers together read in the unaugmented face
(Hinton, Vinyals and Dean 2015, with temperature 1). The teachers read each face once, before the
first epoch, so that distillation costs a run a few minutes.
"""

from collections.abc import Sequence
import hashlib
import os
from pathlib import Path

import keras
import numpy as np

from .networks import HEADS

_BATCH = 256


class TeacherError(ValueError):
    """Teachers are missing, unfinished or other ones than a run was begun with."""


def targets(teachers: Sequence[Path], images: np.ndarray, heads: Sequence[str],
            cache: Path) -> dict[str, np.ndarray]:
    """Return the teachers' mean probabilities, of each face and its mirror image.

    :param teachers: folders of finished runs; none: what the cache holds.
    :param images: uint8 ``(n, side, side)``.
    :param heads: label sets wanted; each teacher must have them.
    :param cache: ``.npz`` file that keeps the answer, so that a resumed run has the same.
    :returns: float32 ``(n, classes)`` by head; rows sum to 1.
    :raises TeacherError: when there are no teachers, or not these.
    """
    identity = [_checksum(Path(teacher)) for teacher in teachers]
    if cache.is_file():
        with np.load(cache) as known:
            if identity and identity != known['teachers'].tolist():
                raise TeacherError(f'{cache} is of other teachers: give the same to resume, or '
                                   'another folder for the run')
            return {head: known[head] for head in heads}
    if not identity:
        raise TeacherError('the recipe has distillation, which needs teachers: give the folders '
                           'of finished runs (train --teachers RUN RUN ...)')
    faces = images[..., None].astype(np.float32)
    sums = {head: np.zeros((len(images), HEADS[head]), np.float32) for head in heads}
    for teacher in teachers:
        model = keras.saving.load_model(Path(teacher) / 'model.keras', compile=False)
        missing = set(heads) - set(model.output_names)
        if missing:
            raise TeacherError(f'{teacher}: has no head {", ".join(sorted(missing))}, which the '
                               'recipe trains')
        for view in (faces, faces[:, :, ::-1]):
            answers = model.predict(view, batch_size=_BATCH, verbose=0)
            for head in heads:
                sums[head] += keras.ops.convert_to_numpy(keras.ops.softmax(answers[head]))
    means = {head: values / (2 * len(teachers)) for head, values in sums.items()}
    temporary = cache.with_name('writing.npz')
    np.savez_compressed(temporary, teachers=np.array(identity), **means)
    os.replace(temporary, cache)
    return means


def _checksum(run: Path) -> str:
    """Return the hexadecimal SHA-256 of a finished run's network."""
    path = run / 'model.keras'
    if not path.is_file():
        raise TeacherError(f'{run}: no model.keras; a teacher is the folder of a finished run')
    return hashlib.sha256(path.read_bytes()).hexdigest()
