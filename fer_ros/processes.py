# SPDX-License-Identifier: Apache-2.0
"""Stop the node processes that a command started."""

from collections.abc import Iterable
import signal
import subprocess
import time


def stop(processes: Iterable[subprocess.Popen], timeout_s: float = 10.0) -> None:
    """Send SIGINT to all processes, and kill those that have not ended after a time."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.send_signal(signal.SIGINT)
    until_s = time.monotonic() + timeout_s
    for process in running:
        try:
            process.wait(max(0.0, until_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
