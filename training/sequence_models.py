# SPDX-License-Identifier: Apache-2.0
"""Counts, a hidden Markov model and a recurrent network that say what comes next.

All have the same two methods and are told the same: the names and times of the events so far.
Each keeps a share of 1 / (n + 1) of its smoothing for what was never seen. Their settings were
chosen by :mod:`training.sequence_tuning`.
"""

from collections.abc import Sequence

from fer_ros.habits.sequence import Context, DAY_S, ORDER, SequenceModel
import numpy as np

#: The models that learn in rounds do so after so many events.
ROUND = 20
#: The recurrent network has room for so many names, and learns so many events at a time.
_NAMES, _BATCH = 48, 64
#: Numbers kept for an event that is learnt from again: its name and time.
_KEPT = 2


class Counts:
    """Counts of what followed the last ``order`` events, backing off to shorter ones.

    :param width_h: past events weigh by their time of day with a kernel of this standard
        deviation, hours; None: they all weigh alike.
    :param weight: how many events' worth the shorter context weighs.
    """

    def __init__(self, order: int, width_h: float | None = None, weight: float = 1.0):
        self._order, self._width_h, self._weight = order, width_h, weight
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
                    counts[name] += 1.0 if self._width_h is None else np.exp(
                        -0.5 * (min(apart, 24 - apart) / self._width_h) ** 2)
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

    :param states: hidden ones.
    :param moves: weight on every move, ``names`` on every name and ``parts`` on every part of the
        day in a state, in events.
    :param steps: of the algorithm in a round.
    """

    def __init__(self, states: int = 24, moves: float = 0.03, names: float = 0.03,
                 parts: float = 1.0, steps: int = 5, seed: int = 0):
        self._k, self._generator = states, np.random.default_rng(seed)
        self._moves, self._a_name, self._a_part, self._steps = moves, names, parts, steps
        self._names: list[int] = []
        self._hours: list[int] = []
        self._belief: np.ndarray | None = None

    def predict(self, past: Sequence[int], times_s: Sequence[float], n: int) -> np.ndarray:
        """Return the probabilities of ``n`` names and of a new one."""
        if self._belief is None:
            return np.full(n + 1, 1 / (n + 1))
        shares = np.zeros(n + 1)
        shares[:self._say.shape[1]] = self._belief @ self._move @ self._say
        return (shares * len(self._names) + 1 / (n + 1)) / (len(self._names) * shares.sum() + 1)

    def learn(self, past: Sequence[int], times_s: Sequence[float], name: int) -> None:
        """Add an event, and fit after each round."""
        if not self._names:
            self._add(past[-1], times_s[-1])
        self._add(name, times_s[-1])
        if len(self._names) % ROUND == 0:
            self._fit(max(self._names) + 1)
            self._belief = self._start
            for i, (one, hour) in enumerate(zip(self._names, self._hours)):
                self._believe(one, hour, first=i == 0)

    def _add(self, name: int, time_s: float) -> None:
        self._names.append(name)
        self._hours.append(_part(time_s))
        if self._belief is not None:
            self._believe(name, self._hours[-1])

    def _believe(self, name: int, hour: int, first: bool = False) -> None:
        ahead = self._belief if first else self._belief @ self._move
        said = self._say[:, name] if name < self._say.shape[1] else np.full(self._k, 1e-3)
        belief = ahead * said * self._day[:, hour]
        self._belief = belief / belief.sum()

    def _fit(self, n: int) -> None:
        k, draw = self._k, self._generator
        if self._belief is None or self._say.shape[1] < n:
            self._start = np.full(k, 1 / k)
            self._move = draw.dirichlet(np.ones(k), k)
            self._say, self._day = draw.dirichlet(np.ones(n), k), draw.dirichlet(np.ones(8), k)
        names, hours = np.array(self._names), np.array(self._hours)
        for _ in range(self._steps):
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
            self._move = _normal(moved + self._moves)
            self._say = _normal(np.stack([held[names == i].sum(axis=0) for i in range(n)], 1)
                                + self._a_name)
            self._day = _normal(np.stack([held[hours == i].sum(axis=0) for i in range(8)], 1)
                                + self._a_part)

    @property
    def values(self) -> int:
        """How many numbers it keeps, the events it is fitted to among them."""
        return 0 if self._belief is None else _KEPT * len(self._names) + self._k * (
            1 + self._k + self._say.shape[1] + 8)


class Recurrent:
    """A small gated recurrent network in Keras (K. Cho and others 2014).

    It reads the last events as one-hot names with the time of day as sine and cosine, and is
    trained on all it has seen after each round, from where it was.

    :param units: of the recurrent layer; ``history``: how many events it reads.
    :param rate: of learning (Adam); ``epochs``: over all events, in a round.
    :param dropout: share of the units dropped in training; ``decay``: of the weights (AdamW).
    """

    def __init__(self, units: int = 16, history: int = 6, rate: float = 0.01, epochs: int = 10,
                 dropout: float = 0.2, decay: float = 0.1, seed: int = 0):
        self._units, self._history, self._epochs, self._seed = units, history, epochs, seed
        self._rate, self._dropout, self._decay = rate, dropout, decay
        self._inputs: list[np.ndarray] = []
        self._outputs: list[int] = []
        self._network = self._train = None

    def predict(self, past: Sequence[int], times_s: Sequence[float], n: int) -> np.ndarray:
        """Return the probabilities of ``n`` names and of a new one."""
        if self._network is None:
            return np.full(n + 1, 1 / (n + 1))
        told = self._network(self._encode(past, times_s)[None], training=False).numpy()[0]
        shares, seen = np.zeros(n + 1), len(self._outputs)
        shares[:min(n, _NAMES)] = told[:n]
        return (shares * seen + 1 / (n + 1)) / (seen * shares.sum() + 1)

    def learn(self, past: Sequence[int], times_s: Sequence[float], name: int) -> None:
        """Add an event, and train after each round."""
        self._inputs.append(self._encode(past, times_s))
        self._outputs.append(min(name, _NAMES - 1))
        if len(self._outputs) % ROUND == 0:
            if self._network is None:
                self._build()
            steps = self._epochs * -(-len(self._outputs) // _BATCH)
            self._train(np.stack(self._inputs), np.array(self._outputs, np.int32), steps)

    def _encode(self, past, times_s) -> np.ndarray:
        rows = np.zeros((self._history, _NAMES + 2), np.float32)
        pairs = list(zip(past[-self._history:], times_s[-self._history:]))
        for row, (name, at_s) in zip(rows[self._history - len(pairs):], pairs):
            row[min(name, _NAMES - 1)] = 1.0
            angle = 2 * np.pi * (at_s % DAY_S) / DAY_S
            row[_NAMES:] = np.sin(angle), np.cos(angle)
        return rows

    def _build(self) -> None:
        import keras
        import tensorflow as tf
        keras.utils.set_random_seed(self._seed)
        network = self._network = keras.Sequential([
            keras.layers.Input((self._history, _NAMES + 2)), keras.layers.GRU(self._units),
            keras.layers.Dropout(self._dropout), keras.layers.Dense(_NAMES, 'softmax')])
        optimizer = keras.optimizers.AdamW(self._rate, weight_decay=self._decay)
        optimizer.build(network.trainable_variables)
        loss = keras.losses.SparseCategoricalCrossentropy()

        # All steps of a round in one graph: a step from Python takes longer than its arithmetic.
        @tf.function(input_signature=[
            tf.TensorSpec((None, self._history, _NAMES + 2)), tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((), tf.int32)])
        def train(inputs, outputs, steps):
            for _ in tf.range(steps):
                chosen = tf.random.uniform((_BATCH,), 0, tf.shape(outputs)[0], tf.int32)
                with tf.GradientTape() as tape:
                    told = network(tf.gather(inputs, chosen), training=True)
                    error = loss(tf.gather(outputs, chosen), told)
                optimizer.apply(tape.gradient(error, network.trainable_variables))
        self._train = train

    @property
    def values(self) -> int:
        """How many numbers it keeps, the events it is trained on among them."""
        return 0 if self._network is None else \
            self._network.count_params() + _KEPT * len(self._outputs)


class Mixture:
    """The model that the package uses."""

    def __init__(self):
        self._model = SequenceModel()

    def _context(self, past, times_s) -> Context:
        return Context(tuple(str(name) for name in reversed(past[-ORDER:])), times_s[-1])

    def predict(self, past: Sequence[int], times_s: Sequence[float], n: int) -> np.ndarray:
        """Return the probabilities of ``n`` names and of a new one."""
        told = self._model.predict(self._context(past, times_s))
        shares = np.array([told.probabilities.get(str(i), 0.0) for i in range(n)] + [told.new])
        # A name that was only ever the first counts as new.
        shares[:n][shares[:n] == 0] = told.new
        return shares / shares.sum()

    def learn(self, past: Sequence[int], times_s: Sequence[float], name: int) -> None:
        """Learn an event."""
        self._model.learn(self._context(past, times_s), str(name), 0.0)

    @property
    def values(self) -> int:
        """How many numbers it keeps."""
        return len(self._model) * (ORDER + 4) + 80


def _part(time_s: float) -> int:
    return int(time_s % DAY_S // (3 * 3600))


def _normal(values: np.ndarray) -> np.ndarray:
    return values / values.sum(axis=-1, keepdims=True)
