# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while a command starts leaves no traceback."""

import signal
import subprocess
import sys
import time

import pytest

#: Moments after the command has begun to heed signals: while it imports, and just after.
MOMENTS_S = (0.0, 0.1, 0.4, 1.0)
PROGRAM = """
import sys
from fer_ros.cli import startup
heed = startup.heed
startup.heed = lambda *given: (heed(*given), print('begun', flush=True))
sys.exit(startup.{command}())
"""


@pytest.mark.parametrize('command, arguments', [
    ('home', ['--source', '/nowhere.mp4']), ('virtual_room', ['--port', '1']),
    ('policy', ['simulate', '/dev/zero', '/dev/zero']), ('doctor', []),
    ('model', ['check', '/nowhere']), ('demo', ['--source', '/nowhere.mp4'])])
def test_a_command_that_is_interrupted_at_its_start_says_nothing(command, arguments):
    for moment_s in MOMENTS_S:
        process = subprocess.Popen(
            [sys.executable, '-c', PROGRAM.format(command=command), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout.readline() == 'begun\n'
        time.sleep(moment_s)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert 'Traceback' not in said, (moment_s, said)
