# SPDX-License-Identifier: Apache-2.0
"""Compare recipes with the same faces and seeds, on held-out faces."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from fer_ros.emotions.labels import LABELS
import numpy as np

from . import duplicates, metrics
from .datasets import Dataset, split_holdout
from .export import predict
from .recipes import Recipe
from .train import train

#: What the table shows, with a heading.
COLUMNS = {'accuracy': 'accuracy', 'macro_f1': 'macro F1', 'rarest_recall': 'recall of {rarest}',
           'rarest_precision': 'precision of {rarest}', 'ferplus_majority7': 'FER+ majority'}


def compare(recipes: Iterable[Recipe], dataset: Dataset, folder: Path) -> list[dict]:
    """Train each recipe and evaluate it on held-out faces without copies in its training.

    No other split is used, so that a choice by the result is honest. A comparison that was
    stopped resumes.

    :param recipes: with different names.
    :param folder: gets a run for each recipe and seed.
    """
    rows = []
    for recipe in recipes:
        rest, held_out = split_holdout(dataset, recipe.holdout, recipe.seed)
        seen = duplicates.find(held_out.images, rest.images).first
        held_out = held_out.subset(np.setdiff1d(np.arange(len(held_out)), seen))
        model = train(recipe, dataset, folder / f'{recipe.name}-{recipe.seed}')
        rows.append({'name': recipe.name, 'seed': recipe.seed, 'recipe': asdict(recipe),
                     **judge(predict(model, held_out.images), held_out)})
    return rows


def judge(logits: dict[str, np.ndarray], dataset: Dataset) -> dict:
    """Return the figures of logits on the faces they are for."""
    head = 'fer2013' if 'fer2013' in logits else next(iter(logits))
    table = metrics.confusion(dataset.labels, logits[head][:, :len(LABELS)].argmax(axis=1))
    have = table.sum(axis=1)
    rarest = int(np.where(have > 0, have, have.max() + 1).argmin())
    named = int(table[:, rarest].sum())
    values = {'faces': len(dataset), 'rarest': LABELS[rarest], 'rarest_faces': int(have[rarest]),
              'accuracy': float(np.trace(table) / max(1, have.sum())),
              'macro_f1': metrics.macro_f1(table),
              'rarest_recall': float(metrics.recalls(table)[rarest]),
              'rarest_precision': float(table[rarest, rarest] / named) if named else None,
              'ferplus_majority7': None}
    if 'ferplus' in logits and dataset.votes is not None:
        majority = metrics.ferplus_majority(dataset.votes, len(LABELS))
        known = majority >= 0
        if known.any():
            answers = logits['ferplus'][known][:, :len(LABELS)].argmax(axis=1)
            values['ferplus_majority7'] = float((answers == majority[known]).mean())
    return values


def text(rows: list[dict]) -> str:
    """Return a Markdown table: the mean over the seeds and, of several, the deviation."""
    rarest, names = rows[0]['rarest'], list(dict.fromkeys(row['name'] for row in rows))
    lines = ['| ' + ' | '.join(['', *(heading.format(rarest=rarest)
                                      for heading in COLUMNS.values())]) + ' |',
             '|---|' + '---|' * len(COLUMNS)]
    for name in names:
        cells = [name]
        for column in COLUMNS:
            values = [row[column] for row in rows
                      if row['name'] == name and row[column] is not None]
            digits = '.3f' if column == 'macro_f1' else '.1%'
            cells.append('-' if not values else format(np.mean(values), digits) + (
                f' ± {np.std(values, ddof=1):{digits}}' if len(values) > 1 else ''))
        lines.append('| ' + ' | '.join(cells) + ' |')
    seeds = sorted({row['seed'] for row in rows})
    of_seeds = 'seed' if len(seeds) == 1 else 'mean and deviation of seeds'
    lines += ['', f'{rows[0]["faces"]} held-out faces, {rows[0]["rarest_faces"]} of them '
              f'{rarest}; {of_seeds} {", ".join(map(str, seeds))}']
    return '\n'.join(lines)
