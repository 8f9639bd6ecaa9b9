# SPDX-License-Identifier: Apache-2.0
"""Settings of the models that need some, chosen on made-up residents on the same budget for each.

So many settings are drawn at random for each family, and each is tried on the same homes, which
are neither those of the table nor that of a real resident.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from .sequence_models import Counts, HiddenMarkov, Recurrent
from .sequences import made_up, mean, Row, score

#: Settings tried for each family, and the homes they are tried on.
TRIES, SEEDS, DAYS = 11, (20, 21, 22), 20
_WEIGHTS = (0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Family:
    """A kind of model, and the values that each of its settings may have."""

    name: str
    make: Callable
    settings: dict[str, tuple]


FAMILIES = (
    Family('counts', Counts, {
        'order': (1, 2), 'width_h': (None, 0.5, 1.0, 2.0, 4.0),
        'weight': (0.25, 0.5, 1.0, 2.0, 4.0)}),
    Family('hidden Markov model', HiddenMarkov, {
        'states': (4, 8, 12, 16, 24), 'moves': _WEIGHTS, 'names': _WEIGHTS, 'parts': _WEIGHTS,
        'steps': (5, 15, 30)}),
    Family('GRU', Recurrent, {
        'units': (8, 16, 32, 64), 'history': (3, 6, 12), 'rate': (0.001, 0.003, 0.01),
        'epochs': (3, 10, 30), 'dropout': (0.0, 0.2, 0.5), 'decay': (0.0, 0.01, 0.1)}),
)


def tune(tries: int = TRIES) -> Iterator[tuple[Family, dict, Row]]:
    """Yield each family, its settings, and what they reach."""
    homes = [made_up(DAYS, seed) for seed in SEEDS]
    for family in FAMILIES:
        draw = np.random.default_rng(0)
        for _ in range(tries):
            settings = {name: values[int(draw.integers(len(values)))]
                        for name, values in family.settings.items()}
            yield family, settings, mean([score(home, family.name, family.make(**settings))
                                          for home in homes])


def best(found: Iterable[tuple[Family, dict, Row]]) -> dict[str, dict]:
    """Return the settings of each family with the least log loss."""
    losses: dict[str, tuple[float, dict]] = {}
    for family, settings, row in found:
        if row.log_loss < losses.get(family.name, (np.inf,))[0]:
            losses[family.name] = row.log_loss, settings
    return {name: settings for name, (_, settings) in losses.items()}
