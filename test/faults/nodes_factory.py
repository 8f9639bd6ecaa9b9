# SPDX-License-Identifier: Apache-2.0
"""Processes of nodes that start at once: forked from one that has loaded them and runs none.

Loading a node takes a second or more of a core, most of what a restart costs. Each forked process
makes its own DDS participant, as one that was started in the ordinary way does.
"""

from importlib import import_module
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

_SCRIPTS = Path(__file__).resolve().parents[2] / 'scripts'


class NodeFactory:
    """Start nodes as processes, from a process that has loaded their modules.

    :param folder: where each process writes what it prints, ``NAME.log``.
    """

    def __init__(self, folder: Path, *modules: str):
        self._folder = folder
        self._mother = subprocess.Popen(
            [sys.executable, __file__, *modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, start_new_session=True)
        assert self._ask('ready?') == 'ready'

    def start(self, name: str, module: str, *arguments: str) -> 'ForkedNode':
        """Start a node; its arguments are as on a command line."""
        log = self._folder / f'{name}.log'
        return ForkedNode(self, int(self._ask([module, [module, *arguments], str(log)])), log)

    def close(self) -> None:
        """End the process that forks."""
        self._mother.stdin.close()
        self._mother.wait()

    def _ask(self, question):
        self._mother.stdin.write(json.dumps(question) + '\n')
        self._mother.stdin.flush()
        return json.loads(self._mother.stdout.readline())


class ForkedNode:
    """A node's process."""

    def __init__(self, factory: NodeFactory, pid: int, log: Path):
        self._factory, self.pid, self.log, self._code = factory, pid, log, None

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def heeds_interrupts(self) -> bool:
        """Return whether its first lines have run: until then it ignores Ctrl-C."""
        status = Path(f'/proc/{self.pid}/status').read_text()
        caught = int(status.partition('SigCgt:')[2].split()[0], 16)
        return bool(caught & 1 << signal.SIGINT - 1)

    def wait(self, timeout_s: float = 10.0) -> int | None:
        """Wait for the end; return the exit code, or None when it has not ended in time."""
        end_s = time.monotonic() + timeout_s
        while self._code is None:
            self._code = self._factory._ask(self.pid)
            if time.monotonic() > end_s:
                break
            time.sleep(0.01)
        return self._code


def _run(module: str, arguments: list[str], log: str) -> None:
    """Be a node; never returns."""
    code = 1
    try:
        with open(log, 'a') as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        os.close(0)
        sys.argv = arguments
        # With which it starts again when it hears nothing any more.
        sys.orig_argv = [sys.executable, str(_SCRIPTS / module.rpartition('.')[2]), *arguments[1:]]
        from fer_ros.nodes.startup import main_of
        code = main_of(module)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def _serve() -> None:
    """Load the modules, then fork for each line of stdin, or tell how a process has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in sys.argv[1:]:
        import_module(module)
    answer = sys.stdout
    for line in sys.stdin:
        question = json.loads(line)
        if question == 'ready?':
            reply = 'ready'
        elif isinstance(question, int):
            pid, status = os.waitpid(question, os.WNOHANG)
            reply = os.waitstatus_to_exitcode(status) if pid else None
        else:
            reply = os.fork()
            if not reply:
                _run(*question)
        print(json.dumps(reply), file=answer, flush=True)


if __name__ == '__main__':
    _serve()
