# SPDX-License-Identifier: Apache-2.0
"""Check the clock: stamps, certificates and quiet hours depend on it."""

from collections.abc import Iterator
import ctypes
import os
import time

from fer_ros.doctor.finding import Finding, Level, Request

#: A correct clock shows at least 1 January 2026, UTC, seconds.
_EARLIEST_S = 1_767_225_600
# systemd calls a clock synchronized while the kernel's largest error is below this, microseconds.
_UNSYNCHRONIZED_US = 16_000_000
_FIX = "synchronize it, for example 'sudo timedatectl set-ntp true'"


class _Timex(ctypes.Structure):
    """The beginning of the kernel's struct timex, and room for the rest."""

    _fields_ = [('modes', ctypes.c_uint), ('offset', ctypes.c_long), ('freq', ctypes.c_long),
                ('maxerror', ctypes.c_long), ('rest', ctypes.c_byte * 512)]


def check(request: Request) -> Iterator[Finding]:
    """Check the time and the kernel's estimate of its error."""
    yield judge(time.time(), kernel_error_us())


def kernel_error_us() -> int | None:
    """Return the kernel's estimate of the clock's largest error, microseconds, or None."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else timex.maxerror


def judge(now_s: float, error_us: int | None) -> Finding:
    """Return the finding for a time, seconds since 1970, and its possible error."""
    shown = time.strftime('%Y-%m-%d %H:%M:%S %Z', time.localtime(now_s))
    values = {'time (s)': now_s}
    if now_s < _EARLIEST_S:
        return Finding('clock', Level.ERROR, f'it shows {shown}, which is in the past: '
                       'certificates are refused and stamps are wrong', _FIX, values)
    if error_us is None:
        return Finding('clock', Level.OK, f'{shown}; cannot tell whether it is synchronized',
                       values=values)
    values['largest error (ms)'] = error_us / 1000
    if error_us >= _UNSYNCHRONIZED_US:
        container = os.path.exists('/.dockerenv') or os.path.exists('/run/.containerenv')
        return Finding('clock', Level.WARN, f'{shown}, not synchronized: stamps of several '
                       'computers do not agree, quiet hours may come at the wrong time',
                       _FIX + (' on the host' if container else ''), values)
    return Finding('clock', Level.OK, f'{shown}, synchronized (error at most {error_us / 1000:.0f}'
                   ' ms)', values=values)
