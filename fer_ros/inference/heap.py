# SPDX-License-Identifier: Apache-2.0
"""Say when the C library gives freed memory back to the system."""

import ctypes
import os

# mallopt()'s numbers, and what is set: everything up to 32 MiB (the most there may be) comes from
# one heap. Of what is free at its end, 6 MiB are kept, and the rest is given back from 8 MiB on:
# two copies of an image of 1280x720 are kept, not all that ever waited.
_CHOICES = ((-8, 1), (-3, 32 * 2**20), (-1, 8 * 2**20), (-2, 6 * 2**20))


def keep_image_memory() -> None:
    """Let the C library keep the memory of an image for the next one.

    For a process that gets images, before it starts threads. Otherwise a large image comes from
    the system each time: at 1280x720 1900 pages and 4 ms of CPU time per image
    (docs/performance_notes.md). Does nothing where the user has set malloc's variables, or the C
    library is not glibc.
    """
    if any(name.startswith('MALLOC_') for name in os.environ) \
            or 'glibc.malloc' in os.environ.get('GLIBC_TUNABLES', ''):
        return
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    for option, value in _CHOICES:
        set_option(option, value)


def trim() -> None:
    """Return freed memory to the system, which the C library may keep for the process.

    For after a large object is gone and nothing as large will follow. Takes a millisecond; does
    nothing where the C library is not glibc.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return
