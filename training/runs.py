# SPDX-License-Identifier: Apache-2.0
"""Trained networks, read from the folder of a run."""

from dataclasses import dataclass, replace
import json
from pathlib import Path

import keras

from . import networks, recipes
from .datasets import Dataset
from .duplicates import without_copies
from .epochs import averaged
from .recipes import Recipe
from .train import checksum, compile_model


class ExportError(RuntimeError):
    """The export cannot be made or is not what the Keras model is; the message says why."""


@dataclass(frozen=True)
class TrainedModel:
    """A network ready for export.

    :ivar model: float32 Keras model returning a dict of logits by head.
    :ivar recipe: how it was trained, or None when it was imported.
    :ivar epochs: epochs it was trained for.
    :ivar data_sha256: :func:`training.train.checksum` of the faces it was trained on, or None
        when that is not known.
    """

    model: keras.Model
    recipe: Recipe | None
    epochs: int
    name: str
    data_sha256: str | None = None


def load_run(run: Path) -> TrainedModel:
    """Read the result of a training run, also of one in progress.

    A finished run has ``model.keras``; otherwise the weights after its last complete epoch are
    used, averaged if the recipe averages.

    :raises ExportError: when the folder is not a run.
    """
    run = Path(run)
    if not (run / 'recipe.yaml').is_file():
        raise ExportError(f'{run}: no recipe.yaml; give the folder of a training run')
    recipe = recipes.load(str(run / 'recipe.yaml'))
    plain = replace(recipe, precision='float32')
    model = networks.build(plain)
    history_file = run / 'history.json'
    epochs = len(json.loads(history_file.read_text())) if history_file.is_file() else 0
    if (run / 'model.keras').is_file():
        finished = keras.saving.load_model(run / 'model.keras', compile=False)
        model.set_weights(finished.get_weights())
    elif (run / 'state.weights.h5').is_file():
        unfinished = networks.build(plain)
        compile_model(unfinished, plain, 1)
        unfinished.optimizer.build(unfinished.trainable_variables)
        unfinished.load_weights(run / 'state.weights.h5')
        with averaged(unfinished):
            model.set_weights(unfinished.get_weights())
    else:
        raise ExportError(f'{run}: neither model.keras nor state.weights.h5; train first')
    data_file = run / 'data.json'
    digest = json.loads(data_file.read_text())['sha256'] if data_file.is_file() else None
    return TrainedModel(model, recipe, epochs, recipe.name, digest)


def training_faces(trained: TrainedModel, splits: dict[str, Dataset]) -> Dataset:
    """Return the faces a model was trained on, so that its held-out part is found again.

    :raises ExportError: when the splits do not have them.
    """
    dataset = splits['train']
    if trained.data_sha256 in (None, checksum(dataset)):
        return dataset
    others = [part for name, part in splits.items() if name != 'train']
    dataset, _, _ = without_copies(dataset, others)
    if checksum(dataset) != trained.data_sha256:
        raise ExportError('the training split of this data is not the one the model was trained '
                          'on: its held-out part cannot be found again; give the same data')
    return dataset
