# SPDX-License-Identifier: Apache-2.0
"""Light entities of Home Assistant."""

import math
from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import BACK_S, BaseDevice, DeviceContext
from fer_ros.home.fields import entity_of
from fer_ros.home.kinds.base import Cause
from fer_ros.home.kinds.light import LightTarget
from fer_ros.home.light import kelvin_of, LightState, Limits, number, read_light

#: The modes in which Home Assistant gives a light a color.
COLOR_MODES = frozenset({'hs', 'xy', 'rgb', 'rgbw', 'rgbww'})
#: How integrations name that no effect plays.
NO_EFFECT = frozenset({'off', 'none', 'solid', 'effect_off'})


class HomeAssistantLightTarget(LightTarget):
    """A light entity of Home Assistant."""

    needs: ClassVar[str] = 'home_assistant'

    type: Literal['home_assistant_light']
    entity_id: entity_of('light')

    @property
    def address(self) -> str:
        """What no other target may command."""
        return self.entity_id


class HomeAssistantLight(BaseDevice):
    """A light entity of Home Assistant."""

    def __init__(self, spec: HomeAssistantLightTarget, context: DeviceContext):
        self._entity_id, self._context = spec.entity_id, context
        self._client = context.home_assistant
        self._unavailable, self._back_s = False, -math.inf
        self._limits = Limits()
        #: Whether Home Assistant knows no such entity; set by the client.
        self.missing = False
        self._client.watch(spec.entity_id, self)

    @property
    def available(self) -> bool:
        """Whether Home Assistant answers and knows the entity as available."""
        return self._client.connected and not self._unavailable and not self.missing

    @property
    def problem(self) -> str:
        """What is wrong with it, or an empty string."""
        if self.missing:
            return f'Home Assistant knows no {self._entity_id}: check entity_id'
        return f'{self._entity_id} is unavailable in Home Assistant' if self._unavailable else ''

    @property
    def delay_s(self) -> float:
        """How much later than it happens a change of it may be heard."""
        return self._client.delay_s

    def told(self, entity: dict, cause: Cause = Cause.UNKNOWN) -> None:
        """Take what Home Assistant says of the entity; called by the client's threads."""
        self.missing, away = False, self._unavailable
        self._unavailable = entity.get('state') not in ('on', 'off')
        limits = light_limits(entity)
        if limits != self._limits and not self._unavailable:
            self._limits = limits
            self._context.limits(limits)
        light = light_state(entity)
        if light is None:
            return
        if away:
            self._back_s = self._context.clock()
        if self._context.clock() - self._back_s < BACK_S and cause is not Cause.PERSON:
            cause = Cause.RECOVERED
        self._context.report(light, cause)

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Queue the call; whether it was carried out is told later."""
        data = {'entity_id': self._entity_id, 'transition': action.transition_s}
        light = action.request.light
        if light.on:
            if light.brightness is not None:
                data['brightness'] = max(1, round(255 * light.brightness))
            if light.color is not None:
                data['rgb_color'] = [round(255 * channel) for channel in light.color]
            elif light.color_temperature_k:
                data['color_temp_kelvin'] = light.color_temperature_k
            if light.effect:
                data['effect'] = light.effect
        self._client.call(action, f'light/turn_{"on" if light.on else "off"}', data,
                          self._context.result)
        return Outcome.SENT, ''


def light_state(entity: dict) -> LightState | None:
    """Return a light entity's state, or None when it has none."""
    if entity.get('state') not in ('on', 'off'):
        return None
    attributes = entity.get('attributes')
    attributes = attributes if isinstance(attributes, dict) else {}
    rgb, kelvin = attributes.get('rgb_color'), attributes.get('color_temp_kelvin')
    brightness = number(attributes.get('brightness'))
    mode = attributes.get('color_mode')
    color = None
    if not (mode == 'color_temp' and kelvin_of(kelvin)) and isinstance(rgb, list):
        channels = [number(channel) for channel in rgb]
        color = None if None in channels else [channel / 255 for channel in channels]
    effect = attributes.get('effect')
    return read_light(
        entity['state'] == 'on', None if brightness is None else brightness / 255, color,
        kelvin_of(kelvin), effect if isinstance(effect, str) and effect.lower() not in NO_EFFECT
        else '' if 'effect' in attributes else None)


def light_limits(entity: dict) -> Limits:
    """Return what a light entity says that it can do."""
    attributes = entity.get('attributes')
    attributes = attributes if isinstance(attributes, dict) else {}
    modes = attributes.get('supported_color_modes')
    if not isinstance(modes, list) or not modes:
        return Limits()
    low, high = (number(attributes.get(key)) for key in
                 ('min_color_temp_kelvin', 'max_color_temp_kelvin'))
    return Limits(
        modes != ['onoff'], any(mode in COLOR_MODES for mode in modes), 'color_temp' in modes,
        (low, high) if low and high and 0 < low <= high else Limits.kelvin)
