# SPDX-License-Identifier: Apache-2.0
"""Recipes: a YAML file with everything that a training run depends on."""

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import yaml

from .augmentation import Augmentation
from .datasets import Dataset, DatasetError, has_votes
from .rare import RARE_CLASSES

RECIPE_DIR = Path(__file__).with_name('recipes')

#: Possible outputs of a network, and their numbers of classes.
HEADS = {'fer2013': 7, 'ferplus': 8}
#: Keys of :data:`training.networks.NETWORKS`, which requires Keras; a test compares them.
NETWORKS = ('residual', 'study')


class RecipeError(ValueError):
    """The recipe is malformed; the message names the file, the key and what was expected."""


@dataclass(frozen=True)
class Recipe:
    """All settings of a training run."""

    name: str
    #: one of :data:`NETWORKS`, and its arguments
    network: str = 'residual'
    network_args: dict = field(default_factory=dict)
    heads: tuple[str, ...] = ('fer2013', 'ferplus')
    #: weight of each head's loss, in the order of ``heads``
    head_weights: tuple[float, ...] = (1.0, 1.0)
    epochs: int = 48
    batch_size: int = 128
    seed: int = 1
    #: 'sgd' (Nesterov, decoupled weight decay) or 'adam'
    optimizer: str = 'sgd'
    learning_rate: float = 0.1
    momentum: float = 0.9
    #: decoupled: each step takes learning_rate * weight_decay of the weight away
    weight_decay: float = 0.005
    #: 'cosine' (with warm-up) or 'plateau' (factor 0.1, patience 2, min 1e-5 on val_loss)
    schedule: str = 'cosine'
    warmup_epochs: float = 2.0
    label_smoothing: float = 0.1
    #: part of the FER2013 target that is what the FER+ votes say of the label, see
    #: :mod:`training.votes`; without votes the target is the label
    vote_smoothing: float = 0.0
    #: part of each target that is what a teacher reads in the picture, see
    #: :mod:`training.teachers`
    distillation: float = 0.0
    #: probability that a face is blended with another one, see :mod:`training.augmentation`
    mixup: float = 0.0
    #: momentum of the moving average of the weights; 0 switches it off
    ema: float = 0.998
    #: which weights are kept: 'last' or 'best' (by validation accuracy)
    keep: str = 'last'
    #: 'float32', 'mixed_bfloat16', or 'auto': the faster one of the two on this machine
    precision: str = 'float32'
    #: skip training faces that most voters called unknown or not a face
    drop_unreadable: bool = False
    #: part of the training split held out for validation and calibration
    holdout: float = 0.05
    #: method for classes with few faces: see :mod:`training.rare`
    rare_classes: str = 'none'
    #: None switches augmentation off
    augmentation: Augmentation | None = field(default_factory=Augmentation)

    def to_dict(self) -> dict:
        """Return plain types, as written beside every run."""
        return asdict(self)


_CHOICES = {'network': NETWORKS, 'optimizer': ('sgd', 'adam'), 'keep': ('last', 'best'),
            'schedule': ('cosine', 'plateau'), 'precision': ('float32', 'mixed_bfloat16', 'auto'),
            'rare_classes': RARE_CLASSES}
_RANGES = {'epochs': (1, 100_000), 'batch_size': (1, 65_536), 'seed': (0, 2 ** 31),
           'learning_rate': (0, 100), 'momentum': (0, 1), 'weight_decay': (0, 1),
           'warmup_epochs': (0, 1000), 'label_smoothing': (0, 0.99),
           'vote_smoothing': (0, 1), 'distillation': (0, 1), 'mixup': (0, 1), 'ema': (0, 1),
           'holdout': (0.001, 0.9)}


def load(name_or_path: str) -> Recipe:
    """Read a recipe by file path or the name of a shipped one.

    :raises RecipeError: when it is missing or malformed.
    """
    path = Path(name_or_path)
    if not path.is_file():
        path = RECIPE_DIR / f'{name_or_path}.yaml'
    if not path.is_file():
        raise RecipeError(f'no recipe {name_or_path}: give a YAML file or one of '
                          f'{", ".join(shipped())}')
    try:
        values = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise RecipeError(f'{path}: {error}') from error
    if not isinstance(values, dict):
        raise RecipeError(f'{path}: expected a mapping of recipe keys')
    return from_dict({'name': path.stem, **values}, str(path))


def shipped() -> dict[str, str]:
    """Return the shipped recipes by name, each with its header comment."""
    heads = {}
    for path in sorted(RECIPE_DIR.glob('*.yaml')):
        lines = path.read_text().splitlines()
        comment = lines[:next(i for i, line in enumerate(lines) if not line.startswith('#'))]
        heads[path.stem] = ' '.join(line.lstrip('# ') for line in comment)
    return heads


def teachable(recipe: Recipe, dataset: Dataset) -> Recipe:
    """Return the recipe with only those heads that the data can train.

    :raises DatasetError: when it can train none.
    """
    if 'ferplus' not in recipe.heads or has_votes(dataset):
        return recipe
    kept = [(head, weight) for head, weight in zip(recipe.heads, recipe.head_weights)
            if head != 'ferplus']
    if not kept:
        raise DatasetError(f'recipe {recipe.name} trains the head ferplus alone, which needs FER+ '
                           'votes: put fer2013new.csv beside fer2013.csv')
    heads, weights = zip(*kept)
    return replace(recipe, heads=heads, head_weights=weights)


def from_dict(values: dict, source: str = 'recipe') -> Recipe:
    """Build a recipe from plain types and check it."""
    values = dict(values)
    _refuse_unknown(values, Recipe, source)
    augmentation = values.get('augmentation', {})
    if augmentation is not None:
        if not isinstance(augmentation, dict):
            raise RecipeError(f'{source}: augmentation is {augmentation!r}, expected a mapping '
                              'or null')
        _refuse_unknown(augmentation, Augmentation, f'{source}: augmentation')
        values['augmentation'] = Augmentation(**augmentation)
    for key in ('heads', 'head_weights'):
        if key in values:
            values[key] = tuple(values[key])
    return check(Recipe(**values), source)


def check(recipe: Recipe, source: str = 'recipe') -> Recipe:
    """Return the recipe, or raise a RecipeError that names the first invalid value."""
    for key, choices in _CHOICES.items():
        if getattr(recipe, key) not in choices:
            raise RecipeError(f'{source}: {key} is {getattr(recipe, key)!r}, expected one of '
                              f'{", ".join(choices)}')
    for key, (low, high) in _RANGES.items():
        value = getattr(recipe, key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not (
                low <= value <= high):
            raise RecipeError(f'{source}: {key} is {value!r}, expected a number from {low} to '
                              f'{high}')
    for key in ('epochs', 'batch_size', 'seed'):
        if not isinstance(getattr(recipe, key), int):
            raise RecipeError(f'{source}: {key} is {getattr(recipe, key)!r}, expected a whole '
                              'number')
    if not isinstance(recipe.drop_unreadable, bool):
        raise RecipeError(f'{source}: drop_unreadable is {recipe.drop_unreadable!r}, expected '
                          'true or false')
    unknown = set(recipe.heads) - set(HEADS)
    if unknown or not recipe.heads:
        raise RecipeError(f'{source}: heads are {", ".join(recipe.heads) or "none"}, expected '
                          f'some of {", ".join(HEADS)}')
    if len(recipe.heads) != len(recipe.head_weights):
        raise RecipeError(f'{source}: head_weights requires one number for each of heads')
    return recipe


def _refuse_unknown(values: dict, kind: type, source: str) -> None:
    known = {f.name for f in fields(kind)}
    unknown = set(values) - known
    if unknown:
        raise RecipeError(f'{source}: unknown key {", ".join(sorted(unknown))}; known are '
                          f'{", ".join(sorted(known))}')
