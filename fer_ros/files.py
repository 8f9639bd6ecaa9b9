# SPDX-License-Identifier: Apache-2.0
"""Files that a user names: only regular ones are opened, and no more is read than expected."""

import os
from pathlib import Path
import stat
from urllib.parse import unquote, urlsplit

from fer_ros.errors import ConfigurationError


def local_path(name: str) -> str:
    """Return the path that a ``file:`` URL names; a path itself is returned as it is."""
    if not name.lower().startswith('file:'):
        return name
    parts = urlsplit(name)
    # file://relative/path is no URL of a local file, but often meant.
    host = '' if parts.netloc in ('', 'localhost') else parts.netloc
    return unquote(host + parts.path)


def read_bytes(path: str | Path, most_bytes: int) -> bytes:
    """Return what a regular file holds.

    A pipe would be waited for, and a device may never end.

    :raises ConfigurationError: when it cannot be read, is not a regular file or holds more than
        ``most_bytes``; the message holds nothing of what is in the file.
    """
    try:
        handle = os.open(Path(path).expanduser(), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: no path can hold such a character; RuntimeError: ~somebody unknown.
        raise ConfigurationError(f'{path}: cannot be read: {_reason(error)}') from error
    try:
        kind = os.fstat(handle).st_mode
        if not stat.S_ISREG(kind):
            what = 'a folder' if stat.S_ISDIR(kind) else 'a pipe or device'
            raise ConfigurationError(f'{path}: cannot be read: it is {what}, not a file')
        parts, size = [], 0
        while size <= most_bytes and (part := os.read(handle, most_bytes + 1 - size)):
            parts.append(part)
            size += len(part)
    except OSError as error:
        raise ConfigurationError(f'{path}: cannot be read: {_reason(error)}') from error
    finally:
        os.close(handle)
    if size > most_bytes:
        raise ConfigurationError(f'{path}: holds more than {most_bytes} bytes')
    return b''.join(parts)


def read_text(path: str | Path, most_bytes: int) -> str:
    """Return what a regular file holds, as text in UTF-8; a byte-order mark is dropped.

    :raises ConfigurationError: as :func:`read_bytes`, and when it is not UTF-8.
    """
    try:
        return read_bytes(path, most_bytes).decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ConfigurationError(f'{path}:1: not a text file in UTF-8') from error


def _reason(error: Exception) -> str:
    return getattr(error, 'strerror', None) or str(error)
