# SPDX-License-Identifier: Apache-2.0
"""Correct for a person's resting face: some faces look sad or angry at rest."""

from fer_ros.emotions.labels import Emotion
import numpy as np

#: How fast an offset is learned, logits per second: a strong one of two takes about two minutes,
#: and a state of ten seconds moves it by a fifth.
RATE_PER_S = 0.02
#: Duration of "look neutral now", seconds.
LOOK_S = 3.0
# Bounds of the offsets, logits. Neutral's is tight: a person who changes state all the time is
# seldom neutral, and must not become so.
_BOUND, _NEUTRAL_BOUND = 3.0, 1.0
# Output for a neutral face if the model's metadata do not have it.
_TYPICAL = np.where(np.arange(len(Emotion)) == Emotion.NEUTRAL, 0.85, 0.025)
_LEAST_PROBABILITY = 1e-6


class RestingFace:
    """
    Estimates the offset of one face's logits from those of a typical neutral face.

    For a person who is mostly neutral, the median of each logit over minutes is that of the
    resting face; occasional expressions do not move it. With z the logits of a frame
    (centered, as the softmax ignores constants), n those of a typical neutral face and o the
    offset, over an interval dt::

        o += rate * dt * tanh(z - o - n)

    which moves every logit's median towards n at a bounded speed (a smooth form of the median;
    P. Huber: Robust estimation of a location parameter, 1964). The result is softmax(z - o).
    :meth:`look_neutral` takes the mean of z - n over three seconds instead. Nothing is stored: an
    offset is forgotten with its face.

    :param neutral: ``(7,)`` probabilities, the geometric mean over neutral faces; None: a typical
        one.
    :param learn: whether to learn slowly from all frames.
    """

    def __init__(self, neutral: np.ndarray | None = None, *, learn: bool = False):
        self._neutral = _logits(_TYPICAL if neutral is None else neutral)
        self._learn = learn
        self._left_s = 0.0
        self.offset = np.zeros(len(Emotion))

    def look_neutral(self) -> None:
        """Learn the resting face from the next three seconds."""
        self._left_s = LOOK_S
        self._sum = np.zeros(len(Emotion))
        self._frames = 0

    def corrected(self, probabilities: np.ndarray, interval_s: float) -> np.ndarray:
        """
        Return a frame's probabilities without the offset, after learning from them.

        :param probabilities: float64 ``(7,)``, sum 1.
        :param interval_s: since the previous frame, seconds.
        """
        if not (self._learn or self._left_s or self.offset.any()):
            return probabilities
        logits = _logits(probabilities)
        if self._left_s:
            self._sum += logits
            self._frames += 1
            self._left_s -= interval_s
            if self._left_s <= 0:
                self._left_s = 0.0
                self.offset = np.clip(self._sum / self._frames - self._neutral, -_BOUND, _BOUND)
        elif self._learn:
            self.offset += RATE_PER_S * interval_s * np.tanh(
                logits - self.offset - self._neutral)
            bounds = np.full(len(Emotion), _BOUND)
            bounds[Emotion.NEUTRAL] = _NEUTRAL_BOUND
            self.offset = np.clip(self.offset, -bounds, bounds)
        shifted = np.exp(logits - self.offset)
        return shifted / shifted.sum()


def _logits(probabilities: np.ndarray) -> np.ndarray:
    logits = np.log(np.maximum(probabilities, _LEAST_PROBABILITY))
    return logits - logits.mean()
