# SPDX-License-Identifier: Apache-2.0
"""Conversions between stamps and seconds."""

from builtin_interfaces.msg import Time


def stamp_to_s(stamp: Time) -> float:
    """Return a stamp in seconds."""
    return stamp.sec + stamp.nanosec * 1e-9


def s_to_stamp(seconds: float) -> Time:
    """Return seconds as a stamp; negative times, which messages cannot represent, become 0."""
    nanoseconds = max(0, round(seconds * 1e9))
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
