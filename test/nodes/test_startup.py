# SPDX-License-Identifier: Apache-2.0
"""A node's executable ends cleanly on signals that come while it loads or is ending already."""

import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest

REPOSITORY = Path(__file__).parents[2]
#: Stands in for rclpy, which every node imports, and keeps the node loading.
ENDLESS = 'import threading\nprint("loading", flush=True)\nthreading.Event().wait(60)\n'


def executables():
    return sorted(path.name for path in (REPOSITORY / 'scripts').iterdir()
                  if (REPOSITORY / 'fer_ros' / 'nodes' / f'{path.name}.py').is_file())


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('name', executables())
def test_a_signal_while_loading_ends_the_process_cleanly(tmp_path, name, number):
    (tmp_path / 'rclpy.py').write_text(ENDLESS)
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY), os.environ.get('PYTHONPATH', '')])
    process = subprocess.Popen(
        [sys.executable, REPOSITORY / 'scripts' / name], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, 'PYTHONPATH': path})
    try:
        assert process.stdout.readline() == 'loading\n', process.stderr.read()
        process.send_signal(number)
        _, printed = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, printed) == (0, '')


def test_a_second_interrupt_does_not_kill_a_process_that_is_ending(tmp_path):
    (tmp_path / 'quick.py').write_text('def main():\n    return 3\n')
    program = ('import os, signal\n'
               'from fer_ros.nodes.startup import main_of\n'
               'code = main_of("quick")\n'
               'os.kill(os.getpid(), signal.SIGINT)\n'
               'raise SystemExit(code)\n')
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY), os.environ.get('PYTHONPATH', '')])
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True,
                          timeout=60, env={**os.environ, 'PYTHONPATH': path})
    assert (done.returncode, done.stderr) == (3, '')
