# SPDX-License-Identifier: Apache-2.0
"""fer-eval time and expressions: emotion recognition over time, and by age and skin tone."""

import argparse
from dataclasses import asdict, replace
import importlib
from pathlib import Path
from types import ModuleType

from fer_ros.emotions.classification import EmotionClassifier
from fer_ros.emotions.emotion_filter import DEFAULTS, EmotionFilter, FilterSettings
from fer_ros.emotions.labels import LABELS
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation import emotions, expressions, segments
from fer_ros.evaluation.page import Page
from fer_ros.faces.detection import create_detector, DETECTORS
import numpy as np

_RATES_HZ = (5, 10, 30)
#: The filter before training shares and stationary distribution were separated.
UNIFORM = FilterSettings(time_constant_s=0.5, stationary=(1 / 7,) * 7)
#: Simulated people are in each state equally often, and their probabilities carry no shares.
EVEN = replace(DEFAULTS, stationary=(1 / 7,) * 7)
_RESTING_RATE_HZ, _RESTING_S, _NEUTRAL_S = 5, 480.0, 4.0
_RESTING_STATES_S = {'2 s': 2.0, '20 s': 20.0, '2 min': 120.0}


def add_commands(commands) -> list[argparse.ArgumentParser]:
    """Add both commands to ``fer-eval`` and return them."""
    times = commands.add_parser('time', help='the filter over time, on faces of a data set or on '
                                'simulated readings')
    times.add_argument('data', nargs='?', default='', metavar='DATA',
                       help='FER2013 as for training: people are simulated from its test faces; '
                       'without it outputs are simulated')
    times.add_argument('--model', default='', metavar='FILE',
                       help='emotion model; empty: the one that ships')
    times.add_argument('--held-out', action='store_true',
                       help='use the faces that the training held out, to choose parameters')
    times.add_argument('--persons', type=int, default=10, metavar='N',
                       help='with DATA: people, two minutes each (%(default)s)')
    times.add_argument('--accuracy', type=float, default=0.7, metavar='SHARE',
                       help='without DATA: accuracy of single frames, 0.2 to 0.99 (%(default)s)')
    times.add_argument('--runs', type=int, default=5, metavar='N',
                       help='without DATA: people, two minutes each (%(default)s)')
    heads = commands.add_parser('expressions', help='rendered heads: expressions by age and skin '
                                                    'tone')
    heads.add_argument('folder', metavar='DIR', help='contains tones.csv with its images, and '
                       'videos/expressions_<person>_<age>.mp4 with a .csv each')
    heads.add_argument('--model', default='', metavar='FILE',
                       help='emotion model; empty: the one that ships')
    heads.add_argument('--detector', default=DETECTORS[0], choices=DETECTORS)
    times.set_defaults(run=_time)
    heads.set_defaults(run=_expressions)
    return [times, heads]


def _time(chosen: argparse.Namespace) -> tuple[dict, Page]:
    return _on_faces(chosen) if chosen.data else _simulated(chosen)


def _on_faces(chosen: argparse.Namespace) -> tuple[dict, Page]:
    if chosen.persons < 1:
        raise ConfigurationError(f'--persons is {chosen.persons}: it must be 1 or more')
    classifier = EmotionClassifier(chosen.model)
    faces = _read_faces(classifier, chosen.data, chosen.held_out)
    entry = classifier.metadata.label_sets[classifier.label_set]

    def uniform():
        return EmotionFilter(UNIFORM, model_uncertain_below=entry.uncertain_below)

    def ours():
        return EmotionFilter.of(classifier)
    page = Page('Emotions over time, on real faces')
    page.paragraph(
        f'{classifier.name} ({classifier.label_set}) on {len(faces.classes)} faces, drawn into '
        f'{chosen.persons} people of two minutes each, whose state changes every '
        f'{segments.STATE_S:g} s. Moving: another image of the same class every '
        f'{segments.PICTURE_S:g} s; still: one image per state. "uniform" divides by equal shares '
        'and returns to equal shares in half a second; "filter" is what the node does: it '
        'classifies the mirror image in every other frame; "not mirrored" is the same without. '
        'Wrong: share of time with a wrong label, from one second after each change; '
        'recall: states recognized at their end.')
    figures: dict = {'model': classifier.name, 'label_set': classifier.label_set,
                     'faces': np.bincount(faces.classes, minlength=len(LABELS)).tolist(),
                     'states': {}}
    rows = []
    for persons, shares in segments.PERSONS.items():
        for moving in (True, False):
            for rate_hz in _RATES_HZ:
                drawn, mirrored = (
                    [segments.draw(shown, shares, moving=moving, rate_hz=rate_hz,
                                   duration_s=120.0, seed=seed) for seed in range(chosen.persons)]
                    for shown in (replace(faces, mirrored=None), faces))
                name = f'{persons}, {"moving" if moving else "still"}, {rate_hz} Hz'
                found = {'frames': segments.single_frames(drawn),
                         'uniform': segments.filtered(drawn, uniform),
                         'not mirrored': segments.filtered(drawn, ours),
                         'filter': segments.filtered(mirrored, ours)}
                figures['states'][name] = {key: asdict(one) for key, one in found.items()}
                rows += [(name, key, one.wrong, one.delay_s, *one.recall.values())
                         for key, one in found.items()]
    page.show('States', ('persons', 'estimate', 'wrong', 'delay, s', *LABELS), rows)
    _resting(chosen.persons, classifier, faces, figures, page)
    return figures, page


def _resting(count: int, classifier: EmotionClassifier, faces: segments.ReadFaces, figures: dict,
             page: Page) -> None:
    """Measure the gain of learning a resting face, and its cost for people without one."""
    page.paragraph('Resting faces: people of eight minutes whose logit of sad or angry is raised '
                   'by 1.5 to 3.5 in every image, and people without an offset. They start with '
                   'four neutral seconds, in which "look neutral" is requested.')
    learning = replace(DEFAULTS, learn_resting_face=True)
    ways = {'off': (DEFAULTS, False), 'learned': (learning, False),
            'look neutral': (DEFAULTS, True)}
    figures['resting_face'] = {}
    rows = []
    for persons, shares in segments.PERSONS.items():
        for length, state_s in _RESTING_STATES_S.items():
            for offset_name, offsets in (('no offset', [None] * count),
                                         ('offset', segments.resting_offsets(count))):
                drawn = [segments.draw(faces, shares, moving=True, rate_hz=_RESTING_RATE_HZ,
                                       duration_s=_RESTING_S, state_s=state_s, seed=seed,
                                       offset=offset, begin_neutral_s=_NEUTRAL_S)
                         for seed, offset in enumerate(offsets)]
                name = f'{persons}, states of {length}, {offset_name}'
                wrong = {way: segments.filtered(
                    drawn, lambda settings=settings: EmotionFilter.of(classifier, settings),
                    look_neutral=look).wrong for way, (settings, look) in ways.items()}
                figures['resting_face'][name] = wrong
                rows.append((name, *wrong.values()))
    page.show('Resting faces: wrong', ('persons', *ways), rows)


def _read_faces(classifier: EmotionClassifier, data: str, held_out: bool) -> segments.ReadFaces:
    datasets, metrics = _training('datasets'), _training('metrics')
    try:
        splits = datasets.load(data)
    except datasets.DatasetError as error:
        raise ConfigurationError(str(error)) from error
    others = [part for name, part in splits.items() if name != 'train']
    if held_out:
        dataset = _held_out(classifier, splits, others)
    elif others:
        dataset = datasets.concatenate(others)
    else:
        raise ConfigurationError(f'{data}: every image is marked Training; --held-out uses those '
                                 'that the training skipped')
    if classifier.label_set == 'ferplus' and dataset.votes is None:
        raise ConfigurationError(f'{data}: the model publishes FER+ labels, and '
                                 'fer2013new.csv with the votes is missing')
    classes = metrics.label_targets(classifier.label_set, dataset.labels, dataset.votes)
    known = classes >= 0
    images = dataset.images[known]
    if classifier.input.crop_shape != images.shape[1:]:
        images = np.stack([classifier.input.fit(image) for image in images])
    if not len(images):
        raise ConfigurationError(f'{data}: no labeled faces')
    return segments.ReadFaces(classifier.classify(images), classes[known],
                              classifier.classify(np.ascontiguousarray(images[:, :, ::-1])))


def _held_out(classifier: EmotionClassifier, splits: dict, others: list):
    recipe = (classifier.metadata.values.get('training') or {}).get('recipe') or {}
    if 'train' not in splits or not {'holdout', 'seed'} <= set(recipe):
        raise ConfigurationError(f'--held-out: the metadata of {classifier.name} do not list '
                                 'which faces were held out, or the data have no Training split')
    datasets, duplicates = _training('datasets'), _training('duplicates')
    clean, _, _ = duplicates.without_copies(splits['train'], others)
    rest, held = datasets.split_holdout(clean, recipe['holdout'], recipe['seed'])
    copies = duplicates.find(held.images, rest.images).first
    return held.subset(np.setdiff1d(np.arange(len(held)), copies))


def _training(name: str) -> ModuleType:
    """Return a module of the training part, installed or in the source tree."""
    for package in ('fer_ros_training', 'training'):
        try:
            return importlib.import_module(f'{package}.{name}')
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
    raise ConfigurationError('reading a data set requires the training part of this package: run '
                             'in the source tree, or install it with pip')


def _simulated(chosen: argparse.Namespace) -> tuple[dict, Page]:
    if not 0.2 <= chosen.accuracy <= 0.99:
        raise ConfigurationError(f'--accuracy is {chosen.accuracy}: it must be in [0.2, 0.99]')
    if chosen.runs < 1:
        raise ConfigurationError(f'--runs is {chosen.runs}: it must be 1 or more')
    page = Page('Emotions over time')
    page.paragraph(f'{chosen.runs} simulated people of two minutes each, who change their '
                   'emotion every 3 to 9 seconds, and a classifier that is correct in '
                   f'{chosen.accuracy:.0%} of single frames and whose errors last a quarter of a '
                   'second on average. The window of the moving average is chosen for the same '
                   'delay as the filter.')
    figures: dict = {'accuracy': chosen.accuracy, 'runs': chosen.runs, 'by_rate': {}}
    rows = []
    for rate_hz in (5, 10, 30):
        recordings = [emotions.simulate(rate_hz=rate_hz, accuracy=chosen.accuracy, seed=seed)
                      for seed in range(chosen.runs)]
        raw = [emotions.measure(one, emotions.averaged_labels(one, 0)) for one in recordings]
        ours = [emotions.measure(one, emotions.filtered_labels(one, EmotionFilter(EVEN)))
                for one in recordings]
        delay_s = float(np.mean([one.delay_s for one in ours]))
        window_s, average = emotions.average_with_delay(recordings, delay_s)
        entry = {'raw': _mean(raw), 'filter': _mean(ours),
                 'moving_average': {**_mean(average), 'window_s': window_s}}
        figures['by_rate'][str(rate_hz)] = entry
        rows += [(f'{rate_hz} Hz', name, value['false_switches_per_min'], value['delay_s'],
                  value['right']) for name, value in entry.items()]
    page.show('Figures', ('frames', 'estimate', 'false switches/min', 'delay, s', 'right'),
          rows)
    figures |= {key: value for key, value in figures['by_rate']['30'].items()}
    one = recordings[0]
    shown = one.stamps_s < 40
    names = emotions.LABELS
    page.heading('The first 40 seconds of one person, 30 Hz')
    page.chart({
        'state': (one.stamps_s[shown], one.states[shown] + 0.1),
        'single frames': (one.stamps_s[shown], one.probabilities.argmax(axis=1)[shown]),
        'filter': (one.stamps_s[shown], [names.index(label) - 0.1 if label in names else -1
                                         for label in emotions.filtered_labels(
                                             one, EmotionFilter(EVEN))[:int(shown.sum())]]),
    }, x='seconds', y=', '.join(f'{i} {name}' for i, name in enumerate(names)), steps=True)
    return figures, page


def _expressions(chosen: argparse.Namespace) -> tuple[dict, Page]:
    folder = Path(chosen.folder)
    classifier = EmotionClassifier(chosen.model)
    detector = create_detector(chosen.detector)
    stills = list(expressions.read_stills(folder, detector, classifier))
    videos = list(expressions.read_videos(folder, detector, classifier))
    page = Page('Expressions of rendered heads')
    page.paragraph(
        f'{classifier.name} ({classifier.label_set}) on {len(stills)} stills and {len(videos)} '
        f'videos, faces found by {detector.name}. Rendered heads show how one changed factor '
        'affects recognition; they do not measure accuracy on real people.')
    figures: dict = {'model': classifier.name, 'label_set': classifier.label_set,
                     'stills': {}, 'videos': {}}
    for title, kind, groups in (
            ('Stills, by age and tone', 'stills', _grouped(
                stills, lambda one: f'{one.age}, {one.tone}')),
            ('Videos, by age', 'videos', _grouped(videos, lambda one: one.age))):
        rows = []
        for name, group in groups.items():
            found = expressions.measure(group)
            figures[kind][name] = asdict(found)
            rows.append((name, len(group), found.frames, found.right,
                         *(found.by_label.get(label) for label in LABELS),
                         *found.changes, found.delay_s))
        page.show(title, ('', 'number', 'frames right', 'right', *LABELS, 'changes',
                          'true changes', 'delay, s'), rows)
    return figures, page


def _grouped(shown: list, key) -> dict[str, list]:
    groups: dict[str, list] = {}
    for one in shown:
        groups.setdefault(key(one), []).append(one)
    return dict(sorted(groups.items()))


def _mean(figures: list) -> dict[str, float]:
    table = [asdict(one) for one in figures]
    return {key: float(np.mean([row[key] for row in table])) for key in table[0]}
