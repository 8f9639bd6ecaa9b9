# SPDX-License-Identifier: Apache-2.0
"""Give memory back to the system."""

import ctypes


def trim() -> None:
    """Return freed memory to the system, which the C library may keep for the process.

    For after a large object is gone and nothing as large will follow. Takes a millisecond; does
    nothing where the C library is not glibc.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return
