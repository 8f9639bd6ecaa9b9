# SPDX-License-Identifier: Apache-2.0
"""A signal is heeded while the main thread waits, even if it came just before it began to."""

from pathlib import Path
import signal
import subprocess
import sys

import pytest

TEST = str(Path(__file__).parents[1])

#: Another thread takes the signal, as if it had come before the main thread began to wait: that
#: is not woken.
PROGRAM = """
import os, signal, threading, time
from fer_ros.signals import heed, interrupt
{before}
def take():
    time.sleep(0.3)
    signal.pthread_kill(threading.get_ident(), {number})
try:
    threading.Thread(target=take).start()
    threading.Event().wait(60)
except KeyboardInterrupt:
    print('interrupted', flush=True)
    try:
        threading.Event().wait(1)
    except KeyboardInterrupt:
        print('again', flush=True)
    os._exit(5)
os._exit(9)
"""


def run(before, number):
    done = subprocess.run(
        # Python 3.12 warns of a fork beside threads.
        [sys.executable, '-W', 'ignore::DeprecationWarning', '-c',
         PROGRAM.format(before=before, number=int(number))],
        capture_output=True, text=True, timeout=90)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_heeded_signal_does_not_wait_for_the_main_thread(number):
    assert run('heed(lambda: os._exit(3), signal.SIGINT, signal.SIGTERM)', number) == (3, '')


def test_an_interrupt_wakes_the_main_thread_once():
    assert run('interrupt()', signal.SIGINT) == (5, 'interrupted\n')


def test_another_handler_takes_the_place_of_the_first():
    assert run('heed(lambda: os._exit(3), signal.SIGINT)\ninterrupt()', signal.SIGINT) == (
        5, 'interrupted\n')


def test_a_signal_is_heeded_that_came_just_before_another_handler():
    # As on a busy machine: the thread comes to it when the main thread has gone on.
    before = """
read, go = os.read, threading.Event()
os.read = lambda *arguments: (read(*arguments), go.wait(60))[0]
heed(lambda: os._exit(3), signal.SIGINT)
os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, lambda *_: None)
go.set()"""
    assert run(before, signal.SIGTERM) == (3, '')


def test_a_forked_child_leaves_the_signals_of_its_parent_alone():
    before = """
heed(lambda: os._exit(3), signal.SIGINT)
ready, told = os.pipe()
child = os.fork()
if not child:
    heed(lambda: os._exit(4), signal.SIGINT)
    os.write(told, b'!')
    threading.Event().wait(60)
os.read(ready, 1)
os.kill(child, signal.SIGINT)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
os._exit(8)"""
    assert run(before, signal.SIGINT) == (8, '')


def test_the_thread_goes_on_after_an_exception():
    before = f"""
import sys
sys.path.insert(0, {TEST!r})
from killing import kill
heed(lambda: os._exit(3), signal.SIGINT)
signal.signal(signal.SIGUSR1, lambda *_: None)
kill('signals')
os.kill(os.getpid(), signal.SIGUSR1)"""
    code, said = run(before, signal.SIGINT)
    assert code == 3 and 'MadeUp' in said
