# SPDX-License-Identifier: Apache-2.0
"""Train a network from a recipe; a killed run resumes and ends with the same weights."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
import hashlib
import importlib.util
import json
import os
from pathlib import Path
import sys

import keras
import numpy as np
import yaml

from . import generator, rare, votes
from . import teachers as teaching
from .augmentation import blend, blend_shares
from .datasets import Dataset, DatasetError, ferplus_targets, readable, split_holdout
from .epochs import averaged, AveragedValidation, EpochState, EventLogs, write_text
from .networks import build
from .recipes import from_dict, HEADS, Recipe, RecipeError, teachable
from .workers import AugmentedBatches


class FaceBatches(keras.utils.PyDataset):
    """Batches of faces; order and augmentation follow from the seed and the epoch alone."""

    def __init__(self, dataset: Dataset, recipe: Recipe, training: bool,
                 teachers: teaching.Teachers | None = None, workers: int = 0):
        super().__init__(workers=1, max_queue_size=8)
        self._dataset = dataset
        self._recipe = recipe
        self._training = training
        self._teachers = teachers
        self._targets, self._weights = targets(dataset, recipe)
        if training and recipe.rare_classes == 'balanced_loss' and 'fer2013' in recipe.heads:
            self._weights['fer2013'] = rare.balanced_weights(dataset.labels)
        self._augmented = AugmentedBatches(
            dataset.images, recipe.augmentation, workers) if training else None
        self.start_epoch(0)

    def __len__(self) -> int:
        """Return the number of batches of an epoch; when training the last is always full."""
        n, size = len(self._dataset), self._recipe.batch_size
        return n // size if self._training and n >= size else -(-n // size)

    def __getitem__(self, i: int):
        """Return batch ``i``: images, targets by head, weights by head."""
        rows = self._rows(i)
        expected = {head: values[rows] for head, values in self._targets.items()}
        weights = {head: values[rows] for head, values in self._weights.items()}
        if self._augmented is None:
            return self._dataset.images[rows][..., None].astype(np.float32), expected, weights
        images, generator = self._augmented.get([
            ((self._recipe.seed, self._epoch, j), self._rows(j)) for j in range(i, len(self))])
        images = images[..., None].astype(np.float32)
        if self._recipe.mixup:
            shares = blend_shares(len(images), self._recipe.mixup, generator)
            images = blend(images, shares)
            expected = {head: blend(values, shares) for head, values in expected.items()}
            weights = {head: blend(values, shares) for head, values in weights.items()}
        if self._teachers is not None:
            part = self._recipe.distillation
            for head, answers in self._teachers.answer(images, generator).items():
                expected[head] = (1 - part) * expected[head] + part * answers
        return images, expected, weights

    def close(self) -> None:
        """End the processes that augment."""
        if self._augmented is not None:
            self._augmented.close()

    def _rows(self, i: int) -> np.ndarray:
        return self._order[i * self._recipe.batch_size:(i + 1) * self._recipe.batch_size]

    def start_epoch(self, epoch: int) -> None:
        """Take the order and the augmentation of an epoch, counted from 0."""
        self._epoch = epoch
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
            labels = np.eye(HEADS[head], dtype=np.float32)[dataset.labels]
            if recipe.vote_smoothing and dataset.votes is not None:
                labels += recipe.vote_smoothing * (
                    votes.label_shares(dataset.votes, dataset.labels) - labels)
            smooth = recipe.label_smoothing
            values[head] = labels * (1 - smooth) + smooth / HEADS[head]
            weights[head] = np.ones(len(dataset), np.float32)
    return values, weights


def compile_model(model: keras.Model, recipe: Recipe, steps_per_epoch: int,
                  labels: np.ndarray | None = None) -> None:
    """Give the model the recipe's optimizer, losses and metrics.

    :param labels: of the faces it trains on, for a loss that needs the classes' shares.
    """
    rate = recipe.learning_rate
    if recipe.schedule == 'cosine':
        steps = recipe.epochs * steps_per_epoch
        # A run shorter than its warm-up still ends with a step of the cosine.
        warmup = min(max(1, round(recipe.warmup_epochs * steps_per_epoch)), steps - 1)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warmup, alpha=0.0,
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
    losses = {h: keras.losses.CategoricalCrossentropy(from_logits=True) for h in recipe.heads}
    if recipe.rare_classes == 'logit_adjusted' and labels is not None and 'fer2013' in losses:
        losses['fer2013'] = _adjusted(rare.log_shares(labels))
    model.compile(
        optimizer=optimizer, loss=losses,
        loss_weights=dict(zip(recipe.heads, recipe.head_weights)),
        weighted_metrics={h: [keras.metrics.CategoricalAccuracy(name='accuracy')]
                          for h in recipe.heads})


def _adjusted(log_shares: np.ndarray):
    """Return the cross-entropy of logits to which the classes' shares are added."""
    def adjusted_crossentropy(expected, logits):
        return keras.losses.categorical_crossentropy(expected, logits + log_shares,
                                                     from_logits=True)
    return adjusted_crossentropy


def train(recipe: Recipe, dataset: Dataset, run: Path,
          teachers: Sequence[Path] = (), workers: int = 0) -> keras.Model:
    """Train, or resume training, and write ``model.keras`` to the run's folder.

    Heads that the data cannot train (FER+ without votes) are reported and skipped.

    The folder also gets the recipe, the history, its curves (``curves.html``, updated after each
    epoch), TensorBoard's logs where TensorFlow is installed, and the state to resume from.

    :param dataset: the training split; the recipe's held-out part of it is the validation set.
    :param run: the folder of this run; holding ``state.weights.h5``, it is resumed.
    :param teachers: folders of finished runs to learn from, where the recipe has distillation.
    :param workers: processes that augment; 0: this one does. It changes nothing in the results.
    :returns: the trained network in float32, with the weights the recipe keeps.
    :raises RecipeError: when the folder has a run of another recipe.
    :raises DatasetError: when it was started with other data.
    :raises TeacherError: when distillation lacks teachers, or it was started with other ones.
    """
    if teachers and not recipe.distillation:
        raise RecipeError(f'recipe {recipe.name} has no distillation, so teachers would have '
                          'no effect: add distillation, or remove the teachers')
    asked, recipe = recipe, teachable(recipe, dataset)
    if recipe.heads != asked.heads:
        print(f'This data has no FER+ votes (fer2013new.csv beside fer2013.csv): training '
              f'{", ".join(recipe.heads)} alone, without '
              f'{", ".join(set(asked.heads) - set(recipe.heads))}.', flush=True)
    run = Path(run)
    run.mkdir(parents=True, exist_ok=True)
    _claim(run, recipe, dataset)
    rest, held_out = split_holdout(dataset, recipe.holdout, recipe.seed)
    if not len(rest) or not len(held_out):
        raise DatasetError(f'{len(dataset)} faces are too few to train on and to hold out '
                           f'{recipe.holdout:.0%} of each class')
    if recipe.drop_unreadable and rest.votes is not None:
        rest = rest.subset(readable(rest.votes))
    rest = _with_rare_classes(rest, recipe, run)
    taught_by = None
    if recipe.distillation:
        taught_by = teaching.Teachers(
            teaching.claim(teachers, run / 'teachers.json',
                           begun=(run / 'state.weights.h5').is_file()),
            recipe.heads, recipe.precision)
    keras.utils.set_random_seed(recipe.seed)
    batches = FaceBatches(rest, recipe, training=True, teachers=taught_by, workers=workers)
    validation = FaceBatches(held_out, recipe, training=False)
    model = build(recipe)
    compile_model(model, recipe, len(batches), rest.labels)
    history = []
    if (run / 'state.weights.h5').is_file():
        model.optimizer.build(model.trainable_variables)
        model.load_weights(run / 'state.weights.h5')
        done = int(keras.ops.convert_to_numpy(model.optimizer.iterations)) // len(batches)
        # A run killed between the two files has one more row, of an epoch that is repeated.
        history = json.loads((run / 'history.json').read_text())[:done]
    if len(history) < recipe.epochs:
        callbacks = [AveragedValidation()] if recipe.ema else []
        callbacks.append(EpochState(run, recipe, batches, history))
        if importlib.util.find_spec('tensorflow'):
            callbacks.append(EventLogs(run / 'tensorboard'))
        else:
            print('TensorBoard logs are skipped: they require tensorflow.', file=sys.stderr)
        with closing(batches):
            model.fit(batches, validation_data=validation, initial_epoch=len(history),
                      epochs=recipe.epochs, callbacks=callbacks, shuffle=False,
                      verbose=1 if sys.stdout.isatty() else 2)
    if recipe.keep == 'best':
        model.load_weights(run / 'best.weights.h5', skip_mismatch=False)
        weights = model.get_weights()
    else:
        with averaged(model):
            weights = model.get_weights()
    # Built again: a compiled model would save its optimizer, twice its own size, too.
    trained = build(replace(recipe, precision='float32'))
    trained.set_weights(weights)
    temporary = run / 'writing.keras'
    trained.save(temporary)
    os.replace(temporary, run / 'model.keras')
    return trained


def _with_rare_classes(rest: Dataset, recipe: Recipe, run: Path) -> Dataset:
    """Return the training faces, with the recipe's additions to rare classes."""
    if recipe.rare_classes == 'oversample':
        return rare.oversampled(rest, recipe.seed)
    wanted = rare.missing(rest)
    if recipe.rare_classes != 'generated' or not wanted:
        return rest
    path = run / 'generated.npz'
    if not path.is_file():
        images, labels = generator.generate(rest, wanted, recipe.seed)
        temporary = path.with_name('writing.npz')
        np.savez_compressed(temporary, images=images, labels=labels)
        os.replace(temporary, path)
    with np.load(path) as drawn:
        return rare.extended(rest, drawn['images'], drawn['labels'])


def _claim(run: Path, recipe: Recipe, dataset: Dataset) -> None:
    """Record what a run depends on in its folder, or refuse to resume with something else."""
    values = yaml.safe_dump(json.loads(json.dumps(recipe.to_dict())), sort_keys=False)
    data = {'faces': len(dataset), 'sha256': checksum(dataset)}
    if (run / 'state.weights.h5').is_file():
        begun = yaml.safe_load((run / 'recipe.yaml').read_text())
        if from_dict(begun, str(run / 'recipe.yaml')) != from_dict(yaml.safe_load(values)):
            raise RecipeError(f'{run} has a run of another recipe (see recipe.yaml there): '
                              'give another folder, or the same recipe to resume')
        begun = json.loads((run / 'data.json').read_text())
        if begun != data:
            raise DatasetError(f'{run} was begun on {begun["faces"]} other faces, this data has '
                               f'{len(dataset)}: give the same data to resume, or another folder')
    write_text(run / 'recipe.yaml', values)
    write_text(run / 'data.json', json.dumps(data))


def checksum(dataset: Dataset) -> str:
    """Return the hexadecimal SHA-256 of the parts of a data set that training uses."""
    digest = hashlib.sha256(dataset.images.tobytes() + dataset.labels.tobytes())
    if dataset.votes is not None:
        digest.update(dataset.votes.tobytes())
    return digest.hexdigest()
