# SPDX-License-Identifier: Apache-2.0
"""A person whose face at rest reads sad is read right after a while, or after three seconds."""

from dataclasses import replace

from fer_ros.emotions.emotion_filter import DEFAULTS, EmotionFilter
from fer_ros.emotions.labels import Emotion
from fer_ros.emotions.resting_face import LOOK_S, RestingFace
from fer_ros.evaluation.segments import shifted
from fer_ros.types import BoundingBox, Face
import numpy as np
import pytest

HAPPY, SAD, NEUTRAL = Emotion.HAPPY, Emotion.SAD, Emotion.NEUTRAL
TYPICAL = np.array([0.02, 0.01, 0.01, 0.03, 0.1, 0.03, 0.8])
#: Their logit of sad is always higher by three.
OFFSET = np.eye(7)[SAD] * 3
LEARNING = replace(DEFAULTS, learn_resting_face=True)


def look(neutral=True, offset=OFFSET):
    smile = np.array([0.01, 0.01, 0.01, 0.88, 0.02, 0.02, 0.05])
    return shifted(np.array([TYPICAL if neutral else smile]), offset)[0]


def watch(emotion_filter, readings, start_s=0.0, rate_hz=10.0, track_id=1, quality=1.0):
    face = Face(track_id, BoundingBox(0, 0, 90, 90), 1.0, quality=quality)
    return [emotion_filter.update(start_s + i / rate_hz, [(face, reading)])[0]
            for i, reading in enumerate(readings)]


def of(settings):
    return EmotionFilter(settings, neutral_reading=TYPICAL)


def test_without_learning_a_sad_face_at_rest_stays_sad():
    assert watch(of(DEFAULTS), [look()] * 4000)[-1].label == 'sad'


def test_a_sad_face_at_rest_is_learned_slowly_and_a_smile_still_read():
    emotion_filter = of(LEARNING)
    labels = [one.label for one in watch(emotion_filter, [look()] * 4000)]
    assert labels[100] == 'sad' and labels[-1] == 'neutral'
    smiling = watch(emotion_filter, [look(neutral=False)] * 10, start_s=400.0)
    assert smiling[-1].label == 'happy'
    # What a frame alone reads is published as it is.
    assert smiling[-1].probabilities[SAD] == pytest.approx(look(neutral=False)[SAD], abs=1e-6)


@pytest.mark.parametrize('rate_hz', [5, 30])
def test_looking_neutral_for_three_seconds_does_it(rate_hz):
    emotion_filter = of(DEFAULTS)
    assert watch(emotion_filter, [look()] * rate_hz, rate_hz=rate_hz)[-1].label == 'sad'
    assert emotion_filter.look_neutral() == 1
    start_s = 1.0
    frames = round((LOOK_S + 1) * rate_hz)
    result = watch(emotion_filter, [look()] * frames, start_s, rate_hz)[-1]
    assert result.label == 'neutral'
    # Nearer than that of a face without an offset no correction can come.
    plain = watch(of(DEFAULTS), [look(offset=np.zeros(7))] * frames, 0.0, rate_hz)[-1]
    assert np.allclose(result.filtered, plain.filtered, atol=0.02)


def test_who_came_later_or_left_is_not_meant_and_a_face_forgotten_takes_it_along():
    emotion_filter = of(replace(DEFAULTS, forget_s=5.0))
    assert emotion_filter.look_neutral() == 0
    watch(emotion_filter, [look()] * 5)
    assert emotion_filter.look_neutral() == 1
    watch(emotion_filter, [look()] * 50, 0.5)
    late = watch(emotion_filter, [look()] * 50, 5.5, track_id=2)
    assert late[-1].label == 'sad'
    assert emotion_filter.look_neutral() == 1     # the first has been gone for five seconds
    assert watch(emotion_filter, [look()] * 10, 30.0)[-1].label == 'sad'


def test_no_offset_is_learned_from_who_is_neutral_and_smiles_now_and_then():
    resting = RestingFace(TYPICAL, learn=True)
    plain = np.zeros(7)
    for i in range(6000):
        resting.corrected(look(neutral=i % 200 < 150, offset=plain), 0.1)
    assert np.abs(resting.offset).max() < 0.5


def test_offsets_are_bounded_and_unseen_probabilities_do_no_harm():
    resting = RestingFace(learn=True)
    for _ in range(3000):
        read = resting.corrected(np.eye(7)[SAD], 1.0)
    assert np.abs(resting.offset).max() <= 3 and resting.offset[NEUTRAL] >= -1
    assert np.isfinite(read).all() and read.sum() == pytest.approx(1)


def test_bad_crops_teach_nothing():
    emotion_filter = of(LEARNING)
    watch(emotion_filter, [look()] * 4000, quality=0.05)
    good = watch(emotion_filter, [look()] * 10, start_s=400.0)
    assert good[-1].label == 'sad'
