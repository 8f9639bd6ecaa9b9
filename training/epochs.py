# SPDX-License-Identifier: Apache-2.0
"""What a training does as an epoch begins and ends: its state, its curves, its average weights."""

from collections.abc import Iterator
from contextlib import contextmanager
import importlib
import json
import os
from pathlib import Path
import time

import keras
import numpy as np

from . import charts
from .recipes import Recipe


class EpochState(keras.callbacks.Callback):
    """Makes every epoch depend on its number alone, and writes what a killed run needs.

    Order, augmentation, dropout and the plateau's learning rate are set from the epoch and the
    history when it begins, so that a resumed run does what the uninterrupted one would have done.

    :param batches: whose ``start_epoch`` takes the number of the epoch.
    """

    def __init__(self, run: Path, recipe: Recipe, batches, history: list[dict]):
        super().__init__()
        self._run = run
        self._recipe = recipe
        self._batches = batches
        self._began_s = 0.0
        #: when the state was last written, and how long that took
        self._written_s, self._writing_s = -np.inf, 0.0
        self.history = history

    def on_epoch_begin(self, epoch, logs=None):
        """Set the order, the augmentation, the dropout's seeds and a plateau's rate."""
        self._began_s = time.monotonic()
        self._batches.start_epoch(epoch)
        for i, layer in enumerate(self.model.layers):
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                # The two words of a Keras seed generator's state: the seed, how often drawn.
                layer.seed_generator.state.assign(
                    [self._recipe.seed * 1000 + i, epoch * 1_000_000])
        if self._recipe.schedule == 'plateau':
            self.model.optimizer.learning_rate = plateau_rate(
                self._recipe.learning_rate, [row['val_loss'] for row in self.history])

    def on_epoch_end(self, epoch, logs=None):
        """Write the history and the curves, the best weights so far, then the state."""
        logs = {key: float(value) for key, value in (logs or {}).items()}
        logs.setdefault('learning_rate', float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))
        metric = accuracy_name(self._recipe)
        best = max((row[metric] for row in self.history), default=-1.0)
        self.history.append({'epoch': epoch + 1, **logs,
                             'seconds': round(time.monotonic() - self._began_s, 1)})
        write_text(self._run / 'history.json', json.dumps(self.history, indent=1))
        write_text(self._run / 'curves.html', curves(self._recipe, self.history))
        if self._recipe.keep == 'best' and logs[metric] > best:
            with averaged(self.model):
                save_weights(self.model, self._run / 'best.weights.h5')
        # Last, because it is what says how many epochs are done. Epochs of a second on a GPU would
        # otherwise spend a good part of their time here; a killed run repeats some.
        now = time.monotonic()
        if now - self._written_s >= 10 * self._writing_s or epoch + 1 == self._recipe.epochs:
            save_weights(self.model, self._run / 'state.weights.h5')
            self._written_s = time.monotonic()
            self._writing_s = self._written_s - now


class AveragedValidation(keras.callbacks.Callback):
    """Validates with the moving average of the weights."""

    def __init__(self):
        super().__init__()
        self._context = None

    def on_test_begin(self, logs=None):
        """Take the average."""
        self._context = averaged(self.model)
        self._context.__enter__()

    def on_test_end(self, logs=None):
        """Go back to the weights that are being trained."""
        self._context.__exit__(None, None, None)


class EventLogs(keras.callbacks.Callback):
    """Writes each epoch's figures for TensorBoard; that itself need not be installed here."""

    def __init__(self, folder: Path):
        super().__init__()
        self._tensorflow = importlib.import_module('tensorflow')
        self._writers = {name: self._tensorflow.summary.create_file_writer(str(folder / name))
                         for name in ('train', 'validation')}

    def on_epoch_end(self, epoch, logs=None):
        """Write one point of each curve."""
        scalar = self._tensorflow.compat.v1.SummaryMetadata()
        scalar.plugin_data.plugin_name = 'scalars'
        for name, value in (logs or {}).items():
            held_out = name.startswith('val_')
            with self._writers['validation' if held_out else 'train'].as_default():
                self._tensorflow.summary.write(
                    f'epoch_{name.removeprefix("val_")}',
                    self._tensorflow.constant(float(value)), step=epoch, metadata=scalar)
        for writer in self._writers.values():
            writer.flush()


def plateau_rate(initial: float, losses: list[float], factor: float = 0.1, patience: int = 2,
                 minimum: float = 1e-5, min_delta: float = 1e-4) -> float:
    """Return the learning rate after the validation losses so far.

    The rule of Keras' ReduceLROnPlateau without a cooldown, as a function of the whole history:
    its own state is lost when a run is killed.
    """
    rate, best, waited = initial, float('inf'), 0
    for loss in losses:
        if loss < best - min_delta:
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= patience and rate > minimum:
            rate, waited = max(rate * factor, minimum), 0
    return rate


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Give the model the moving average of its weights, where its optimizer keeps one."""
    if not model.optimizer.use_ema:
        yield
        return
    # Copies: JAX would share the buffers of the average, and free them with those of the weights.
    raw = _copies(model.trainable_variables)
    model.optimizer.finalize_variable_values(model.trainable_variables)
    for variable, value in zip(model.trainable_variables, _copies(model.trainable_variables)):
        variable.assign(value)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, raw):
            variable.assign(value)


def _copies(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def curves(recipe: Recipe, history: list[dict]) -> str:
    """Return the page of a run's curves."""
    epochs = [row['epoch'] for row in history]
    parts = []
    for head in recipe.heads:
        prefix = '' if len(recipe.heads) == 1 else f'{head}_'
        for what in ('accuracy', 'loss'):
            parts.append(charts.lines(
                f'{head}: {what}',
                {name: (epochs, [row.get(f'{key}{prefix}{what}', float('nan'))
                                 for row in history])
                 for name, key in (('training', ''), ('held out', 'val_'))},
                x_label='epoch', y_label=what))
    parts.append(charts.lines('learning rate', {'': (epochs, [
        row.get('learning_rate', float('nan')) for row in history])}, x_label='epoch'))
    done = f'{len(history)} of {recipe.epochs} epochs.'
    return charts.page(f'Run of recipe {recipe.name}', f'<p>{done}</p>', *parts)


def accuracy_name(recipe: Recipe) -> str:
    """Return the name Keras gives the validation accuracy of the first head."""
    return 'val_accuracy' if len(recipe.heads) == 1 else f'val_{recipe.heads[0]}_accuracy'


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights wholly or not at all."""
    temporary = path.with_name('writing.weights.h5')
    model.save_weights(temporary, overwrite=True)
    os.replace(temporary, path)


def write_text(path: Path, text: str) -> None:
    """Write a text wholly or not at all."""
    temporary = path.with_suffix('.writing')
    temporary.write_text(text)
    os.replace(temporary, path)
