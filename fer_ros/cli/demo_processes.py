# SPDX-License-Identifier: Apache-2.0
"""The demo's nodes, each in its own process with its own log file."""

from pathlib import Path
import subprocess
import sys

from fer_ros.errors import FerError
from fer_ros.processes import stop


class Processes:
    """Starts and stops the nodes' processes and keeps their logs."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._running: dict[str, subprocess.Popen] = {}

    def start(self, node: str, parameters: dict[str, str]) -> None:
        """Start a node with parameters (as YAML text) and its log in a file."""
        arguments = [part for name, value in parameters.items()
                     for part in ('-p', f'{name}:={value}')]
        with open(self._folder / f'{node}.log', 'w') as log:
            self._running[node] = subprocess.Popen(
                [sys.executable, '-m', 'fer_ros.nodes.startup', node, '--ros-args', *arguments],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def check(self) -> None:
        """Raise if a node has died, with the end of its log."""
        for node, process in self._running.items():
            if process.poll() is not None:
                raise FerError(f'{node} has ended with code {process.returncode}; its last '
                               f'words:\n{self.log_tail(node)}')

    def log_tail(self, node: str, lines: int = 8) -> str:
        """Return the end of a node's log."""
        text = (self._folder / f'{node}.log').read_text(errors='replace')
        return '\n'.join(text.strip().splitlines()[-lines:])

    def stop(self) -> None:
        """End all nodes."""
        stop(self._running.values())
