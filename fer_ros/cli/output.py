# SPDX-License-Identifier: Apache-2.0
"""Output that nobody reads to its end."""

from collections.abc import Callable
from functools import wraps
import sys


def pipeable(main: Callable[..., int]) -> Callable[..., int]:
    """Let a command end with 0 when its reader does not want more, as ``| head`` does."""
    @wraps(main)
    def run(arguments: list[str] | None = None) -> int:
        try:
            code = main(arguments)
            if sys.stdout is not None:
                sys.stdout.flush()
        except BrokenPipeError:
            # What is still buffered would be written at the end, which would fail again.
            sys.stdout = None
            return 0
        return code
    return run
