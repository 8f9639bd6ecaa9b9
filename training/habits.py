# SPDX-License-Identifier: Apache-2.0
"""Figures of the habits: models compared, made-up residents, size and time; by command.

``python -m training.habits compare [FOLDER]``, ``tune``, ``trial``, ``cost``.
"""

import argparse
import os
from pathlib import Path
import sys

from fer_ros.habits.residents import DAYS as TRIAL_DAYS

from .costs import costs
from .sequence_tuning import best, tune
from .sequences import as_markdown, compare, DAYS, made_up, of_resident, SEEDS
from .trials import describe, live_all, picture, table


def main(arguments: list[str] | None = None) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog='python -m training.habits', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    sub = commands.add_parser('compare', help='all models on made-up residents, and on a '
                              'research home where one is given')
    sub.add_argument('data', type=Path, nargs='?', metavar='DIR', help='with one *_ADLs.txt')
    commands.add_parser('tune', help='settings of the models, on other made-up residents')
    sub = commands.add_parser('trial', help='overrides a day, with habits and without')
    sub.add_argument('--seeds', type=_seeds, default=range(1), metavar='FIRST-LAST')
    sub.add_argument('--days', type=int, default=TRIAL_DAYS)
    sub.add_argument('--jobs', type=int, default=os.cpu_count(), help='so many at a time')
    sub.add_argument('--picture', type=Path, metavar='FILE.svg')
    commands.add_parser('cost', help='size and time of a year')
    options = parser.parse_args(arguments)
    if options.command == 'compare':
        return _compare(options.data)
    if options.command == 'tune':
        return _tune()
    if options.command == 'trial':
        return _trial(options)
    for line in costs():
        print(line, flush=True)
    return 0


def _compare(data: Path | None) -> int:
    print(f'Made-up residents, {len(SEEDS)} homes of {DAYS} days:\n' + as_markdown(
        compare([made_up(seed=seed) for seed in SEEDS])), flush=True)
    if data is not None:
        files = [data] if data.is_file() else sorted(data.rglob('*_ADLs.txt'))
        for file in files:
            print(f'\n{file.stem}:\n' + as_markdown(compare([of_resident(file)])), flush=True)
    return 0


def _tune() -> int:
    found = []
    for one in tune():
        found.append(one)
        family, settings, row = one
        print(f'{family.name}: {settings}: {row.top1:.1%}, log loss {row.log_loss:.3f}, '
              f'{row.ms:.1f} ms an event', flush=True)
    for name, settings in best(found).items():
        print(f'best of {name}: {settings}')
    return 0


def _trial(options: argparse.Namespace) -> int:
    homes = []
    for home in live_all(options.seeds, options.days, options.jobs):
        homes.append(home)
        print(describe(home), flush=True)
    print('\n' + table(homes))
    if options.picture is not None:
        options.picture.write_text(picture(homes), encoding='utf-8')
        print(options.picture)
    return 0


def _seeds(text: str) -> range:
    """Return the seeds of ``3`` or of ``100-119``."""
    first, _, last = text.partition('-')
    return range(int(first), int(last or first) + 1)


if __name__ == '__main__':
    sys.exit(main())
