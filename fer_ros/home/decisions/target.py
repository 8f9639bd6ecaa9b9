# SPDX-License-Identifier: Apache-2.0
"""One device of a room: what was asked of it, what it says, and what follows."""

from dataclasses import dataclass, replace
import math

from fer_ros.home.decisions.clock import RoomClock
from fer_ros.home.decisions.holds import Holds
from fer_ros.home.decisions.memory import pack, TargetMemory, unpack_request, unpack_state
from fer_ros.home.decisions.rate_limit import RateLimiter
from fer_ros.home.decisions.trail import ThirdWriter, Trail
from fer_ros.home.fields import Part
from fer_ros.home.kinds import KINDS
from fer_ros.home.kinds.base import (
    Attempt,
    Cause,
    Report,
    Request,
    Situation,
    State,
    Verdict,
)
from fer_ros.home.lifecycle import ACTIVE, after, ControlState, Event
from fer_ros.home.light import Limits, Tolerance
from fer_ros.home.policy.rooms import Room
from fer_ros.home.snapshot import DeviceSnapshot

#: A command that could not be handed over is tried again no sooner.
RETRY_S = 15.0
#: Of where a device may have been when it was asked, no more is kept.
_PASSED = 4


@dataclass
class _Waking:
    """A device that a person turned on a moment ago.

    :ivar first: what it reported then, and ``before`` while it was last on, or None.
    """

    at_s: float
    first: State
    before: State | None


class Target:
    """A device and its :class:`ControlState`; times are the room's own, seconds.

    :ivar reported: what the device says of itself, or None.
    :ivar origin: how it was before the first action, or None.
    :ivar chosen: what a person last chose for it, or None.
    :ivar limits: what it can do, as far as it says so.
    :ivar delay_s: how much later than it happens a change of it may be heard.
    :ivar left: whether it was turned off because nobody is there.
    :ivar holds: what a person has changed of it; none where the policy holds whole rooms.
    """

    def __init__(self, name: str, spec: Part, room: Room, clock: RoomClock):
        self.name, self.spec = name, spec
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
        self._waking: _Waking | None = None
        self._last_on: State | None = None
        self._keeps_origin = False
        self._blocked_until_s = -math.inf
        self._trail, self._writer = Trail(), ThirdWriter()
        self.available, self.left = True, False
        self.limits, self.delay_s = Limits(), 0.0
        self.holds = Holds(clock, hold.for_s)
        self.limiter = RateLimiter(room.rate_limit)

    # What can be seen.

    @property
    def request(self) -> Request | None:
        """The request in force, or None."""
        return self._attempt.request if self.state in ACTIVE else None

    @property
    def situation(self) -> Situation:
        """How it stands."""
        return Situation(self.reported, self.chosen, self.request, self.limits)

    @property
    def confirmed(self) -> bool:
        """Whether it has reported what it was last asked for."""
        return self._attempt is not None and self._attempt.matched

    @property
    def restored(self) -> bool:
        """Whether there is nothing to bring back, or it is on its way back."""
        return self.request is None or self.state is ControlState.RESTORING

    @property
    def silent(self) -> bool:
        """Whether it has answered nothing, or nothing new, to the request in force."""
        return self.state is ControlState.UNRESPONSIVE

    @property
    def snapshot(self) -> DeviceSnapshot:
        """What is known of it."""
        return DeviceSnapshot(self.name, self.kind.name, self.available, self.state,
                              self.reported, tuple(sorted(self.holds.held)))

    @property
    def other_writer(self) -> str:
        """What beside the bridge changes it again and again, in words, or empty."""
        return self._writer.problem(self._clock.s)

    @property
    def in_window(self) -> bool:
        """Whether it may still be on its way to what it was asked for."""
        return self._attempt is not None and self._clock.s - self._attempt.at_s <= (
            self._attempt.transition_s + self._room.hold.settle_s + self.delay_s)

    @property
    def _woken(self) -> bool:
        """Whether a person turned it on a moment ago, and may not be done."""
        return self._waking is not None and self._clock.s - self._waking.at_s <= (
            self._room.hold.settle_s + self.delay_s)

    def follows(self, request: Request) -> bool:
        """Return whether it is asked for this already, or is so without."""
        if self.request is None:
            return self.kind.is_so(request, self.reported)
        return self.state is not ControlState.RESTORING and self.kind.same(self.request, request)

    def refusal(self, request: Request) -> str:
        """Return what keeps it from being asked now, or an empty string."""
        if not self.available:
            return 'not reachable'
        if self._clock.s < self._blocked_until_s:
            return 'the last command failed, waiting before another'
        if self._woken:
            return 'turned on manually a moment ago'
        return self.kind.refusal(request, self.spec, self.situation) \
            or self.limiter.refusal(self._clock.s)

    # What is asked of it.

    def remember(self) -> None:
        """Remember how it is, to go back there, unless something is in force already."""
        if self.request is None and not self._keeps_origin:
            self.origin = self.reported

    def ask(self, event: Event, request: Request, transition_s: float) -> Request:
        """Take a request, of a rule or to go back; return it with what it will make."""
        previous = self.request
        passed: tuple[State, ...] = ()
        if previous is not None and self.in_window:
            old = self._attempt
            passed = (*old.passed, *(() if old.start is None else (old.start,)))[-_PASSED:]
        request = self.kind.completed(request, self.reported)
        self._attempt = Attempt(request, self._clock.s, transition_s, self.reported, previous,
                                passed=passed)
        self._lost = self._returned = None
        self._keeps_origin = False
        self.state = after(self.state, event)
        self.limiter.count(self._clock.s)
        return request

    def undo(self) -> Request | None:
        """Return what brings it back to how it was, or None when there is nothing to undo."""
        if self.request is None:
            self._keeps_origin = False
            return None
        if self.state is ControlState.RESTORING:
            return None
        undo = None if self.origin is None else self.kind.undo(self.origin)
        if undo is None or self.kind.same(undo, self.request):
            # It never said how it was, and nothing is guessed; or it is so already.
            self.release()
            return None
        return undo

    def release(self) -> None:
        """Let go of what was asked: the device is as it should be."""
        self.origin = None
        if self.request is not None:
            self.state = after(self.state, Event.RELEASED)
            self._trail.restart(self._clock.s, self.reported)

    def keep(self) -> None:
        """Let what was done be how it is, so that it is neither undone nor asked again."""
        if self.request is None or self.reported is None:
            self.release()
        else:
            self.origin = self.kind.kept(self.reported, self.request)

    def accept(self, request: Request) -> None:
        """Count a request as done that a server has accepted, of a device that reports nothing."""
        if self.kind.state_type is None and self.state is ControlState.COMMANDED \
                and self._attempt.request == request:
            self._happen(Verdict(Event.MATCHED))

    def failed(self) -> None:
        """Take back a command that could not be handed over."""
        self._blocked_until_s = self._clock.s + RETRY_S
        self.left = False
        self._take_back()

    def _take_back(self) -> None:
        if self.request is None:
            return
        self._lost, previous = self.request, self._attempt.previous
        if previous is None:
            self.state = after(self.state, Event.DROPPED)
        else:
            self._attempt = replace(self._attempt, request=previous)
            self.state = after(self.state, Event.FAILED)

    def set_available(self, available: bool) -> None:
        """Say whether it can be reached; what cannot is asked for nothing."""
        if available and not self.available:
            self._blocked_until_s = -math.inf
        self.available = available

    def resume(self) -> None:
        """End the hold of the room, and of every part of the device."""
        self.holds.end()
        if self.state is ControlState.OVERRIDDEN:
            self.state = after(self.state, Event.RESUMED)

    # What it says.

    def report(self, state: State, cause: Cause = Cause.UNKNOWN) -> Verdict:
        """Take what the device says of itself; return what it means."""
        now_s = self._clock.s
        before, self.reported = self.reported, self.kind.merged(self.reported, state)
        if self.reported is None:
            return Verdict()
        left_now = False
        if self.request is not None and not self._attempt.moved:
            left_now = self.kind.has_left(self._attempt.start, self.reported)
            self._attempt = replace(self._attempt, moved=left_now)
        if self.request is not None and self.in_window:
            self._attempt = replace(
                self._attempt, nearest=self.kind.nearer(self._attempt, self.reported))
        if cause is Cause.UNKNOWN and self._writer.expected(now_s):
            cause = Cause.AUTOMATION
        if cause is Cause.AUTOMATION and self._room.hold.automations:
            cause = Cause.PERSON
        reference = self._trail.reference(now_s)
        if self.kind.is_off(self.reported) and reference is not None \
                and not self.kind.is_off(reference):
            self._last_on = reference
        self._trail.add(now_s, self.reported)
        verdict = self.kind.judge(Report(
            self.reported, before, None if self.request is None else self._attempt, self._lost,
            self.in_window, self._woken, self._tolerance, cause, left_now, reference,
            self._returned))
        verdict = self._unless_repeated(verdict, cause)
        if verdict.event is Event.MOVED and not self.in_window:
            # It begins late.
            self._attempt = replace(self._attempt, at_s=now_s)
        if verdict.event is Event.ADJUSTED and cause is not Cause.UNKNOWN:
            self._trail.restart(now_s, self.reported)
        return self._happen(verdict)

    def _unless_repeated(self, verdict: Verdict, cause: Cause) -> Verdict:
        """Take a change that repeats itself for what it is."""
        if verdict.event not in (Event.CHANGED_MANUALLY, Event.ADJUSTED) \
                or not verdict.attributes or 'power' in verdict.attributes \
                or cause in (Cause.PERSON, Cause.RECOVERED):
            return verdict
        if self._writer.add(self._clock.s, verdict.attributes) \
                and verdict.event is Event.CHANGED_MANUALLY and cause is Cause.UNKNOWN:
            self.holds.end(verdict.attributes)
            self._trail.restart(self._clock.s, self.reported)
            return Verdict(Event.ADJUSTED, attributes=verdict.attributes)
        return verdict

    def check_time(self) -> Verdict:
        """Ask, once the time of a request is over, whether the device did what was asked."""
        verdict = self._check_waking()
        if self.holds.expire() and self.state is ControlState.OVERRIDDEN:
            self.state = after(self.state, Event.RESUMED)
        if self.request is None or self.in_window:
            return verdict
        if self.state in (ControlState.COMMANDED, ControlState.SETTLING,
                          ControlState.RESTORING) and not self._attempt.matched:
            verdict = self._happen(self.kind.overdue(self._attempt, self.reported,
                                                     self._tolerance))
        if self.state is ControlState.RESTORING:
            self.origin = None
            self._returned = None if self._attempt.reached else self._attempt.request
            self.state = after(self.state, Event.RETURNED)
            self._trail.restart(self._clock.s, self.reported)
        return verdict

    def _check_waking(self) -> Verdict:
        """Look again, when the moment is over, at what came after a person turned it on."""
        waking = self._waking
        if waking is None or self._woken:
            return Verdict()
        self._waking = None
        if self.request is not None or self.kind.is_off(self.reported):
            return Verdict()
        self._trail.restart(self._clock.s, self.reported)
        return self._happen(self.kind.woken(waking.first, waking.before, self.reported,
                                            self._tolerance))

    def _happen(self, verdict: Verdict) -> Verdict:
        event = verdict.event
        if event is Event.LATE:
            # What was called lost is in force after all.
            self._attempt = replace(self._attempt, request=self._lost, moved=True)
            self._lost = None
        if event in (Event.MATCHED, Event.LATE):
            if not self._attempt.matched or self.in_window:
                self._trail.restart(self._clock.s, self.reported)
            self._attempt = replace(
                self._attempt, matched=True, reached=True,
                baseline=self.reported if verdict.attributes else self._attempt.baseline)
        elif event in (Event.MOVED, Event.UNMOVED, Event.CHANGED_MANUALLY) \
                and self.state in ACTIVE:
            self._attempt = replace(self._attempt, matched=False)
        if event is Event.CHANGED_MANUALLY:
            return self._change_manually(verdict)
        if event is Event.TURNED_ON_MANUALLY:
            self._waking = _Waking(self._clock.s, self.reported, self._last_on)
            self.chosen, self.origin, self._keeps_origin = None, None, False
            self.holds.end()
            self._trail.restart(self._clock.s, self.reported)
        elif event is Event.ADJUSTED:
            self._adjust(verdict.attributes)
        elif event is Event.RECOVERED:
            self.left = False
            self._trail.restart(self._clock.s, self.reported)
            if self.state is ControlState.RESTORING and self._attempt.previous is not None:
                # As if not sent back yet.
                self._attempt = Attempt(self._attempt.previous, self._clock.s, 0.0, self.reported)
                self.state = after(self.state, Event.FAILED)
                return verdict
            self._keeps_origin = True
        if event is not None:
            self.state = after(self.state, event)
        return verdict

    def memory(self) -> dict | None:
        """Return what is to outlive the process, or None; a lamp in memory does not."""
        if not self.spec.needs or self.state is ControlState.IDLE and self.chosen is None:
            return None
        attempt = self._attempt if self.state in ACTIVE else None
        return {'type': self.spec.type, 'state': self.state.value,
                'request': pack(self.request), 'origin': pack(self.origin),
                'chosen': pack(self.chosen),
                'moved': attempt is not None and (attempt.moved or attempt.matched),
                'holds': dict(self.holds.ends_s), 'hold_reason': self.holds.reason}

    def recall(self, memory: TargetMemory) -> None:
        """Go on where an earlier process was: what it asked for is still ours."""
        if not self.spec.needs or memory.type != self.spec.type:
            return
        name, state = self.kind.name, memory.state
        request = unpack_request(name, memory.request)
        if state is ControlState.RESTORING or state in ACTIVE and request is None:
            state = ControlState.IDLE
        self.origin = None if state is ControlState.IDLE else unpack_state(name, memory.origin)
        self.chosen = unpack_state(name, memory.chosen)
        if state in ACTIVE:
            state = ControlState.CONFIRMED if memory.moved else ControlState.COMMANDED
            self._attempt = Attempt(request, self._clock.s, 0.0, moved=memory.moved)
        self.state = state
        if self._room.hold.scope != 'room':
            self.holds.recall({key: end_s for key, end_s in memory.holds.items()
                               if key in self.kind.attributes}, memory.hold_reason)

    def _adjust(self, attributes: frozenset[str]) -> None:
        """Let a part of the device be what others made of it."""
        if self.origin is not None:
            self.origin = self.kind.adjusted(self.origin, self.reported, attributes)
        if self.request is not None:
            self._attempt = replace(self._attempt, baseline=self.reported, matched=True)

    def _change_manually(self, verdict: Verdict) -> Verdict:
        """Leave alone what a person changed, and keep asking for the rest."""
        scope, every = self._room.hold.scope, self.kind.attributes
        changed = verdict.attributes
        if scope != 'attribute' or 'power' in changed:
            changed = every
        self.chosen, self._lost = self.reported, None
        self.holds.reason = f'{self.name} {verdict.words}'
        self._trail.restart(self._clock.s, self.reported)
        if scope != 'room':
            self.holds.begin(changed)
        rest = None if self.request is None or scope != 'attribute' \
            else self.kind.narrowed(self.request, self.holds.held)
        self._keeps_origin = False
        if rest is None:
            # What the person chose is now how the room is: there is nothing to go back to.
            self.origin = None
            self.state = after(self.state, Event.CHANGED_MANUALLY)
            return verdict
        if self.origin is not None:
            # Whoever changes a light wants it on, too.
            self.origin = self.kind.adjusted(self.origin, self.reported, changed | {'power'})
        rest = self.kind.completed(rest, self.reported)
        self._attempt = replace(self._attempt, request=rest, previous=None, baseline=None)
        self.state = after(self.state, Event.ADJUSTED)
        return verdict

    def adopt(self, old: 'Target') -> None:
        """Go on where the target of another policy file was."""
        self.state, self.reported, self.origin = old.state, old.reported, old.origin
        self.chosen, self._attempt, self._lost = old.chosen, old._attempt, old._lost
        self._returned, self._waking, self._last_on = old._returned, old._waking, old._last_on
        self._keeps_origin, self._blocked_until_s = old._keeps_origin, old._blocked_until_s
        self._trail, self._writer = old._trail, old._writer
        self.available, self.left = old.available, old.left
        self.limits, self.delay_s = old.limits, old.delay_s
        self.holds.adopt(old.holds)
        self.limiter.adopt(old.limiter)
