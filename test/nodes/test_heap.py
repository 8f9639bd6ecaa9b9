# SPDX-License-Identifier: Apache-2.0
"""A process of nodes keeps the memory of an image for the next one."""

import os
import platform
import subprocess
import sys

import pytest

# The copies of an image that there are at a time, ten images one after the other. Prints how many
# pages came from the system for them, and how many copies have a mapping of their own.
_IMAGES = """
import ctypes
from resource import getrusage, RUSAGE_SELF
import fer_ros.nodes
class Mallinfo(ctypes.Structure):
    _fields_ = [(f'field{i}', ctypes.c_int) for i in range(10)]
mallinfo = ctypes.CDLL(None).mallinfo
mallinfo.restype = Mallinfo
def image():
    return [b'x' * 2_200_000 for _ in range(3)]
image(), image()
before = getrusage(RUSAGE_SELF).ru_minflt
for _ in range(10):
    image()
pages = getrusage(RUSAGE_SELF).ru_minflt - before
mapped = mallinfo().field3
copies = image()
print(pages, mallinfo().field3 - mapped)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='other C libraries are left alone')
def test_an_images_memory_serves_the_next_one():
    pages, mapped = _measured()
    # One image has 1611.
    assert pages < 1611 and mapped == 0


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='other C libraries are left alone')
@pytest.mark.parametrize('chosen', [{'MALLOC_TRIM_THRESHOLD_': '131072'},
                                    {'GLIBC_TUNABLES': 'glibc.malloc.trim_threshold=131072'}],
                         ids=lambda chosen: next(iter(chosen)))
def test_the_users_choice_stays(chosen):
    assert _measured(**chosen)[1] == 3


def _measured(**chosen: str) -> tuple[int, int]:
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith('MALLOC_') and name != 'GLIBC_TUNABLES'}
    run = subprocess.run([sys.executable, '-c', _IMAGES], env={**clean, **chosen}, check=True,
                         capture_output=True, text=True)
    pages, mapped = map(int, run.stdout.split())
    return pages, mapped
