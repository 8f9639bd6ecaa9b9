# SPDX-License-Identifier: Apache-2.0
"""Set up logging for systemd, a container engine or a terminal."""

from collections.abc import Mapping
import logging
import os
import sys

from fer_ros.masking import mask

#: Priorities of sd-daemon(3).
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


def under_journal(environment: Mapping[str, str] | None = None, descriptor: int = 2) -> bool:
    """Return whether a file descriptor is connected to systemd's journal.

    systemd names the device and inode of its stream in ``JOURNAL_STREAM``; a program started from
    within a service may have the variable without the stream.
    """
    environment = os.environ if environment is None else environment
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return environment.get('JOURNAL_STREAM') == f'{status.st_dev}:{status.st_ino}'


class MaskingFormatter(logging.Formatter):
    """Formats records without the secrets in URLs and settings."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text, masked."""
        return mask(super().format(record))


class JournalFormatter(MaskingFormatter):
    """Formats records with a priority and without a time, which the journal adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text with the priority in each line."""
        priority = next(code for level, code in _PRIORITIES if record.levelno >= level)
        return '\n'.join(f'<{priority}>{line}' for line in super().format(record).splitlines())


def start_log(*, verbose: bool = False, stream=None) -> None:
    """Send the log to standard error, in the format of its reader."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    if under_journal(descriptor=stream.fileno()):
        handler.setFormatter(JournalFormatter('%(message)s'))
    else:
        handler.setFormatter(MaskingFormatter('%(asctime)s %(levelname)s %(message)s',
                                               '%Y-%m-%d %H:%M:%S'))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler],
                        force=True)
