# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

from fer_ros.processes import stop
import pytest

# It ends at once: how long Python takes for that on a busy machine is not what is tested.
OBEYS = """
import os, signal, time
signal.signal(signal.SIGINT, lambda *_: os._exit(3))
print('ready', flush=True)
while True:
    time.sleep(0.05)    # a pause without end would miss a signal that comes just before it
"""
STUBBORN = OBEYS.replace('lambda *_: os._exit(3)', 'signal.SIG_IGN')


@pytest.mark.parametrize('programs, codes', [
    ([OBEYS, OBEYS], [3, 3]), ([STUBBORN, OBEYS], [-9, 3]), ([], [])])
def test_all_have_ended_afterwards(programs, codes):
    processes = [subprocess.Popen([sys.executable, '-c', program], text=True,
                                  stdout=subprocess.PIPE) for program in programs]
    for process in processes:
        assert process.stdout.readline() == 'ready\n'
    stop(processes, timeout_s=1.5 if STUBBORN in programs else 60)
    assert [process.returncode for process in processes] == codes
    stop(processes)  # nothing is left to do
    for process in processes:
        process.stdout.close()
