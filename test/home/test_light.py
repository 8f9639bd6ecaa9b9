# SPDX-License-Identifier: Apache-2.0
"""Colors, strategies, the virtual lamp, and several people."""

from dataclasses import replace

from fer_ros.emotions.labels import Emotion, LABELS
from fer_ros.home.ambience import ambience, PROTOTYPES, STRATEGIES
from fer_ros.home.color import (
    chromaticity,
    chromaticity_distance,
    hsv_to_rgb,
    kelvin_to_rgb,
    xy_to_rgb,
)
from fer_ros.home.decisions.aggregation import aggregate
from fer_ros.home.devices.base import DeviceContext
from fer_ros.home.devices.terminal import TerminalLamp, TerminalTarget
from fer_ros.home.light import differences, LightState, on_the_way, Tolerance
from fer_ros.home.policy import AGGREGATIONS
from fer_ros.home.virtual_lamp import VirtualLamp
from home_support import emotion
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

WARM = LightState(True, 0.6, color_temperature_k=2700)


@pytest.mark.parametrize('kelvin, uv', [
    # CIE 1976 u'v' of black bodies (x, y of the CIE tables, converted).
    (2000, (0.3050, 0.5391)), (2856, (0.2560, 0.5243)), (4000, (0.2251, 0.5016)),
    (6500, (0.2003, 0.4658))])
def test_whites_have_the_chromaticity_of_black_bodies(kelvin, uv):
    assert chromaticity(kelvin_to_rgb(kelvin)) == pytest.approx(uv, abs=0.006)


def test_the_chromaticity_of_srgb_primaries():
    # IEC 61966-2-1: red x 0.64 y 0.33 is u' 0.4507, v' 0.5229; D65 is 0.1978, 0.4683.
    assert chromaticity((1, 0, 0)) == pytest.approx((0.4507, 0.5229), abs=1e-3)
    assert chromaticity((0.3, 0.3, 0.3)) == pytest.approx((0.1978, 0.4683), abs=1e-3)
    assert chromaticity_distance(xy_to_rgb(0.64, 0.33), (1, 0, 0)) < 2e-3


@pytest.mark.parametrize('other, found', [
    (LightState(False), ['on/off']), (LightState(True), []),
    (LightState(True, 0.63), []), (LightState(True, 0.8), ['brightness']),
    (LightState(True, 0.6, color_temperature_k=2850), []),
    (LightState(True, 0.6, color_temperature_k=3000), ['color temperature']),
    (LightState(True, 0.6, (1.0, 0.0, 0.0)), ['color']),
    # The same white reported as a color, as some lamps do.
    (LightState(True, 0.6, kelvin_to_rgb(2700)), [])])
def test_what_differs_beyond_the_tolerance(other, found):
    assert differences(WARM, other) == found == differences(other, WARM)


def test_lamps_that_are_off_are_alike():
    assert not differences(LightState(False, 0.2), LightState(False, 0.9))


@given(st.floats(0, 1), st.floats(0, 360), st.floats(0.1, 1))
def test_every_state_of_a_fading_lamp_is_on_the_way(share, hue, level):
    end = LightState(True, level, hsv_to_rgb(hue, 0.9))
    lamp = VirtualLamp(WARM)
    lamp.set(end, 10.0, 100.0)
    # Lamps mix sRGB, the line is straight in u'v': what lies between is a little off it.
    assert on_the_way(lamp.state(100 + 10 * share), [WARM], end, Tolerance(chromaticity=0.08))
    assert lamp.state(110.0) == end


def test_what_leaves_the_way_is_seen():
    end = LightState(True, 0.9, (0.1, 0.1, 1.0))
    assert not on_the_way(LightState(True, 0.3, color_temperature_k=2700), [WARM], end)
    assert not on_the_way(LightState(True, 0.7, (0.0, 1.0, 0.0)), [WARM], end)
    assert not on_the_way(LightState(False), [WARM], end)
    assert on_the_way(LightState(True, 0.1), [WARM], LightState(False))


@pytest.mark.parametrize('strategy', STRATEGIES)
@pytest.mark.parametrize('label', LABELS)
def test_every_strategy_has_a_light_for_every_emotion(strategy, label):
    light = ambience(strategy, *PROTOTYPES[Emotion[label.upper()]])
    if strategy == 'off':
        assert not light.on
        return
    assert light.on and 0.2 <= light.brightness <= 1
    assert (light.color is None) != (light.color_temperature_k is None)
    assert 2000 <= (light.color_temperature_k or 2000) <= 6500


def test_the_mirror_shows_feelings_as_people_name_them():
    def of(name):
        return ambience('mirror', *PROTOTYPES[name]).rgb
    red, green, blue = of(Emotion.ANGRY)
    assert red > 0.9 and green < 0.4 and blue < 0.4
    red, green, blue = of(Emotion.HAPPY)
    assert red > 0.9 and green > 0.6 and blue < 0.3
    red, green, blue = of(Emotion.SAD)
    assert blue > 0.9 and red < 0.4
    assert ambience('mirror', *PROTOTYPES[Emotion.NEUTRAL]).color is None


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_the_mirror_is_defined_and_changes_steadily_everywhere(valence, arousal):
    light = ambience('mirror', valence, arousal)
    assert 0.2 <= light.brightness <= 0.9 and all(0 <= channel <= 1 for channel in light.rgb)
    if np.hypot(valence, arousal) > 0.25:
        near = ambience('mirror', valence * 0.999, arousal * 0.999)
        assert max(abs(a - b) for a, b in zip(light.rgb, near.rgb)) < 0.02


def test_stronger_distress_is_answered_with_warmer_and_dimmer_light():
    mild, strong = ambience('soothe', -0.3, 0.2), ambience('soothe', -0.9, 0.9)
    assert strong.brightness < mild.brightness
    assert strong.color_temperature_k < mild.color_temperature_k


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match='glow'):
        ambience('glow', 0, 0)


def test_a_lamp_fades_keeps_missing_values_and_survives_a_clock_that_goes_back():
    lamp = VirtualLamp(LightState(False, 0.4, color_temperature_k=3000))
    lamp.set(LightState(True), 2.0, 10.0)
    assert lamp.state(11.0).brightness == pytest.approx(0.2)
    assert lamp.state(12.0) == LightState(True, 0.4, color_temperature_k=3000)
    lamp.set(LightState(False), 2.0, 12.0)
    assert lamp.state(13.0).on and lamp.state(1.0) == LightState(False, 0.4, None, 3000)


def test_a_terminal_lamp_draws_its_color():
    lines = []
    lamp = TerminalLamp(TerminalTarget(type='terminal'), DeviceContext(
        'a/b', lambda _: None, lambda *_: None, lambda: 0.0, write=lines.append, ansi=True))
    assert lamp.change_manually(LightState(True, 1.0, (1.0, 0.0, 0.0)), 0.0)
    assert '\x1b[48;2;255;0;0m' in lines[0] and 'a/b: on 100% #ff0000 (manually)' in lines[0]


# Several people.

def faces(*given):
    return [(('camera', index), face) for index, face in enumerate(given)]


def winner(reading):
    return None if reading.abstains else LABELS[int(np.argmax(reading.probabilities))]


TWO_HAPPY = faces(emotion('happy', 0.8), emotion('happy', 0.7), emotion('sad', 0.95))
TIE = faces(emotion('happy', 0.9), emotion('sad', 0.6))
NEAR_SAD = faces(emotion('happy', 0.9, side_px=50), emotion('sad', 0.6, side_px=200))


@pytest.mark.parametrize('method, people, label', [
    ('confidence_weighted', TWO_HAPPY, 'happy'), ('confidence_weighted', NEAR_SAD, 'happy'),
    ('max_confidence', TWO_HAPPY, 'sad'), ('max_confidence', TIE, 'happy'),
    ('majority', TWO_HAPPY, 'happy'), ('majority', TIE, None),
    ('primary_person', NEAR_SAD, 'sad'), ('primary_person', TIE, 'happy'),
    ('abstain_on_conflict', TWO_HAPPY, None),
    ('abstain_on_conflict', faces(emotion('sad'), emotion('sad')), 'sad'),
    *((method, [], None) for method in AGGREGATIONS),
    *((method, faces(emotion('uncertain')), None) for method in AGGREGATIONS),
    *((method, faces(emotion('happy', 0.3)), None) for method in AGGREGATIONS),
    *((method, faces(emotion('happy'), emotion('uncertain')), 'happy') for method in AGGREGATIONS),
])
def test_several_people_become_one_reading(method, people, label):
    reading = aggregate(method, people, minimum_confidence=0.5)
    assert winner(reading) == label
    assert reading.probabilities.sum() == pytest.approx(0 if label is None else 1, abs=1e-5)
    assert bool(reading.why) == (label is None)


def test_faces_count_by_confidence_and_quality():
    sure, vague = emotion('happy', 0.9, valence=0.8), emotion('sad', 0.6, valence=-0.4)
    reading = aggregate('confidence_weighted', faces(sure, vague))
    assert reading.probabilities[LABELS.index('happy')] == pytest.approx(
        (0.9 * 0.9 + 0.6 * 0.4 / 6) / 1.5, rel=1e-5)
    assert reading.valence == pytest.approx((0.9 * 0.8 - 0.6 * 0.4) / 1.5) and reading.voters == 2
    reading = aggregate('confidence_weighted', faces(
        sure, emotion('sad', 0.6, valence=-0.4, quality=0.5)))
    assert reading.valence == pytest.approx((0.9 * 0.8 - 0.3 * 0.4) / 1.2)
    # Faces without quality still count if there are no others.
    reading = aggregate('confidence_weighted', faces(emotion('sad', 0.6, quality=0.0)))
    assert winner(reading) == 'sad'


@pytest.mark.parametrize('confidence, quality, votes', [
    (0.5, 1.0, True), (0.49, 1.0, False), (0.9, 0.3, True), (0.9, 0.29, False)])
def test_the_minima_are_inside(confidence, quality, votes):
    face = emotion('happy', 0.9, quality=quality)
    reading = aggregate('max_confidence', faces(replace(face, confidence=confidence)),
                        minimum_confidence=0.5, minimum_quality=0.3)
    assert reading.abstains != votes


def test_a_face_of_bad_quality_does_not_vote():
    people = faces(emotion('sad', 0.9, quality=0.1), emotion('happy', 0.6))
    assert winner(aggregate('max_confidence', people, minimum_quality=0.2)) == 'happy'


def test_the_primary_person_stays_until_another_is_clearly_nearer():
    people = faces(emotion('sad', side_px=100), emotion('happy', side_px=110))
    assert winner(aggregate('primary_person', people, primary=('camera', 0))) == 'sad'
    people = faces(emotion('sad', side_px=100), emotion('happy', side_px=130))
    assert winner(aggregate('primary_person', people, primary=('camera', 0))) == 'happy'
    # The main person's doubt is not filled by a bystander.
    people = faces(emotion('uncertain', side_px=200), emotion('happy', side_px=50))
    assert aggregate('primary_person', people).abstains


@pytest.mark.parametrize('method, people, label', [
    # 0.8 of half a vote is less than 0.6 of a whole one.
    ('max_confidence', faces(emotion('happy', 0.8), emotion('sad', 0.6)), 'sad'),
    # So is twice the area; 1.5 times the side is more.
    ('primary_person', faces(emotion('happy', side_px=130), emotion('sad', side_px=100)), 'sad'),
    ('primary_person', faces(emotion('happy', side_px=150), emotion('sad', side_px=100)), 'happy'),
    ('majority', faces(emotion('happy'), emotion('sad')), 'sad')])
def test_half_a_vote(method, people, label):
    assert winner(aggregate(method, people, weight_of=lambda key: {
        ('camera', 0): 0.5, ('camera', 1): 1.0}[key])) == label


def test_a_face_without_weight_has_no_vote():
    reading = aggregate('confidence_weighted', faces(emotion('happy')), weight_of=lambda key: 0.0)
    assert reading.why == 'everybody looks away' and reading.voters == 0


def test_weights_multiply_confidence():
    reading = aggregate('confidence_weighted', faces(
        emotion('happy', 0.8, valence=1.0), emotion('sad', 0.8, valence=-1.0)),
        weight_of=lambda key: {('camera', 0): 0.25, ('camera', 1): 1.0}[key])
    assert reading.valence == pytest.approx(-0.6) and reading.voters == 2
