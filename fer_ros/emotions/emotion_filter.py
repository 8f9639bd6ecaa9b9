# SPDX-License-Identifier: Apache-2.0
"""Filter the emotion of each face over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fer_ros.emotions.affect import valence_arousal
from fer_ros.emotions.labels import Emotion, LABELS, UNCERTAIN
from fer_ros.emotions.resting_face import RestingFace
from fer_ros.errors import ConfigurationError
from fer_ros.stamps import FrameClock
from fer_ros.types import Face, FaceEmotion
import numpy as np

if TYPE_CHECKING:
    from fer_ros.emotions.classification import EmotionClassifier

_CLASSES = len(Emotion)
# The smallest ratio of probability and share that a frame can give a class: a filter that is
# certain could never change.
_FLOOR = 7e-3
# A face counts as in view for this long after it was last seen, seconds.
_IN_VIEW_S = 1.0


@dataclass(frozen=True)
class FilterSettings:
    """
    Parameters of the filter; nodes, benchmark and fer-eval share :data:`DEFAULTS`.

    :ivar time_constant_s: how long an emotion lasts on average, seconds; 0: no filtering.
    :ivar correlation_s: interval after which frames are independent, seconds.
    :ivar stationary: ``(7,)`` in the order of :class:`Emotion`: the share of time that people
        spend in each state, to which a belief returns without evidence; it is scaled to sum to 1.
        With neutral as frequent as all others together, mostly neutral people are classified as
        well as with more, and lively ones better (docs/model_card.md).
    :ivar uncertain_below: the label is 'uncertain' if the top class's probability is lower,
        [0, 1]; 0: the value in the model's metadata.
    :ivar minimum_quality: faces of lower quality are ignored; the label is 'uncertain'
        until a face has been seen well once.
    :ivar learn_resting_face: learn slowly what each face looks like at rest.
    :ivar forget_s: a face unseen for longer starts from scratch, seconds.
    :ivar max_faces: maximum number of faces; those not seen for longest are dropped first.
    """

    time_constant_s: float = 1.0
    correlation_s: float = 0.25
    stationary: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 6.0)
    uncertain_below: float = 0.0
    minimum_quality: float = 0.1
    learn_resting_face: bool = False
    forget_s: float = 10.0
    max_faces: int = 256

    def check(self) -> None:
        """Raise a ConfigurationError that names the first value out of range."""
        if not self.time_constant_s >= 0:
            raise ConfigurationError(f'time_constant_s is {self.time_constant_s}: it must not be '
                                     'negative')
        for name in ('correlation_s', 'forget_s'):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f'{name} is {getattr(self, name)}: it must be more than '
                                         '0 seconds')
        for name in ('uncertain_below', 'minimum_quality'):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(f'{name} is {getattr(self, name)}: it must be in [0, 1]')
        _distribution('stationary', self.stationary)


#: The defaults of nodes, commands and benchmark.
DEFAULTS = FilterSettings()


@dataclass
class _State:
    """State of one face."""

    belief: np.ndarray
    seen_s: float
    label: str
    since_s: float
    resting: RestingFace
    probabilities: np.ndarray  # of the last reading


class EmotionFilter:
    """
    Filters each face's emotion with the forward step of a hidden Markov model.

    The hidden state is one of the seven emotions. It changes as a continuous-time Markov chain
    that leaves its state at the rate 1 / ``time_constant_s`` and then draws one from the
    stationary distribution s, so over an interval dt::

        predicted = a * belief + (1 - a) * s,  a = exp(-dt / time_constant_s)

    A frame's probabilities p are posteriors: they carry the shares d of the classes among the
    faces that the network was trained on. Divided by them they are likelihoods, which weigh to a
    power w (L. Rabiner: A tutorial on hidden Markov models, Proc. IEEE 77(2), 1989; N. Morgan and
    H. Bourlard: Continuous speech recognition, IEEE Signal Processing Magazine 12(3), 1995, on
    the division)::

        belief = predicted * (p / d) ** w / sum,  w = quality * min(1, dt / correlation_s)

    The divisor d and the stationary distribution s differ: d describes the training data, s how
    people spend their time. Frames closer in time than ``correlation_s`` repeat the same
    evidence: with w it counts per second, not per frame, and the result is the same at any frame
    rate. The first frame of a face counts in full, starting from s.

    :param training_shares: d, ``(7,)`` in the order of :class:`Emotion`; None: uniform.
    :param neutral_reading: the network's output for a neutral face, ``(7,)``; see
        :class:`fer_ros.emotions.resting_face.RestingFace`.
    :param model_uncertain_below: the threshold where the settings leave it to the model, [0, 1].
    :raises ConfigurationError: for a value out of range.
    """

    def __init__(self, settings: FilterSettings = DEFAULTS, *,
                 training_shares: Sequence[float] | None = None,
                 neutral_reading: Sequence[float] | None = None,
                 model_uncertain_below: float = 0.0):
        settings.check()
        self.settings = settings
        self._stationary = _distribution('stationary', settings.stationary)
        self._shares = (np.full(_CLASSES, 1 / _CLASSES) if training_shares is None
                        else _distribution('training_shares', training_shares))
        self._neutral = (None if neutral_reading is None
                         else _distribution('neutral_reading', neutral_reading))
        self._uncertain_below = settings.uncertain_below or model_uncertain_below
        self._clock = FrameClock(settings.forget_s)
        self.reset()

    @classmethod
    def of(cls, classifier: 'EmotionClassifier',
           settings: FilterSettings = DEFAULTS) -> 'EmotionFilter':
        """Return a filter for a classifier's outputs, with values from its metadata."""
        entry = classifier.metadata.label_sets[classifier.label_set]
        return cls(settings, training_shares=entry.training_shares,
                   neutral_reading=entry.neutral_reading,
                   model_uncertain_below=entry.uncertain_below)

    def reset(self) -> None:
        """Forget all faces."""
        self._states: dict[int, _State] = {}
        self._now_s = 0.0  # sum of the valid intervals between stamps; never decreases
        self._clock.reset()

    def __len__(self) -> int:
        return len(self._states)

    def update(self, stamp_s: float,
               faces: Sequence[tuple[Face, np.ndarray | None]]) -> list[FaceEmotion]:
        """
        Process a frame and return the emotion of each of its faces, in the given order.

        Stamps may stand still or go back: see :class:`FrameClock`.

        :param stamp_s: time of the frame, seconds.
        :param faces: each face with its probabilities, float ``(7,)`` in the order of
            :class:`Emotion`, sum 1; None: it was not read in this frame and shows what it showed.
        :raises ValueError: for probabilities of another shape or that are not numbers.
        """
        checked = [(face, None if probabilities is None else _checked(probabilities))
                   for face, probabilities in faces]
        self._now_s += self._clock.advance(stamp_s)
        result = [self._carry(face) if probabilities is None else self._read(face, probabilities)
                  for face, probabilities in checked]
        self._forget()
        return result

    def look_neutral(self) -> int:
        """
        Learn the resting faces of the faces in view over the next three seconds.

        :returns: the number of faces.
        """
        in_view = [state for state in self._states.values()
                   if self._now_s - state.seen_s <= _IN_VIEW_S]
        for state in in_view:
            state.resting.look_neutral()
        return len(in_view)

    def _read(self, face: Face, probabilities: np.ndarray) -> FaceEmotion:
        settings = self.settings
        weight = min(face.quality, 1.0) if face.quality >= settings.minimum_quality else 0.0
        state = self._states.get(face.track_id)
        if state is None or self._now_s - state.seen_s > settings.forget_s:
            state = self._new()
            self._states[face.track_id] = state
            interval_s = 0.0
        else:
            interval_s = self._now_s - state.seen_s
            stay = np.exp(-interval_s / settings.time_constant_s) if settings.time_constant_s \
                else 0.0
            state.belief = stay * state.belief + (1 - stay) * self._stationary
            weight *= min(1.0, interval_s / settings.correlation_s)
            state.seen_s = self._now_s
        read = state.resting.corrected(probabilities, interval_s) if weight else probabilities
        likelihood = np.maximum(read / self._shares, _FLOOR) ** weight
        state.belief = state.belief * likelihood
        state.belief /= state.belief.sum()

        winner = int(state.belief.argmax())
        confidence = float(state.belief[winner])
        label = LABELS[winner] if confidence >= self._uncertain_below else UNCERTAIN
        onset = label != state.label
        if onset:
            state.label, state.since_s = label, self._now_s
        state.probabilities = probabilities
        return self._emotion(face, state, onset)

    def _carry(self, face: Face) -> FaceEmotion:
        """Return what a face showed when it was read last; its next reading counts from then."""
        state = self._states.get(face.track_id)
        if state is None or self._now_s - state.seen_s > self.settings.forget_s:
            # It has not been read yet: its first reading is to count in full.
            state = self._new()
            state.label = UNCERTAIN
        return self._emotion(face, state, False)

    def _new(self) -> _State:
        return _State(self._stationary.copy(), self._now_s, '', self._now_s, RestingFace(
            self._neutral, learn=self.settings.learn_resting_face), self._stationary)

    def _emotion(self, face: Face, state: _State, onset: bool) -> FaceEmotion:
        valence, arousal = valence_arousal(state.belief)
        return FaceEmotion(
            track_id=face.track_id, box=face.box,
            probabilities=state.probabilities.astype(np.float32),
            filtered=state.belief.astype(np.float32), label=state.label,
            confidence=float(state.belief.max()), quality=float(np.clip(face.quality, 0, 1)),
            valence=valence, arousal=arousal, duration_s=self._now_s - state.since_s, onset=onset)

    def _forget(self) -> None:
        oldest_first = sorted(self._states.items(), key=lambda item: item[1].seen_s)
        surplus = len(oldest_first) - max(1, self.settings.max_faces)
        for i, (track_id, state) in enumerate(oldest_first):
            if i < surplus or self._now_s - state.seen_s > self.settings.forget_s:
                del self._states[track_id]


def _distribution(name: str, values: Sequence[float]) -> np.ndarray:
    shares = np.asarray(values, np.float64)
    if shares.shape != (_CLASSES,) or not (shares > 0).all() or not np.isfinite(shares).all():
        raise ConfigurationError(f'{name} is {list(values)}: it must be {_CLASSES} numbers above '
                                 f'0, of {", ".join(LABELS)}')
    return shares / shares.sum()


def _checked(probabilities: np.ndarray) -> np.ndarray:
    values = np.asarray(probabilities, np.float64)
    if values.shape != (_CLASSES,):
        raise ValueError(f'expected {_CLASSES} probabilities, not an array of shape '
                         f'{values.shape}')
    if not np.isfinite(values).all() or (values < 0).any() or not values.sum() > 0:
        raise ValueError('probabilities must be finite and not negative, with a sum above 0: '
                         f'{values.tolist()}')
    return values / values.sum()
