# SPDX-License-Identifier: Apache-2.0
"""What stands behind the targets of a policy.

A device reports through a callback, from whatever thread; the controller queues what it says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.kinds.base import Cause, State
from fer_ros.home.light import Limits

#: What a device reports so soon after it was away is how it came back, not what a person did.
BACK_S = 3.0
#: A device has so long, after a connect, to say how it is before it is asked for anything.
WAKING_S = 3.0


class ReportCallback(Protocol):
    """Takes what a device says of itself, and who is behind it."""

    def __call__(self, state: State, cause: Cause = Cause.UNKNOWN) -> None:
        """Take a report."""


#: Called with an action, whether it was carried out, and a detail.
ResultCallback = Callable[[AmbientAction, bool, str], None]


class Connection(Protocol):
    """A connection to a broker, as devices need it."""

    connected: bool
    #: Topics that the broker denies, with a sentence each.
    denied: dict[str, str]
    #: Why there is no connection, or an empty string.
    problem: str

    def subscribe(self, topic: str, *, optional: bool = False) -> None:
        """Subscribe now and after every reconnect; an optional topic may be denied."""

    def publish(self, topic: str, payload: str, *, retain: bool = False, qos: int = 0,
                expiry_s: int = 0) -> bool:
        """Publish at once, or not at all; return whether it was handed over."""


@dataclass(frozen=True)
class DeviceContext:
    """What a device is made with, beside its part of the policy.

    :ivar name: room and target.
    :ivar broker: the connection to the broker, or None without one.
    :ivar home_assistant: the client of Home Assistant, or None without one.
    :ivar clock: a clock that does not jump, seconds.
    :ivar limits: called with what a light can do, once it has said so.
    :ivar write: takes the lines of terminal lamps, or None to draw nothing; ``ansi`` says
        whether they may hold terminal colors.
    """

    name: str
    report: ReportCallback
    result: ResultCallback
    clock: Callable[[], float]
    broker: Connection | None = None
    home_assistant: Any = None
    limits: Callable[[Limits], None] = lambda _: None
    write: Callable[[str], None] | None = None
    ansi: bool = False


class Device(Protocol):
    """Something that can be asked for what its kind takes."""

    @property
    def available(self) -> bool:
        """Whether it can be reached, as far as is known."""

    @property
    def problem(self) -> str:
        """What is wrong with it and what to do, or an empty string."""

    @property
    def waking(self) -> bool:
        """Whether it is still given time to say how it is, and is asked for nothing."""

    @property
    def delay_s(self) -> float:
        """How much later than it happens a change of it may be heard."""

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Ask for a state without waiting; return what became of it, with a detail."""

    def change_manually(self, state: State, now_s: float) -> bool:
        """Change it as a person would; return False where that cannot be done from here."""

    def connected(self) -> None:
        """Ask for the present state; called after every connect of the broker."""

    def receive(self, topic: str, payload: bytes) -> bool:
        """Take a message of the broker; return whether it was for this device."""

    def tick(self, now_s: float) -> None:
        """Do what is due, about ten times a second."""

    def close(self) -> None:
        """Let go of everything."""


class BaseDevice:
    """What most devices have in common: nothing is wrong, nothing is due."""

    available = True
    problem = ''
    waking = False
    delay_s = 0.0

    def change_manually(self, state: State, now_s: float) -> bool:
        """Return False: it stands in the room."""
        return False

    def connected(self) -> None:
        """There is nothing to ask for."""

    def receive(self, topic: str, payload: bytes) -> bool:
        """Return False: no message is for it."""
        return False

    def tick(self, now_s: float) -> None:
        """Nothing is due."""

    def close(self) -> None:
        """Nothing is held; connections belong to the controller."""
