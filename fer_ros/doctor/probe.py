# SPDX-License-Identifier: Apache-2.0
"""Run code that may crash or hang in a separate process."""

from dataclasses import dataclass
import os
import re
import signal
import subprocess
import sys

#: Timeout of a probe; slow machines take seconds to load a large library.
TIMEOUT_S = 60.0

# What NumPy prints if an extension was built for another major version of it.
_WRONG_ABI = ('compiled using NumPy 1.x cannot be run', '_ARRAY_API not found',
              'numpy.core.multiarray failed to import', 'numpy.dtype size changed')
# Beginning of a traceback's last line.
_EXCEPTION = re.compile(r'^[\w.]*(Error|Exception): ')


@dataclass(frozen=True)
class Probe:
    """Result of a probe.

    :ivar output: what it printed, stripped.
    :ivar problem: what failed, one line, or empty.
    :ivar wrong_abi: a library was built for another major version of NumPy.
    """

    output: str
    problem: str = ''
    wrong_abi: bool = False

    def __bool__(self) -> bool:
        return not self.problem


def probe(code: str, *, timeout_s: float = TIMEOUT_S) -> Probe:
    """Run Python code in a separate process.

    :param code: what it prints is the result.
    """
    # The same modules as here, and none from the current folder.
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    try:
        done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                              errors='replace', stdin=subprocess.DEVNULL, timeout=timeout_s,
                              env={**os.environ, 'PYTHONPATH': path}, cwd='/', check=False)
    except subprocess.TimeoutExpired:
        return Probe('', f'does not end within {timeout_s:g} s')
    except OSError as error:
        return Probe('', f'Python cannot be started ({error.strerror})')
    printed = done.stderr.strip()
    # NumPy 2 prints the message and continues until the module is used.
    wrong_abi = any(words in printed for words in _WRONG_ABI)
    if done.returncode == 0 and not wrong_abi:
        return Probe(done.stdout.strip())
    if done.returncode < 0:
        problem = f'crashes ({signal.Signals(-done.returncode).name})'
    else:
        problem = _EXCEPTION.sub('', printed.splitlines()[-1]) if printed else (
            f'exit code {done.returncode}')
    return Probe(done.stdout.strip(), problem, wrong_abi)
