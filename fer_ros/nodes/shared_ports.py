# SPDX-License-Identifier: Apache-2.0
"""Whether this process still hears what others send to it through Fast DDS's shared memory.

A participant reads from ports: files in /dev/shm that senders find by name. The successor of a
killed process takes over its ports while their senders reset them, and now and then loses that
race: the names lead senders to new files, and the process goes on reading the old ones, which are
gone. It is discovered and matched, and hears nothing until it is started again. Watched with Fast
DDS 2.14.5, once in 1,219 kills and restarts: its senders look at the lock of such a file without
the mutex that guards it.

This module imports nothing that takes time or may be missing.
"""

import os
import re
import time

#: The exit code of a process that receives nothing any more and must be restarted.
EXIT_AGAIN = 75
#: Fast DDS reopens a port by itself, too: what it has not done within so many checks, and so
#: many seconds between two, it does not do.
_CHECKS, _PAUSE_S = 3, 1.0
#: Reading all of /proc takes 1.6 ms. A port whose name still leads to its file is not lost: only
#: one check of so many looks for ports that were not there before.
_WHOLE = 10
_MAPPED = re.compile(r'(\d+) +(/dev/shm/fast(?:rtps|dds)_port(\d+))( \(deleted\))?\n')
_LOCK = re.compile(r'/dev/shm/fast(?:rtps|dds)_port(\d+)_el(?: \(deleted\))?')


class SharedPorts:
    """The ports from which this process reads."""

    def __init__(self):
        self._due_s = time.monotonic() + _PAUSE_S
        self._checks: dict[int, int] = {}
        self._files: dict[str, int] = {}
        self._count = 0

    def lost(self) -> list[int]:
        """Return the ports that are lost for good; may be called often."""
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + _PAUSE_S
            self._checks = {port: self._checks.get(port, 0) + 1 for port in self._unlinked()}
        return [port for port, checks in self._checks.items() if checks >= _CHECKS]

    def _unlinked(self) -> set[int]:
        self._count += 1
        if self._count % _WHOLE and self._files and all(
                _inode(path) == inode for path, inode in self._files.items()):
            return set()
        mapped = _mapped('self')
        self._files = {path: inode for _, path, inode, _ in mapped}
        return _lost(mapped, 'self')


def unlinked(pid: int | str = 'self') -> set[int]:
    """Return the ports of a process that it reads from while their names lead elsewhere."""
    return _lost(_mapped(pid), pid)


def _lost(mapped: list[tuple[int, str, int, bool]], pid: int | str) -> set[int]:
    lost = {port for port, _, _, gone in mapped if gone} \
        - {port for port, _, _, gone in mapped if not gone}
    return lost & open_ports(pid) if lost else lost


def _mapped(pid: int | str) -> list[tuple[int, str, int, bool]]:
    """Return port, name and inode of the mapped files, and whether the name leads elsewhere."""
    try:
        with open(f'/proc/{pid}/maps') as maps:
            lines = [line for line in maps if '_port' in line]
    except OSError:
        return []
    return [(int(port), path, int(inode), bool(gone))
            for inode, path, port, gone in _MAPPED.findall(''.join(lines))]


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def open_ports(pid: int | str = 'self') -> set[int]:
    """Return the ports from which a process reads, by their locks; none without /proc."""
    found = set()
    try:
        names = os.listdir(f'/proc/{pid}/fd')
    except OSError:
        return found
    for name in names:
        try:
            match = _LOCK.fullmatch(os.readlink(f'/proc/{pid}/fd/{name}'))
        except OSError:  # closed meanwhile
            continue
        if match:
            found.add(int(match[1]))
    return found
