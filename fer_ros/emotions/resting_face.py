# SPDX-License-Identifier: Apache-2.0
"""A person's own resting face: some faces at rest read sad or angry all day."""

from fer_ros.emotions.labels import Emotion
import numpy as np

#: How fast an offset is learnt, logits a second: a strong one of two takes some two minutes, and a
#: state of ten seconds moves it by a fifth.
RATE_PER_S = 0.02
#: How long "look neutral now" looks, seconds.
LOOK_S = 3.0
# Offsets stay in these bounds, logits. Neutral's is tight: whoever changes state all the time is
# seldom neutral, and must not become so.
_BOUND, _NEUTRAL_BOUND = 3.0, 1.0
# What a neutral face reads as where the model's metadata do not say.
_TYPICAL = np.where(np.arange(len(Emotion)) == Emotion.NEUTRAL, 0.85, 0.025)
_LEAST_PROBABILITY = 1e-6


class RestingFace:
    """
    The offset of one face's logits from those of a typical neutral face.

    Of a person who is mostly neutral, the median of each logit over minutes is that of their
    resting face; what they show now and then does not move it. With z the logits of a frame
    (centered, as the softmax knows no constant), n those of a typical neutral face and o the
    offset, over an interval dt::

        o += rate * dt * tanh(z - o - n)

    which moves every logit's middle towards n at a bounded speed (a smooth form of the median;
    P. Huber: Robust estimation of a location parameter, 1964). Read is softmax(z - o).
    :meth:`look_neutral` takes the mean of z - n over three seconds instead. Nothing is stored: an
    offset is forgotten with its face.

    :param neutral: ``(7,)`` probabilities, the geometric mean over neutral faces; None: a guess.
    :param learn: whether to learn slowly from what is seen.
    """

    def __init__(self, neutral: np.ndarray | None = None, *, learn: bool = False):
        self._neutral = _logits(_TYPICAL if neutral is None else neutral)
        self._learn = learn
        self._left_s = 0.0
        self.offset = np.zeros(len(Emotion))

    def look_neutral(self) -> None:
        """Take what is seen in the next three seconds as the face at rest."""
        self._left_s = LOOK_S
        self._sum = np.zeros(len(Emotion))
        self._frames = 0

    def corrected(self, probabilities: np.ndarray, interval_s: float) -> np.ndarray:
        """
        Return a frame's probabilities without the offset, after learning from them.

        :param probabilities: float64 ``(7,)``, sum 1.
        :param interval_s: since the frame before, seconds.
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
