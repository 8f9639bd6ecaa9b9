# SPDX-License-Identifier: Apache-2.0
"""Describe habits in sentences."""

from datetime import time

from fer_ros.habits.finder import Habit, PARTS
from fer_ros.home.light import LightState

#: How an emotion is said of a person.
_FEELINGS = {'fear': 'afraid', 'disgust': 'disgusted', 'surprise': 'surprised'}


def feeling(emotion: str) -> str:
    """Return an emotion as it is said of a person."""
    return _FEELINGS.get(emotion, emotion)


def circumstances(emotion: str, part: str, days: str, start: time | None) -> str:
    """Return when a habit holds, such as ``Evenings when sad``."""
    words = [] if part == 'any time' else [part]
    if part != 'any time' and start is not None and start != time(PARTS[part][0]):
        words.append(f'from {start:%H:%M}')
    if days:
        words.append(f'on {days}')
    words.append(f'when {feeling(emotion)}')
    text = ' '.join(words)
    return text[0].upper() + text[1:]


def setting(light: LightState) -> str:
    """Return what a lamp is set to, such as ``set to 30 %``."""
    if not light.on:
        return 'turned off'
    words = []
    if light.brightness is not None:
        words.append(percent(light.brightness))
    if light.color is not None:
        words.append('#' + ''.join(f'{round(channel * 255):02x}' for channel in light.color))
    elif light.color_temperature_k is not None:
        words.append(f'{light.color_temperature_k} K')
    return f'set to {", ".join(words)}' if words else 'turned on'


def percent(value: float) -> str:
    """Return a share in words."""
    return f'{100 * value:.0f} %'


def spoken(target: str) -> str:
    """Return the name of a device as it is said."""
    return target.replace('_', ' ')


def evidence(habit: Habit) -> str:
    """Return what was seen, as a clause."""
    return (f'{circumstances(habit.emotion, habit.part, habit.days, habit.start)}, '
            f'the {spoken(habit.target)} was {setting(habit.light)} in {habit.hits} of '
            f'{habit.chances} times')
