# SPDX-License-Identifier: Apache-2.0
"""Valence and arousal of an emotion distribution."""

from fer_ros.core.emotions import Emotion
import numpy as np

#: Valence and arousal of each emotion, rows in the order of :class:`Emotion`, each [-1, 1]: the
#: mean ratings of pleasure and arousal for 'angry', 'disgusted', 'fearful', 'happy', 'sad' and
#: 'surprised' in J. A. Russell, A. Mehrabian: Evidence for a three-factor theory of emotions,
#: Journal of Research in Personality 11(3), 273-294, 1977; neutral is the origin.
VALENCE_AROUSAL = np.array([
    [-0.51, 0.59],
    [-0.60, 0.35],
    [-0.64, 0.60],
    [0.81, 0.51],
    [-0.63, -0.27],
    [0.40, 0.67],
    [0.00, 0.00],
], np.float32)


def valence_arousal(probabilities: np.ndarray) -> tuple[float, float]:
    """
    Return the expected valence (pleasant is 1) and arousal (excited is 1), each [-1, 1].

    :param probabilities: ``(7,)`` in the order of :class:`Emotion`, sum 1.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.shape != (len(Emotion),):
        raise ValueError(f'{len(Emotion)} probabilities are needed, not an array of shape '
                         f'{probabilities.shape}')
    valence, arousal = np.clip(probabilities @ VALENCE_AROUSAL, -1, 1)
    return float(valence), float(arousal)
