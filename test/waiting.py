# SPDX-License-Identifier: Apache-2.0
"""Waiting on conditions, without ROS."""

import threading
import time

#: How long a condition is waited for, seconds, so that a machine on which ten others work passes
#: the tests too. It costs nothing: the waiting ends when the condition is true.
PATIENCE_S = 60.0


def wait_for(condition, timeout_s=PATIENCE_S, what='the condition'):
    """Return the condition's value once it is true; fail when it does not become so.

    :param timeout_s: only for what takes longer than :data:`PATIENCE_S`; less counts as that. How
        soon something has to happen is not a question of waiting: measure and assert it.
    """
    timeout_s = max(timeout_s, PATIENCE_S)
    if value := within(condition, timeout_s):
        return value
    raise AssertionError(f'waited {timeout_s} s in vain for {what}')


def within(condition, timeout_s):
    """Return the condition's value once it is true, or what it is at the end of the time."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.01)


class NewThreads:
    """The threads that begin from now on."""

    def __init__(self):
        self._before = set(threading.enumerate())

    def end(self):
        """Wait until they have ended."""
        wait_for(lambda: set(threading.enumerate()) <= self._before, what='the end of threads')


def quick(limit_s, act, tries=8):
    """Do what returns how long it took, until it was quick enough; fail after some tries.

    A busy machine delays anything now and then, but not each time.
    """
    took_s = [act()]
    while took_s[-1] >= limit_s:
        assert len(took_s) < tries, f'took {took_s} s instead of {limit_s} s'
        took_s.append(act())
