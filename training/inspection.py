# SPDX-License-Identifier: Apache-2.0
"""Look at the data before training on it: counts, samples and duplicates as one HTML page."""

from html import escape
from itertools import combinations

from fer_ros.emotions.labels import LABELS
import numpy as np

from . import charts, duplicates
from .datasets import Dataset
from .metrics import ferplus_majority

_SAMPLES = 16
_SHOWN_PAIRS = 24


def inspect(splits: dict[str, Dataset]) -> dict:
    """Return counts per class and split, and the duplicates within and across splits."""
    values = {'counts': {name: dict(zip(LABELS, map(int, np.bincount(
        dataset.labels, minlength=len(LABELS))))) for name, dataset in splits.items()}}
    values['blank'] = {name: int((np.ptp(dataset.images.reshape(len(dataset), -1), axis=1) < 2)
                                 .sum()) for name, dataset in splits.items()}
    values['agreement'] = {}
    for name, dataset in splits.items():
        if dataset.votes is not None:
            majority = ferplus_majority(dataset.votes)
            known = majority >= 0
            values['agreement'][name] = {
                'with_majority': int(known.sum()),
                'same_as_label': float((majority[known] == dataset.labels[known]).mean())
                if known.any() else None}
    values['duplicates'] = []
    for first, second in [(name, name) for name in splits] + list(combinations(splits, 2)):
        pairs = _pairs(splits, first, second)
        same = splits[first].labels[pairs.first] == splits[second].labels[pairs.second]
        values['duplicates'].append({
            'splits': [first, second], 'exact_pairs': int(pairs.exact.sum()),
            'near_pairs': int((~pairs.exact).sum()),
            'pairs_of_different_label': int((~same).sum())})
    return values


def text(values: dict) -> str:
    """Return what was found as lines of text."""
    width = max(len(name) for name in [*values['counts'], 'split'])
    lines = [f'{"split":<{width}}  ' + ' '.join(f'{name:>8}' for name in (*LABELS, 'total'))]
    for name, counts in values['counts'].items():
        cells = [*counts.values(), sum(counts.values())]
        lines.append(f'{name:<{width}}  ' + ' '.join(f'{cell:>8}' for cell in cells))
    for name, count in values['blank'].items():
        if count:
            lines.append(f'{name}: {count} blank images')
    for name, entry in values['agreement'].items():
        if entry['same_as_label'] is not None:
            lines.append(f'{name}: {entry["with_majority"]} faces with a FER+ majority, '
                         f'{entry["same_as_label"]:.1%} of them equal to the FER2013 label')
    for entry in values['duplicates']:
        first, second = entry['splits']
        where = f'within {first}' if first == second else f'between {first} and {second}'
        lines.append(f'duplicates {where}: {entry["exact_pairs"]} exact pairs, '
                     f'{entry["near_pairs"]} near; {entry["pairs_of_different_label"]} of them '
                     'labeled differently')
    return '\n'.join(lines)


def report(splits: dict[str, Dataset], values: dict) -> str:
    """Return the report, with pictures, as one HTML page."""
    parts = [f'<pre>{escape(text(values))}</pre>']
    for name, dataset in splits.items():
        parts.append(f'<h2>Samples of {escape(name)}</h2>')
        for label, emotion in enumerate(LABELS):
            rows = np.flatnonzero(dataset.labels == label)
            if len(rows):
                rows = np.random.default_rng(label).permutation(rows)[:_SAMPLES]
                parts.append(charts.picture(f'{emotion} ({values["counts"][name][emotion]})',
                                            charts.grid(dataset.images[rows], _SAMPLES)))
    for first, second in combinations(splits, 2):
        pairs = _pairs(splits, first, second)
        order = np.argsort(pairs.similarity)[:_SHOWN_PAIRS]
        if len(order):
            both = np.concatenate([splits[first].images[pairs.first[order]],
                                   splits[second].images[pairs.second[order]]])
            parts.append(f'<h2>Least similar of the duplicates: {escape(first)} above, '
                         f'{escape(second)} below</h2>')
            parts.append(charts.picture('pairs', charts.grid(both, len(order))))
    return charts.page('Data', *parts)


def _pairs(splits: dict[str, Dataset], first: str, second: str) -> duplicates.Pairs:
    if first == second:
        return duplicates.find(splits[first].images)
    return duplicates.find(splits[first].images, splits[second].images)
