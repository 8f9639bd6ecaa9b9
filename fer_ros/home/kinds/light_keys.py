# SPDX-License-Identifier: Apache-2.0
"""What a policy may say about lights, and the light that a rule means."""

from typing import ClassVar, Literal

from fer_ros.home.ambience import ambience, STRATEGIES
from fer_ros.home.color import saturated
from fer_ros.home.fields import Color, Part, Unit
from fer_ros.home.kinds.relative import Brightness, Kelvin, Relative, Saturation, White
from fer_ros.home.light import LightState
from pydantic import model_validator


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

    #: ``restore`` is not a light: it undoes what was done.
    strategy: Literal[(*STRATEGIES, 'restore')] | None = None
    brightness: Brightness | None = None
    color: Color | None = None
    color_temperature_k: White | None = None
    saturation: Saturation | None = None

    @model_validator(mode='after')
    def _one_light(self):
        if self.color is not None and self.color_temperature_k is not None:
            raise ValueError('give color or color_temperature_k, not both')
        if self.saturation is not None and (
                self.color is not None or self.strategy is not None
                or isinstance(self.color_temperature_k, int)):
            raise ValueError('saturation changes the color that a lamp has: leave out strategy, '
                             'color and an absolute color_temperature_k')
        if self.strategy in ('off', 'restore') and any(value is not None for value in (
                self.brightness, self.color, self.color_temperature_k)):
            raise ValueError(f'strategy {self.strategy} has no brightness or color')
        return self

    @property
    def relative(self) -> dict[str, Relative]:
        """The values that are added to what a lamp is set to, by key."""
        keys = ('brightness', 'color_temperature_k', 'saturation')
        return {key: value for key in keys if isinstance(value := getattr(self, key), Relative)}


def wanted_light(rule: LightKeys, feeling: tuple[float, float], base: LightState | None) \
        -> LightState | None:
    """Return a strategy's light with the rule's own values put over it, within no limits.

    :param base: how the lamp would be without the rule, as far as is known.
    :returns: None where nothing is known that the rule's values could be added to.
    """
    light = LightState(True) if rule.strategy is None else ambience(rule.strategy, *feeling)
    if not light.on:
        return light
    base = base if base is not None and base.on else LightState(True)
    brightness, color, kelvin = light.brightness, light.color, light.color_temperature_k
    if isinstance(rule.brightness, Relative):
        brightness = _added(base.brightness, rule.brightness)
    elif rule.brightness is not None:
        brightness = rule.brightness
    white = not base.effect and base.color is None
    if rule.color is not None:
        color, kelvin = rule.color, None
    elif isinstance(rule.color_temperature_k, Relative):
        color, kelvin = None, _added(base.color_temperature_k if white else None,
                                     rule.color_temperature_k)
    elif rule.color_temperature_k is not None:
        color, kelvin = None, rule.color_temperature_k
    if rule.saturation is not None and base.color is not None and not base.effect:
        color = saturated(base.color, rule.saturation.amount)
    if rule.relative and brightness is color is kelvin is None:
        return None
    return LightState(True, brightness, color, None if kelvin is None else round(kelvin))


def _added(value: float | None, change: Relative) -> float | None:
    return None if value is None else value + change.amount
