# SPDX-License-Identifier: Apache-2.0
"""Train a network from a recipe; a killed run resumes where it stopped."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
import os
from pathlib import Path

import keras
import numpy as np
import yaml

from .augmentation import augment
from .datasets import Dataset, ferplus_targets, split_holdout
from .networks import HEADS, NETWORKS
from .recipes import Recipe


class FaceBatches(keras.utils.PyDataset):
    """Batches of one epoch: shuffled and augmented anew each epoch, the same for the same seed."""

    def __init__(self, dataset: Dataset, recipe: Recipe, training: bool, epoch: int = 0):
        super().__init__(workers=1, max_queue_size=8)
        self._dataset = dataset
        self._recipe = recipe
        self._training = training
        self._epoch = epoch
        self._targets, self._weights = targets(dataset, recipe)
        self._shuffle()

    def __len__(self) -> int:
        """Return the number of batches of an epoch; when training the last is always full."""
        n, size = len(self._dataset), self._recipe.batch_size
        return n // size if self._training and n >= size else -(-n // size)

    def __getitem__(self, i: int):
        """Return batch ``i``: images, targets by head, weights by head."""
        rows = self._order[i * self._recipe.batch_size:(i + 1) * self._recipe.batch_size]
        images = self._dataset.images[rows]
        if self._training and self._recipe.augmentation is not None:
            generator = np.random.default_rng((self._recipe.seed, self._epoch, i))
            images = augment(images, self._recipe.augmentation, generator)
        return (images[..., None].astype(np.float32),
                {head: values[rows] for head, values in self._targets.items()},
                {head: values[rows] for head, values in self._weights.items()})

    def on_epoch_end(self):
        """Move on to the next epoch's order and augmentation."""
        self._epoch += 1
        self._shuffle()

    def _shuffle(self):
        self._order = np.arange(len(self._dataset))
        if self._training:
            np.random.default_rng((self._recipe.seed, self._epoch)).shuffle(self._order)


def targets(dataset: Dataset, recipe: Recipe) -> tuple[dict, dict]:
    """Return the soft targets and the weights of each head of the recipe."""
    values, weights = {}, {}
    for head in recipe.heads:
        if head == 'ferplus':
            if dataset.votes is None:
                values[head] = np.full((len(dataset), HEADS[head]), 1 / HEADS[head], np.float32)
                weights[head] = np.zeros(len(dataset), np.float32)
            else:
                values[head], weights[head] = ferplus_targets(dataset.votes)
        else:
            one_hot = np.eye(HEADS[head], dtype=np.float32)[dataset.labels]
            smooth = recipe.label_smoothing
            values[head] = one_hot * (1 - smooth) + smooth / HEADS[head]
            weights[head] = np.ones(len(dataset), np.float32)
    return values, weights


def build(recipe: Recipe) -> keras.Model:
    """Build the recipe's network, not yet compiled."""
    keras.mixed_precision.set_global_policy(recipe.precision)
    args = dict(recipe.network_args)
    if recipe.network != 'study':
        args['heads'] = recipe.heads
    return NETWORKS[recipe.network](**args)


def compile_model(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    """Give the model the recipe's optimizer, losses and metrics."""
    rate = recipe.learning_rate
    if recipe.schedule == 'cosine':
        warmup = max(1, round(recipe.warmup_epochs * steps_per_epoch))
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, recipe.epochs * steps_per_epoch - warmup, alpha=0.0,
            warmup_target=recipe.learning_rate, warmup_steps=warmup)
    ema = {'use_ema': recipe.ema > 0, 'ema_momentum': recipe.ema or 0.99}
    decay = recipe.weight_decay or None
    if recipe.optimizer == 'sgd':
        optimizer = keras.optimizers.SGD(rate, momentum=recipe.momentum, nesterov=True,
                                         weight_decay=decay, **ema)
    else:
        optimizer = keras.optimizers.Adam(rate, weight_decay=decay, **ema)
    if decay:
        # Biases and batch-norm scales are not regularised.
        optimizer.exclude_from_weight_decay(var_names=['bias', 'gamma', 'beta'])
    model.compile(
        optimizer=optimizer,
        loss={h: keras.losses.CategoricalCrossentropy(from_logits=True) for h in recipe.heads},
        loss_weights=dict(zip(recipe.heads, recipe.head_weights)),
        weighted_metrics={h: [keras.metrics.CategoricalAccuracy(name='accuracy')]
                          for h in recipe.heads})


class RunState(keras.callbacks.Callback):
    """After every epoch, write what a killed run needs to go on, atomically."""

    def __init__(self, run: Path, recipe: Recipe, history: list[dict]):
        super().__init__()
        self._run = run
        self._recipe = recipe
        self.history = history

    def on_epoch_end(self, epoch, logs=None):
        """Save the best weights so far, then the state, then the history."""
        logs = {key: float(value) for key, value in (logs or {}).items()}
        metric = accuracy_name(self._recipe)
        best = max((row[metric] for row in self.history), default=-1.0)
        if self._recipe.keep == 'best' and logs[metric] > best:
            _save(self.model, self._run / 'best.weights.h5')
        self.history.append({'epoch': epoch + 1, **logs})
        _save(self.model, self._run / 'state.weights.h5')
        _write(self._run / 'history.json', json.dumps(self.history, indent=1))


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Give the model the moving average of its weights, where its optimizer keeps one."""
    if not model.optimizer.use_ema:
        yield
        return
    raw = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, raw):
            variable.assign(value)


def accuracy_name(recipe: Recipe) -> str:
    """Return the name Keras gives the validation accuracy of the first head."""
    return 'val_accuracy' if len(recipe.heads) == 1 else f'val_{recipe.heads[0]}_accuracy'


def _save(model: keras.Model, path: Path) -> None:
    temporary = path.with_name('writing.weights.h5')
    model.save_weights(temporary, overwrite=True)
    os.replace(temporary, path)


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix('.writing')
    temporary.write_text(text)
    os.replace(temporary, path)


def train(recipe: Recipe, dataset: Dataset, run: Path) -> keras.Model:
    """Train, or go on training, and leave ``model.keras`` in the run's folder.

    :param dataset: the training split; the recipe's held-out part of it is the validation set.
    :param run: the folder of this run; holding ``state.weights.h5``, it is resumed.
    """
    run.mkdir(parents=True, exist_ok=True)
    _write(run / 'recipe.yaml', yaml.safe_dump(recipe.to_dict(), sort_keys=False))
    history_file = run / 'history.json'
    history = json.loads(history_file.read_text()) if history_file.is_file() else []
    rest, held_out = split_holdout(dataset, recipe.holdout, recipe.seed)
    keras.utils.set_random_seed(recipe.seed + 1000 * len(history))
    batches = FaceBatches(rest, recipe, training=True, epoch=len(history))
    validation = FaceBatches(held_out, recipe, training=False)
    model = build(recipe)
    compile_model(model, recipe, len(batches))
    if history:
        model.optimizer.build(model.trainable_variables)
        model.load_weights(run / 'state.weights.h5')
    callbacks = [RunState(run, recipe, history),
                 keras.callbacks.TensorBoard(run / 'tensorboard', write_graph=False)]
    if recipe.schedule == 'plateau':
        callbacks.append(keras.callbacks.ReduceLROnPlateau(
            monitor='val_loss', factor=0.1, patience=2, min_lr=1e-5))
    if recipe.ema:
        callbacks.insert(0, keras.callbacks.SwapEMAWeights())
    model.fit(batches, validation_data=validation, initial_epoch=len(history),
              epochs=recipe.epochs, callbacks=callbacks, verbose=2)
    if recipe.keep == 'best':
        model.load_weights(run / 'best.weights.h5')
    model.save(run / 'model.keras', include_optimizer=False)
    return model
