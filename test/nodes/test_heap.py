# SPDX-License-Identifier: Apache-2.0
"""A process of nodes keeps the memory of an image for the next one."""

import os
import platform
import subprocess
import sys

import pytest

# The copies of an image that there are at a time, ten images one after the other.
_IMAGES = """
from resource import getrusage, RUSAGE_SELF
import fer_ros.nodes
def image():
    return [b'x' * 2_200_000 for _ in range(3)]
image(), image()
before = getrusage(RUSAGE_SELF).ru_minflt
for _ in range(10):
    image()
print(getrusage(RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='other C libraries are left alone')
@pytest.mark.parametrize('chosen, kept', [
    ({}, True), ({'MALLOC_TRIM_THRESHOLD_': '131072'}, False)], ids=['ours', "the user's"])
def test_an_images_memory_serves_the_next_one(chosen, kept):
    """Unless the user has said otherwise, which also shows what would be without it."""
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith('MALLOC_') and name != 'GLIBC_TUNABLES'}
    run = subprocess.run([sys.executable, '-c', _IMAGES], env={**clean, **chosen}, check=True,
                         capture_output=True, text=True)
    # Of 1611 pages each.
    assert (int(run.stdout) < 1611) is kept
