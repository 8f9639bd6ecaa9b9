# SPDX-License-Identifier: Apache-2.0
"""Read files that a user names: regular files only, up to a size limit; their checksums."""

import os
from pathlib import Path
import stat
from urllib.parse import unquote, urlsplit

from fer_ros.errors import ConfigurationError

try:  # Python's own, to 3.11 and from 3.12 on: hashlib loads 3 MiB of OpenSSL
    from _sha256 import sha256
except ImportError:
    try:
        from _sha2 import sha256
    except ImportError:
        from hashlib import sha256


def local_path(name: str) -> str:
    """Return the path of a ``file:`` URL; a path is returned unchanged."""
    if not name.lower().startswith('file:'):
        return name
    parts = urlsplit(name)
    # file://relative/path is not a valid URL, but common.
    host = '' if parts.netloc in ('', 'localhost') else parts.netloc
    return unquote(host + parts.path)


def read_bytes(path: str | Path, maximum_bytes: int) -> bytes:
    """Return the contents of a regular file.

    Reading a pipe could block, and a device may never end.

    :raises ConfigurationError: when it cannot be read, is not a regular file or has more than
        ``maximum_bytes``; the message contains nothing from the file.
    """
    try:
        handle = os.open(Path(path).expanduser(), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: a character that no path can contain; RuntimeError: ~user does not exist.
        raise ConfigurationError(f'{path}: cannot be read: {_reason(error)}') from error
    try:
        kind = os.fstat(handle).st_mode
        if not stat.S_ISREG(kind):
            what = 'a folder' if stat.S_ISDIR(kind) else 'a pipe or device'
            raise ConfigurationError(f'{path}: cannot be read: it is {what}, not a file')
        parts, size = [], 0
        while size <= maximum_bytes and (part := os.read(handle, maximum_bytes + 1 - size)):
            parts.append(part)
            size += len(part)
    except OSError as error:
        raise ConfigurationError(f'{path}: cannot be read: {_reason(error)}') from error
    finally:
        os.close(handle)
    if size > maximum_bytes:
        raise ConfigurationError(f'{path}: larger than {maximum_bytes} bytes')
    return b''.join(parts)


def read_text(path: str | Path, maximum_bytes: int) -> str:
    """Return the contents of a regular file as UTF-8 text; a byte-order mark is dropped.

    :raises ConfigurationError: as :func:`read_bytes`, and when it is not UTF-8.
    """
    try:
        return read_bytes(path, maximum_bytes).decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ConfigurationError(f'{path}:1: not a text file in UTF-8') from error


def checksum(content: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return sha256(content).hexdigest()


def _reason(error: Exception) -> str:
    return getattr(error, 'strerror', None) or str(error)
