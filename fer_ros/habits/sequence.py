# SPDX-License-Identifier: Apache-2.0
"""Predict what comes next in a sequence of events, and when.

Every past event keeps what preceded it: the events before it, the time of day and the state of the
room. A prediction weighs past events by how much their circumstances resemble the present ones and
reads from the weighted events which one comes next and after how long. How much the order of
events counts, and how much the time of day, differs between people: a grid of experts answers
each with other settings, and those that predicted well lately count more.

Sources: back-off by interpolation with the next shorter context (S. Chen, J. Goodman, "An
empirical study of smoothing techniques for language modeling", 1999; D. MacKay, L. Peto, "A
hierarchical Dirichlet language model", 1995); kernels over circular time (E. Nadaraya 1964,
G. Watson 1964); weights of the experts by fixed share (M. Herbster, M. Warmuth, "Tracking the best
expert", 1998); intervals by adaptive conformal inference (I. Gibbs, E. Candes 2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass
import itertools

import numpy as np

DAY_S = 86_400.0
HALF_LIFE_DAYS = 30.0
#: Longest context, in events.
ORDER = 3
#: Standard deviations of the kernel over the time of day, in hours; None: any time counts alike.
BANDWIDTHS_H = (None, 0.5, 1.0, 2.0, 4.0)
#: How many events' worth of evidence the shorter context weighs.
BACK_OFF = (0.5, 2.0)
#: Part of the experts' weight that is shared out evenly after each event.
SHARE = 0.1
#: How fast the intervals learn from being too narrow or too wide.
_STEP = 0.05
#: Past events that are kept; with a half-life of weeks older ones would count for nothing.
CAPACITY = 3000
FORMAT = 1

#: Whether the longest context also asks for the same state (an emotion, say) as now.
_WITH_STATE = (False, True)
_EXPERTS = tuple(itertools.product(
    range(ORDER + 1), range(len(BANDWIDTHS_H)), BACK_OFF, _WITH_STATE))
_WIDTHS = np.array([width for _, width, _, _ in _EXPERTS])
_BACK_OFFS = np.array([[back_off] for _, _, back_off, _ in _EXPERTS])
#: The contexts as (with the state, length): those with the state first, each from the longest to
#: none.
_LEVELS = tuple((state, length) for state in (True, False) for length in range(ORDER, -1, -1))
#: Which contexts each expert asks, (experts, levels): those up to its length, and of those that
#: also want the state the one of its length.
_ASKED = np.array([[with_state and length == order if state else length <= order
                    for state, length in _LEVELS]
                   for order, _, _, with_state in _EXPERTS])
_NONE = -1


@dataclass(frozen=True)
class Context:
    """The present circumstances.

    :ivar recent: the last events, the latest first; those past :data:`ORDER` are ignored.
    :ivar time_s: local time in seconds; only differences and the time of day count, so it is
        Unix time plus the offset of the time zone.
    :ivar state: what holds now, such as the emotion of the room; empty: nothing known.
    """

    recent: tuple[str, ...]
    time_s: float
    state: str = ''


@dataclass(frozen=True)
class Prediction:
    """What comes next.

    :ivar probabilities: of each event seen before, the most probable first.
    :ivar new: probability of an event never seen; with ``probabilities`` it adds up to 1.
    :ivar evidence: how many past events the prediction rests on (their effective number,
        L. Kish 1965).
    """

    probabilities: dict[str, float]
    new: float
    evidence: float
    #: Of the past events, from the shortest gap to the longest.
    _gaps_s: np.ndarray
    _weights: np.ndarray
    _levels: dict[float, float]

    @property
    def most_probable(self) -> str | None:
        """The most probable event, or None when nothing was ever seen."""
        return next(iter(self.probabilities), None)

    def of(self, event: str) -> float:
        """Return the probability of an event, that of something new when it was never seen."""
        return self.probabilities.get(event, self.new)

    def within(self, seconds: float, waited_s: float = 0.0) -> float | None:
        """Return the probability that the next event comes within ``seconds`` from now.

        :param waited_s: how long ago the last event was; the next one has not come since.
        :returns: None when no past event took longer than that.
        """
        later = self._gaps_s > waited_s
        total = self._weights[later].sum()
        if total <= 0:
            return None
        soon = later & (self._gaps_s <= waited_s + seconds)
        return float(self._weights[soon].sum() / total)

    def interval_s(self, coverage: float) -> tuple[float, float] | None:
        """Return the seconds after the last event between which the next one comes.

        :param coverage: 0.5 or 0.9: how often the interval holds the truth in the long run.
        :returns: None when nothing is known of it.
        """
        if not self._weights.sum() > 0:
            return None
        tail = (1 - self._levels[coverage]) / 2
        low, high = _sorted_quantiles(self._gaps_s, self._weights, (tail, 1 - tail))
        return float(low), float(high)


class SequenceModel:
    """Learns a sequence event by event; a fraction of a millisecond each, some 200 kB in all."""

    def __init__(self, half_life_days: float = HALF_LIFE_DAYS):
        """Know nothing yet.

        :param half_life_days: after this time an event counts half.
        """
        if not half_life_days > 0:
            raise ValueError(f'half_life_days is {half_life_days}, expected more than 0')
        self.half_life_days = half_life_days
        self._events: list[str] = []
        self._states: list[str] = []
        self._outcomes = np.empty(0, np.int32)
        self._before = np.empty((0, ORDER), np.int32)
        self._state = np.empty(0, np.int32)
        self._times_s = np.empty(0)
        self._gaps_s = np.empty(0)
        #: The events from the shortest gap to the longest.
        self._by_gap = np.empty(0, int)
        self._trust = np.full(len(_EXPERTS), 1 / len(_EXPERTS))
        self._levels = {0.5: 0.5, 0.9: 0.9}

    def __len__(self) -> int:
        """Return the number of events it remembers."""
        return len(self._outcomes)

    def predict(self, context: Context) -> Prediction:
        """Return a prediction of the next event and its time."""
        kernels, matches = self._resemblance(context)
        factors, rest = _steps(kernels @ matches.T)
        weights, base = self._mixture(kernels, matches, factors), float(self._trust @ rest)
        # An event never seen is one more name beside the known ones.
        new = base / (len(self._events) + 1)
        shares = np.bincount(self._outcomes, weights, len(self._events)) + new
        order = np.argsort(-shares, kind='stable')
        squares = float((weights ** 2).sum())
        return Prediction({self._events[i]: float(shares[i]) for i in order}, float(new),
                          float(weights.sum()) ** 2 / squares if squares else 0.0,
                          self._gaps_s[self._by_gap], weights[self._by_gap], dict(self._levels))

    def learn(self, context: Context, event: str, gap_s: float) -> None:
        """Learn that an event followed.

        :param context: the circumstances before it.
        :param gap_s: after how many seconds, counted from the last event.
        """
        if len(self):
            self._judge(context, event, gap_s)
        before = [self._index(self._events, name) for name in context.recent[:ORDER]]
        before += [_NONE] * (ORDER - len(before))

        def append(array, value):
            return np.concatenate([array, np.array([value], array.dtype)])[-CAPACITY:]

        self._outcomes = append(self._outcomes, self._index(self._events, event))
        self._before = append(self._before, before)
        self._state = append(self._state, self._index(self._states, context.state))
        self._times_s = append(self._times_s, context.time_s)
        self._gaps_s = append(self._gaps_s, max(0.0, gap_s))
        # Sorting takes longer than the rest of a prediction, so the order is kept.
        kept = self._by_gap if len(self._gaps_s) > len(self._by_gap) \
            else self._by_gap[self._by_gap > 0] - 1
        newest = len(self._gaps_s) - 1
        at = np.searchsorted(self._gaps_s[kept], self._gaps_s[newest], side='right')
        self._by_gap = np.insert(kept, at, newest)

    @staticmethod
    def _index(names: list[str], name: str) -> int:
        if name not in names:
            names.append(name)
        return names.index(name)

    def successors(self, event: str) -> list[tuple[str, int, float]]:
        """Return what has followed an event: name, how often, and the median seconds until then.

        The most frequent comes first.
        """
        after = self._before[:, 0] == (self._events.index(event) if event in self._events
                                       else len(self._events))
        outcomes, gaps_s = self._outcomes[after], self._gaps_s[after]
        counts = np.bincount(outcomes, minlength=len(self._events))
        return [(self._events[i], int(counts[i]), float(np.median(gaps_s[outcomes == i])))
                for i in np.argsort(-counts, kind='stable') if counts[i]]

    @property
    def names(self) -> list[str]:
        """All events ever seen, the most frequent first."""
        counts = np.bincount(self._outcomes, minlength=len(self._events))
        return [self._events[i] for i in np.argsort(-counts, kind='stable')]

    def dump(self) -> dict:
        """Return the model as plain values for :meth:`load`."""
        return {'format': FORMAT, 'experts': len(_EXPERTS), 'half_life_days': self.half_life_days,
                'events': self._events, 'states': self._states,
                'outcomes': self._outcomes.tolist(), 'before': self._before.tolist(),
                'state': self._state.tolist(), 'times_s': self._times_s.round(1).tolist(),
                'gaps_s': self._gaps_s.round(1).tolist(),
                'trust': self._trust.tolist(),
                'levels': {str(coverage): level for coverage, level in self._levels.items()}}

    @classmethod
    def load(cls, values: dict) -> 'SequenceModel':
        """Return a model that knows what was dumped.

        :raises ValueError: when it is of another form, or not whole.
        """
        try:
            model = cls(values['half_life_days'])
            if (values['format'], values['experts']) != (FORMAT, len(_EXPERTS)):
                raise ValueError('a sequence model of another version')
            model._events, model._states = list(values['events']), list(values['states'])
            model._outcomes = np.array(values['outcomes'], np.int32)
            n = len(model._outcomes)
            model._before = np.array(values['before'], np.int32).reshape(n, ORDER)
            model._state = np.array(values['state'], np.int32).reshape(n)
            model._times_s = np.array(values['times_s'], float).reshape(n)
            model._gaps_s = np.array(values['gaps_s'], float).reshape(n)
            model._by_gap = np.argsort(model._gaps_s, kind='stable')
            model._trust = np.array(values['trust'], float).reshape(len(_EXPERTS))
            model._trust /= model._trust.sum()
            model._levels = {float(name): float(level)
                             for name, level in values['levels'].items()}
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f'not a whole sequence model ({error})') from error
        if n and (model._outcomes.max() >= len(model._events) or model._outcomes.min() < 0
                  or not np.isfinite([model._times_s, model._gaps_s]).all()
                  or set(model._levels) != {0.5, 0.9}):
            raise ValueError('not a whole sequence model')
        return model

    def _resemblance(self, context: Context) -> tuple[np.ndarray, np.ndarray]:
        """Return how much each past event's time resembles now, and which contexts agree.

        :returns: float ``(bandwidths, n)``, and float ``(levels, n)``: for each of the contexts
            1 where it is the same, else 0.
        """
        ages_days = (context.time_s - self._times_s) / DAY_S
        recency = np.exp2(np.maximum(ages_days, 0) / -self.half_life_days)
        # On the clock, whole days are no distance.
        apart = -0.5 * (24 * (ages_days - np.rint(ages_days))) ** 2
        kernels = np.stack([recency if width is None else recency * np.exp(apart / width ** 2)
                            for width in BANDWIDTHS_H])
        lengths = [np.ones(len(self), bool)]
        for i in range(ORDER):
            wanted = context.recent[i] if i < len(context.recent) else None
            index = self._events.index(wanted) if wanted in self._events else len(self._events)
            lengths.append(lengths[-1] & (self._before[:, i] == index))
        index = (self._states.index(context.state) if context.state in self._states
                 else len(self._states))
        same_state = self._state == index
        return kernels, np.stack([lengths[length] & same_state if state else lengths[length]
                                  for state, length in _LEVELS]).astype(float)

    def _mixture(self, kernels: np.ndarray, matches: np.ndarray, factors: np.ndarray) \
            -> np.ndarray:
        """Return the weight of each past event; with that of knowing nothing 1 in all."""
        by_width = np.zeros((len(BANDWIDTHS_H), len(_LEVELS)))
        np.add.at(by_width, _WIDTHS, self._trust[:, None] * factors)
        return (kernels * (by_width @ matches)).sum(axis=0)

    def _judge(self, context: Context, event: str, gap_s: float) -> None:
        """Move trust to the experts that expected the event, and correct the intervals."""
        kernels, matches = self._resemblance(context)
        factors, rest = _steps(kernels @ matches.T)
        probability = rest / (len(self._events) + 1)
        if event in self._events:
            hit = self._outcomes == self._events.index(event)
            seen = kernels[:, hit] @ matches[:, hit].T
            probability = probability + (factors * seen[_WIDTHS]).sum(axis=1)
        trust = self._trust * probability
        self._trust = (1 - SHARE) * trust / trust.sum() + SHARE / len(trust)
        tails = [(1 - level) / 2 for level in self._levels.values()]
        weights = self._mixture(kernels, matches, factors)
        bounds = _sorted_quantiles(self._gaps_s[self._by_gap], weights[self._by_gap],
                                   [*tails, *(1 - tail for tail in tails)])
        for i, (coverage, level) in enumerate(self._levels.items()):
            held = bounds[i] <= gap_s <= bounds[i + len(tails)]
            self._levels[coverage] = float(np.clip(level + _STEP * (coverage - held), 0.02, 0.998))


def _steps(totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each expert gives to a unit of weight at each level, and to the rest.

    :param totals: float ``(bandwidths, levels)``: the weight of all past events there.
    :returns: float ``(experts, levels)`` and ``(experts,)``. An expert interpolates: its longest
        context has a say of total / (total + back-off), the shorter ones the rest.
    """
    units = 1 / (totals[_WIDTHS] + _BACK_OFFS)
    left = np.cumprod(np.where(_ASKED, units * _BACK_OFFS, 1.0), axis=1)
    factors = np.where(_ASKED, units, 0.0)
    factors[:, 1:] *= left[:, :-1]
    return factors, left[:, -1]


def weighted_quantiles(values: np.ndarray, weights: np.ndarray,
                       shares: Sequence[float]) -> np.ndarray:
    """Return the values below which the given shares of the weight lie.

    :param values: float ``(n,)``, n at least 1.
    :param weights: float ``(n,)``, none negative, not all 0.
    :param shares: in [0, 1].
    """
    order = np.argsort(values, kind='stable')
    return _sorted_quantiles(values[order], weights[order], shares)


def _sorted_quantiles(values: np.ndarray, weights: np.ndarray,
                      shares: Sequence[float]) -> np.ndarray:
    sums = np.cumsum(weights)
    found = np.searchsorted(sums, np.asarray(shares) * sums[-1])
    return values[np.minimum(found, len(values) - 1)]
