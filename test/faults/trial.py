# SPDX-License-Identifier: Apache-2.0
"""One row of the table of faults: tries of one kind, bounded in time, that can be repeated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
import json
from pathlib import Path
import random
import time

#: Seeds that once found a fault are tried first, for good.
SEEDS = Path(__file__).parent / 'seeds'
#: No row goes on for longer to reach its figure, seconds.
LONGEST_S = 300.0
_SHOWN = 5


@dataclass
class Trial:
    """What a row does its tries with.

    :param name: of the row.
    :param seconds: no new try begins later.
    :param seed: of the first new try; the next has the next.
    :param figure: go on until there were so many tries, for :data:`LONGEST_S` at most.
    :ivar tried: how many tries there were; a row may count several in one.
    :ivar losses: what was lost or leaked, with the seed of its try.
    """

    name: str
    seconds: float
    seed: int = 0
    figure: int = 0
    tried: int = 0
    failed: int = 0
    losses: list[str] = field(default_factory=list)

    @property
    def kept(self) -> list[int]:
        """The seeds that once found a fault."""
        file = SEEDS / f'{self.name.replace(" ", "_")}.json'
        return json.loads(file.read_text()) if file.exists() else []

    def tries(self, most: int | None = None) -> Iterator[random.Random]:
        """Yield what is random in each try: kept seeds, then new ones until time is up."""
        began_s = time.monotonic()
        for seed in chain(self.kept, range(self.seed, self.seed + (most or 10**9))):
            self._seed, self._lost = seed, False
            self.tried += 1
            yield random.Random(f'{self.name} {seed}')
            passed_s = time.monotonic() - began_s
            if passed_s > self.seconds and (self.tried >= self.figure or passed_s > LONGEST_S):
                return

    def each(self, cases: dict[str, object]) -> Iterator[tuple[str, object]]:
        """Yield cases that are listed, not random; all of them."""
        for self._seed, case in cases.items():
            self._lost = False
            self.tried += 1
            yield self._seed, case

    def expect(self, kept: object, what: str) -> None:
        """Record that the current try has lost something, unless it was kept."""
        if not kept:
            if not self._lost:
                self._lost = True
                self.failed += 1
            self.losses.append(f'{what} (seed {self._seed})')

    def result(self) -> dict[str, object]:
        """Return the row."""
        losses = [*dict.fromkeys(self.losses)]
        more = len(losses) - _SHOWN
        return {'fault': self.name, 'tried': self.tried, 'survived': self.tried - self.failed,
                'lost or leaked': '; '.join(losses[:_SHOWN]) + (f' and {more} more' if more > 0
                                                                else '')}


#: The rows by name: each does its tries with the trial it is given.
ROWS: dict[str, Callable[[Trial], None]] = {}
#: How many tries a row has to survive, if set.
FIGURES: dict[str, int] = {}


def row(name: str, figure: int = 0) -> Callable:
    """Make a function a row of the table."""
    def add(work: Callable[[Trial], None]) -> Callable[[Trial], None]:
        ROWS[name], FIGURES[name] = work, figure
        return work
    return add
