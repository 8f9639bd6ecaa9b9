# SPDX-License-Identifier: Apache-2.0
"""Lights: asked for a state or a part of one, and watched for a person's hand."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from fer_ros.home.ambience import ambience, STRATEGIES
from fer_ros.home.fields import Color, Part, Unit
from fer_ros.home.kinds.base import Attempt, Kind, Report, Situation, Verdict
from fer_ros.home.lifecycle import Event
from fer_ros.home.light import differences, KELVIN_RANGE, LightState, on_the_way, Tolerance
from pydantic import Field, model_validator

#: A lamp that is further from where it began has at least done something.
_MOVED = Tolerance(0.01, 5.0, 0.005)
#: Requests are compared up to rounding, not by a lamp's inaccuracy.
_EXACT = Tolerance(0.004, 0.5, 0.002)

Kelvin = Annotated[int, Field(ge=KELVIN_RANGE[0], le=KELVIN_RANGE[1])]


@dataclass(frozen=True)
class LightRequest:
    """What is asked of a light.

    :ivar light: what is asked; what is None stays as the light is.
    :ivar result: how the light will then be, as far as is known.
    """

    kind: ClassVar[str] = 'light'

    light: LightState
    result: LightState | None = None

    @property
    def expected(self) -> LightState:
        """How the light will be, as far as is known."""
        return self.light if self.result is None else self.result

    def describe(self) -> str:
        """Return it in words."""
        return self.light.describe()


class LightTarget(Part):
    """What all targets that are lights have in common."""

    kind: ClassVar[str] = 'light'

    turn_on: bool = False
    brightness_min: Unit = 0.02
    brightness_max: Unit = 1.0
    color_temperature_min_k: Kelvin = 2000
    color_temperature_max_k: Kelvin = 6500
    has_color: bool = True

    @model_validator(mode='after')
    def _ranges(self):
        if self.brightness_min > self.brightness_max:
            raise ValueError('brightness_min is above brightness_max')
        if self.color_temperature_min_k > self.color_temperature_max_k:
            raise ValueError('color_temperature_min_k is above color_temperature_max_k')
        return self


class LightKeys(Part):
    """What a rule may say about lights."""

    #: ``restore`` is no light: what was done is undone.
    strategy: Literal[(*STRATEGIES, 'restore')] | None = None
    brightness: Unit | None = None
    color: Color | None = None
    color_temperature_k: Kelvin | None = None

    @model_validator(mode='after')
    def _one_light(self):
        if self.color is not None and self.color_temperature_k is not None:
            raise ValueError('give color or color_temperature_k, not both')
        if self.strategy in ('off', 'restore') and any(value is not None for value in (
                self.brightness, self.color, self.color_temperature_k)):
            raise ValueError(f'strategy {self.strategy} has no brightness or colour')
        return self


class LightKind(Kind):
    """Lights are asked for a state or a part of one, and every report is judged."""

    name = 'light'
    rule_keys = LightKeys
    request_type = LightRequest
    state_type = LightState

    def request(self, rule: LightKeys, feeling: tuple[float, float], spec: LightTarget,
                situation: Situation, cap: float | None) -> LightRequest | None:
        """Return what a rule asks of a light, within what the light can do."""
        if not self.wanted(rule) or rule.strategy == 'restore':
            return None
        light = _light(rule, feeling)
        if not light.on:
            return LightRequest(light)
        kelvin, brightness, color = light.color_temperature_k, light.brightness, light.color
        if kelvin is not None:
            kelvin = min(spec.color_temperature_max_k, max(spec.color_temperature_min_k, kelvin))
        if color is not None and not spec.has_color:
            color = None
        if brightness is not None:
            ceiling = spec.brightness_max if cap is None else min(spec.brightness_max, cap)
            brightness = min(ceiling, max(spec.brightness_min, brightness))
        elif cap is not None and not _dimmer(situation.reported, cap):
            brightness = cap
        return LightRequest(LightState(True, brightness, color, kelvin))

    def completed(self, request: LightRequest, reported: LightState | None) -> LightRequest:
        """Return the request with the light as it will be.

        What is not asked for is to stay: a person who changes it is seen all the same.
        """
        if request.light.on and reported is not None and reported.on:
            return replace(request, result=reported.merged(request.light))
        return replace(request, result=request.light)

    def same(self, a: LightRequest | None, b: LightRequest | None) -> bool:
        """Return whether two requests make the same of a light."""
        if a is None or b is None:
            return a is b
        return not differences(a.expected, b.expected, _EXACT)

    def off(self) -> LightRequest:
        """Return the request that turns a light off."""
        return LightRequest(LightState(False))

    def is_off(self, state: LightState | None) -> bool:
        """Return whether a light says that it is off."""
        return state is not None and not state.on

    def undo(self, state: LightState) -> LightRequest:
        """Return the request that brings a light back to a state."""
        return LightRequest(state)

    def quieted(self, undo: LightRequest, reported: LightState | None, cap: float | None) \
            -> LightRequest | None:
        """Return the way back that makes nothing brighter than the quiet hours allow."""
        wanted = undo.light
        if not wanted.on:
            return undo
        if self.is_off(reported):
            return None
        shining = None if reported is None else reported.brightness
        limit = shining if cap is None else cap
        if limit is None or wanted.brightness is None \
                or wanted.brightness <= limit + _EXACT.brightness:
            return undo
        if cap is None or shining is not None and shining <= cap + _EXACT.brightness:
            return None
        return LightRequest(replace(wanted, brightness=cap))

    def kept(self, reported: LightState, request: LightRequest) -> LightState:
        """Return the light as it was left."""
        return reported.merged(request.expected)

    def refusal(self, request: LightRequest, spec: LightTarget, situation: Situation) -> str:
        """Return why a light that is off is not turned on, or an empty string."""
        if not request.light.on or not self.is_off(situation.reported):
            return ''
        if self.is_off(situation.chosen):
            return 'turned off by hand, and so never turned on'
        ours = situation.request is not None and not situation.request.expected.on
        return '' if ours or spec.turn_on else 'off, and turn_on is false'

    def merged(self, before: LightState | None, state: LightState) -> LightState:
        """Return a report with what it leaves out taken from the one before."""
        return state if before is None else before.merged(state)

    def has_left(self, start: LightState | None, state: LightState) -> bool:
        """Return whether a light has changed, as far as is known."""
        return start is None or bool(differences(start, state, _MOVED))

    def judge(self, report: Report) -> Verdict:
        """Return what a light's report means."""
        state, before, attempt = report.state, report.before, report.attempt
        if report.lost is not None and not differences(report.lost.expected, state,
                                                       report.tolerance):
            # A call that timed out, or was queued by others, and was carried out after all.
            return Verdict(Event.LATE)
        if before is not None and not before.on and state.on and not (
                attempt is not None and attempt.request.expected.on and report.in_window):
            return Verdict(Event.TURNED_ON_MANUALLY)
        if attempt is None:
            if before is None or report.just_on:
                return Verdict()
            return _changed(state, differences(before, state, report.tolerance))
        return self._judge_attempt(report, attempt)

    def _judge_attempt(self, report: Report, attempt: Attempt) -> Verdict:
        state, expected, start = report.state, attempt.request.expected, attempt.start
        changed = differences(expected, state, report.tolerance)
        if not changed:
            return Verdict(Event.MATCHED)
        if report.in_window:
            # A lamp under way reports what lies between, some after they have echoed the end;
            # a person leaves that path at once, or is seen when the time is over.
            starts = [] if start is None else [start]
            if attempt.previous is not None:
                starts.append(attempt.previous.expected)
            if not starts or any(on_the_way(state, one, expected, report.tolerance)
                                 for one in starts):
                moving = attempt.moved or attempt.matched
                return Verdict(Event.MOVED if moving else None)
        elif not attempt.moved:
            # It has done nothing since it was asked: deaf, not changed by anybody.
            return Verdict(Event.UNMOVED)
        return _changed(state, changed)

    def overdue(self, attempt: Attempt, reported: LightState | None, tolerance: Tolerance) \
            -> Verdict:
        """Return what it means that a light's time is over."""
        if not attempt.moved:
            return Verdict(Event.UNMOVED)
        changed = differences(attempt.request.expected, reported, tolerance)
        return _changed(reported, changed) if changed else Verdict(Event.MATCHED)


def _light(rule: LightKeys, feeling: tuple[float, float]) -> LightState:
    """Return a strategy's light with the rule's own values put over it."""
    light = LightState(True) if rule.strategy is None else ambience(rule.strategy, *feeling)
    if not light.on:
        return light
    color, kelvin = light.color, light.color_temperature_k
    if rule.color is not None:
        color, kelvin = rule.color, None
    elif rule.color_temperature_k is not None:
        color, kelvin = None, rule.color_temperature_k
    brightness = light.brightness if rule.brightness is None else rule.brightness
    return LightState(True, brightness, color, kelvin)


def _dimmer(reported: LightState | None, level: float) -> bool:
    """Return whether a lamp says that it shines, and no brighter than the level."""
    return reported is not None and reported.on and reported.brightness is not None \
        and reported.brightness <= level


def _changed(state: LightState, changed: list[str]) -> Verdict:
    if not changed:
        return Verdict()
    words = 'was turned off by hand' if not state.on \
        else f'was changed by hand ({", ".join(changed)})'
    return Verdict(Event.CHANGED_MANUALLY, words)


LIGHT = LightKind()
