# SPDX-License-Identifier: Apache-2.0
"""Base classes of the kinds of devices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
import math
from typing import ClassVar, Protocol

from fer_ros.home.fields import Part
from fer_ros.home.lifecycle import Event
from fer_ros.home.light import Limits, Tolerance


class State(Protocol):
    """State reported by a device of a kind; immutable."""

    kind: ClassVar[str]

    def describe(self) -> str:
        """Return it in words."""


class Request(Protocol):
    """Request to a device of a kind; immutable."""

    kind: ClassVar[str]

    def describe(self) -> str:
        """Return it in words."""


class Cause(Enum):
    """Cause of a reported change, if known."""

    UNKNOWN = 'unknown'
    #: The bridge, according to the server that carried it out.
    OURS = 'the bridge'
    PERSON = 'a person'
    AUTOMATION = 'an automation'
    #: No one: the device was away, without power for example, and is back.
    RECOVERED = 'the device itself'


@dataclass(frozen=True)
class Attempt:
    """The latest request to a device and its result.

    :ivar at_s: time of the request, the room's time, seconds.
    :ivar start: the device's reported state before, or None.
    :ivar previous: the request in force before, or None.
    :ivar moved: whether it has been seen to leave ``start``.
    :ivar matched: whether its last report is what was asked.
    :ivar reached: whether any report was.
    :ivar passed: where else it may have been when it was asked: its time for earlier requests was
        not over.
    :ivar baseline: how it is to be by now, where that is not what was asked: the nearest that it
        can do, or what an automation has made of it since.
    :ivar adjusted: what an automation has made of it since, or None.
    :ivar nearest: the report that came nearest to what was asked, or None.
    :ivar on_s: when it has gone on for this, the room's time, seconds, or None.
    """

    request: Request
    at_s: float
    transition_s: float
    start: State | None = None
    previous: Request | None = None
    moved: bool = False
    matched: bool = False
    reached: bool = False
    passed: tuple[State, ...] = ()
    baseline: State | None = None
    adjusted: State | None = None
    nearest: State | None = None
    on_s: float | None = None


@dataclass(frozen=True)
class Report:
    """A device's report with the data for its interpretation.

    :ivar before: the previously reported state, or None.
    :ivar attempt: the request in force, or None.
    :ivar lost: a request that could not be sent, or None.
    :ivar in_window: whether the device may still be changing.
    :ivar just_on: whether it has just gone on, for a person or as it was asked.
    :ivar cause: the cause of the report.
    :ivar left_now: whether this is the first report that differs from the start.
    :ivar reference: the state some seconds ago, to distinguish a person's change from a slow one.
    :ivar returned: the last restore request, if the device had not followed it in time.
    """

    state: State
    before: State | None
    attempt: Attempt | None
    lost: Request | None
    in_window: bool
    just_on: bool
    tolerance: Tolerance
    cause: Cause = Cause.UNKNOWN
    left_now: bool = False
    reference: State | None = None
    returned: Request | None = None


@dataclass(frozen=True)
class Verdict:
    """Interpretation of a report.

    :ivar event: None: nothing new.
    :ivar words: the person's change, as text after the device's name.
    :ivar attributes: the changed attributes, of :attr:`Kind.attributes`.
    """

    event: Event | None = None
    words: str = ''
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Situation:
    """State of a device before a new request.

    :ivar reported: its reported state, or None.
    :ivar chosen: the state that a person last set, or None.
    :ivar request: the request in force, or None.
    :ivar limits: what it can do, as far as it says so.
    :ivar words: what a text may name, in words.
    :ivar base: how it would be if no rule had asked for anything, or None.
    """

    reported: State | None = None
    chosen: State | None = None
    request: Request | None = None
    limits: Limits = Limits()
    words: Mapping[str, str] = field(default_factory=dict)
    base: State | None = None


class Kind:
    """Base class of a kind of device; the defaults are for devices without reports.

    A new kind is one file with a subclass, and one line in :data:`kinds.KINDS`.

    :ivar name: its name in the policy, the messages and the page.
    :ivar rule_keys: the keys of rules for this kind.
    :ivar request_type: the dataclass of its requests.
    :ivar state_type: the dataclass of its states, or None if it reports none.
    :ivar attributes: attributes that a person can change, each held separately.
    """

    name: str
    request_type: type[Request]
    state_type: type[State] | None = None
    rule_keys: type[Part]
    attributes: frozenset[str] = frozenset()

    def applies(self, rule: Part) -> bool:
        """Return whether a rule has keys for devices of this kind."""
        return any(getattr(rule, key) is not None for key in self.rule_keys.model_fields)

    def fault(self, rule: Part, targets: Iterable[Part]) -> tuple[str, str] | None:
        """Return the key of a rule that no target of this kind can follow, and why."""

    def request(self, rule: Part, feeling: tuple[float, float], spec: Part,
                situation: Situation, cap: float | None) -> Request | None:
        """Return a rule's request to a target, or None.

        :param feeling: valence and arousal for a strategy.
        :param cap: the quiet hours' brightness, or None.
        """
        raise NotImplementedError

    def added(self, rule: Part) -> str:
        """Return in words what a rule adds to what a device is set to, or an empty string."""
        return ''

    def completed(self, request: Request, reported: State | None) -> Request:
        """Return the request with what it will make of the device as it is."""
        return request

    def same(self, a: Request | None, b: Request | None) -> bool:
        """Return whether two requests are equivalent."""
        return a == b

    def is_added(self, request: Request) -> bool:
        """Return whether a request adds to what others have made of a device."""
        return False

    def each_episode(self, request: Request, spec: Part) -> bool:
        """Return whether a request is repeated each time an emotion returns."""
        return False

    def off(self) -> Request | None:
        """Return the request that turns a device off, or None if that does not apply."""

    def is_off(self, state: State | None) -> bool:
        """Return whether a device reports that it is off."""
        return False

    def is_so(self, request: Request, state: State | None) -> bool:
        """Return whether a device is already as requested."""
        return False

    def led(self, state: State, day: State, spec: Part, limits: Limits, held: frozenset[str]) \
            -> State:
        """Return a state with what the day makes of a device, but for attributes that are held."""
        return state

    def step(self, start: State, goal: State, *, whole: bool) -> Request | None:
        """Return the next step to a goal, or None where it is reached.

        :param whole: take all of the way in one.
        """
        return None

    def undo(self, state: State) -> Request:
        """Return the request that brings a device back to a state."""
        raise NotImplementedError

    def quieted(self, undo: Request, reported: State | None, cap: float | None) \
            -> Request | None:
        """Return how far a device may go back in quiet hours, or None when it is to wait.

        :param cap: the brightness that the quiet hours allow, or None when they allow nothing.
        """
        return None if cap is None else undo

    def kept(self, reported: State, request: Request) -> State:
        """Return the state to restore when the present state is kept."""
        raise NotImplementedError

    def refusal(self, request: Request, spec: Part, situation: Situation) -> str:
        """Return why a request is not allowed, or an empty string."""
        return ''

    def narrowed(self, request: Request, held: frozenset[str]) -> Request | None:
        """Return the part of a request that leaves some attributes alone, or None."""
        return None if held else request

    def adjusted(self, origin: State, reported: State, changed: frozenset[str]) -> State:
        """Return the state to go back to after others have changed a part of it."""
        return reported

    def merged(self, before: State | None, state: State) -> State:
        """Return a report with missing values taken from the previous one."""
        return state

    def has_left(self, start: State | None, state: State) -> bool:
        """Return whether a device has changed since it reported ``start``."""
        return True

    def changes(self, before: State, state: State) -> frozenset[str]:
        """Return which attributes differ by more than rounding, on or off apart."""
        return frozenset()

    def distance(self, a: State, b: State, tolerance: Tolerance) -> float:
        """Return how far two states are apart, in tolerances."""
        return 0.0 if a == b else math.inf

    def on_its_way(self, attempt: Attempt, state: State, tolerance: Tolerance) -> bool:
        """Return whether a device may be seen so while it follows a request, as far as known."""
        return False

    def nearer(self, attempt: Attempt, state: State) -> State | None:
        """Return which came nearer to what was asked: the nearest so far, or a state."""
        return None

    def judge(self, report: Report) -> Verdict:
        """Interpret a report."""
        return Verdict()

    def woken(self, first: State, before: State | None, reported: State, tolerance: Tolerance) \
            -> Verdict:
        """Return what was done to a device in the moments after a person turned it on.

        :param first: what it reported then, and ``before`` while it was last on, or None.
        """
        return Verdict()

    def overdue(self, attempt: Attempt, reported: State | None, tolerance: Tolerance) -> Verdict:
        """Return what it means that the time of a request is over."""
        return Verdict()
