# SPDX-License-Identifier: Apache-2.0
"""Evaluate an exported model: a table, the same as JSON, and a report page.

It runs the nodes' files through the nodes' classifier, without TensorFlow.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
import os
import time

from fer_ros.emotions.classification import EmotionClassifier, ModelMetadata, probabilities
from fer_ros.emotions.labels import LABELS
import numpy as np

from . import charts, duplicates, metrics
from .corruptions import corrupt, CORRUPTIONS, STRENGTHS
from .datasets import concatenate, Dataset, DatasetError

#: Number of faces that are enlarged at a time, so that memory stays bounded.
_FACES_AT_ONCE = 256


@dataclass(frozen=True)
class Evaluation:
    """Results of an evaluation.

    :ivar values: the contents of the JSON file.
    :ivar predictions: calibrated probabilities by label set, float32 ``(n, 7)``.
    :ivar targets: the class of each face by label set, -1 where it has none.
    """

    metadata: ModelMetadata
    values: dict
    predictions: dict[str, np.ndarray] = field(repr=False)
    targets: dict[str, np.ndarray] = field(repr=False)


def evaluate(model_path: str, splits: dict[str, Dataset], *, robustness: bool = True,
             threads: int = 0, progress: Callable[[str], None] = lambda text: None) -> Evaluation:
    """Evaluate a model on every image that is not marked Training.

    :param model_path: as for :class:`EmotionClassifier`; '' is the shipped model.
    :param splits: as :func:`training.datasets.load` returns them.
    :param robustness: also measure the accuracy under every corruption and strength.
    :param threads: threads of the runtime; 0 uses one per CPU. The time per face is always
        measured with one.
    :param progress: called with a line of text now and then.
    :raises DatasetError: when there is no such image.
    """
    parts = [dataset for name, dataset in splits.items() if name != 'train']
    if not parts:
        raise DatasetError('every image is marked Training: nothing to evaluate on')
    dataset = concatenate(parts)
    classifier = EmotionClassifier(model_path, threads=threads or os.cpu_count() or 1)
    metadata = classifier.metadata
    progress(f'{metadata.name}: {len(dataset)} faces')
    logits = _logits(classifier, dataset.images)
    predictions = {name: probabilities(logits[name], entry.temperature)
                   for name, entry in metadata.label_sets.items()}
    targets = {name: metrics.label_targets(name, dataset.labels, dataset.votes)
               for name in metadata.label_sets}
    head = 'fer2013' if 'fer2013' in predictions else metadata.default_label_set
    right = predictions[head].argmax(axis=1) == dataset.labels
    table = metrics.confusion(dataset.labels, predictions[head].argmax(axis=1))
    values = {
        'model': metadata.name, 'sha256': classifier.sha256,
        'default_label_set': metadata.default_label_set,
        'parameters': metadata.values.get('parameters'),
        'images': len(dataset), 'splits': {name: len(part) for name, part in splits.items()
                                           if name != 'train'},
        'accuracy': float(right.mean()),
        'accuracy_interval95': metrics.wilson_interval(int(right.sum()), len(right)),
        'macro_f1': metrics.macro_f1(table),
        'recall': dict(zip(LABELS, map(_number, metrics.recalls(table)))),
        'confusion': table.tolist(), **_ferplus(logits, dataset),
        'ece': metrics.expected_calibration_error(predictions[head], dataset.labels),
        'ece_ferplus': None, 'uncertain': _uncertain(metadata, predictions, targets)}
    if 'ferplus' in predictions and (targets['ferplus'] >= 0).any():
        known = targets['ferplus'] >= 0
        values['ece_ferplus'] = metrics.expected_calibration_error(
            predictions['ferplus'][known], targets['ferplus'][known])
    if 'train' in splits:
        progress('faces that the training split has too')
        pairs = duplicates.find(dataset.images, splits['train'].images)
        unseen = np.ones(len(dataset), bool)
        unseen[pairs.first] = False
        values['in_training'] = {
            'exact': len(set(pairs.first[pairs.exact])), 'near': len(set(pairs.first)),
            'accuracy_without': float(right[unseen].mean()) if unseen.any() else None}
    values['corruptions'] = values['mean_corruption_accuracy'] = None
    if robustness:
        values['corruptions'] = _robustness(classifier, head, dataset, progress)
        values['mean_corruption_accuracy'] = float(
            np.mean([list(row.values()) for row in values['corruptions'].values()]))
    progress('time per face')
    values['ms_per_face'] = ms_per_face(model_path, dataset.images)
    values['ms_per_face_of_8'] = ms_per_face(model_path, dataset.images, batch=8)
    return Evaluation(metadata, values, predictions, targets)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _logits(classifier: EmotionClassifier, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return a model's logits of gray faces, converted to its size and channels."""
    parts = [classifier.logits(np.stack([classifier.input.fit(image)
                                         for image in images[i:i + _FACES_AT_ONCE]]))
             for i in range(0, len(images), _FACES_AT_ONCE)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _ferplus(logits: dict[str, np.ndarray], dataset: Dataset) -> dict[str, float | int | None]:
    """Return the accuracy by the majority rule, contempt skipped (7) and with it (8)."""
    result = {}
    for classes in (7, 8):
        accuracy, count = None, 0
        if 'ferplus' in logits and dataset.votes is not None:
            majority = metrics.ferplus_majority(dataset.votes, classes)
            known = majority >= 0
            count = int(known.sum())
            if count:
                predicted = logits['ferplus'][known, :classes].argmax(axis=1)
                accuracy = float((predicted == majority[known]).mean())
        result[f'ferplus_majority{classes}'] = accuracy
        result[f'ferplus_images{classes}'] = count
    return result


def _uncertain(metadata: ModelMetadata, predictions: dict, targets: dict) -> dict:
    result = {}
    for name, entry in metadata.label_sets.items():
        known = targets[name] >= 0
        if not known.any():
            continue
        chosen = predictions[name][known]
        answered = chosen.max(axis=1) >= entry.uncertain_below
        right = chosen.argmax(axis=1) == targets[name][known]
        result[name] = {
            'below': entry.uncertain_below, 'answered': float(answered.mean()),
            'accuracy_answered': float(right[answered].mean()) if answered.any() else None}
    return result


def _robustness(classifier: EmotionClassifier, head: str, dataset: Dataset,
                progress: Callable[[str], None]) -> dict[str, dict[str, float]]:
    rows = {}
    for name in CORRUPTIONS:
        progress(f'robustness: {name}')
        rows[name] = {}
        for strength in STRENGTHS:
            logits = _logits(classifier, corrupt(dataset.images, name, strength))[head]
            predicted = logits[:, :len(LABELS)].argmax(axis=1)
            rows[name][str(strength)] = float((predicted == dataset.labels).mean())
    return rows


def ms_per_face(model_path: str, images: np.ndarray, batch: int = 1) -> float:
    """Return the median CPU time per face in batches, one thread, milliseconds."""
    classifier = EmotionClassifier(model_path, threads=1)
    faces = np.stack([classifier.input.fit(image)
                      for image in np.resize(images, (batch, *images.shape[1:]))])
    times = []
    warm_up, repeats = 5, 120 // batch
    for i in range(warm_up + repeats):
        start = time.process_time()
        classifier.classify(faces)
        if i >= warm_up:
            times.append(time.process_time() - start)
    return float(np.median(times)) * 1000 / batch


def text(evaluation: Evaluation) -> str:
    """Return the table of record."""
    values = evaluation.values
    low, high = values['accuracy_interval95']
    rows = [('images', f'{values["images"]} ({", ".join(values["splits"])})'),
            ('accuracy (FER2013 labels)',
             f'{values["accuracy"]:.2%}  95 % interval {low:.2%} to {high:.2%}'),
            ('macro F1', f'{values["macro_f1"]:.3f}'),
            *((f'recall {name}', _share(value)) for name, value in values['recall'].items()),
            *((f'FER+ majority, {n} classes', f'{_share(values[f"ferplus_majority{n}"])}  of '
               f'{values[f"ferplus_images{n}"]} faces') for n in (7, 8)),
            ('calibration error', f'{values["ece"]:.2%} (FER2013), '
                                  f'{_share(values["ece_ferplus"])} (FER+)')]
    rows += [(f'uncertain below {entry["below"]:.2f} ({name})',
              f'{entry["answered"]:.1%} answered, {_share(entry["accuracy_answered"])} of them '
              'right') for name, entry in values['uncertain'].items()]
    if 'in_training' in values:
        entry = values['in_training']
        rows.append(('also in Training', f'{entry["exact"]} exact, {entry["near"]} with near '
                     f'copies; accuracy without them {_share(entry["accuracy_without"])}'))
    for name, row in (values['corruptions'] or {}).items():
        rows.append((f'under {name}', '  '.join(f'{value:.1%}' for value in row.values())))
    rows += [('mean corruption accuracy', _share(values['mean_corruption_accuracy'])),
             ('time per face, one thread', f'{values["ms_per_face"]:.2f} ms '
              f'({values["ms_per_face_of_8"]:.2f} ms in batches of 8)'),
             ('parameters', f'{values["parameters"]:,}' if values['parameters'] else 'unknown')]
    width = max(len(name) for name, _ in rows)
    return '\n'.join([f'Model {values["model"]}, publishes {values["default_label_set"]}',
                      *(f'{name:<{width}}  {value}' for name, value in rows)])


def _share(value: float | None) -> str:
    return '-' if value is None else f'{value:.2%}'


def report(evaluation: Evaluation) -> str:
    """Return the report as one HTML page."""
    values = evaluation.values
    parts = [f'<pre>{text(evaluation)}</pre>',
             '<h2>Confusion (rows: FER2013 label, columns: answer, shares of the row)</h2>']
    counts = np.array(values['confusion'], float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    parts.append(charts.table(['', *LABELS, 'faces'], [
        [name, *map(float, row), int(total)]
        for name, row, total in zip(LABELS, shares, counts.sum(axis=1))], shade=True))
    parts.append('<h2>Calibration and rejection</h2><p>Calibration: accuracy against confidence '
                 'in 15 bins; on the dashed line confidence equals accuracy. Rejection: '
                 'accuracy of the answers against the share of faces answered.</p>')
    reliability, rejection = {}, {}
    for name, predictions in evaluation.predictions.items():
        known = evaluation.targets[name] >= 0
        if not known.any():
            continue
        bins = metrics.reliability(predictions[known], evaluation.targets[name][known])
        bins = bins[bins[:, 0] > 0]
        reliability[name] = bins[:, 1], bins[:, 2]
        curve = metrics.rejection_curve(predictions[known], evaluation.targets[name][known])
        rejection[name] = curve[:, 1], curve[:, 2]
    parts += [charts.lines('Calibration', reliability, x_label='confidence', y_label='accuracy',
                           y_range=(0, 1), diagonal=True),
              charts.lines('Rejection', rejection, x_label='share answered', y_label='accuracy')]
    if values['corruptions']:
        rows = [[name, *row.values()] for name, row in values['corruptions'].items()]
        parts += ['<h2>Robustness</h2><p>Accuracy on FER2013 labels under each corruption, from '
                  'slight to severe.</p>',
                  charts.table(['', *map(str, STRENGTHS)], rows, shade=True)]
    return charts.page(f'Evaluation of {values["model"]}', *parts)
