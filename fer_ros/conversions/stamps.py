# SPDX-License-Identifier: Apache-2.0
"""Conversions between stamps, seconds, and the bytes of messages."""

import struct

from builtin_interfaces.msg import Time


def stamp_to_s(stamp: Time) -> float:
    """Return a stamp in seconds."""
    return stamp.sec + stamp.nanosec * 1e-9


def s_to_stamp(seconds: float) -> Time:
    """Return seconds as a stamp; negative times, which messages cannot represent, become 0."""
    nanoseconds = max(0, round(seconds * 1e9))
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def serialized_stamp(message: bytes) -> Time:
    """Return the stamp of a serialized message that begins with a ``std_msgs/Header``.

    Every middleware of ROS 2 serializes as CDR (OMG: DDS-XTypes 1.3, 7.4): four bytes, of which
    the second is odd for little endian, then the members in their order.

    :raises struct.error: when it is shorter.
    """
    order = '<' if message[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(f'{order}iI', message, 4)
    return Time(sec=seconds, nanosec=nanoseconds)
