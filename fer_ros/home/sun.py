# SPDX-License-Identifier: Apache-2.0
"""Compute the sun's elevation.

Not by astral: a robot would get it from its distribution, and Debian 12 has 1.6, whose interface
was replaced in 2.0. One formula is less than supporting both.
"""

import math

#: J2000.0, 2000-01-01 12:00 UTC, seconds since 1970.
_J2000_S = 946_728_000.0
_DAY_S = 86_400.0
#: The upper edge of the sun is on the horizon: half its width and the refraction.
HORIZON_DEG = -0.833


def elevation_deg(latitude_deg: float, longitude_deg: float, at_s: float) -> float:
    """Return the elevation of the sun's center, degrees; negative: below the horizon.

    The low-precision formulas of the Astronomical Almanac (section C), good to 0.02 degrees
    between 1950 and 2050; without refraction.

    :param longitude_deg: east is positive.
    :param at_s: seconds since 1970, UTC.
    """
    days = (at_s - _J2000_S) / _DAY_S
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360)
    longitude = math.radians((280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly)
                              + 0.020 * math.sin(2 * anomaly)) % 360)
    obliquity = math.radians(23.439 - 4e-7 * days)
    ascension = math.atan2(math.cos(obliquity) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))
    sidereal = math.radians((280.46062 + 360.98564737 * days + longitude_deg) % 360)
    latitude = math.radians(latitude_deg)
    return math.degrees(math.asin(
        math.sin(latitude) * math.sin(declination)
        + math.cos(latitude) * math.cos(declination) * math.cos(sidereal - ascension)))


def is_up(latitude_deg: float, longitude_deg: float, at_s: float) -> bool:
    """Return whether any of the sun is above the horizon."""
    return elevation_deg(latitude_deg, longitude_deg, at_s) > HORIZON_DEG
