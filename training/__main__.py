# SPDX-License-Identifier: Apache-2.0
"""The command line of the training: inspect, train, compare, evaluate, export and more."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
import json
import os
from pathlib import Path
import sys
import tempfile
import textwrap
import time

from fer_ros.emotions.labels import LABELS
from fer_ros.errors import FerError
import numpy as np
import yaml

from . import datasets, duplicates, generated, recipes

#: Values for FER2013 and for the drawn faces, which are easier.
SMOKE_FACES, SMOKE_DRAWN_FACES = 4000, 1400
# Stills of each held-out person that get each pair of glasses.
_STILLS = 24


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors of the user's input are one line and exit status 2."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except (FerError, ValueError, RuntimeError, OSError) as error:
        if not _is_message(error):
            raise
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('stopped; the same command resumes after the last complete epoch'
              if options.command == 'train' else 'stopped', file=sys.stderr)
        return 130


def _is_message(error: Exception) -> bool:
    """Return whether an error is a message for the user and not a defect."""
    return isinstance(error, (FerError, OSError)) or type(error).__module__.startswith(
        __package__)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='fer-train', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)

    def command(name, run, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    data = {'metavar': 'DIR', 'help': 'FER2013: a folder with fer2013.csv (and fer2013new.csv), '
            'or with train/<emotion>/ and test/<emotion>/'}
    sub = command('inspect', _inspect, 'Show counts, samples and duplicates of the data.')
    sub.add_argument('data', **data)
    sub.add_argument('--report', type=Path, metavar='FILE', help='write an HTML page')
    sub.add_argument('--json', type=Path, metavar='FILE', help='write the results')

    sub = command('train', _train, 'Train a recipe, or resume a run that was stopped.')
    sub.add_argument('recipe', help='a YAML file, or the name of a shipped recipe')
    sub.add_argument('--list', action=_ListRecipes, help='list the shipped recipes')
    sub.add_argument('--data', required=True, **data)
    sub.add_argument('--run', dest='folder', type=Path, metavar='DIR',
                     help='folder of the run (default: runs/<recipe>-<seed>)')
    sub.add_argument('--epochs', type=int, help="instead of the recipe's")
    sub.add_argument('--seed', type=int, help="instead of the recipe's")
    sub.add_argument('--precision', choices=('float32', 'mixed_bfloat16', 'auto'),
                     help="instead of the recipe's")
    sub.add_argument('--teachers', type=Path, nargs='+', default=[], metavar='RUN',
                     help='folders of finished runs, for a recipe with distillation')
    sub.add_argument('--workers', type=_count, default=0, metavar='N', help='processes that '
                     'augment the faces, for a GPU (default: 0, the training itself does)')
    sub.add_argument('--keep-copies', action='store_true',
                     help='also train on images that another split has too')

    sub = command('attention', _attention, 'Fit the generic head and the corrections of head '
                  'pose and gaze on rendered heads.')
    sub.add_argument('data', type=Path, metavar='DIR', help='heads with known pose and gaze, as '
                     'fer-eval gaze takes them')
    sub.add_argument('--out', type=Path, metavar='FILE', help='write the model')
    sub.add_argument('--leave-out', action='store_true', help='then measure each person with a '
                     'model fitted on the others')
    sub.add_argument('--rate-hz', type=float, default=8.0, metavar='N',
                     help='readings of the videos per second (%(default)g)')
    sub.add_argument('--report', type=Path, metavar='FILE', help='write an HTML page')
    sub.add_argument('--json', type=Path, metavar='FILE', help='write the results')

    sub = command('eye-cover', _eye_cover, 'Fit the network that tells covered eyes and '
                  'gazes that glasses pull aside.')
    sub.add_argument('data', type=Path, metavar='DIR', help='heads with known pose and gaze, as '
                     'fer-eval gaze takes them')
    sub.add_argument('--faces', metavar='FER2013', help='draw covers and glasses over real faces, '
                     'too: the data set, of which some training faces are taken. Without them, no '
                     'gaze counts as pulled')
    sub.add_argument('--count', type=int, default=1500, metavar='N', help='so many of them '
                     '(%(default)d)')
    sub.add_argument('--out', type=Path, metavar='FILE', help='write the network')

    sub = command('compare', _compare, 'Train variants of a recipe and judge them on held-out '
                  'faces, for a choice that touches no test split.')
    sub.add_argument('recipe', help='a YAML file, or the name of a recipe that ships')
    sub.add_argument('--data', required=True, **data)
    sub.add_argument('--vary', metavar='KEY=A,B,...', default='',
                     help='a key of the recipe and its values, such as '
                     'rare_classes=none,oversample,generated,balanced_loss,logit_adjusted')
    sub.add_argument('--seeds', default='1', help='such as 1,2,3 (default: %(default)s)')
    sub.add_argument('--out', type=Path, required=True, metavar='DIR',
                     help='folder of the runs of each variant and seed; resumed after a stop')
    sub.add_argument('--json', type=Path, metavar='FILE', help='write the results')

    sub = command('evaluate', _evaluate,
                  'Evaluate a model on every image that is not marked Training.')
    sub.add_argument('data', **data)
    sub.add_argument('--model', default='', help='a .tflite or .keras model, or the name of a '
                     'shipped one (default: the shipped default)')
    sub.add_argument('--json', type=Path, metavar='FILE', help='write the results')
    sub.add_argument('--report', type=Path, metavar='FILE', help='write an HTML page')
    sub.add_argument('--no-robustness', action='store_true', help='skip the corruptions')

    sub = command('export', _export, 'Export a run to LiteRT with its metadata, checked.')
    sub.add_argument('folder', type=Path, metavar='RUN', help='the folder of a run')
    sub.add_argument('--name', help='name of the exported files (default: that of the recipe)')
    sub.add_argument('--with', dest='companion', default='', metavar='MODEL', help='an exported '
                     'model, or the name of a shipped one: the new ones are averaged with it')
    _add_export(sub, data)

    sub = command('import-study', _import_study,
                  'Import a model.json and HDF5 weights of Keras 2, and export it.')
    sub.add_argument('architecture', type=Path, metavar='model.json')
    sub.add_argument('weights', type=Path, metavar='weights.h5')
    sub.add_argument('--labels', default='angry,disgust,fear,happy,neutral,sad,surprise',
                     help='its classes in order (default: %(default)s, as folder readers '
                     'number them)')
    sub.add_argument('--scale', type=float, default=1.0, help='factor of the gray levels at the '
                     'input of the model, such as 0.00392157 for inputs 0 to 1')
    sub.add_argument('--name', default='study', help='name of the exported files')
    _add_export(sub, data)

    sub = command('smoke', _smoke, 'Train, export and evaluate in about a minute.')
    sub.add_argument('--data', **{**data, 'help': data['help'] + '; drawn faces without it'})
    sub.add_argument('--run', dest='folder', type=Path, metavar='DIR',
                     help='keep the run here (default: a temporary folder)')
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number from 0 on')
    return int(text)


class _ListRecipes(argparse.Action):
    """List the recipes and exit, like --help."""

    def __init__(self, **kwargs):
        super().__init__(nargs=0, **kwargs)

    def __call__(self, parser, namespace, values, option_string=None):
        names = recipes.shipped()
        width = max(map(len, names))
        for name, head in names.items():
            print(textwrap.fill(head, 99, initial_indent=f'{name:<{width}}  ',
                                subsequent_indent=' ' * (width + 2)))
        parser.exit()


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppress TensorFlow's output about this machine's CPU during imports.

    Its C++ part writes to the file descriptor itself. If the import fails, it is shown.
    """
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except BaseException:
            written.seek(0)
            os.write(kept, written.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def _add_export(sub: argparse.ArgumentParser, data: dict) -> None:
    sub.add_argument('--data', required=True, **data)
    sub.add_argument('--out', type=Path, required=True, metavar='DIR', help='output folder')
    sub.add_argument('--variants', default='float32,float16,int8',
                     help='of float32, float16, int8, onnx, keras (default: %(default)s)')
    sub.add_argument('--raw-contrast', action='store_true', help='disable the contrast '
                     'equalization of flat faces in the classifier')
    sub.add_argument('--plain-heads', action='store_true', help='keep the two heads as trained, '
                     'instead of letting each use both')
    sub.add_argument('--label-set', default='ferplus', help='the default label set of the model '
                     '(default: %(default)s)')


def _write(path: Path | None, text: str) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
        print(f'written: {path}')


def _inspect(options) -> None:
    from . import inspection
    splits = datasets.load(options.data)
    values = inspection.inspect(splits)
    print(inspection.text(values))
    _write(options.json, json.dumps(values, indent=1) + '\n')
    if options.report:
        _write(options.report, inspection.report(splits, values))


def _training_split(splits: dict, where: str) -> datasets.Dataset:
    if 'train' not in splits:
        raise datasets.DatasetError(f'{where}: no training split (rows of Usage Training, or a '
                                    f'folder train/); found {", ".join(splits)}')
    return splits['train']


def _train(options) -> None:
    changes = {key: getattr(options, key) for key in ('epochs', 'seed', 'precision')
               if getattr(options, key) is not None}
    recipe = recipes.check(replace(recipes.load(options.recipe), **changes), options.recipe)
    dataset = _faces_to_learn_from(options.data, options.keep_copies)
    recipes.teachable(recipe, dataset)     # before the slow start of TensorFlow
    with _quietly():
        from . import train
    folder = options.folder or Path('runs') / f'{recipe.name}-{recipe.seed}'
    print(f'run: {folder} (curves.html there is updated after each epoch)', flush=True)
    train.train(recipe, dataset, folder, options.teachers, options.workers)
    print(f'done; next: fer-train export {folder} --data {options.data} --out DIR')


def _faces_to_learn_from(where: str, keep_copies: bool) -> datasets.Dataset:
    splits = datasets.load(where)
    dataset = _training_split(splits, where)
    others = [part for name, part in splits.items() if name != 'train']
    if others and not keep_copies:
        dataset, exact, near = duplicates.without_copies(dataset, others)
        print(f'skipped in the training: {exact} exact and {near} near copies of images of '
              f'other splits; {len(dataset)} faces left')
    return dataset


def _compare(options) -> None:
    base = recipes.load(options.recipe)
    try:
        seeds = [int(seed) for seed in options.seeds.split(',')]
    except ValueError as error:
        raise recipes.RecipeError(f'--seeds {options.seeds}: expected whole numbers') from error
    key, _, values = options.vary.partition('=')
    variants = []
    for value in values.split(',') if key else ['']:
        change = {key: yaml.safe_load(value), 'name': f'{key}-{value}'} if key else {}
        variants += [recipes.from_dict({**base.to_dict(), **change, 'seed': seed}, options.recipe)
                     for seed in seeds]
    dataset = _faces_to_learn_from(options.data, False)
    with _quietly():
        from . import comparison
    rows = comparison.compare(variants, dataset, options.out)
    print(comparison.text(rows))
    _write(options.json, json.dumps(rows, indent=1) + '\n')


def _evaluate(options) -> None:
    from . import evaluate
    result = evaluate.evaluate(
        options.model, datasets.load(options.data), robustness=not options.no_robustness,
        progress=lambda text: print(f'... {text}', file=sys.stderr, flush=True))
    print(evaluate.text(result))
    _write(options.json, json.dumps(result.values, indent=1) + '\n')
    if options.report:
        _write(options.report, evaluate.report(result))


def _export_trained(trained, splits: dict, options, companion: str = '') -> None:
    from . import export, runs
    training = runs.training_faces(trained, splits)
    others = [part for name, part in splits.items() if name != 'train']
    results = export.export(
        trained, options.out, training, datasets.concatenate(others) if others else training,
        variants=tuple(options.variants.split(',')), default_label_set=options.label_set,
        fit_heads=not options.plain_heads, even=not options.raw_contrast, companion=companion)
    for result in results:
        heads = ', '.join(
            f'{name}: same top class {entry["same_top_class"]:.2%}, accuracy '
            f'{_share(entry["accuracy"])} (Keras {_share(entry["keras_accuracy"])})'
            for name, entry in result.items() if isinstance(entry, dict))
        print(f'{options.out / result["file"]}: {result["bytes"]:,} bytes; {heads}')


def _share(value: float | None) -> str:
    return '-' if value is None else f'{value:.2%}'


def _export(options) -> None:
    with _quietly():
        from . import runs
    trained = runs.load_run(options.folder)
    _export_trained(replace(trained, name=options.name or trained.name),
                    _splits_to_export_by(options), options, options.companion)


def _splits_to_export_by(options) -> dict:
    splits = datasets.load(options.data)
    _training_split(splits, options.data)
    return splits


def _import_study(options) -> None:
    splits = _splits_to_export_by(options)
    with _quietly():
        from . import runs, study_import
    model = study_import.import_keras2(options.architecture, options.weights,
                                       labels=tuple(options.labels.split(',')),
                                       scale=options.scale)
    _export_trained(runs.TrainedModel(model, None, 0, options.name), splits, options)


def _attention(options) -> None:
    from fer_ros.cli import evaluate_covers, evaluate_gaze
    from fer_ros.evaluation.covers import GLASSES, NONE

    from . import attention
    samples = attention.collect(options.data, lambda text: print(f'... {text}', file=sys.stderr,
                                                                 flush=True))
    model = attention.fit(samples)
    if options.out:
        attention.save(model, options.out)
        print(f'model: {options.out}')
    print('standard deviations on held-out people, degrees:')
    for name, values in zip(('head: yaw, pitch, roll', 'gaze minus constant: yaw, pitch',
                             "a person's constant: yaw, pitch"), model.sigmas):
        print(f'  {name}: ' + ', '.join(f'{value:.2f}' for value in values if value))
    if options.leave_out:
        print('each person measured with a model fitted on the others')
        model_of = cache(lambda people: replace(samples.without(people), sigmas=model.sigmas))
        figures, page = evaluate_gaze.measure(options.data, 'auto', model_of, options.rate_hz)
        groups = {'no glasses': {'nothing': NONE['nothing']}, 'glasses': GLASSES}
        figures |= evaluate_covers.measure(options.data, groups, _STILLS, model_of)[0]
        _write(options.json, json.dumps(figures, indent=1) + '\n')
        if options.report:
            page.write(options.report)


def _eye_cover(options) -> None:
    from . import eye_cover

    def tell(text: str) -> None:
        print(f'... {text}', file=sys.stderr, flush=True)

    eyes = eye_cover.of_heads(options.data, tell)
    if options.faces:
        faces = _training_split(datasets.load(options.faces), options.faces).images
        eyes = eyes.and_those(eye_cover.of_faces(
            faces[np.random.default_rng(0).permutation(len(faces))[:options.count]], tell))
    if options.out:
        eye_cover.save(eye_cover.fit(eyes), options.out)
        print(f'network: {options.out}')
    print('\n'.join(eye_cover.report(eyes)))


def _smoke(options) -> int:
    with _quietly():
        from . import evaluate, export, runs, train
    start = time.monotonic()
    if options.data:
        splits = datasets.load(options.data)
        dataset = _training_split(splits, options.data).subset(slice(0, SMOKE_FACES))
        others = [part for name, part in splits.items() if name != 'train']
        check = (datasets.concatenate(others) if others
                 else splits['train'].subset(slice(SMOKE_FACES, None))).subset(slice(0, 700))
    else:
        dataset, check = generated.faces(SMOKE_DRAWN_FACES, 1), generated.faces(700, 2)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        train.train(recipes.load('smoke'), dataset, folder)
        export.export(runs.load_run(folder), folder, dataset, check,
                      variants=('float32', 'float16'))
        result = evaluate.evaluate(os.fspath(folder / 'smoke_float32.tflite'),
                                   {'train': dataset, 'check': check}, robustness=False)
    print(evaluate.text(result))
    # Three points above always predicting the most common class, on 700 faces.
    commonest = max(sum(check.labels == label) for label in range(len(LABELS))) / len(check)
    learned = result.values['accuracy'] > commonest + 0.03
    print(f'{"learned" if learned else "NOT LEARNED"}: accuracy {result.values["accuracy"]:.1%}, '
          f'the most common class {commonest:.1%}; {time.monotonic() - start:.0f} s')
    return 0 if learned else 1


if __name__ == '__main__':
    sys.exit(main())
