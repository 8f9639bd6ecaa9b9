# SPDX-License-Identifier: Apache-2.0
"""Tasmota: one Backlog command, JSON in stat/.../RESULT and tele/.../STATE."""

import colorsys
import math

from fer_ros.home.devices.dialect import Dialect, json_object, online, switched
from fer_ros.home.light import kelvin_of, LightState, Limits, number

#: Less saturated than that, a lamp's white channel gives a better white than its three colors.
_WHITE = 0.03


class Tasmota(Dialect):
    """Tasmota's lights: dimmers, whites of one or two channels, and colors."""

    def __init__(self, spec):
        super().__init__(spec)
        for topic in (spec.state_topic,) if spec.state_topic else (
                f'stat/{self.topic}/RESULT', f'tele/{self.topic}/STATE'):
            self.state_topics[topic] = self._decode
        self.availability_topics[f'tele/{self.topic}/LWT'] = online
        self.queries.append((f'cmnd/{self.topic}/STATE', ''))
        #: The kinds of channels seen in its reports.
        self._keys: set[str] = set()
        self._percent: float | None = None

    @property
    def default_command_topic(self) -> str:
        """Where commands go unless the policy says otherwise."""
        return f'cmnd/{self.topic}/Backlog0'

    def encode(self, light: LightState, transition_s: float) -> str:
        """Return the payload that asks for a state."""
        # Speed counts half seconds.
        commands = [f'Fade {int(transition_s > 0)}',
                    f'Speed {min(40, max(1, math.ceil(transition_s * 2)))}']
        if not light.on:
            return ';'.join([*commands, 'Power OFF'])
        percent = None if light.brightness is None else max(1, round(light.brightness * 100))
        if light.color is not None:
            hue, saturation, _ = colorsys.rgb_to_hsv(*light.color)
            if saturation < _WHITE and self._one_white:
                # White sets the level, too.
                commands.append(f'White {percent or round(self._percent or 100)}')
            else:
                hue, saturation = round(hue * 360) % 360, round(saturation * 100)
                # The single values leave the brightness alone.
                commands += [f'HSBColor1 {hue}', f'HSBColor2 {saturation}'] \
                    if percent is None else [f'HSBColor {hue},{saturation},{percent}']
        else:
            if light.color_temperature_k:
                commands.append(f'CT {min(500, max(153, round(1e6 / light.color_temperature_k)))}')
            if percent is not None:
                commands.append(f'Dimmer {percent}')
        return ';'.join([*commands, 'Power ON'])

    @property
    def _one_white(self) -> bool:
        """Whether it has a white channel without a color temperature beside its colors."""
        return 'White' in self._keys and 'CT' not in self._keys

    def _decode(self, payload: bytes) -> LightState | None:
        data = json_object(payload)
        if data is None:
            return None
        self._keys |= {'White', 'CT', 'HSBColor', 'Dimmer'} & set(data)
        if 'Dimmer' in self._keys and switched(data.get('POWER')) is not None:
            # A whole report: what is not in it the lamp does not have.
            color, white = 'HSBColor' in self._keys, 'CT' in self._keys
            self.limits = Limits(True, color, white or not color)
        dimmer, white = number(data.get('Dimmer')), number(data.get('White'))
        kelvin = kelvin_of(data.get('CT'))
        self._percent = self._percent if dimmer is None else dimmer
        color = None
        parts = str(data.get('HSBColor', '')).split(',')
        # A lamp in white mode reports its last color, too; White tells which one shines.
        if white is not None and white > 0 and 'HSBColor' in self._keys:
            color = None if kelvin else (1.0, 1.0, 1.0)
        elif len(parts) == 3 and all(part.strip().isdecimal() and len(part.strip()) < 4
                                     for part in parts):
            color = colorsys.hsv_to_rgb(int(parts[0]) % 360 / 360,
                                        min(1.0, int(parts[1]) / 100), 1.0)
        return self._light(switched(data.get('POWER')), None if dimmer is None else dimmer / 100,
                           color, kelvin if color is None else None)
