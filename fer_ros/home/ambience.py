# SPDX-License-Identifier: Apache-2.0
"""Map valence and arousal to light.

The axes are Russell's circumplex (1980). What is known about light and feeling is weak and
differs between people and cultures; docs/home.md lists the sources and how weak they are. This
is not a treatment.
"""

import math

from fer_ros.emotions.affect import VALENCE_AROUSAL
from fer_ros.emotions.labels import Emotion
from fer_ros.home.color import hsv_to_rgb
from fer_ros.home.light import LightState

#: The strategies of a policy, each with its effect in words.
STRATEGIES = {'mirror': 'shows the emotion', 'soothe': 'soothes', 'energise': 'energizes',
              'off': 'turns the light off'}

#: Where the emotions lie on the circumplex, (valence, arousal), each [-1, 1].
PROTOTYPES: dict[Emotion, tuple[float, float]] = {
    emotion: (float(VALENCE_AROUSAL[emotion, 0]), float(VALENCE_AROUSAL[emotion, 1]))
    for emotion in Emotion}

#: Hue over the angle on the circumplex, degrees; the hue falls steadily as the angle grows.
#: Yellow with joy, red with anger and blue with sadness are the associations that recur over 30
#: nations (Jonauskaite and others 2020); the angles between are interpolated.
_HUES = ((30.0, 45.0), (60.0, 25.0), (115.0, 5.0), (140.0, 0.0), (150.0, -75.0), (210.0, -135.0),
         (270.0, -170.0), (315.0, -220.0), (390.0, -315.0))

#: Below this distance from the center an emotion has no color.
_NEUTRAL_RADIUS = 0.2


def ambience(strategy: str, valence: float, arousal: float) -> LightState:
    """Return the light of a strategy for an emotion.

    ``mirror`` shows the feeling: hue by the angle, saturation by the strength, brightness by
    arousal (Wilms and Oberfeld 2018: saturated and bright colors are felt as more arousing).
    ``soothe`` answers with dim, warm white, the more so the stronger the distress. ``energise``
    answers with bright, cool white. ``off`` turns the light off.

    :param valence: unpleasant to pleasant, [-1, 1].
    :param arousal: calm to excited, [-1, 1].
    """
    strength = min(1.0, math.hypot(valence, arousal))
    if strategy == 'off':
        return LightState(False)
    if strategy == 'soothe':
        distress = min(1.0, max(0.0, -valence) * 0.6 + max(0.0, arousal) * 0.4)
        return LightState(True, round(0.5 - 0.25 * distress, 3),
                          color_temperature_k=round(2700 - 500 * distress))
    if strategy == 'energise':
        low = min(1.0, max(0.0, -arousal) * 0.6 + max(0.0, -valence) * 0.4)
        return LightState(True, round(0.8 + 0.2 * low, 3),
                          color_temperature_k=round(4500 + 1500 * low))
    if strategy != 'mirror':
        raise ValueError(f'unknown strategy {strategy!r}: expected one of {tuple(STRATEGIES)}')
    if strength < _NEUTRAL_RADIUS:
        return LightState(True, 0.5, color_temperature_k=3000)
    brightness = round(0.55 + 0.3 * arousal, 3)
    saturation = 0.45 + 0.45 * strength
    return LightState(True, brightness, hsv_to_rgb(_hue(valence, arousal), saturation))


def _hue(valence: float, arousal: float) -> float:
    angle = math.degrees(math.atan2(arousal, valence)) % 360
    if angle < _HUES[0][0]:
        angle += 360
    for (start, hue), (end, next_hue) in zip(_HUES, _HUES[1:]):
        if angle <= end:
            return hue + (next_hue - hue) * (angle - start) / (end - start)
    return _HUES[-1][1]
