# SPDX-License-Identifier: Apache-2.0
"""End the processes of nodes, for whatever command started them."""

from collections.abc import Iterable
import signal
import subprocess


def stop(processes: Iterable[subprocess.Popen], timeout_s: float = 10.0) -> None:
    """Ask all processes to end as Ctrl-C does, wait for each, and kill those that do not end."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.send_signal(signal.SIGINT)
    for process in running:
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
