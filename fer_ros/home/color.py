# SPDX-License-Identifier: Apache-2.0
"""Color arithmetic: black bodies, chromaticities and gamuts of lamps."""

from collections.abc import Sequence
import colorsys
from functools import lru_cache
import itertools
import math

Rgb = tuple[float, float, float]
Point = tuple[float, float]

#: CIE 1931 xy of red, green and blue of lamps that cannot mix all of sRGB: gamuts A, B and C as
#: the makers of Hue name and publish them; others use the same light-emitting diodes.
GAMUTS: tuple[tuple[Point, Point, Point], ...] = (
    ((0.704, 0.296), (0.2151, 0.7106), (0.138, 0.08)),
    ((0.675, 0.322), (0.409, 0.518), (0.167, 0.04)),
    ((0.6915, 0.3083), (0.17, 0.7), (0.1532, 0.0475)))


@lru_cache(maxsize=256)
def kelvin_to_rgb(kelvin: float) -> tuple[float, float, float]:
    """Return the sRGB color of a black body, scaled so that its largest channel is 1.

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


def saturated(rgb: Rgb, amount: float) -> Rgb:
    """Return a color of another saturation.

    :param amount: what is added to the saturation, [-1, 1].
    """
    hue, saturation, value = colorsys.rgb_to_hsv(*rgb)
    return colorsys.hsv_to_rgb(hue, min(1.0, max(0.0, saturation + amount)), value)


def xy_to_rgb(x: float, y: float) -> tuple[float, float, float]:
    """Return the sRGB color of a CIE 1931 chromaticity, its largest channel 1."""
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
    return colorsys.hsv_to_rgb(hue_deg % 360 / 360, saturation, value)


@lru_cache(maxsize=1024)
def chromaticity(rgb: tuple[float, float, float]) -> tuple[float, float]:
    """Return CIE 1976 u'v' of an sRGB color; black counts as white."""
    r, g, b = (_linear(channel) for channel in rgb)
    if r + g + b < 1e-9:
        r = g = b = 1.0
    x = 0.4124564 * r + 0.3575761 * g + 0.1804375 * b
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = 0.0193339 * r + 0.1191920 * g + 0.9503041 * b
    total = x + 15 * y + 3 * z
    return 4 * x / total, 9 * y / total


def chromaticity_distance(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    """Return the distance of two sRGB colors in the u'v' diagram, whatever their brightness."""
    return math.dist(chromaticity(a), chromaticity(b))


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _companded(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def rgb_to_xy(rgb: Rgb) -> Point:
    """Return the CIE 1931 chromaticity of an sRGB color; black counts as white."""
    u, v = chromaticity(rgb)
    # The inverse of u' = 4x / (-2x + 12y + 3), v' = 9y / (-2x + 12y + 3).
    whole = 6 * u - 16 * v + 12
    return 9 * u / whole, 4 * v / whole


def within_gamut(rgb: Rgb, gamut: Sequence[Point]) -> Rgb:
    """Return the color of a gamut (xy of red, green, blue) that is nearest to an sRGB color."""
    point = rgb_to_xy(rgb)
    nearest = nearest_in_hull(point, gamut)
    return rgb if nearest == point else xy_to_rgb(*nearest)


def nearest_in_hull(point: Point, corners: Sequence[Point]) -> Point:
    """Return the point of the convex hull of a few points that is nearest to a point."""
    if any(_in_triangle(point, *three) for three in itertools.combinations(corners, 3)):
        return point
    pairs = itertools.combinations(corners, 2) if len(corners) > 1 else ((corners[0],) * 2,)
    return min((_nearest_on_segment(point, *pair) for pair in pairs),
               key=lambda one: math.dist(one, point))


def _in_triangle(point: Point, a: Point, b: Point, c: Point) -> bool:
    sides = [(q[0] - p[0]) * (point[1] - p[1]) - (q[1] - p[1]) * (point[0] - p[0])
             for p, q in ((a, b), (b, c), (c, a))]
    # A triangle without area contains nothing; its sides are checked separately.
    return (min(sides) >= 0 or max(sides) <= 0) and max(map(abs, sides)) > 1e-9


def _nearest_on_segment(point: Point, first: Point, last: Point) -> Point:
    along = (last[0] - first[0], last[1] - first[1])
    length = along[0] ** 2 + along[1] ** 2
    share = 0.0 if length == 0 else min(1.0, max(0.0, (
        (point[0] - first[0]) * along[0] + (point[1] - first[1]) * along[1]) / length))
    return first[0] + share * along[0], first[1] + share * along[1]


def on_hue_path(rgb: Rgb, ends: Sequence[Rgb], *, hue: float = 0.06, saturation: float = 0.12) \
        -> bool:
    """Return whether a color lies between two of some, for lamps that fade hue and saturation.

    :param hue: tolerance, in turns; ``saturation``: tolerance, [0, 1].
    """
    here = colorsys.rgb_to_hsv(*rgb)
    for first, last in itertools.combinations([colorsys.rgb_to_hsv(*end) for end in ends], 2):
        if not min(first[1], last[1]) - saturation <= here[1] \
                <= max(first[1], last[1]) + saturation:
            continue
        arc = (last[0] - first[0] + 0.5) % 1 - 0.5
        along = (here[0] - first[0] + 0.5) % 1 - 0.5
        if min(0.0, arc) - hue <= along <= max(0.0, arc) + hue:
            return True
    return False
