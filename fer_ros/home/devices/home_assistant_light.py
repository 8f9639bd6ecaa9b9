# SPDX-License-Identifier: Apache-2.0
"""Light entities of Home Assistant."""

from typing import Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import DeviceContext
from fer_ros.home.devices.home_assistant_entity import (
    attributes_of,
    EntityTarget,
    HomeAssistantEntity,
)
from fer_ros.home.fields import entity_of
from fer_ros.home.kinds.light import LightTarget
from fer_ros.home.light import kelvin_of, LightState, Limits, number, read_light

#: The modes in which Home Assistant gives a light a color.
COLOR_MODES = frozenset({'hs', 'xy', 'rgb', 'rgbw', 'rgbww'})
#: How integrations name that no effect plays.
NO_EFFECT = frozenset({'off', 'none', 'solid', 'effect_off'})


class HomeAssistantLightTarget(EntityTarget, LightTarget):
    """A light entity of Home Assistant."""

    type: Literal['home_assistant_light']
    entity_id: entity_of('light')


class HomeAssistantLight(HomeAssistantEntity):
    """A light entity of Home Assistant."""

    def __init__(self, spec: HomeAssistantLightTarget, context: DeviceContext):
        self._limits = Limits()
        super().__init__(spec, context)

    def usable(self, entity: dict) -> bool:
        """Return whether a light is on or off."""
        return entity.get('state') in ('on', 'off')

    def learn(self, entity: dict) -> None:
        """Take what the light says that it can do."""
        limits = light_limits(entity)
        if limits != self._limits:
            self._limits = limits
            self._context.limits(limits)

    def read(self, entity: dict) -> LightState | None:
        """Return the light's state."""
        return light_state(entity)

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Turn it on or off."""
        data: dict = {'transition': action.transition_s}
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
        return self._call(action, f'light/turn_{"on" if light.on else "off"}', **data)


def light_state(entity: dict) -> LightState | None:
    """Return a light entity's state, or None when it has none."""
    if entity.get('state') not in ('on', 'off'):
        return None
    attributes = attributes_of(entity)
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
    attributes = attributes_of(entity)
    modes = attributes.get('supported_color_modes')
    if not isinstance(modes, list) or not modes:
        return Limits()
    low, high = (number(attributes.get(key)) for key in
                 ('min_color_temp_kelvin', 'max_color_temp_kelvin'))
    return Limits(
        modes != ['onoff'], any(mode in COLOR_MODES for mode in modes), 'color_temp' in modes,
        (low, high) if low and high and 0 < low <= high else Limits.kelvin)
