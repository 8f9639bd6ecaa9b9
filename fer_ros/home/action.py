# SPDX-License-Identifier: Apache-2.0
"""What the bridge asks of a device and why, as in the message AmbientAction."""

from dataclasses import dataclass
from enum import IntEnum

from fer_ros.home.kinds.base import Request

#: What stands for the emotion when the room is empty.
NOBODY = 'nobody'


class Command(IntEnum):
    """What kind of change is asked for."""

    SET = 0
    RESTORE = 1


class Outcome(IntEnum):
    """What became of an action."""

    SHOWN = 0
    SENT = 1
    CONFIRMED = 2
    FAILED = 3


@dataclass(frozen=True, kw_only=True)
class AmbientAction:
    """One thing asked of one device, and why.

    :ivar stamp_s: when it was decided, seconds.
    :ivar frame_id: the camera's frame that led to it, may be empty.
    :ivar room: and ``target``: as named in the policy.
    :ivar request: what is asked, of the type that the device's kind takes.
    :ivar transition_s: how long the change takes, seconds.
    :ivar emotion: the emotion's label, ``uncertain`` or ``nobody``.
    :ivar confidence: of the emotion, [0, 1].
    :ivar reason: a sentence.
    :ivar detail: why it failed.
    :ivar habit: the name of the adopted habit that asked for it, or empty.
    :ivar daily: whether it is a step of the light of the day, which answers nobody.
    """

    stamp_s: float
    room: str
    target: str
    command: Command
    request: Request
    transition_s: float
    emotion: str
    confidence: float
    reason: str
    frame_id: str = ''
    outcome: Outcome = Outcome.SHOWN
    detail: str = ''
    habit: str = ''
    daily: bool = False

    def describe(self) -> str:
        """Return what is asked, in words."""
        verb = 'back to ' if self.command == Command.RESTORE else ''
        return verb + self.request.describe()
