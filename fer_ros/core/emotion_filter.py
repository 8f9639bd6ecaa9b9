# SPDX-License-Identifier: Apache-2.0
"""From one frame's opinion to a state that lasts."""

from collections.abc import Sequence
from dataclasses import dataclass

from fer_ros.core.affect import valence_arousal
from fer_ros.core.emotions import Emotion, LABELS, UNCERTAIN
from fer_ros.core.errors import ConfigurationError
from fer_ros.core.stamps import FrameClock
from fer_ros.core.types import Face, FaceEmotion
import numpy as np

_CLASSES = len(Emotion)
# The least probability a frame can give a class: a filter that was certain could never change.
_FLOOR = 1e-3


@dataclass
class _State:
    """What is known of one face."""

    belief: np.ndarray
    seen_s: float
    label: str
    since_s: float


class EmotionFilter:
    """
    The forward step of a hidden Markov model for each face.

    The hidden state is one of the seven emotions. It changes as a continuous-time Markov chain
    that leaves its state at the rate 1 / ``time_constant_s`` and then takes one by the prior,
    so over an interval dt::

        predicted = a * belief + (1 - a) * prior,  a = exp(-dt / time_constant_s)

    A frame's probabilities p (posteriors under the prior) weigh as likelihood p / prior to a
    power w (L. Rabiner: A tutorial on hidden Markov models, Proc. IEEE 77(2), 1989)::

        belief = predicted * (p / prior) ** w / sum,  w = quality * min(1, dt / correlation_s)

    Frames closer in time than ``correlation_s`` show the same opinion again rather than a new
    one: with w they bring evidence by the second, not by the frame, and the result is the same
    at any frame rate. The first frame of a face counts in full.

    :param time_constant_s: how long an emotion lasts on average, seconds.
    :param correlation_s: how far apart frames are independent, seconds.
    :param prior: ``(7,)`` probabilities in the order of :class:`Emotion`; None: all alike.
    :param uncertain_below: the label is 'uncertain' when the winner's probability is lower.
    :param minimum_quality: a face of lower quality brings no evidence; its label is 'uncertain'
        until it was seen well once.
    :param forget_s: a face unseen for longer starts anew, seconds.
    :param max_faces: bound on the faces held; those unseen longest go first.
    :raises ConfigurationError: for a value out of range.
    """

    def __init__(self, *, time_constant_s: float = 2.0, correlation_s: float = 0.25,
                 prior: Sequence[float] | None = None, uncertain_below: float = 0.4,
                 minimum_quality: float = 0.1, forget_s: float = 10.0, max_faces: int = 256):
        for name, value in (('time_constant_s', time_constant_s),
                            ('correlation_s', correlation_s), ('forget_s', forget_s)):
            if not value > 0:
                raise ConfigurationError(f'{name} is {value}: it must be more than 0 seconds')
        for name, value in (('uncertain_below', uncertain_below),
                            ('minimum_quality', minimum_quality)):
            if not 0 <= value <= 1:
                raise ConfigurationError(f'{name} is {value}: it must be in [0, 1]')
        self._prior = np.full(_CLASSES, 1 / _CLASSES)
        if prior is not None:
            self._prior = np.asarray(prior, np.float64)
            if self._prior.shape != (_CLASSES,) or not (self._prior > 0).all():
                raise ConfigurationError(f'prior must be {_CLASSES} numbers above 0')
            self._prior = self._prior / self._prior.sum()
        self._time_constant_s = time_constant_s
        self._correlation_s = correlation_s
        self._uncertain_below = uncertain_below
        self._minimum_quality = minimum_quality
        self._forget_s = forget_s
        self._max_faces = max(1, max_faces)
        self._clock = FrameClock(forget_s)
        self.reset()

    def reset(self) -> None:
        """Forget all faces."""
        self._states: dict[int, _State] = {}
        self._now_s = 0.0  # runs on by the stamps' good intervals, never back
        self._clock.reset()

    def __len__(self) -> int:
        return len(self._states)

    def update(self, stamp_s: float,
               faces: Sequence[tuple[Face, np.ndarray]]) -> list[FaceEmotion]:
        """
        Take in a frame and return what each of its faces shows, in the order given.

        Stamps may stand still or go back: see :class:`FrameClock`.

        :param stamp_s: time of the frame, seconds.
        :param faces: each face with its probabilities, float ``(7,)`` in the order of
            :class:`Emotion`, sum 1.
        :raises ValueError: for probabilities of another shape or that are no numbers.
        """
        checked = [(face, _checked(probabilities)) for face, probabilities in faces]
        self._now_s += self._clock.advance(stamp_s)
        result = [self._read(face, probabilities) for face, probabilities in checked]
        self._forget()
        return result

    def _read(self, face: Face, probabilities: np.ndarray) -> FaceEmotion:
        quality = float(np.clip(face.quality, 0, 1))
        weight = quality if quality >= self._minimum_quality else 0.0
        state = self._states.get(face.track_id)
        if state is None:
            state = _State(self._prior.copy(), self._now_s, '', self._now_s)
            self._states[face.track_id] = state
        else:
            interval_s = self._now_s - state.seen_s
            stay = np.exp(-interval_s / self._time_constant_s)
            state.belief = stay * state.belief + (1 - stay) * self._prior
            weight *= min(1.0, interval_s / self._correlation_s)
            state.seen_s = self._now_s
        likelihood = (np.maximum(probabilities, _FLOOR) / self._prior) ** weight
        state.belief = state.belief * likelihood
        state.belief /= state.belief.sum()

        winner = int(state.belief.argmax())
        confidence = float(state.belief[winner])
        label = LABELS[winner] if confidence >= self._uncertain_below else UNCERTAIN
        onset = label != state.label
        if onset:
            state.label, state.since_s = label, self._now_s
        valence, arousal = valence_arousal(state.belief)
        return FaceEmotion(
            face.track_id, face.box, probabilities.astype(np.float32),
            state.belief.astype(np.float32), label, confidence, quality, valence, arousal,
            self._now_s - state.since_s, onset)

    def _forget(self) -> None:
        oldest_first = sorted(self._states.items(), key=lambda item: item[1].seen_s)
        surplus = len(oldest_first) - self._max_faces
        for i, (track_id, state) in enumerate(oldest_first):
            if i < surplus or self._now_s - state.seen_s > self._forget_s:
                del self._states[track_id]


def _checked(probabilities: np.ndarray) -> np.ndarray:
    values = np.asarray(probabilities, np.float64)
    if values.shape != (_CLASSES,):
        raise ValueError(f'{_CLASSES} probabilities are needed, not an array of shape '
                         f'{values.shape}')
    if not np.isfinite(values).all() or (values < 0).any() or not values.sum() > 0:
        raise ValueError('probabilities must be finite and not negative, with a sum above 0: '
                         f'{values.tolist()}')
    return values / values.sum()
