# SPDX-License-Identifier: Apache-2.0
"""A device of a room: its reports and their effects."""

from dataclasses import replace

from fer_ros.home.decisions.control import Control, Waking
from fer_ros.home.devices.base import BACK_S
from fer_ros.home.kinds.base import Attempt, Cause, Report, Request, State, Verdict
from fer_ros.home.lifecycle import ACTIVE, after, ControlState, Event


class Target(Control):
    """A controlled device, with interpretation of its reports."""

    @property
    def other_writer(self) -> str:
        """What else changes it repeatedly, in words, or empty."""
        return self._writer.problem(self._clock.s)

    def report(self, state: State, cause: Cause = Cause.UNKNOWN) -> Verdict:
        """Handle a reported state; return its interpretation."""
        now_s = self._clock.s
        if self.unheard or cause is Cause.RECOVERED and not self._recovering:
            self._back_s = now_s
        self.unheard, self._recovering = False, cause is Cause.RECOVERED
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
            if before is not None and self.kind.is_off(before) \
                    and not self.kind.is_off(self.reported):
                self._attempt = replace(self._attempt, on_s=now_s)
        # While it fades for us, the rest of it moves as well.
        moved = frozenset() if before is None or self.request is not None and self.in_window \
            else self.kind.changes(before, self.reported)
        expected = cause is Cause.UNKNOWN and self._writer.expected(now_s, self.reported, moved)
        if expected:
            cause = Cause.AUTOMATION
        if cause is Cause.AUTOMATION and self._room.hold.automations:
            cause = Cause.PERSON
        if cause is Cause.RECOVERED and self._follows_since_back:
            cause = Cause.UNKNOWN
        if self.reported != before:
            self._written = (now_s, self.reported) if cause is Cause.AUTOMATION else None
        reference = self._trail.reference(now_s)
        if self.kind.is_off(self.reported) and reference is not None \
                and not self.kind.is_off(reference):
            self._last_on = reference
        self._trail.add(now_s, self.reported)
        verdict = self.kind.judge(Report(
            self.reported, before, None if self.request is None else self._attempt, self._lost,
            self.in_window, self._just_on, self._tolerance, cause, left_now, reference,
            self._returned))
        verdict = self._unless_late(verdict, cause)
        verdict = self._unless_repeated(verdict, before, cause, expected)
        if verdict.event is Event.MOVED and not self.in_window:
            # It reacts late.
            self._attempt = replace(self._attempt, at_s=now_s)
        if verdict.event is Event.ADJUSTED and cause is not Cause.UNKNOWN:
            self._trail.restart(now_s, self.reported)
        return self._happen(verdict)

    @property
    def _follows_since_back(self) -> bool:
        """Whether it follows what it was asked for after it had come back."""
        return self.request is not None and self.in_window \
            and self._attempt.at_s >= self._back_s \
            and self.kind.on_its_way(self._attempt, self.reported, self._tolerance)

    def accept(self, request: Request) -> None:
        """Mark an accepted request as done, for a device without reports."""
        if self.kind.state_type is None and self.state is ControlState.COMMANDED \
                and self._attempt.request == request:
            self._happen(Verdict(Event.MATCHED))

    def _unless_repeated(self, verdict: Verdict, before: State | None, cause: Cause,
                         expected: bool) -> Verdict:
        """Take a change that repeats itself for what it is."""
        changed = self._changed_by_others(verdict, before)
        if not changed or cause in (Cause.PERSON, Cause.RECOVERED):
            return verdict
        if self._writer.add(self._clock.s, self.reported, changed, expected=expected) \
                and verdict.event is Event.CHANGED_MANUALLY and cause is Cause.UNKNOWN:
            self.holds.end(verdict.attributes)
            self._trail.restart(self._clock.s, self.reported)
            return Verdict(Event.ADJUSTED, attributes=verdict.attributes)
        return verdict

    def _unless_late(self, verdict: Verdict, cause: Cause) -> Verdict:
        """Take the way to a request that was considered lost for what it is."""
        if self._lost is None or cause is Cause.PERSON or not self.in_window \
                or verdict.event not in (Event.CHANGED_MANUALLY, Event.TURNED_ON_MANUALLY) \
                or not self.kind.on_its_way(replace(self._attempt, request=self._lost),
                                            self.reported, self._tolerance):
            return verdict
        self._happen(Verdict(Event.LATE))
        return Verdict(Event.MOVED)

    def _changed_by_others(self, verdict: Verdict, before: State | None) -> frozenset[str]:
        """Return what others may have changed with the last report, be it ever so little."""
        if verdict.event in (Event.CHANGED_MANUALLY, Event.ADJUSTED):
            return frozenset() if 'power' in verdict.attributes else verdict.attributes
        if verdict.event not in (None, Event.MATCHED) or before is None or self.in_window:
            return frozenset()
        if self.request is not None:
            wanted = self.kind.kept(self.reported, self.request)
            if self.kind.distance(self.reported, wanted, self._tolerance) \
                    < self.kind.distance(before, wanted, self._tolerance):
                # A lamp that is late comes nearer to what it was asked for.
                return frozenset()
        return self.kind.changes(before, self.reported)

    def check_time(self) -> Verdict:
        """Check, once the time of a request is over, whether the device followed it."""
        verdict = self._check_waking()
        if self.holds.expire() and self.state is ControlState.OVERRIDDEN:
            self.state = after(self.state, Event.RESUMED)
        if self.request is None or self.in_window or self.unheard and self._attempt.moved:
            # What it last said on its way, before it went away, says nothing of a person.
            return verdict
        if self.state in (ControlState.COMMANDED, ControlState.SETTLING,
                          ControlState.RESTORING) and not self._attempt.matched:
            verdict = self.kind.overdue(self._attempt, self.reported, self._tolerance)
            if verdict.event is Event.UNMOVED \
                    and 0 <= self._attempt.at_s - self._back_s <= BACK_S:
                # It was not ready to take a command yet, or is slow until it has settled.
                if self._clock.s - self._attempt.at_s <= BACK_S:
                    return Verdict()
                verdict = Verdict(Event.RECOVERED)
            if verdict.event is Event.CHANGED_MANUALLY and self._written is not None:
                self._writer.add(*self._written, verdict.attributes, expected=True)
                verdict = Verdict(Event.ADJUSTED, attributes=verdict.attributes)
            verdict = self._happen(verdict)
        if self.state is ControlState.RESTORING:
            self._keeps_origin = self.partly
            self.origin = self.origin if self.partly else None
            self._returned = None if self._attempt.reached else self._attempt.request
            self.state = after(self.state, Event.RETURNED)
            self._trail.restart(self._clock.s, self.reported)
        return verdict

    def _check_waking(self) -> Verdict:
        """Check again, when the moment is over, the reports after a person turned it on."""
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
            # The command considered lost is in force after all.
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
            self._waking = Waking(self._clock.s, self.reported, self._last_on)
            self.chosen, self.origin, self._keeps_origin = None, None, False
            self.partly, self._fresh = False, True
            self.holds.end()
            self._trail.restart(self._clock.s, self.reported)
        elif event is Event.ADJUSTED:
            self._adjust(verdict.attributes)
        elif event is Event.RECOVERED:
            self.left, self._fresh = False, True
            self._trail.restart(self._clock.s, self.reported)
            if self.state is ControlState.RESTORING and self._attempt.previous is not None:
                # As if not restored yet.
                self._attempt = Attempt(self._attempt.previous, self._clock.s, 0.0, self.reported)
                self.state = after(self.state, Event.FAILED)
                return verdict
            self._keeps_origin = not self._resting
        if event is not None:
            self.state = after(self.state, event)
        return verdict

    def _adjust(self, attributes: frozenset[str]) -> None:
        """Accept changes of some attributes by others."""
        if self.origin is not None:
            self.origin = self.kind.adjusted(self.origin, self.reported, attributes)
        if self.request is None:
            return
        if self.in_window:
            # It may have been so before our request came to it, and go on from there.
            self._attempt = replace(self._attempt, passed=(*self._attempt.passed, self.reported))
        else:
            self._attempt = replace(self._attempt, baseline=self.reported, matched=True,
                                    adjusted=self.reported)

    def _change_manually(self, verdict: Verdict) -> Verdict:
        """Hold what a person changed, and keep requesting the rest."""
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
            self.origin, self.partly = None, False
            self.state = after(self.state, Event.CHANGED_MANUALLY)
            return verdict
        if self.origin is not None:
            # A person who changes a light also wants it on.
            self.origin = self.kind.adjusted(self.origin, self.reported, changed | {'power'})
        rest = self.kind.completed(rest, self.reported)
        self._attempt = replace(self._attempt, request=rest, previous=None, baseline=None)
        return verdict
