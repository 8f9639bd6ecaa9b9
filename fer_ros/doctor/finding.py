# SPDX-License-Identifier: Apache-2.0
"""What the checks are asked, and what they answer."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum


class Level(IntEnum):
    """How bad a finding is; the doctor's exit code is the worst."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Request:
    """What the user names and allows.

    :ivar policy: path of a policy file to check; empty: none.
    :ivar connect: connect to the broker and Home Assistant that the policy names.
    :ivar broker: a broker to connect to, ``HOST`` or ``HOST:PORT``, without a policy; naming it
        allows it.
    :ivar cameras: sources that must be there (``0``, ``/dev/video0``, a file, a URL); empty:
        whatever cameras the machine has.
    :ivar open_cameras: open them and read a frame.
    """

    policy: str = ''
    connect: bool = False
    broker: str = ''
    cameras: tuple[str, ...] = ()
    open_cameras: bool = False


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    :ivar subject: what was looked at.
    :ivar message: what was found; errors of other modules name their cure in it.
    :ivar cure: what to do; empty where all is well or the message says it.
    :ivar values: figures by name, units in the names, for programs.
    """

    subject: str
    level: Level
    message: str
    cure: str = ''
    values: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        cure = f'; fix: {self.cure}' if self.cure else ''
        return f'{self.level.name:5}  {self.subject}: {self.message}{cure}'

    def as_dict(self) -> dict[str, object]:
        """Return the finding as JSON knows it."""
        return {'subject': self.subject, 'level': self.level.name.lower(),
                'message': self.message, 'cure': self.cure, 'values': self.values}


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level; OK of nothing."""
    return max((finding.level for finding in findings), default=Level.OK)
