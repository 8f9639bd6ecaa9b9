# SPDX-License-Identifier: Apache-2.0
"""Counts, a hidden Markov model and a recurrent network on the question of what comes next.

All are asked on equal terms: the names and times of the events so far, each next one predicted
before it is learnt from, the first 20 skipped, and a share of 1 / (n + 1) of the smoothing kept
for what was never seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import time

from fer_ros.habits.evaluation import WARM_UP
from fer_ros.habits.residents import Residents
from fer_ros.habits.sequence import Context, DAY_S, ORDER, SequenceModel
import numpy as np

#: The models that learn in rounds do so after so many events.
ROUND = 20
_HISTORY = 6
#: The recurrent network has room for so many names, and learns so many events at a time.
_NAMES, _BATCH = 48, 64


@dataclass(frozen=True)
class Event:
    """One event: what, and when it is known that the next is to be predicted."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Row:
    """What a model reached: share right, mean -ln p, milliseconds an event, values kept."""

    model: str
    top1: float
    log_loss: float
    ms: float
    values: int


class Counts:
    """Counts of what followed the last ``order`` events, backing off to shorter ones.

    :param hours: whether past events weigh by their time of day (a kernel of two hours).
    """

    def __init__(self, order: int, hours: bool = False, weight: float = 1.0):
        self._order, self._hours, self._weight = order, hours, weight
        self._seen: list[tuple[tuple, float, int]] = []

    def predict(self, past: Sequence[int], times_s: Sequence[float], n: int) -> np.ndarray:
        """Return the probabilities of ``n`` names and of a new one."""
        shares = np.full(n + 1, 1 / (n + 1))
        hour = times_s[-1] % DAY_S / 3600
        for length in range(self._order + 1):
            context, counts = tuple(past[len(past) - length:]), np.zeros(n + 1)
            for before, at_hour, name in self._seen:
                if before[len(before) - length:] == context and len(before) >= length:
                    apart = abs(at_hour - hour)
                    counts[name] += np.exp(-0.5 * (min(apart, 24 - apart) / 2) ** 2) \
                        if self._hours else 1.0
            shares = (counts + self._weight * shares) / (counts.sum() + self._weight)
        return shares

    def learn(self, past: Sequence[int], times_s: Sequence[float], name: int) -> None:
        """Count what followed."""
        self._seen.append((tuple(past[-self._order:] if self._order else ()),
                           times_s[-1] % DAY_S / 3600, name))

    @property
    def values(self) -> int:
        """How many numbers it keeps."""
        return len(self._seen) * (2 + self._order)


class HiddenMarkov:
    """A hidden Markov model of names and parts of the day (L. Baum and others 1970).

    The forward-backward algorithm with a little weight on every possibility, fitted again after
    each round from where it was.
    """

    def __init__(self, states: int = 8, seed: int = 0):
        self._k, self._generator = states, np.random.default_rng(seed)
        self._names: list[int] = []
        self._hours: list[int] = []
        self._fitted = 0

    def predict(self, past: Sequence[int], times_s: Sequence[float], n: int) -> np.ndarray:
        """Return the probabilities of ``n`` names and of a new one."""
        if not self._fitted:
            return np.full(n + 1, 1 / (n + 1))
        belief = self._start.copy()
        for i, (name, hour) in enumerate(zip(self._names, self._hours)):
            if i:
                belief = belief @ self._move
            belief = belief * self._emit(name) * self._day[:, hour]
            belief /= belief.sum()
        belief = belief @ self._move
        shares = np.zeros(n + 1)
        shares[:self._say.shape[1]] = belief @ self._say
        return (shares * len(self._names) + 1 / (n + 1)) / (len(self._names) * shares.sum() + 1)

    def learn(self, past: Sequence[int], times_s: Sequence[float], name: int) -> None:
        """Add an event, and fit after each round."""
        if not self._names:
            self._names.append(past[-1])
            self._hours.append(_part(times_s[-1]))
        self._names.append(name)
        self._hours.append(_part(times_s[-1]))
        if len(self._names) % ROUND == 0:
            self._fit(max(self._names) + 1)

    def _emit(self, name: int) -> np.ndarray:
        return self._say[:, name] if name < self._say.shape[1] else np.full(self._k, 1e-3)

    def _fit(self, n: int, rounds: int = 15) -> None:
        k, draw = self._k, self._generator
        if not self._fitted or self._say.shape[1] < n:
            self._start = np.full(k, 1 / k)
            self._move = draw.dirichlet(np.ones(k), k)
            self._say, self._day = draw.dirichlet(np.ones(n), k), draw.dirichlet(np.ones(8), k)
        names, hours = np.array(self._names), np.array(self._hours)
        for _ in range(rounds):
            likely = self._say[:, names].T * self._day[:, hours].T
            forward, scale = np.empty((len(names), k)), np.empty(len(names))
            for i in range(len(names)):
                ahead = self._start if i == 0 else forward[i - 1] @ self._move
                forward[i] = ahead * likely[i]
                scale[i] = forward[i].sum()
                forward[i] /= scale[i]
            backward = np.ones((len(names), k))
            for i in range(len(names) - 2, -1, -1):
                backward[i] = self._move @ (likely[i + 1] * backward[i + 1]) / scale[i + 1]
            held = forward * backward
            moved = self._move * (forward[:-1].T @ (
                likely[1:] * backward[1:] / scale[1:, None]))
            self._start = held[0] / held[0].sum()
            self._move = _normal(moved + 0.1)
            self._say = _normal(np.stack([held[names == i].sum(axis=0) for i in range(n)], 1)
                                + 0.1)
            self._day = _normal(np.stack([held[hours == i].sum(axis=0) for i in range(8)], 1)
                                + 0.5)
        self._fitted = len(names)

    @property
    def values(self) -> int:
        """How many numbers it keeps."""
        return self._k * (1 + self._k + self._say.shape[1] + 8) if self._fitted else 0


class Recurrent:
    """A small gated recurrent network in Keras (K. Cho and others 2014).

    It reads the last events as one-hot names with the time of day as sine and cosine, and is
    trained on all it has seen after each round, from where it was.
    """

    def __init__(self, units: int = 16, epochs: int = 40, seed: int = 0):
        self._units, self._epochs, self._seed = units, epochs, seed
        self._inputs: list[tuple] = []
        self._outputs: list[int] = []
        self._network, self._n = None, _NAMES
        self._generator = np.random.default_rng(seed)

    def predict(self, past: Sequence[int], times_s: Sequence[float], n: int) -> np.ndarray:
        """Return the probabilities of ``n`` names and of a new one."""
        if self._network is None:
            return np.full(n + 1, 1 / (n + 1))
        told = self._network(self._encode(past, times_s)[None], training=False).numpy()[0]
        shares, seen = np.zeros(n + 1), len(self._outputs)
        shares[:min(n, self._n)] = told[:n]
        return (shares * seen + 1 / (n + 1)) / (seen * shares.sum() + 1)

    def learn(self, past: Sequence[int], times_s: Sequence[float], name: int) -> None:
        """Add an event, and train after each round."""
        self._inputs.append((tuple(past[-_HISTORY:]), tuple(times_s[-_HISTORY:])))
        self._outputs.append(min(name, self._n - 1))
        if len(self._outputs) % ROUND == 0:
            self._train()

    def _encode(self, past, times_s) -> np.ndarray:
        rows = np.zeros((_HISTORY, self._n + 2), np.float32)
        pairs = list(zip(past, times_s))[-_HISTORY:]
        for row, (name, at_s) in zip(rows[_HISTORY - len(pairs):], pairs):
            row[min(name, self._n - 1)] = 1.0
            angle = 2 * np.pi * (at_s % DAY_S) / DAY_S
            row[self._n:] = np.sin(angle), np.cos(angle)
        return rows

    def _train(self) -> None:
        import keras
        if self._network is None:
            keras.utils.set_random_seed(self._seed)
            self._network = keras.Sequential([
                keras.layers.Input((_HISTORY, self._n + 2)), keras.layers.GRU(self._units),
                keras.layers.Dropout(0.2), keras.layers.Dense(self._n, 'softmax')])
            self._network.compile(keras.optimizers.Adam(0.01), 'sparse_categorical_crossentropy')
        inputs = np.stack([self._encode(*one) for one in self._inputs])
        outputs = np.array(self._outputs)
        # Batches of one size, so that the network is compiled once.
        for _ in range(self._epochs * -(-len(outputs) // _BATCH)):
            chosen = self._generator.integers(len(outputs), size=_BATCH)
            self._network.train_on_batch(inputs[chosen], outputs[chosen])

    @property
    def values(self) -> int:
        """How many numbers it keeps, the events it is trained on among them."""
        return 0 if self._network is None else \
            self._network.count_params() + 2 * len(self._outputs)


class Mixture:
    """The model that the package uses."""

    def __init__(self):
        self._model = SequenceModel()
        self._names: dict[int, str] = {}

    def _context(self, past, times_s) -> Context:
        return Context(tuple(str(name) for name in reversed(past[-ORDER:])), times_s[-1])

    def predict(self, past: Sequence[int], times_s: Sequence[float], n: int) -> np.ndarray:
        """Return the probabilities of ``n`` names and of a new one."""
        told = self._model.predict(self._context(past, times_s))
        shares = np.array([told.probabilities.get(str(i), 0.0) for i in range(n)] + [told.new])
        # A name that was only ever the first counts as new.
        shares[:n][shares[:n] == 0] = told.new
        return shares

    def learn(self, past: Sequence[int], times_s: Sequence[float], name: int) -> None:
        """Learn an event."""
        self._model.learn(self._context(past, times_s), str(name), 0.0)

    @property
    def values(self) -> int:
        """How many numbers it keeps."""
        return len(self._model) * (ORDER + 4) + 80


MODELS = {
    'most frequent': lambda: Counts(0),
    'first-order counts': lambda: Counts(1),
    'first order and time of day': lambda: Counts(1, hours=True),
    'second-order counts with back-off': lambda: Counts(2),
    'hidden Markov model, 8 states': HiddenMarkov,
    'GRU, 16 units': Recurrent,
    'mixture (this package)': Mixture,
}


def compare(events: Sequence[Event], models=MODELS) -> list[Row]:
    """Return what each model reaches on a sequence."""
    return [score(events, name, make()) for name, make in models.items()]


def score(events: Sequence[Event], name: str, model) -> Row:
    """Return what one model reaches, each event predicted before it is learnt from."""
    numbers: dict[str, int] = {}
    past, times_s = [], []
    right, loss, started_s = 0, 0.0, time.perf_counter()
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
               1e3 * (time.perf_counter() - started_s) / len(events), model.values)


def made_up(days: int = 20, seed: int = 0) -> list[Event]:
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
    lines = ['| model | right | log loss | ms an event | numbers kept |', '|---|---|---|---|---|']
    lines += [f'| {row.model} | {row.top1:.1%} | {row.log_loss:.3f} | {row.ms:.2f} | '
              f'{row.values:,} |' for row in rows]
    return '\n'.join(lines)


def _part(time_s: float) -> int:
    return int(time_s % DAY_S // (3 * 3600))


def _normal(values: np.ndarray) -> np.ndarray:
    return values / values.sum(axis=-1, keepdims=True)
