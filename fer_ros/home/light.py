# SPDX-License-Identifier: Apache-2.0
"""States and limits of lights, and their comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
import math

from fer_ros.home.color import (
    chromaticity,
    chromaticity_distance,
    GAMUTS,
    kelvin_to_rgb,
    nearest_in_hull,
    on_hue_path,
    within_gamut,
)

#: Range of white temperatures of lamps sold for homes, kelvin.
KELVIN_RANGE = (1500, 9000)
#: Valid range of reported white temperatures, kelvin.
PLAUSIBLE_KELVIN = (1000, 20000)


@dataclass(frozen=True)
class LightState:
    """The state of a light; None fields are unknown, or not requested.

    :ivar on: whether it is on.
    :ivar brightness: fraction of its maximum, [0, 1].
    :ivar color: sRGB ``(r, g, b)``, each [0, 1], at full brightness; None for a white.
    :ivar color_temperature_k: kelvin, for a white.
    :ivar effect: the running effect (such as a rainbow), by the lamp's name; empty if none.
    """

    on: bool
    brightness: float | None = None
    color: tuple[float, float, float] | None = None
    color_temperature_k: int | None = None
    effect: str | None = None

    @property
    def rgb(self) -> tuple[float, float, float] | None:
        """The color as sRGB, also of a white; None when neither is known."""
        if self.color is not None:
            return self.color
        if self.color_temperature_k:
            return kelvin_to_rgb(self.color_temperature_k)
        return None

    def merged(self, newer: 'LightState') -> 'LightState':
        """Return ``newer`` with its None fields taken from this state."""
        color, kelvin = newer.color, newer.color_temperature_k
        if color is None and kelvin is None:
            color, kelvin = self.color, self.color_temperature_k
        brightness = self.brightness if newer.brightness is None else newer.brightness
        effect = self.effect if newer.effect is None else newer.effect
        return replace(newer, brightness=brightness, color=color, color_temperature_k=kelvin,
                       effect=effect)

    def describe(self) -> str:
        """Return a few words for a log or a person."""
        if not self.on:
            return 'off'
        words = ['on']
        if self.brightness is not None:
            words.append(f'{self.brightness:.0%}')
        if self.color is not None:
            words.append('#' + ''.join(f'{round(channel * 255):02x}' for channel in self.color))
        elif self.color_temperature_k:
            words.append(f'{self.color_temperature_k} K')
        if self.effect:
            words.append('with its effect')
        return ' '.join(words)


@dataclass(frozen=True)
class Tolerance:
    """Maximum deviation of a lamp from the request that does not count as a change.

    :ivar brightness: difference, [0, 1].
    :ivar mired: difference between two whites, reciprocal megakelvin (a just visible step is
        about 5).
    :ivar chromaticity: distance in the CIE 1976 u'v' diagram.
    """

    brightness: float = 0.06
    mired: float = 25.0
    chromaticity: float = 0.035


def differences(a: LightState, b: LightState, tolerance: Tolerance = Tolerance()) -> list[str]:
    """Return which of on, brightness, color and effect differ beyond the tolerance.

    Unknown fields count as equal; for two lights that are off nothing else is compared.
    """
    if a.on != b.on:
        return ['on/off']
    if not a.on:
        return []
    found = []
    if a.brightness is not None and b.brightness is not None \
            and abs(a.brightness - b.brightness) > tolerance.brightness:
        found.append('brightness')
    if a.color is None and b.color is None:
        if a.color_temperature_k and b.color_temperature_k and abs(
                1e6 / a.color_temperature_k - 1e6 / b.color_temperature_k) > tolerance.mired:
            found.append('color temperature')
    elif a.rgb is not None and b.rgb is not None \
            and chromaticity_distance(a.rgb, b.rgb) > tolerance.chromaticity:
        found.append('color')
    if a.effect is not None and b.effect is not None and a.effect != b.effect:
        found.append('effect')
    return found


def distance(a: LightState, b: LightState, tolerance: Tolerance = Tolerance()) -> float:
    """Return how far two lights are apart, in tolerances of what differs most.

    What one of the two does not know is taken to agree.
    """
    if a.on != b.on:
        return math.inf
    found = [0.0]
    if a.brightness is not None and b.brightness is not None:
        found.append(abs(a.brightness - b.brightness) / tolerance.brightness)
    if a.color is None and b.color is None:
        if a.color_temperature_k and b.color_temperature_k:
            found.append(abs(1e6 / a.color_temperature_k - 1e6 / b.color_temperature_k)
                         / tolerance.mired)
    elif a.rgb is not None and b.rgb is not None:
        found.append(chromaticity_distance(a.rgb, b.rgb) / tolerance.chromaticity)
    return max(found)


def deviations(requested: LightState, state: LightState, tolerance: Tolerance = Tolerance()) \
        -> list[str]:
    """Return the attributes that differ from the request and from its nearest possible state.

    A lamp whose three colors cannot mix the requested color reports the nearest that they can.
    """
    found = differences(requested, state, tolerance)
    if 'color' in found and requested.color is not None and state.rgb is not None and any(
            chromaticity_distance(within_gamut(requested.color, gamut), state.rgb)
            <= tolerance.chromaticity for gamut in GAMUTS):
        found.remove('color')
    return found


def on_the_way(state: LightState, starts: Sequence[LightState], end: LightState,
               tolerance: Tolerance = Tolerance()) -> bool:
    """Return whether a light that fades to ``end`` may report ``state``.

    :param starts: possible start states; a lamp with two requests, for example, may not have
        reached the first end. A lamp that was off may report its remembered level.
    """
    ends = [*starts, end]
    if not end.on and state.brightness is not None and state.brightness <= tolerance.brightness:
        return True
    if all(state.on != one.on for one in ends):
        return False
    if not state.on:
        return True
    levels = [one.brightness for one in (*starts, *([end] if end.on else []))]
    if not all(one.on for one in ends):
        levels.append(0.0)
    if state.brightness is not None and None not in levels and not (
            min(levels) - tolerance.brightness <= state.brightness
            <= max(levels) + tolerance.brightness):
        return False
    colors = [one.rgb for one in ends if one.rgb is not None]
    if state.rgb is None or not colors or any(
            one.rgb is None for one in starts) or (end.on and end.rgb is None):
        return True
    here = chromaticity(state.rgb)
    nearest = nearest_in_hull(here, [chromaticity(color) for color in colors])
    return math.dist(here, nearest) <= tolerance.chromaticity or on_hue_path(state.rgb, colors)


def read_light(on: bool, brightness: float | None = None,
               color: Sequence[float | None] | None = None, kelvin: float | None = None,
               effect: str | None = None) -> LightState:
    """Return the state of a light from a report with any numbers.

    Values slightly out of range are clamped; impossible ones become unknown.
    """
    level = number(brightness)
    channels = None if color is None else [number(channel) for channel in color]
    if channels is not None and (len(channels) != 3 or None in channels):
        channels = None
    white = number(kelvin)
    if white is not None:
        white = round(min(KELVIN_RANGE[1], max(KELVIN_RANGE[0], white))) \
            if PLAUSIBLE_KELVIN[0] <= white <= PLAUSIBLE_KELVIN[1] else None
    return LightState(
        on, None if level is None or level < 0 else min(1.0, level),
        None if channels is None else tuple(min(1.0, max(0.0, channel)) for channel in channels),
        white if channels is None else None, effect)


def kelvin_of(value: object) -> float | None:
    """Return kelvin from a color temperature in mired or, from 1000 on, in kelvin."""
    value = number(value)
    if value is None or value <= 0:
        return None
    return value if value >= 1000 else 1e6 / value


def number(value: object) -> float | None:
    """Return a finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        value = float(value)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Limits:
    """Limits of a light, as far as known; the defaults limit nothing.

    :ivar dimmable: whether it can be dimmed; for a blind, whether it stops between its ends.
    :ivar color: whether it has colors; ``white``: whether it has a color temperature.
    :ivar kelvin: its warmest and coldest white.
    """

    dimmable: bool = True
    color: bool = True
    white: bool = True
    kelvin: tuple[float, float] = KELVIN_RANGE

    def within(self, light: LightState) -> LightState:
        """Return the nearest possible state; unsupported attributes are omitted."""
        color, kelvin = light.color, light.color_temperature_k
        if kelvin is not None:
            if self.white:
                kelvin = round(min(self.kelvin[1], max(self.kelvin[0], kelvin)))
            else:
                color, kelvin = kelvin_to_rgb(kelvin), None
        if color is not None and not self.color:
            color = None
        return replace(light, brightness=light.brightness if self.dimmable else None, color=color,
                       color_temperature_k=kelvin)
