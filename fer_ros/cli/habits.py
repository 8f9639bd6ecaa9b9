# SPDX-License-Identifier: Apache-2.0
"""fer-habits: learn the sequences of a home, and say how well they can be predicted."""

import argparse
from dataclasses import asdict
import json
from pathlib import Path
import sys

from fer_ros.errors import ConfigurationError, FerError
from fer_ros.habits.evaluation import evaluate
from fer_ros.habits.formats import read_activities

#: Named in the figures, so that two runs can be told apart.
MODEL = 'mixture of contexts and times of day'


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 is good, 1 data that cannot be used."""
    parser = argparse.ArgumentParser(prog='fer-habits', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    command = commands.add_parser(
        'evaluate', help='predict each next activity before it is learnt from',
        description='Predict the activities of residents in order, each before it is learnt from.')
    command.add_argument('data', type=Path, metavar='DATA', help='a file with activities in the '
                         'format of Kasteren and Ordonez or of CASAS, or a folder with one '
                         '*_ADLs.txt')
    command.add_argument('--json', type=Path, metavar='FILE', help='write the figures')
    options = parser.parse_args(arguments)
    try:
        return _evaluate(options.data, options.json)
    except FerError as error:
        print(error, file=sys.stderr)
        return 1


def _evaluate(data: Path, json_file: Path | None) -> int:
    file = _activities_file(data)
    try:
        score = evaluate(read_activities(file))
    except ValueError as error:
        raise ConfigurationError(f'{file}: {error}') from error
    print(f'{file.name}: {MODEL}\n'
          f'    activities        {score.events}, predicted {score.predicted}\n'
          f'    most probable     {score.top1:.1%} right\n'
          f'    log loss          {score.log_loss:.3f}')
    for coverage, held in score.coverage.items():
        print(f'    {coverage:.0%} interval      holds {held:.1%} of the times to the next one')
    if json_file is not None:
        values = {**asdict(score), 'model': MODEL}
        try:
            json_file.parent.mkdir(parents=True, exist_ok=True)
            json_file.write_text(json.dumps(values, indent=1) + '\n', encoding='utf-8')
        except OSError as error:
            raise ConfigurationError(f'{json_file}: cannot be written ({error})') from error
    return 0


def _activities_file(data: Path) -> Path:
    if not data.is_dir():
        return data
    found = sorted(data.rglob('*_ADLs.txt'))
    if len(found) != 1:
        raise ConfigurationError(f'{data}: {len(found)} files *_ADLs.txt, expected one; give '
                                 'the file itself')
    return found[0]


if __name__ == '__main__':
    raise SystemExit(main())
