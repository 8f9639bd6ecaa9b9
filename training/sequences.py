# SPDX-License-Identifier: Apache-2.0
"""Which model says best what comes next: all are asked on equal terms.

Each event is predicted before it is learnt from, the first 20 skipped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import time

from fer_ros.habits.evaluation import WARM_UP
from fer_ros.habits.residents import Residents
import numpy as np

from .sequence_models import Counts, HiddenMarkov, Mixture, Recurrent

#: Made-up residents of the table; those of the tuning are others.
SEEDS, DAYS = (30, 31, 32), 20


@dataclass(frozen=True)
class Event:
    """One event: what, and when it is known that the next is to be predicted."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Row:
    """What a model reached: share right, mean -ln p, milliseconds an event, values kept.

    The time is that of the processor.
    """

    model: str
    top1: float
    log_loss: float
    ms: float
    values: int


#: The third, the hidden Markov model and the GRU with the best settings of sequence_tuning; the
#: mixture has none to choose.
MODELS: dict[str, Callable] = {
    'most frequent': lambda: Counts(0),
    'first-order counts': lambda: Counts(1),
    'first order and time of day': lambda: Counts(1, width_h=2.0, weight=2.0),
    'second-order counts with back-off': lambda: Counts(2),
    'hidden Markov model, 24 states': HiddenMarkov,
    'GRU, 16 units': Recurrent,
    'mixture (this package)': Mixture,
}


def compare(sequences: Sequence[Sequence[Event]], models=MODELS) -> list[Row]:
    """Return what each model reaches on some sequences, as means of all."""
    return [mean([score(events, name, make()) for events in sequences])
            for name, make in models.items()]


def mean(rows: Sequence[Row]) -> Row:
    """Return the mean of what one model reached."""
    return Row(rows[0].model, *(float(np.mean([getattr(row, name) for row in rows]))
                                for name in ('top1', 'log_loss', 'ms')),
               round(np.mean([row.values for row in rows])))


def score(events: Sequence[Event], name: str, model) -> Row:
    """Return what one model reaches, each event predicted before it is learned from."""
    numbers: dict[str, int] = {}
    past, times_s = [], []
    right, loss, started_s = 0, 0.0, time.process_time()
    for i, event in enumerate(events):
        known = len(numbers)
        if i > 0:
            number = numbers.get(event.name, known)
            if i >= WARM_UP:
                shares = model.predict(past, times_s, known)
                right += int(np.argmax(shares[:known]) == number)
                loss -= float(np.log(max(shares[number], 1e-9)))
            model.learn(past, times_s, number)
        numbers.setdefault(event.name, known)
        past.append(numbers[event.name])
        times_s.append(event.end_s)
    count = len(events) - WARM_UP
    return Row(name, right / count, loss / count,
               1e3 * (time.process_time() - started_s) / len(events), model.values)


def made_up(days: int = DAYS, seed: int = SEEDS[0]) -> list[Event]:
    """Return what happens in the home of made-up residents."""
    from fer_ros.habits.events import Actor
    return [Event(event.name, event.time_s, event.time_s)
            for event in Residents(seed, days).events()
            if event.actor is not Actor.RULE and event.kind.value != 'emotion_end']


def of_resident(path) -> list[Event]:
    """Return the activities of a research home."""
    from fer_ros.habits.formats import read_activities
    return [Event(one.name, one.begin_s, one.end_s) for one in read_activities(path)]


def as_markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a table of a document."""
    lines = ['| model | right | log loss | ms per event | values kept |', '|---|---|---|---|---|']
    lines += [f'| {row.model} | {row.top1:.1%} | {row.log_loss:.3f} | {row.ms:.2f} | '
              f'{row.values:,} |'.replace('%', ' %') for row in rows]
    return '\n'.join(lines)
