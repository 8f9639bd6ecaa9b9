# SPDX-License-Identifier: Apache-2.0
"""Valence and arousal have the signs that everybody expects."""

from fer_ros.emotions.affect import AffectFilter, VALENCE_AROUSAL, valence_arousal
from fer_ros.emotions.labels import Emotion
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


def filtered(rate_hz, *, time_constant_s=0.5, duration_s=0.4):
    smooth = AffectFilter(time_constant_s=time_constant_s)
    smooth.update(0.0, [(1, np.array([-1.0, 0.0]))])
    for i in range(1, round(duration_s * rate_hz) + 1):
        (value,) = smooth.update(i / rate_hz, [(1, np.array([1.0, 0.0]))])
    return value[0]


@pytest.mark.parametrize('rate_hz', [10, 30, 120])
def test_a_models_own_valence_follows_by_the_second_not_by_the_frame(rate_hz):
    assert filtered(rate_hz) == pytest.approx(1 - 2 * np.exp(-0.4 / 0.5), abs=1e-6)
    assert filtered(rate_hz, time_constant_s=0.0) == 1.0


def test_faces_are_smoothed_apart_and_no_reading_changes_nothing():
    smooth = AffectFilter(time_constant_s=0.5, forget_s=2.0)
    nothing, high, low = np.full(2, np.nan), np.ones(2), -np.ones(2)
    first = smooth.update(0.0, [(1, high), (2, nothing)])
    assert (first[0] == 1).all() and np.isnan(first[1]).all()
    second = smooth.update(0.1, [(2, low), (1, nothing)])
    assert (second[0] == -1).all() and (second[1] == 1).all()
    # One of the two numbers may be missing.
    (half,) = smooth.update(0.2, [(1, np.array([0.0, np.nan]))])
    assert 0 < half[0] < 1 and half[1] == 1
    (again,) = smooth.update(9.0, [(1, low)])
    assert (again == -1).all()      # forgotten meanwhile
