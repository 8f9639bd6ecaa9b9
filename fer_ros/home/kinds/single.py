# SPDX-License-Identifier: Apache-2.0
"""What devices of one reported value have in common: a position, a volume, on or off."""

from dataclasses import fields

from fer_ros.home.kinds.base import Attempt, Cause, Kind, Report, Request, State, Verdict
from fer_ros.home.lifecycle import Event
from fer_ros.home.light import Tolerance


class SingleValueKind(Kind):
    """Devices that are asked for one value, report it, and go back to the one they had.

    The value is the only field of request and state, [0, 1] or a bool.

    :ivar reached: further from what was asked, something else must have changed it.
    :ivar still: a report that differs less from the one before tells of no change.
    :ivar slow: whether it may take longer than its time to get there.
    :ivar manually: what a person did, after the device's name; may name ``{value}``.
    """

    reached: float
    still: float
    slow = False
    manually: str

    def value(self, what: State | Request) -> float:
        """Return the value of a state or a request."""
        return float(getattr(what, fields(what)[0].name))

    def same(self, a: Request | None, b: Request | None) -> bool:
        """Return whether two requests ask for the same value."""
        if a is None or b is None:
            return a is b
        return abs(self.value(a) - self.value(b)) < 0.01

    def undo(self, state: State) -> Request:
        """Return the request that brings a device back to a value."""
        return self.request_type(getattr(state, fields(state)[0].name))

    def kept(self, reported: State, request: Request) -> State:
        """Return the value that was asked for."""
        return self.state_type(getattr(request, fields(request)[0].name))

    def has_left(self, start: State | None, state: State) -> bool:
        """Return whether the value has changed, as far as is known."""
        return start is None or abs(self.value(start) - self.value(state)) > self.still

    def on_its_way(self, attempt: Attempt, state: State, tolerance: Tolerance) -> bool:
        """Return whether a value lies on the way from a known start."""
        return attempt.start is not None and self._leads(
            self.value(attempt.start), self.value(state), self._goal(attempt))

    def judge(self, report: Report) -> Verdict:
        """Return what a report means."""
        value, attempt = self.value(report.state), report.attempt
        before = None if report.before is None else self.value(report.before)
        if attempt is None:
            return self._judge_free(report, value, before)
        goal = self._goal(attempt)
        if abs(value - goal) <= self.reached:
            return Verdict(Event.MATCHED)
        if report.cause is Cause.RECOVERED:
            return Verdict(Event.RECOVERED)
        if report.cause is Cause.PERSON:
            return self._changed(report)
        if report.cause is Cause.AUTOMATION:
            return Verdict(Event.ADJUSTED, attributes=self.attributes)
        if report.in_window or report.cause is Cause.OURS:
            start = None if attempt.start is None else self.value(attempt.start)
            if report.cause is Cause.OURS or self._leads(start, value, goal):
                return Verdict(Event.MOVED if attempt.moved or attempt.matched else None)
            return self._changed(report)
        if not attempt.moved:
            return Verdict(Event.UNMOVED)
        if before is None or abs(value - before) <= self.still \
                or self.slow and not attempt.matched and self._leads(before, value, goal):
            return Verdict(Event.MOVED)
        return self._changed(report)

    def _judge_free(self, report: Report, value: float, before: float | None) -> Verdict:
        """Return what a report means while nothing is asked."""
        if report.cause is Cause.RECOVERED:
            return Verdict(Event.ADJUSTED)
        if before is None or abs(value - before) <= self.still \
                or report.cause is Cause.OURS or report.returned is not None and self._leads(
                    before, value, self.value(report.returned)):
            return Verdict()
        if report.cause is Cause.AUTOMATION:
            return Verdict(Event.ADJUSTED, attributes=self.attributes)
        return self._changed(report)

    def _goal(self, attempt: Attempt) -> float:
        """Return the value that a device is to have by now."""
        return self.value(attempt.request if attempt.baseline is None else attempt.baseline)

    def _leads(self, start: float | None, value: float, goal: float) -> bool:
        """Return whether a value lies on the way from another to what was asked."""
        return start is None or \
            min(start, goal) - self.still <= value <= max(start, goal) + self.still

    def _changed(self, report: Report) -> Verdict:
        return Verdict(Event.CHANGED_MANUALLY,
                       self.manually.format(value=report.state.describe()), self.attributes)

    def overdue(self, attempt: Attempt, reported: State | None, tolerance: Tolerance) -> Verdict:
        """Return what it means that a device's time is over."""
        if not attempt.moved or reported is None:
            return Verdict(None if attempt.moved else Event.UNMOVED)
        if abs(self.value(reported) - self._goal(attempt)) <= self.reached:
            return Verdict(Event.MATCHED)
        # A slow one may still be on its way.
        return Verdict() if self.slow else Verdict(
            Event.CHANGED_MANUALLY, self.manually.format(value=reported.describe()),
            self.attributes)
