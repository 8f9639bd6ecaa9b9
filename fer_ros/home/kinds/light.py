# SPDX-License-Identifier: Apache-2.0
"""Lights: requests for a state or part of it, and detection of manual overrides."""

from dataclasses import dataclass, replace
from typing import ClassVar

from fer_ros.home.color import chromaticity_distance
from fer_ros.home.kinds.base import Attempt, Cause, Kind, Report, Situation, Verdict
from fer_ros.home.kinds.light_keys import LightKeys, LightTarget, wanted_light
from fer_ros.home.lifecycle import Event
from fer_ros.home.light import (
    deviations,
    differences,
    distance,
    LightState,
    Limits,
    on_the_way,
    Tolerance,
)

#: A lamp farther than this from its start has at least reacted.
_MOVED = Tolerance(0.01, 5.0, 0.005)
#: The day moves a lamp once it is off by more, and then by no more than what nobody sees.
_STEP, _LARGEST = Tolerance(0.015, 6.0, 0.003), Tolerance(0.03, 12.0)
#: Requests are compared up to rounding, not by a lamp's inaccuracy.
_EXACT = Tolerance(0.004, 0.5, 0.002)

#: Attributes of a light that are held separately, by the names of differences.
_ATTRIBUTES = {'on/off': 'power', 'brightness': 'brightness', 'color': 'color',
               'color temperature': 'color', 'effect': 'color'}


@dataclass(frozen=True)
class LightRequest:
    """A request to a light.

    :ivar light: what is asked; what is None stays as the light is.
    :ivar result: how the light will then be, as far as is known.
    :ivar added: whether a part of it was added to what the light was set to.
    """

    kind: ClassVar[str] = 'light'

    light: LightState
    result: LightState | None = None
    added: bool = False

    @property
    def expected(self) -> LightState:
        """The resulting state, as far as known."""
        return self.light if self.result is None else self.result

    def describe(self) -> str:
        """Return it in words."""
        return self.light.describe()


class LightKind(Kind):
    """The kind of lights, whose reports are checked for manual changes."""

    name = 'light'
    rule_keys = LightKeys
    request_type = LightRequest
    state_type = LightState
    attributes = frozenset(_ATTRIBUTES.values())

    def request(self, rule: LightKeys, feeling: tuple[float, float], spec: LightTarget,
                situation: Situation, cap: float | None) -> LightRequest | None:
        """Return a rule's request to a light, within its limits."""
        if not self.applies(rule) or rule.strategy == 'restore':
            return None
        light = wanted_light(rule, feeling, situation.base)
        if light is None or not light.on:
            return None if light is None else LightRequest(light)
        base, added = situation.base or light, rule.relative
        kelvin, brightness, color = light.color_temperature_k, light.brightness, light.color
        if kelvin is not None:
            kelvin = _within(kelvin, spec.color_temperature_min_k, spec.color_temperature_max_k,
                             base.color_temperature_k if 'color_temperature_k' in added else None)
        color = color if spec.has_color else None
        if brightness is not None:
            brightness = _within(brightness, spec.brightness_min, spec.brightness_max,
                                 base.brightness if 'brightness' in added else None)
            brightness = brightness if cap is None else min(cap, brightness)
        elif cap is not None and not _dimmer(situation.reported, cap):
            brightness = cap
        return LightRequest(situation.limits.within(
            LightState(True, brightness, color, kelvin)), added=bool(added))

    def added(self, rule: LightKeys) -> str:
        """Return in words what a rule adds to what a light is set to, or an empty string."""
        return ', '.join(f'{key.removesuffix("_k").replace("_", " ")} {value.text}'
                         for key, value in rule.relative.items())

    def completed(self, request: LightRequest, reported: LightState | None) -> LightRequest:
        """Return the request with the light as it will be.

        Attributes that are not requested are expected to stay: a person's change is still
        detected.
        """
        light = request.light
        if not light.on or reported is None or not reported.on:
            return replace(request, result=light)
        result = reported.merged(light)
        if light.effect is None and light.rgb is not None:
            # Some lamps end their effect for a color, some play on.
            result = replace(result, effect=None)
        return replace(request, result=result)

    def same(self, a: LightRequest | None, b: LightRequest | None) -> bool:
        """Return whether two requests make the same of a light."""
        if a is None or b is None:
            return a is b
        return not differences(a.expected, b.expected, _EXACT)

    def is_added(self, request: LightRequest) -> bool:
        """Return whether a request adds to what others have made of a light."""
        return request.added

    def off(self) -> LightRequest:
        """Return the request that turns a light off."""
        return LightRequest(LightState(False))

    def is_off(self, state: LightState | None) -> bool:
        """Return whether a light says that it is off."""
        return state is not None and not state.on

    def is_so(self, request: LightRequest, state: LightState | None) -> bool:
        """Return whether a light that should be off is off."""
        return not request.light.on and self.is_off(state)

    def led(self, state: LightState, day: LightState, spec: LightTarget, limits: Limits,
            held: frozenset[str]) -> LightState:
        """Return a light with what the day makes of it, but for attributes that are held."""
        if not state.on:
            return state
        level, kelvin = day.brightness, day.color_temperature_k
        day = limits.within(LightState(
            True,
            None if level is None else min(spec.brightness_max, max(spec.brightness_min, level)),
            None, None if kelvin is None else min(
                spec.color_temperature_max_k, max(spec.color_temperature_min_k, kelvin))))
        if 'brightness' not in held and day.brightness is not None:
            state = replace(state, brightness=day.brightness)
        if 'color' not in held and day.rgb is not None and (day.color is None or spec.has_color):
            state = replace(state, color=day.color, effect=state.effect and '',
                            color_temperature_k=day.color_temperature_k)
        return state

    def step(self, start: LightState, goal: LightState, *, whole: bool) -> LightRequest | None:
        """Return the next step to a goal, which nobody sees, or None where it is reached."""
        changed = _attributes(differences(start, goal, _STEP))
        light = LightState(True)
        if 'brightness' in changed:
            light = replace(light, brightness=goal.brightness if whole else _nearer(
                start.brightness, goal.brightness, _LARGEST.brightness))
        if 'color' in changed:
            kelvin = goal.color_temperature_k
            if not whole and start.color is goal.color is None:
                kelvin = round(1e6 / _nearer(1e6 / start.color_temperature_k, 1e6 / kelvin,
                                             _LARGEST.mired))
            light = replace(light, color=goal.color, color_temperature_k=kelvin)
        return LightRequest(light) if changed else None

    def undo(self, state: LightState) -> LightRequest:
        """Return the request that brings a light back to a state."""
        return LightRequest(state)

    def quieted(self, undo: LightRequest, reported: LightState | None, cap: float | None) \
            -> LightRequest | None:
        """Return the way back that makes nothing brighter than the quiet hours allow."""
        target = undo.light
        if not target.on:
            return undo
        if self.is_off(reported):
            return None
        shining = None if reported is None else reported.brightness
        limit = shining if cap is None else cap
        if limit is None or target.brightness is None \
                or target.brightness <= limit + _EXACT.brightness:
            return undo
        if cap is None or shining is not None and shining <= cap + _EXACT.brightness:
            return None
        return LightRequest(replace(target, brightness=cap))

    def kept(self, reported: LightState, request: LightRequest) -> LightState:
        """Return the light as it was left."""
        return reported.merged(request.expected)

    def refusal(self, request: LightRequest, spec: LightTarget, situation: Situation) -> str:
        """Return why a light that is off is not turned on, or an empty string."""
        if not request.light.on or not self.is_off(situation.reported):
            return ''
        if self.is_off(situation.chosen):
            return 'turned off manually, and so never turned on'
        ours = situation.request is not None and not situation.request.expected.on
        return '' if ours or spec.turn_on else 'off, and turn_on is false'

    def narrowed(self, request: LightRequest, held: frozenset[str]) -> LightRequest | None:
        """Return the part of a request that leaves some attributes alone, or None.

        A light that a person turned on or off, or dimmed, is neither turned off nor on.
        """
        light = request.light
        if not held:
            return request
        if 'power' in held or not light.on and 'brightness' in held:
            return None
        if not light.on:
            return request
        if 'brightness' in held:
            light = replace(light, brightness=None)
        if 'color' in held:
            light = replace(light, color=None, color_temperature_k=None, effect=None)
        if light.brightness is None and light.rgb is None:
            return None
        return request if light == request.light else replace(request, light=light, result=None)

    def adjusted(self, origin: LightState, reported: LightState, changed: frozenset[str]) \
            -> LightState:
        """Return the light to go back to, with what others changed."""
        fields: dict = {'on': reported.on} if 'power' in changed else {}
        if 'brightness' in changed:
            fields['brightness'] = reported.brightness
        if 'color' in changed:
            fields.update(color=reported.color, effect=reported.effect,
                          color_temperature_k=reported.color_temperature_k)
        return replace(origin, **fields)

    def merged(self, before: LightState | None, state: LightState) -> LightState:
        """Return a report with missing values taken from the previous one."""
        return state if before is None else before.merged(state)

    def has_left(self, start: LightState | None, state: LightState) -> bool:
        """Return whether a light has changed, as far as is known."""
        return start is None or bool(differences(start, state, _MOVED))

    def changes(self, before: LightState, state: LightState) -> frozenset[str]:
        """Return which attributes differ by more than rounding, on or off apart."""
        return _attributes(differences(before, state, _MOVED)) - {'power'}

    def distance(self, a: LightState, b: LightState, tolerance: Tolerance) -> float:
        """Return how far two lights are apart, in tolerances."""
        return distance(a, b, tolerance)

    def on_its_way(self, attempt: Attempt, state: LightState, tolerance: Tolerance) -> bool:
        """Return whether a light may be seen so on its way from a known start."""
        return attempt.start is not None and _under_way(attempt, state, tolerance)

    def nearer(self, attempt: Attempt, state: LightState) -> LightState | None:
        """Return which came nearer to the color that was asked."""
        nearest, asked = attempt.nearest, attempt.request.expected.rgb
        if asked is None or state.rgb is None or not state.on:
            return nearest
        return min((one for one in (nearest, state) if one is not None),
                   key=lambda one: chromaticity_distance(one.rgb, asked))

    def judge(self, report: Report) -> Verdict:
        """Return what a light's report means."""
        state, before, attempt = report.state, report.before, report.attempt
        if report.lost is not None and not differences(report.lost.expected, state,
                                                       report.tolerance):
            # A call that timed out, or was queued elsewhere, and was carried out after all.
            return Verdict(Event.LATE)
        turned_on = before is not None and not before.on and state.on
        if attempt is not None:
            return self._judge_attempt(report, attempt, turned_on)
        if report.cause is Cause.RECOVERED:
            return Verdict(Event.ADJUSTED)
        if before is None or report.returned is not None and not deviations(
                report.returned.expected, state, report.tolerance):
            return Verdict()
        if turned_on:
            return Verdict(Event.TURNED_ON_MANUALLY)
        if report.just_on and state.on:
            # Checked again when the moment is over.
            return Verdict()
        return self._changed(report, differences(report.reference or before, state,
                                                 report.tolerance))

    def _judge_attempt(self, report: Report, attempt: Attempt, turned_on: bool) -> Verdict:
        state, expected = report.state, _expected(attempt)
        changed = deviations(expected, state, report.tolerance)
        if report.cause is Cause.AUTOMATION and not report.in_window and state.on == expected.on:
            # However little it is: what rules are added to is now another.
            moved = _attributes(changed) | (
                frozenset() if report.before is None else self.changes(report.before, state))
            if moved:
                return Verdict(Event.ADJUSTED, attributes=moved)
        if not changed:
            # Outside of its time a person turned it on.
            late = report.in_window or report.left_now
            return Verdict(Event.TURNED_ON_MANUALLY if turned_on and not late else Event.MATCHED)
        if report.cause is Cause.RECOVERED:
            return Verdict(Event.RECOVERED)
        if report.cause is not Cause.PERSON:
            # Some go on as they are set, even after an echo, and then take what was asked.
            under_way = expected.on and state.on and (turned_on or report.just_on) \
                or _under_way(attempt, state, report.tolerance)
            if report.in_window and (under_way or report.cause is Cause.OURS
                                     and state.on == expected.on):
                # A lamp during a fade reports intermediate states, some after they have echoed
                # the end; a person's change leaves that path, or is seen when the time is over.
                return Verdict(Event.MOVED if attempt.moved or attempt.matched else None)
            if not report.in_window and report.left_now and under_way:
                return Verdict(Event.MOVED)
        if turned_on:
            return Verdict(Event.TURNED_ON_MANUALLY)
        if not report.in_window and not attempt.moved:
            # It has not reacted to the request: unresponsive, not changed by a person.
            return Verdict(Event.UNMOVED)
        if report.reference is not None and report.cause is not Cause.PERSON \
                and attempt.matched and not report.in_window \
                and not differences(report.reference, state, report.tolerance):
            # A person's change is not that slow.
            return Verdict(Event.ADJUSTED, attributes=_attributes(changed))
        return self._changed(report, changed)

    def _changed(self, report: Report, changed: list[str]) -> Verdict:
        if not changed:
            return Verdict()
        if report.cause is Cause.AUTOMATION and 'on/off' not in changed:
            return Verdict(Event.ADJUSTED, attributes=_attributes(changed))
        return _by_a_person(report.state, changed)

    def woken(self, first: LightState, before: LightState | None, reported: LightState,
              tolerance: Tolerance) -> Verdict:
        """Return whether a person chose another light right after turning it on.

        A lamp that rises to the level that it had before rises by itself.
        """
        changed = differences(first, reported, tolerance)
        if changed == ['brightness'] and reported.brightness > first.brightness and (
                before is None or before.brightness is None
                or abs(before.brightness - reported.brightness) <= tolerance.brightness):
            return Verdict()
        return _by_a_person(reported, changed) if changed else Verdict()

    def overdue(self, attempt: Attempt, reported: LightState | None, tolerance: Tolerance) \
            -> Verdict:
        """Return what it means that a light's time is over."""
        if not attempt.moved:
            return Verdict(Event.UNMOVED)
        expected = _expected(attempt)
        changed = deviations(expected, reported, tolerance)
        if not changed:
            return Verdict(Event.MATCHED)
        if attempt.reached and reported.on and not expected.on:
            return Verdict(Event.TURNED_ON_MANUALLY)
        attributes = _attributes(changed)
        if attributes == {'color'} and attempt.start is not None \
                and _under_way(attempt, reported, tolerance) and (
                attempt.nearest is None or reported.rgb is None or chromaticity_distance(
                    attempt.nearest.rgb, reported.rgb) <= tolerance.chromaticity / 3):
            # The nearest that its colors and whites allow; no one changed it from there.
            return Verdict(Event.MATCHED, attributes=attributes)
        return _by_a_person(reported, changed)


def _expected(attempt: Attempt) -> LightState:
    return attempt.request.expected if attempt.baseline is None else attempt.baseline


def _under_way(attempt: Attempt, state: LightState, tolerance: Tolerance) -> bool:
    """Return whether a light may be seen so on its way to what it was asked for."""
    starts = [*attempt.passed, *([] if attempt.start is None else [attempt.start])]
    if attempt.previous is not None:
        starts.append(attempt.previous.expected)
    return not starts or on_the_way(state, starts, _expected(attempt), tolerance)


def _attributes(changed: list[str]) -> frozenset[str]:
    return frozenset(_ATTRIBUTES[one] for one in changed)


def _within(value: float, low: float, high: float, base: float | None) -> float:
    """Return a value within limits, which are as wide as the base that it was added to."""
    if base is not None:
        low, high = min(low, base), max(high, base)
    return min(high, max(low, value))


def _nearer(start: float, goal: float, most: float) -> float:
    return start + min(most, max(-most, goal - start))


def _dimmer(reported: LightState | None, level: float) -> bool:
    """Return whether a lamp says that it shines, and no brighter than the level."""
    return reported is not None and reported.on and reported.brightness is not None \
        and reported.brightness <= level


def _by_a_person(state: LightState, changed: list[str]) -> Verdict:
    words = 'was turned off manually' if not state.on \
        else f'was changed manually ({", ".join(changed)})'
    return Verdict(Event.CHANGED_MANUALLY, words, _attributes(changed))


LIGHT = LightKind()
