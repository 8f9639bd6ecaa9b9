# SPDX-License-Identifier: Apache-2.0
"""Control a device of a room: requests, what is in force, and how to undo it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
import math

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.holds import Holds
from fer_ros.home.decisions.memory import pack, TargetMemory, unpack_request, unpack_state
from fer_ros.home.decisions.rate_limit import RateLimiter
from fer_ros.home.decisions.trail import ThirdWriter, Trail
from fer_ros.home.fields import Part
from fer_ros.home.kinds import KINDS
from fer_ros.home.kinds.base import Attempt, Request, Situation, State
from fer_ros.home.lifecycle import ACTIVE, after, ControlState, Event
from fer_ros.home.light import Limits, Tolerance
from fer_ros.home.policy.rooms import Room
from fer_ros.home.snapshot import DeviceSnapshot

#: Pause after a command that could not be sent, seconds.
RETRY_S = 15.0
#: The day takes no two steps in less, seconds.
STEP_S = 30.0
#: Of where a device may have been when it was asked, no more is kept.
_PASSED = 4


@dataclass
class Waking:
    """A device that a person has just turned on.

    :ivar first: what it reported then, and ``before`` while it was last on, or None.
    """

    at_s: float
    first: State
    before: State | None


class Control:
    """Requests to a device, and its :class:`ControlState`; times are the room's, seconds.

    :ivar group: the target of the policy that it is a member of, or empty.
    :ivar reported: what the device says of itself, or None.
    :ivar origin: how it was before the first action, with what others have changed since, or None.
    :ivar chosen: what a person last chose for it, or None.
    :ivar limits: what it can do, as far as it says so.
    :ivar delay_s: how much later than it happens a change of it may be heard.
    :ivar unheard: whether it was away and has reported nothing since.
    :ivar left: whether it was turned off because nobody is there.
    :ivar partly: whether it was brought back as far as quiet hours allow, and the rest is to come.
    :ivar day: what the day makes of it, where it follows the day; None: nothing.
    :ivar holds: what a person has changed of it; none where the policy holds whole rooms.
    """

    def __init__(self, name: str, spec: Part, room: Room, clock: RoomClock, group: str = ''):
        self.name, self.spec, self.group = name, spec, group
        self.kind = KINDS[spec.kind]
        self._room, self._clock = room, clock
        hold = room.hold
        self._tolerance = Tolerance(hold.brightness_tolerance, hold.mired_tolerance,
                                    hold.color_tolerance)
        self.state = ControlState.IDLE
        self.reported: State | None = None
        self.origin: State | None = None
        self.chosen: State | None = None
        self._attempt: Attempt | None = None
        self._lost: Request | None = None
        self._returned: Request | None = None
        self._waking: Waking | None = None
        self._last_on: State | None = None
        self._keeps_origin = self._resting = self._fresh = False
        self.partly = False
        self.day: State | None = None
        self._step_s = self._back_s = -math.inf
        self._recovering = False
        self._blocked_until_s = -math.inf
        self._trail = Trail()
        self._writer = ThirdWriter(self.kind, self._tolerance)
        self._written: tuple[float, State] | None = None
        self.available, self.unheard, self.left = True, False, False
        self.limits, self.delay_s = Limits(), 0.0
        self.holds = Holds(clock, hold.for_s)
        self.limiter = RateLimiter(room.rate_limit)

    # State.

    def is_among(self, names: Iterable[str] | None) -> bool:
        """Return whether a rule's targets name it, or its group; None names all."""
        return names is None or self.name in names or self.group in names

    @property
    def request(self) -> Request | None:
        """The request in force, or None."""
        return self._attempt.request if self.state in ACTIVE else None

    @property
    def situation(self) -> Situation:
        """How it stands."""
        return Situation(self.reported, self.chosen, self.request, self.limits, base=self.base)

    @property
    def base(self) -> State | None:
        """How it would be without what rules have asked of it, as far as is known."""
        state = self.reported if self.at_rest and not self._keeps_origin else self.origin
        return state if self.day is None or state is None else self.kind.led(
            state, self.day, self.spec, self.limits, self.holds.held)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is asked of it, or only what the day makes of it."""
        return self.request is None or self._resting

    @property
    def confirmed(self) -> bool:
        """Whether it has reported the last requested state."""
        return self._attempt is not None and self._attempt.matched

    @property
    def restored(self) -> bool:
        """Whether there is nothing to bring back, or it is on its way back."""
        return not self.partly and (self.at_rest or self.state is ControlState.RESTORING)

    @property
    def silent(self) -> bool:
        """Whether it has not reacted to the request in force."""
        return self.state is ControlState.UNRESPONSIVE

    @property
    def snapshot(self) -> DeviceSnapshot:
        """Its snapshot."""
        return DeviceSnapshot(self.name, self.kind.name, self.available, self.state,
                              self.reported, tuple(sorted(self.holds.held)))

    @property
    def in_window(self) -> bool:
        """Whether it may still be changing to the requested state."""
        return self._attempt is not None and self._clock.s - self._attempt.at_s <= (
            self._attempt.transition_s + self._room.hold.settle_s + self.delay_s)

    @property
    def _woken(self) -> bool:
        """Whether a person has just turned it on and may still be changing it."""
        return self._waking is not None and self._is_recent(self._waking.at_s)

    @property
    def _just_on(self) -> bool:
        return self._woken or self.request is not None and self._attempt.on_s is not None \
            and self._is_recent(self._attempt.on_s)

    def _is_recent(self, at_s: float) -> bool:
        return self._clock.s - at_s <= self._room.hold.settle_s + self.delay_s

    def follows(self, request: Request) -> bool:
        """Return whether this is requested already, or is its state anyway."""
        if self.request is None:
            return self.kind.is_so(request, self.reported)
        adjusted, kind = self._attempt.adjusted, self.kind
        if adjusted is not None and kind.is_added(request) \
                and not kind.same(kind.undo(adjusted), request):
            # Its part is gone; what is absolute lets the automation have it.
            return False
        return self.state is not ControlState.RESTORING and not self._resting \
            and kind.same(self.request, request)

    def refusal(self, request: Request) -> str:
        """Return why it cannot be asked now, or an empty string."""
        if not self.available:
            return 'not reachable'
        if self._clock.s < self._blocked_until_s:
            return 'the last command failed, waiting before another'
        if self._woken:
            return 'turned on manually a moment ago'
        return self.kind.refusal(request, self.spec, self.situation) \
            or self.limiter.refusal(self._clock.s)

    # Requests.

    def remember(self) -> None:
        """Remember how it is, to go back there, unless something is in force already."""
        if self.at_rest and not self._keeps_origin:
            self.origin = self.reported

    def step(self) -> Request | None:
        """Return the next step to what the day makes of it, or None when none is due.

        A step is so small that nobody sees it, unless somebody has just turned the device on.
        """
        busy = not self.at_rest or self.partly or self._keeps_origin \
            or self.request is not None and self.in_window
        if busy or self.day is None or self.reported is None or self.kind.is_off(self.reported):
            return None
        limit = self._room.rate_limit
        pause_s = max(STEP_S, 2 * limit.per_s / limit.actions)
        if not self._fresh and self._clock.s - self._step_s < pause_s:
            return None
        goal = self.kind.led(self.reported, self.day, self.spec, self.limits, self.holds.held)
        step = self.kind.step(self.reported, goal, whole=self._fresh)
        return None if step is None or self.kind.same(self.request, step) else step

    def ask(self, event: Event, request: Request, transition_s: float, *, resting: bool = False) \
            -> Request:
        """Take a request, of a rule, to go back, or (resting) of the day; return what it makes."""
        # A step of the day is nothing that a request which fails could fall back to.
        previous = None if self._resting else self.request
        passed: tuple[State, ...] = ()
        if self.request is not None and self.in_window:
            old = self._attempt
            passed = (*old.passed, *(() if old.start is None else (old.start,)))[-_PASSED:]
        # What it is on its way to, as far as it is not asked for something else now.
        still = self.kind.kept(self.reported, self.request) \
            if self.request is not None and self.reported is not None and self.in_window \
            else self.reported
        request = self.kind.completed(request, still)
        self._attempt = Attempt(request, self._clock.s, transition_s, self.reported, previous,
                                passed=passed)
        self._lost = self._returned = None
        self._keeps_origin = self.partly = False
        self._resting = resting
        if resting:
            self._fresh, self._step_s, self.origin = False, self._clock.s, None
        self.state = after(self.state, event)
        self.limiter.count(self._clock.s)
        return request

    def undo(self) -> Request | None:
        """Return what brings it back to how it was, or None when there is nothing to undo."""
        if self.state is ControlState.RESTORING:
            return None
        if self.at_rest and not self.partly:
            self._keeps_origin = False
            return None
        undo = None if self.origin is None else self.kind.undo(self.base)
        if undo is None or self.kind.same(undo, self.request):
            # Its previous state is unknown, or it is already in it.
            self.release()
            return None
        return undo

    def release(self) -> None:
        """Let go of what was asked: the device is as it should be."""
        self.origin, self.partly = None, False
        if self.request is not None:
            self.state = after(self.state, Event.RELEASED)
            self._trail.restart(self._clock.s, self.reported)

    def keep(self) -> None:
        """Let what was done be how it is, so that it is neither undone nor asked again."""
        if self.at_rest:
            return
        if self.reported is None:
            self.release()
        else:
            self.origin = self.kind.kept(self.reported, self.request)

    def failed(self) -> None:
        """Revert a command that could not be sent."""
        self._blocked_until_s = self._clock.s + RETRY_S
        self.left = self.partly = False
        self._take_back()

    def _take_back(self) -> None:
        if self.request is None:
            return
        previous = self._attempt.previous
        self._lost = None if self._resting else self.request
        if previous is None:
            self.state = after(self.state, Event.DROPPED)
        else:
            self._attempt = replace(self._attempt, request=previous)
            self.state = after(self.state, Event.FAILED)

    def set_available(self, available: bool) -> None:
        """Set whether it can be reached; unreachable devices get no requests."""
        if available and not self.available:
            self._blocked_until_s = -math.inf
        self.available = available

    def resume(self) -> None:
        """End the hold of the room, and of every part of the device."""
        self.holds.end()
        if self.state is ControlState.OVERRIDDEN:
            self.state = after(self.state, Event.RESUMED)

    # State kept across restarts, or across policy files.

    def memory(self) -> dict | None:
        """Return what is to outlive the process, or None; a lamp in memory does not."""
        if not self.spec.needs or self.state is ControlState.IDLE and self.chosen is None \
                and not self.partly:
            return None
        attempt = self._attempt if self.state in ACTIVE else None
        return {'type': self.spec.type, 'state': self.state.value,
                'request': pack(self.request), 'origin': pack(self.origin),
                'chosen': pack(self.chosen),
                'resting': self._resting, 'partly': self.partly,
                'moved': attempt is not None and (attempt.moved or attempt.matched),
                'holds': dict(self.holds.ends_s), 'hold_reason': self.holds.reason}

    def recall(self, memory: TargetMemory) -> None:
        """Restore the state of an earlier process: its requests are still ours."""
        if not self.spec.needs or memory.type != self.spec.type:
            return
        name, state = self.kind.name, memory.state
        request = unpack_request(name, memory.request)
        if state is ControlState.RESTORING or state in ACTIVE and request is None:
            state = ControlState.IDLE
        self.partly, self._resting = memory.partly, memory.resting
        self.origin = None if state is ControlState.IDLE and not self.partly \
            else unpack_state(name, memory.origin)
        self._keeps_origin = self.partly
        self.chosen = unpack_state(name, memory.chosen)
        if state in ACTIVE:
            state = ControlState.CONFIRMED if memory.moved else ControlState.COMMANDED
            self._attempt = Attempt(request, self._clock.s, 0.0, moved=memory.moved)
        self.state = state
        if self._room.hold.scope != 'room':
            self.holds.recall({key: end_s for key, end_s in memory.holds.items()
                               if key in self.kind.attributes}, memory.hold_reason)

    def adopt(self, old: 'Control') -> None:
        """Continue from the target of another policy file."""
        self.state, self.reported, self.origin = old.state, old.reported, old.origin
        self.chosen, self._attempt, self._lost = old.chosen, old._attempt, old._lost
        self._returned, self._waking, self._last_on = old._returned, old._waking, old._last_on
        self._keeps_origin, self._blocked_until_s = old._keeps_origin, old._blocked_until_s
        self._resting, self._fresh, self._step_s = old._resting, old._fresh, old._step_s
        self.partly = old.partly
        self._back_s, self._recovering = old._back_s, old._recovering
        self._trail, self._writer = old._trail, old._writer
        self.available, self.left = old.available, old.left
        self.limits, self.delay_s = old.limits, old.delay_s
        self.holds.adopt(old.holds)
        self.limiter.adopt(old.limiter)
