# SPDX-License-Identifier: Apache-2.0
"""Subcommands of fer-model for third-party emotion models: describe and check."""

import argparse
from pathlib import Path
import time

from fer_ros.emotions.classification import EmotionClassifier
from fer_ros.emotions.classification.classifier import probe_crops
from fer_ros.emotions.classification.draft import draft, unknown_fields
from fer_ros.emotions.classification.fields import SUFFIXES
from fer_ros.errors import ConfigurationError
import numpy as np


def add_describe(commands: argparse._SubParsersAction) -> None:
    """Add ``describe``."""
    command = commands.add_parser(
        'describe', help='write a draft of the metadata of an emotion model (ONNX or LiteRT)')
    command.add_argument('file', type=Path, metavar='FILE', help='a .onnx or .tflite file')
    command.add_argument('--print', action='store_true', dest='to_terminal',
                         help='print the draft instead of writing it beside the file')
    command.set_defaults(run=_describe)


def add_check(commands: argparse._SubParsersAction) -> None:
    """Add ``check``."""
    command = commands.add_parser(
        'check', help='load an emotion model as the classifier does and describe it')
    command.add_argument('file', metavar='FILE', help='a model with its metadata beside it, or '
                         'the name of a shipped one')
    command.add_argument('--threads', type=int, default=1, help='default: %(default)s')
    command.add_argument('--providers', nargs='+', default=[], metavar='NAME',
                         help="as the classifier's parameter")
    command.add_argument('--delegate', default='', metavar='FILE',
                         help="as the classifier's parameter")
    command.add_argument('--delegate-options', default='', metavar='KEY=VALUE,...',
                         help="as the classifier's parameter")
    command.set_defaults(run=_check)


def _describe(chosen: argparse.Namespace) -> int:
    text = draft(chosen.file)
    if chosen.to_terminal:
        print(text, end='')
        return 0
    there = [path for suffix in SUFFIXES
             if (path := chosen.file.with_suffix(suffix)).exists()]
    if there:
        raise ConfigurationError(f'{there[0]} already exists: move it away, or use --print')
    target = chosen.file.with_suffix('.yaml')
    try:
        target.write_text(text, encoding='utf-8')
    except OSError as error:
        raise ConfigurationError(f'{target}: cannot be written ({error.strerror})') from error
    print(f'{target}: a draft; fill in {", ".join(unknown_fields(text)) or "nothing"}, check the '
          f'rest, then run "fer-model check {chosen.file}"')
    return 0


def _check(chosen: argparse.Namespace) -> int:
    classifier = EmotionClassifier(
        chosen.file, threads=chosen.threads, providers=chosen.providers,
        delegate=chosen.delegate, delegate_options=chosen.delegate_options)
    one, eight = (_processor_ms(classifier, faces) for faces in (1, 8))
    print(f'{classifier.metadata.path}: good\n'
          f'takes    {classifier.input}\n'
          f'reads    {", ".join(classifier.metadata.label_sets)} (publishes '
          f'{classifier.label_set})\n'
          f'runs on  {classifier.runs_on}; CPU time {one:.2f} ms for one face, {eight:.2f} '
          'ms for eight')
    for line in (*classifier.warnings, *classifier.notes):
        print(f'note     {line}')
    return 0


def _processor_ms(classifier: EmotionClassifier, faces: int) -> float:
    """Return the CPU time of a call, over all threads, mean of half a second."""
    crops = np.resize(probe_crops(classifier.input), (faces, *classifier.input.crop_shape))
    classifier.classify(crops)
    calls, end_s, start_s = 0, time.monotonic() + 0.5, time.process_time()
    while calls < 5 or time.monotonic() < end_s:
        classifier.classify(crops)
        calls += 1
    return (time.process_time() - start_s) * 1e3 / calls
