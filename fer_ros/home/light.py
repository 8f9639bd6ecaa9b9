# SPDX-License-Identifier: Apache-2.0
"""What a light can be asked for and what it reports, with the colour arithmetic they need."""

from dataclasses import dataclass, replace
from functools import lru_cache
import math

#: Whites below and above are not offered by lamps sold for homes.
KELVIN_RANGE = (1500, 9000)


@dataclass(frozen=True)
class LightState:
    """The state of a light; a field that is None is not known, or not asked for.

    :ivar on: whether it shines.
    :ivar brightness: [0, 1] of what the lamp can do.
    :ivar color: sRGB ``(r, g, b)``, each [0, 1], at full brightness; None when it is a white.
    :ivar color_temperature_k: kelvin, when it is a white.
    """

    on: bool
    brightness: float | None = None
    color: tuple[float, float, float] | None = None
    color_temperature_k: int | None = None

    @property
    def rgb(self) -> tuple[float, float, float] | None:
        """The colour as sRGB, also of a white; None when neither is known."""
        if self.color is not None:
            return self.color
        if self.color_temperature_k:
            return kelvin_to_rgb(self.color_temperature_k)
        return None

    def merged(self, newer: 'LightState') -> 'LightState':
        """Return ``newer`` with what it leaves out taken from this state."""
        color, kelvin = newer.color, newer.color_temperature_k
        if color is None and kelvin is None:
            color, kelvin = self.color, self.color_temperature_k
        brightness = self.brightness if newer.brightness is None else newer.brightness
        return replace(newer, brightness=brightness, color=color, color_temperature_k=kelvin)

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
        return ' '.join(words)


@dataclass(frozen=True)
class Tolerance:
    """How far a lamp may be from what was asked before somebody must have changed it.

    :ivar brightness: difference, [0, 1].
    :ivar mired: difference between two whites, reciprocal megakelvin (a just visible step is
        about 5).
    :ivar chromaticity: distance in the CIE 1976 u'v' diagram.
    """

    brightness: float = 0.06
    mired: float = 25.0
    chromaticity: float = 0.035


def differences(a: LightState, b: LightState, tolerance: Tolerance = Tolerance()) -> list[str]:
    """Return which of on, brightness and colour differ beyond the tolerance.

    What one of the two does not know is taken to agree; of two lights that are off only that
    counts.
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
            found.append('colour temperature')
    elif a.rgb is not None and b.rgb is not None \
            and chromaticity_distance(a.rgb, b.rgb) > tolerance.chromaticity:
        found.append('colour')
    return found


def on_the_way(state: LightState, start: LightState, end: LightState,
               tolerance: Tolerance = Tolerance()) -> bool:
    """Return whether a light that fades from ``start`` to ``end`` may report ``state``."""
    if state.on not in (start.on, end.on):
        return False
    if not state.on:
        return True
    levels = [light.brightness if light.on else 0.0 for light in (start, end)]
    if state.brightness is not None and None not in levels and not (
            min(levels) - tolerance.brightness <= state.brightness
            <= max(levels) + tolerance.brightness):
        return False
    here, first, last = state.rgb, start.rgb, end.rgb
    if here is None or first is None or last is None:
        return True
    return _distance_to_segment(chromaticity(here), chromaticity(first),
                                chromaticity(last)) <= tolerance.chromaticity


def _distance_to_segment(point, first, last) -> float:
    along = (last[0] - first[0], last[1] - first[1])
    length = along[0] ** 2 + along[1] ** 2
    share = 0.0 if length == 0 else min(1.0, max(0.0, (
        (point[0] - first[0]) * along[0] + (point[1] - first[1]) * along[1]) / length))
    return math.hypot(point[0] - first[0] - share * along[0],
                      point[1] - first[1] - share * along[1])


def kelvin_to_rgb(kelvin: float) -> tuple[float, float, float]:
    """Return the sRGB colour of a black body, scaled so that its largest channel is 1.

    The chromaticity is the cubic approximation of the Planckian locus by Kim and others
    (US patent 7024034), valid from 1667 K to 25000 K; outside, the nearest end is used.
    """
    kelvin = min(25000.0, max(1667.0, kelvin))
    i = 1e3 / kelvin
    if kelvin <= 4000:
        x = -0.2661239 * i ** 3 - 0.2343589 * i ** 2 + 0.8776956 * i + 0.179910
    else:
        x = -3.0258469 * i ** 3 + 2.1070379 * i ** 2 + 0.2226347 * i + 0.240390
    if kelvin <= 2222:
        y = -1.1063814 * x ** 3 - 1.34811020 * x ** 2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:
        y = -0.9549476 * x ** 3 - 1.37418593 * x ** 2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x ** 3 - 5.87338670 * x ** 2 + 3.75112997 * x - 0.37001483
    return xy_to_rgb(x, y)


def xy_to_rgb(x: float, y: float) -> tuple[float, float, float]:
    """Return the sRGB colour of a CIE 1931 chromaticity, its largest channel 1."""
    y = max(y, 1e-6)
    big_x, big_z = x / y, (1 - x - y) / y
    # The matrix of IEC 61966-2-1 (sRGB, D65).
    linear = (3.2404542 * big_x - 1.5371385 - 0.4985314 * big_z,
              -0.9692660 * big_x + 1.8760108 + 0.0415560 * big_z,
              0.0556434 * big_x - 0.2040259 + 1.0572252 * big_z)
    linear = [max(0.0, channel) for channel in linear]
    peak = max(*linear, 1e-9)
    return tuple(_companded(channel / peak) for channel in linear)


def hsv_to_rgb(hue_deg: float, saturation: float, value: float = 1.0) \
        -> tuple[float, float, float]:
    """Return sRGB from a hue in degrees and saturation and value in [0, 1]."""
    import colorsys
    return colorsys.hsv_to_rgb(hue_deg % 360 / 360, saturation, value)


@lru_cache(maxsize=1024)
def chromaticity(rgb: tuple[float, float, float]) -> tuple[float, float]:
    """Return CIE 1976 u'v' of an sRGB colour; black counts as white."""
    r, g, b = (_linear(channel) for channel in rgb)
    if r + g + b < 1e-9:
        r = g = b = 1.0
    x = 0.4124564 * r + 0.3575761 * g + 0.1804375 * b
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = 0.0193339 * r + 0.1191920 * g + 0.9503041 * b
    total = x + 15 * y + 3 * z
    return 4 * x / total, 9 * y / total


def chromaticity_distance(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    """Return the distance of two sRGB colours in the u'v' diagram, whatever their brightness."""
    return math.dist(chromaticity(a), chromaticity(b))


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _companded(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055
