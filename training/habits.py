# SPDX-License-Identifier: Apache-2.0
"""Figures of the habits: models compared, made-up residents, size and time; by command.

``python -m training.habits compare [FOLDER]``, ``trial``, ``cost``.
"""

import argparse
from pathlib import Path
import sys
import tempfile
import time

from fer_ros.habits.events import HomeEvent
from fer_ros.habits.log import EventLog
from fer_ros.habits.model import HabitModel
from fer_ros.habits.residents import DRIFT_DAY, Residents
from fer_ros.habits.sequence import CAPACITY
from fer_ros.habits.storage import save_model
from fer_ros.habits.trial import run_trial, TrialResult
import numpy as np

from . import charts
from .sequences import as_markdown, compare, made_up, of_resident

#: The picture shows means of so many days.
_DAYS = 3


def main(arguments: list[str] | None = None) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog='python -m training.habits', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    sub = commands.add_parser('compare', help='all models on made-up residents, and on a '
                              'research home where one is given')
    sub.add_argument('data', type=Path, nargs='?', metavar='DIR', help='with one *_ADLs.txt')
    sub = commands.add_parser('trial', help='overrides a day, with habits and without')
    sub.add_argument('--seeds', type=int, default=1)
    sub.add_argument('--days', type=int, default=60)
    sub.add_argument('--picture', type=Path, metavar='FILE.svg')
    commands.add_parser('cost', help='size and time of a year')
    options = parser.parse_args(arguments)
    if options.command == 'compare':
        return _compare(options.data)
    return _trial(options) if options.command == 'trial' else _cost()


def _compare(data: Path | None) -> int:
    print('Made-up residents, 20 days:\n' + as_markdown(compare(made_up())), flush=True)
    if data is not None:
        files = [data] if data.is_file() else sorted(data.rglob('*_ADLs.txt'))
        for file in files:
            print(f'\n{file.stem}:\n' + as_markdown(compare(of_resident(file))))
    return 0


def _trial(options: argparse.Namespace) -> int:
    pairs = []
    for seed in range(options.seeds):
        pair = []
        for habits in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                pair.append(run_trial(Residents(seed, options.days), Path(folder),
                                      habits=habits))
        pairs.append(pair)
        print(f'seed {seed}:\n' + describe(*pair), flush=True)
    if options.picture is not None:
        options.picture.write_text(picture(pairs), encoding='utf-8')
        print(options.picture)
    return 0


def describe(alone: TrialResult, habits: TrialResult) -> str:
    """Return the figures of a pair of trials."""
    parts = [('days 1 to 14', 0, 14), ('days 15 to 30', 14, 30),
             ('5 days after the drift', 30, 35), ('the rest', 35, 60)]
    lines = [f'  overrides a day, {name}: {alone.mean(first, last):.2f} by the policy alone, '
             f'{habits.mean(first, last):.2f} with habits' for name, first, last in parts
             if last <= len(alone.overrides)]
    lines.append(f'  overrides of a kind before its suggestion: {habits.before}')
    lines.append(f'  suggestions {len(habits.suggestions)}, false ones a week '
                 f'{habits.false_per_week:.2f}')
    return '\n'.join(lines)


def picture(pairs: list[list[TrialResult]]) -> str:
    """Return the overrides a day as an SVG picture, means of some days and of all seeds."""
    def smooth(which: int) -> np.ndarray:
        mean = np.mean([pair[which].overrides for pair in pairs], axis=0)
        return np.convolve(mean, np.ones(_DAYS) / _DAYS, 'valid')

    days = list(range(_DAYS, len(pairs[0][0].overrides) + 1))
    high = max(6.0, float(smooth(0).max()))
    figure = charts.lines(
        f'Overrides a day of {len(pairs)} homes of made-up residents, means of {_DAYS} days',
        {'policy alone': (days, list(smooth(0))), 'with habits': (days, list(smooth(1))),
         'they want something else': ([DRIFT_DAY, DRIFT_DAY], [0, high])},
        x_label='day', y_label='overrides a day', y_range=(0.0, high))
    start, end = figure.index('<svg'), figure.index('</svg>') + len('</svg>')
    svg = figure[start:end]
    return svg if 'xmlns=' in svg else svg.replace(
        '<svg', '<svg xmlns="http://www.w3.org/2000/svg"', 1)


def _cost() -> int:
    year = _year()
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(folder)
        started_s = time.perf_counter()
        for first in range(0, len(year), 1000):
            log.append(year[first:first + 1000])
        print(f'a year: {len(year)} events, {log.bytes / 1e6:.1f} MB, '
              f'{log.bytes / len(year):.0f} bytes each')
        started_s = time.perf_counter()
        reading = log.read(now_s=year[-1].time_s + 1)
        read_s = time.perf_counter() - started_s
        model = HabitModel()
        model.learn_all(reading.events)
        print(f'learnt in {time.perf_counter() - started_s:.1f} s, of which reading '
              f'{read_s:.1f} s')
        path = Path(folder) / 'model.json'
        save_model(model, path)
        print(f'model {path.stat().st_size / 1e3:.0f} kB')
    room = next(iter(model.rooms.values()))
    last = year[-1]
    print(f'one event learnt in {_ms(lambda: room.learn(last)):.2f} ms with '
          f'{min(len(room.sequence), CAPACITY)} in mind; a prediction '
          f'{_ms(lambda: room.next_events(last.time_s + 60)):.2f} ms; how a lamp is wanted '
          f'{_ms(lambda: room.want("lamp", last.local_s, "sad")):.2f} ms; habits of a lamp '
          f'and an emotion {_ms(lambda: room.habits(last.local_s, "lamp", "sad")):.2f} ms')
    return 0


def _year() -> list[HomeEvent]:
    return list(Residents(0, 365, 180).events())


def _ms(work, times: int = 50) -> float:
    found = []
    for _ in range(times):
        started_s = time.perf_counter()
        work()
        found.append(1e3 * (time.perf_counter() - started_s))
    return float(np.median(found))


if __name__ == '__main__':
    sys.exit(main())
