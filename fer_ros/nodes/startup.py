# SPDX-License-Identifier: Apache-2.0
"""The start of a node's process: a signal ends it cleanly at every moment, also while it loads.

Loading takes a second or more. Whoever presses Ctrl-C in it, or shuts a launch down just when a
node is started again, would get a traceback and an exit code that says failure. This module
imports nothing that takes time.
"""

from importlib import import_module
import os
import signal


def main_of(module: str) -> int:
    """Import a module and call its ``main``, with a clean end on SIGINT and SIGTERM until it runs.

    :returns: the exit code.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        # Nothing has been made that needs an orderly end, and an exception raised inside an
        # import may be caught by whoever imports.
        signal.signal(number, lambda *_: os._exit(0))
    try:
        return import_module(module).main()
    finally:
        # After a terminal's Ctrl-C, launch sends another SIGINT. The interpreter, which is ending
        # by then, no longer catches it and would be killed by it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
