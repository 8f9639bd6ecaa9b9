# SPDX-License-Identifier: Apache-2.0
"""Start a node's process so that a signal ends it cleanly at any time, even while it loads.

Loading takes a second or more. Ctrl-C during that time, or the shutdown of a launch while a node
restarts, would cause a traceback and an exit code of failure; so would a missing package. This
module imports nothing that takes time or may be missing.
"""

from importlib import import_module
import os
import signal
import sys

from fer_ros.nodes.shared_ports import EXIT_AGAIN
from fer_ros.requirements import EXIT_NOT_INSTALLED
from fer_ros.signals import heed
from fer_ros.start_checks import chosen_nodes, prepare_log, ready, report_shared_memory


def main_of(module: str) -> int:
    """Import a module and call its ``main``, with a clean end on SIGINT and SIGTERM until it runs.

    :returns: the exit code; :data:`fer_ros.requirements.EXIT_NOT_INSTALLED` when a package
        is missing, too old or broken, which is then reported in one line.
    """
    # Nothing has been made that needs an orderly end, and an exception raised inside an import may
    # be caught by whoever imports.
    heed(lambda: os._exit(0), signal.SIGINT, signal.SIGTERM)
    try:
        nodes = chosen_nodes(module, sys.argv[1:])
        if not ready(*nodes):
            return EXIT_NOT_INSTALLED
        prepare_log()
        report_shared_memory(*nodes)
        code = import_module(module).main()
        if code == EXIT_AGAIN:
            _start_again()
        return code
    finally:
        # After Ctrl-C in a terminal, launch sends another SIGINT. The interpreter is shutting
        # down by then, does not catch it and would be killed.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _start_again() -> None:
    """Become the process that was started, from its beginning."""
    sys.stdout.flush()
    sys.stderr.flush()
    # Fast DDS lets a program that follows inherit its files, and with them the locks of the ports
    # that are not to be taken again.
    for name in os.listdir('/proc/self/fd'):
        if int(name) > 2:
            try:
                os.set_inheritable(int(name), False)
            except OSError:  # the folder's own
                continue
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == '__main__':
    # As the node's own command: python -m fer_ros.nodes.startup NODE ARGUMENTS
    raise SystemExit(main_of(f'fer_ros.nodes.{sys.argv.pop(1)}'))
