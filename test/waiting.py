# SPDX-License-Identifier: Apache-2.0
"""Waiting on conditions, without ROS."""

import time


def wait_for(condition, timeout_s=10.0, what='the condition'):
    """Return the condition's value once it is true; fail when it does not become so."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'waited {timeout_s} s in vain for {what}')
        time.sleep(0.01)
