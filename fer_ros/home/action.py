# SPDX-License-Identifier: Apache-2.0
"""An action of the bridge: the request to a device and its reason, as in AmbientAction."""

from dataclasses import dataclass
from enum import IntEnum

from fer_ros.home.kinds.base import Request

#: The emotion of an empty room.
NOBODY = 'nobody'


class Command(IntEnum):
    """The kind of an action."""

    SET = 0
    RESTORE = 1


class Outcome(IntEnum):
    """The outcome of an action."""

    SHOWN = 0
    SENT = 1
    CONFIRMED = 2
    FAILED = 3


@dataclass(frozen=True, kw_only=True)
class AmbientAction:
    """A request to one device, and why it was made.

    :ivar stamp_s: time of the decision, seconds.
    :ivar frame_id: the frame of the camera that caused it, may be empty.
    :ivar room: and ``target``: as named in the policy.
    :ivar request: the request, of the type of the device's kind.
    :ivar transition_s: duration of the change, seconds.
    :ivar emotion: the emotion's label, ``uncertain`` or ``nobody``.
    :ivar confidence: confidence of the emotion, [0, 1].
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
        """Return the request in words."""
        verb = 'back to ' if self.command == Command.RESTORE else ''
        return verb + self.request.describe()
