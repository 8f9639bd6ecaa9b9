# SPDX-License-Identifier: Apache-2.0
"""Check that the shared memory for images between nodes exists and is large enough."""

from collections.abc import Iterator
import importlib.util
import os
from pathlib import Path

from fer_ros.doctor.finding import Finding, Level, Request

FOLDER = Path('/dev/shm')
#: Camera driver and annotator publish images (32 MiB each, see fer_ros.transport); the other
#: nodes need 2 MiB each.
NEEDED = 80 * 2 ** 20
_MIB = 2 ** 20


def check(request: Request) -> Iterator[Finding]:
    """Check /dev/shm if there is a ROS 2 with Fast DDS, which uses it."""
    fast_dds = 'fastrtps' in os.environ.get('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp')
    if fast_dds and importlib.util.find_spec('rclpy') is not None:
        yield from look(FOLDER, NEEDED)


def look(folder: Path, needed: int, who: str = 'all nodes together need') -> Iterator[Finding]:
    """Yield the findings for a folder that must have this many bytes free.

    :param who: who needs them, for the message.
    """
    lost = 'whole images go through UDP and most are lost'
    container = ("in a container: 'docker run --shm-size=256m', or --ipc=host to reach nodes "
                 'outside')
    if not os.access(folder, os.W_OK | os.X_OK):
        what = 'is not writable by this user' if folder.is_dir() else 'does not exist'
        yield Finding('shared memory', Level.WARN, f'{folder} {what}: {lost}',
                      f"mount it: 'sudo mount -t tmpfs -o mode=1777 tmpfs {folder}'; {container}")
        return
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    values = {'free (MiB)': round(free / _MIB), 'needed (MiB)': round(needed / _MIB)}
    if free < needed:
        yield Finding('shared memory', Level.WARN, f'{folder} has {free / _MIB:.0f} MiB free, '
                      f'{who} {needed / _MIB:.0f}: {lost}',
                      f'free some of it, or make it larger; {container}', values)
    else:
        yield Finding('shared memory', Level.OK, f'{folder} has {free / _MIB:,.0f} MiB free',
                      values=values)
    foreign = sorted(path.name for path in folder.glob('*fastdds*') if _is_foreign(path)) + sorted(
        path.name for path in folder.glob('*fastrtps*') if _is_foreign(path))
    if foreign:
        yield Finding('shared memory', Level.WARN, f'{len(foreign)} files of Fast DDS in {folder} '
                      f'belong to another user and cannot be opened (such as {foreign[0]}): '
                      'nodes of the two users cannot communicate through it',
                      "start all nodes as one user; remove files left by a crash with "
                      "'sudo fastdds shm clean'")


def _is_foreign(path: Path) -> bool:
    try:
        return path.stat().st_uid != os.getuid() and not os.access(path, os.R_OK | os.W_OK)
    except OSError:
        return False
