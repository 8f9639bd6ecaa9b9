# SPDX-License-Identifier: Apache-2.0
"""Report the Python version, its environment and the machine."""

from collections.abc import Iterator
import os
from pathlib import Path
import platform
import sys

from fer_ros.doctor.finding import Finding, Level, Request

_OLDEST = (3, 10)


def check(request: Request) -> Iterator[Finding]:
    """Check the interpreter that runs the doctor: it would also run the rest."""
    version = platform.python_version()
    where = (f'virtual environment {sys.prefix}' if sys.prefix != sys.base_prefix
             else f"the system's ({sys.executable})")
    system = _distribution()
    cpus = len(os.sched_getaffinity(0))
    message = f'{version}, {where}; {system}, {platform.machine()}, {cpus} CPUs'
    values = {'version': version, 'machine': platform.machine(), 'CPUs': cpus, 'system': system}
    if sys.version_info < _OLDEST:
        yield Finding('python', Level.ERROR, message, f'install Python '
                      f'{".".join(map(str, _OLDEST))} or newer', values)
    else:
        yield Finding('python', Level.OK, message, values=values)


def _distribution() -> str:
    for path in (Path('/etc/os-release'), Path('/usr/lib/os-release')):
        try:
            lines = path.read_text(encoding='utf-8').splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            if line.startswith('PRETTY_NAME='):
                return line.partition('=')[2].strip('"\'')
    return platform.system()
