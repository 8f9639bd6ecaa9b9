# SPDX-License-Identifier: Apache-2.0
"""Valence and arousal have the signs that everybody expects."""

from fer_ros.core.affect import VALENCE_AROUSAL, valence_arousal
from fer_ros.core.emotions import Emotion
import numpy as np
import pytest


@pytest.mark.parametrize('emotion, valence, arousal', [
    (Emotion.ANGRY, -1, 1), (Emotion.DISGUST, -1, 1), (Emotion.FEAR, -1, 1),
    (Emotion.HAPPY, 1, 1), (Emotion.SAD, -1, -1), (Emotion.SURPRISE, 1, 1),
    (Emotion.NEUTRAL, 0, 0)])
def test_quadrants(emotion, valence, arousal):
    got = valence_arousal(np.eye(7)[emotion])
    assert (np.sign(got[0]), np.sign(got[1])) == (valence, arousal)
    assert got == pytest.approx(VALENCE_AROUSAL[emotion], abs=1e-6)


def test_a_mixture_is_the_mean():
    half = (np.eye(7)[Emotion.HAPPY] + np.eye(7)[Emotion.SAD]) / 2
    assert valence_arousal(half) == pytest.approx(
        VALENCE_AROUSAL[[Emotion.HAPPY, Emotion.SAD]].mean(axis=0), abs=1e-6)


def test_another_number_of_classes_is_refused():
    with pytest.raises(ValueError, match='7'):
        valence_arousal(np.ones(8) / 8)
