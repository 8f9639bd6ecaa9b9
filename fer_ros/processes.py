# SPDX-License-Identifier: Apache-2.0
"""Stop the node processes that a command started."""

from collections.abc import Iterable
import signal
import subprocess


def stop(processes: Iterable[subprocess.Popen], timeout_s: float = 10.0) -> None:
    """Send SIGINT to all processes, wait for each, and kill those that do not end."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.send_signal(signal.SIGINT)
    for process in running:
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
