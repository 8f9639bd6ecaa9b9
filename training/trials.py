# SPDX-License-Identifier: Apache-2.0
"""Many homes of made-up residents: what habits change in each, as a table and a picture."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
import tempfile

from fer_ros.habits.residents import DRIFT_DAY, Residents
from fer_ros.habits.trial import run_trial, TrialResult
import numpy as np

from . import charts

#: The picture shows means of so many days.
_SMOOTHED = 3
#: The residents have got used to the home, and are over the drift, after so many days.
SETTLED, RECOVERED = 14, 5


@dataclass(frozen=True)
class Home:
    """One home, lived in twice: with the policy alone, and with habits."""

    seed: int
    alone: TrialResult
    habits: TrialResult

    def share(self, first: int, last: int | None = None) -> float:
        """Return the overrides with habits as a share of those without, of some days."""
        alone = sum(self.alone.overrides[first:last])
        return sum(self.habits.overrides[first:last]) / max(1, alone)

    @property
    def worst_week(self) -> float:
        """The largest share of any week."""
        return max(self.share(day, day + 7) for day in range(0, len(self.alone.overrides), 7))

    @property
    def before(self) -> int:
        """The most overrides of one kind before it was suggested."""
        return max(self.habits.before.values(), default=0)

    @property
    def recovery(self) -> int:
        """The day after the drift from which five days have at most half the overrides."""
        days = range(DRIFT_DAY, len(self.alone.overrides) - RECOVERED + 1)
        return next((day - DRIFT_DAY + 1 for day in days
                     if self.share(day, day + RECOVERED) <= 0.5), len(days) + 1)

    @property
    def false_in_a_week(self) -> int:
        """The most suggestions of any week that were not wanted."""
        return max(sum(not wanted for at, _, wanted in self.habits.suggestions
                       if day <= at < day + 7) for day in range(len(self.alone.overrides) - 6))


@dataclass(frozen=True)
class Figure:
    """One figure of a home, and its goal in words."""

    name: str
    goal: str
    of: Callable[[Home], float]
    form: str = '.0%'


FIGURES = (
    Figure('share of overrides that is left, days 15 to 30', 'at most 50 %',
           lambda home: home.share(SETTLED, DRIFT_DAY)),
    Figure('days 31 to 35, after the drift', '',
           lambda home: home.share(DRIFT_DAY, DRIFT_DAY + RECOVERED)),
    Figure('days 36 to 60', 'at most 50 %',
           lambda home: home.share(DRIFT_DAY + RECOVERED)),
    Figure('the worst week', 'at most 105 %', lambda home: home.worst_week),
    Figure('day after the drift from which five days are at most half', 'at most 6',
           lambda home: home.recovery, '.1f'),
    Figure('most overrides of a kind before its suggestion', 'at most 10',
           lambda home: home.before, '.1f'),
    Figure('unwanted suggestions in the worst week', 'at most 1',
           lambda home: home.false_in_a_week, '.1f'),
)


def live(seed: int, days: int) -> Home:
    """Let the residents of a seed live in both homes."""
    results = []
    for habits in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            results.append(run_trial(Residents(seed, days), Path(folder), habits=habits))
    return Home(seed, *results)


def live_all(seeds: Sequence[int], days: int, jobs: int) -> Iterator[Home]:
    """Yield the homes of some seeds, in order, so many at a time."""
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(live, seeds, [days] * len(seeds))


def describe(home: Home) -> str:
    """Return the figures of one home in a line."""
    alone, habits = (np.mean(one.overrides) for one in (home.alone, home.habits))
    words = [f'{figure.name}: {figure.of(home):{figure.form}}' for figure in FIGURES]
    return (f'seed {home.seed}: {alone:.2f} overrides per day, {habits:.2f} with habits\n  '
            + '\n  '.join(words))


def table(homes: Sequence[Home]) -> str:
    """Return the figures of all homes as a table of a document."""
    lines = ['| with habits | goal | mean | worst |', '|---|---|---|---|']
    for figure in FIGURES:
        values = [figure.of(home) for home in homes]
        worst = int(np.argmax(values))
        form = figure.form if figure.form != '.1f' else '.0f'
        cells = [f'{np.mean(values):{figure.form}}', f'{values[worst]:{form}}']
        middle, most = (cell.replace('%', ' %') for cell in cells)
        lines.append(f'| {figure.name} | {figure.goal} | {middle} | {most} '
                     f'(seed {homes[worst].seed}) |')
    return '\n'.join(lines)


def picture(homes: Sequence[Home]) -> str:
    """Return the overrides a day as an SVG picture, means of some days and of all homes."""
    def smooth(results: list[TrialResult]) -> list[float]:
        mean = np.mean([one.overrides for one in results], axis=0)
        return list(np.convolve(mean, np.ones(_SMOOTHED) / _SMOOTHED, 'valid'))

    alone, habits = smooth([home.alone for home in homes]), smooth([home.habits for home in homes])
    days = list(range(_SMOOTHED, len(alone) + _SMOOTHED))
    high = max(6.0, *alone)
    figure = charts.lines(
        f'Overrides per day in {len(homes)} simulated homes, means of {_SMOOTHED} days',
        {'policy alone': (days, alone), 'with habits': (days, habits),
         'their wishes change': ([DRIFT_DAY, DRIFT_DAY], [0, high])},
        x_label='day', y_label='overrides per day', y_range=(0.0, high))
    svg = figure[figure.index('<svg'):figure.index('</svg>') + len('</svg>')]
    return svg if 'xmlns=' in svg else svg.replace(
        '<svg', '<svg xmlns="http://www.w3.org/2000/svg"', 1)
