# SPDX-License-Identifier: Apache-2.0
"""Raise an unexpected exception inside a running thread."""

import ctypes
import threading

from waiting import wait_for


class MadeUp(Exception):
    """Raised by no library."""


def kill(name):
    """Let the next line of Python in the thread of that name raise; return the thread."""
    thread = wait_for(lambda: next((one for one in threading.enumerate() if one.name == name),
                                   None), what=f'the thread {name!r}')
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(MadeUp)) == 1
    return thread
