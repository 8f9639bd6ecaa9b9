# SPDX-License-Identifier: Apache-2.0
"""A command whose output nobody reads to its end, such as `| head`, ends without an error."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize('command', [['policy', 'states'], ['home', 'service']], ids=' '.join)
def test_a_reader_that_has_gone_is_no_error(command):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([sys.executable, '-m', f'fer_ros.cli.{command[0]}', *command[1:]],
                              stdout=writer, stderr=subprocess.PIPE, text=True, timeout=90)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, '')
