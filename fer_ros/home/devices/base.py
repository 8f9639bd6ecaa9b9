# SPDX-License-Identifier: Apache-2.0
"""Base classes of the devices of a policy's targets.

A device reports through a callback, from any thread; the controller queues the reports.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.kinds.base import Cause, State
from fer_ros.home.light import Limits

#: Reports this soon after an outage are the device's start state, not a person's change, seconds.
BACK_S = 3.0
#: A device has so long, after a connect, to say how it is before it is asked for anything.
WAKING_S = 3.0


class ReportCallback(Protocol):
    """Callback for a device's state and the cause of its change."""

    def __call__(self, state: State, cause: Cause = Cause.UNKNOWN) -> None:
        """Handle a report."""


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
    """What a device is created with, besides its part of the policy.

    :ivar name: room and target.
    :ivar broker: the connection to the broker, or None without one.
    :ivar home_assistant: the client of Home Assistant, or None without one.
    :ivar clock: a monotonic clock, seconds.
    :ivar limits: called with the limits of a light, once known.
    :ivar write: takes the lines of terminal lamps, or None to draw nothing; ``ansi``: whether
        they may contain terminal colors.
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
    """A device that accepts requests of its kind."""

    @property
    def available(self) -> bool:
        """Whether it can be reached, as far as is known."""

    @property
    def problem(self) -> str:
        """What is wrong with it and what to do, or an empty string."""

    @property
    def waking(self) -> bool:
        """Whether it still has time to report its state before it gets requests."""

    @property
    def delay_s(self) -> float:
        """Maximum delay between a change and its report, seconds."""

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Send a request without waiting; return the outcome, with a detail."""

    def change_manually(self, state: State, now_s: float) -> bool:
        """Change it as a person would; return False if not supported."""

    def connected(self) -> None:
        """Request the present state; called after every connect to the broker."""

    def receive(self, topic: str, payload: bytes) -> bool:
        """Handle a message of the broker; return whether it was for this device."""

    def tick(self, now_s: float) -> None:
        """Do what is due; called about ten times per second."""

    def close(self) -> None:
        """Release everything."""


class BaseDevice:
    """Default implementation: no problems, nothing due."""

    available = True
    problem = ''
    waking = False
    delay_s = 0.0

    def change_manually(self, state: State, now_s: float) -> bool:
        """Return False: not supported."""
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
