# SPDX-License-Identifier: Apache-2.0
"""The request to the checks, and their findings."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum


class Level(IntEnum):
    """Severity of a finding; the worst one is the doctor's exit code."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Request:
    """What to check, and what the user allows.

    :ivar policy: path of a policy file to check; empty: none.
    :ivar connect: connect to the broker and Home Assistant that the policy names.
    :ivar broker: a broker to connect to, ``HOST`` or ``HOST:PORT``, without a policy; setting it
        allows the connection.
    :ivar cameras: sources that must exist (``0``, ``/dev/video0``, a file, a URL); empty:
        all cameras of the machine.
    :ivar open_cameras: open them and read a frame.
    """

    policy: str = ''
    connect: bool = False
    broker: str = ''
    cameras: tuple[str, ...] = ()
    open_cameras: bool = False


@dataclass(frozen=True)
class Finding:
    """A finding of a check: one line of the doctor's report.

    :ivar subject: what was checked.
    :ivar message: the result; errors of other modules include their fix in it.
    :ivar fix: what to do; empty if nothing is wrong or the message says it.
    :ivar values: measured values by name, units in the names, for programs.
    """

    subject: str
    level: Level
    message: str
    fix: str = ''
    values: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        fix = f'; fix: {self.fix}' if self.fix else ''
        return f'{self.level.name:5}  {self.subject}: {self.message}{fix}'

    def as_dict(self) -> dict[str, object]:
        """Return the finding with JSON types."""
        return {'subject': self.subject, 'level': self.level.name.lower(),
                'message': self.message, 'fix': self.fix, 'values': self.values}


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level; OK if there are no findings."""
    return max((finding.level for finding in findings), default=Level.OK)
