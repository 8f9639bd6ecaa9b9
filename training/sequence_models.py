# SPDX-License-Identifier: Apache-2.0
"""Predict the next event by counts, a hidden Markov model or a recurrent network.

All have the same two methods and the same input: the names and times of the events so far. Each
gives 1 / (n + 1) of its smoothing to names it has not seen. Their settings were chosen by
:mod:`training.sequence_tuning`.
"""

from collections.abc import Sequence

from fer_ros.habits.sequence import Context, DAY_S, ORDER, SequenceModel
import numpy as np

#: Events per round, for models that are fitted in rounds.
ROUND = 20
#: The recurrent network's maximum number of names, and its batch size.
_NAMES, _BATCH = 48, 64
#: Values stored per event that is used again: its name and time.
_KEPT = 2


class Counts:
    """Counts of what followed the last ``order`` events, with back-off to shorter ones.

    :param width_h: standard deviation of the kernel that weights past events by their time of
        day, hours; None: equal weights.
    :param weight: the weight of the shorter context, in events.
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
        """The number of stored values."""
        return len(self._seen) * (2 + self._order)


class HiddenMarkov:
    """A hidden Markov model of names and parts of the day (L. Baum and others 1970).

    It is refitted after each round by the forward-backward algorithm with priors, starting from
    the previous fit.

    :param states: number of hidden states.
    :param moves: prior weight of each transition, in events; ``names`` of each name in a state,
        ``parts`` of each part of the day in a state.
    :param steps: iterations per round.
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
        """Add an event; fit after each round."""
        if not self._names:
            self._add(past[-1], times_s[-1])
        self._add(name, times_s[-1])
        if len(self._names) % ROUND == 0:
            self._fit(max(self._names) + 1)
            self._belief = self._start
            for i, (one, hour) in enumerate(zip(self._names, self._hours)):
                self._update_belief(one, hour, first=i == 0)

    def _add(self, name: int, time_s: float) -> None:
        self._names.append(name)
        self._hours.append(_part(time_s))
        if self._belief is not None:
            self._update_belief(name, self._hours[-1])

    def _update_belief(self, name: int, hour: int, first: bool = False) -> None:
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
        """The number of stored values, including the events that it is fitted to."""
        return 0 if self._belief is None else _KEPT * len(self._names) + self._k * (
            1 + self._k + self._say.shape[1] + 8)


class Recurrent:
    """A small gated recurrent network in Keras (K. Cho and others 2014).

    It reads the last events as one-hot names with the time of day as sine and cosine. After each
    round it is trained on all events so far, starting from the previous weights.

    :param units: size of the recurrent layer; ``history``: number of events that it reads.
    :param rate: learning rate; ``epochs``: passes over all events per round.
    :param dropout: share of the units dropped in training; ``decay``: weight decay (AdamW).
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
        output = self._network(self._encode(past, times_s)[None], training=False).numpy()[0]
        shares, seen = np.zeros(n + 1), len(self._outputs)
        shares[:min(n, _NAMES)] = output[:n]
        return (shares * seen + 1 / (n + 1)) / (seen * shares.sum() + 1)

    def learn(self, past: Sequence[int], times_s: Sequence[float], name: int) -> None:
        """Add an event; train after each round."""
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

        # One graph for all steps of a round: calling a step from Python costs more than the step.
        @tf.function(input_signature=[
            tf.TensorSpec((None, self._history, _NAMES + 2)), tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((), tf.int32)])
        def train(inputs, outputs, steps):
            for _ in tf.range(steps):
                chosen = tf.random.uniform((_BATCH,), 0, tf.shape(outputs)[0], tf.int32)
                with tf.GradientTape() as tape:
                    output = network(tf.gather(inputs, chosen), training=True)
                    error = loss(tf.gather(outputs, chosen), output)
                optimizer.apply(tape.gradient(error, network.trainable_variables))
        self._train = train

    @property
    def values(self) -> int:
        """The number of stored values, including the events that it is trained on."""
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
        predicted = self._model.predict(self._context(past, times_s))
        shares = np.array([predicted.probabilities.get(str(i), 0.0) for i in range(n)]
                          + [predicted.new])
        # A name that has only been the first event counts as new.
        shares[:n][shares[:n] == 0] = predicted.new
        return shares / shares.sum()

    def learn(self, past: Sequence[int], times_s: Sequence[float], name: int) -> None:
        """Learn an event."""
        self._model.learn(self._context(past, times_s), str(name), 0.0)

    @property
    def values(self) -> int:
        """The number of stored values."""
        return len(self._model) * (ORDER + 4) + 80


def _part(time_s: float) -> int:
    return int(time_s % DAY_S // (3 * 3600))


def _normal(values: np.ndarray) -> np.ndarray:
    return values / values.sum(axis=-1, keepdims=True)
