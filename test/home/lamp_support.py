# SPDX-License-Identifier: Apache-2.0
"""Lamps that report in the words of their family, as they fade."""

import colorsys
from dataclasses import replace
import json

from fer_ros.home.devices.dialects import make_dialect
from fer_ros.home.devices.home_assistant_light import light_state
from fer_ros.home.devices.mqtt_light import MqttLightTarget
from fer_ros.home.light import LightState
from fer_ros.home.virtual_lamp import VirtualLamp

FAMILIES = ('zigbee2mqtt', 'home_assistant_json', 'tasmota', 'wled', 'home_assistant')


class Reader:
    """What the bridge understands of a light that says how it shines, family by family."""

    def __init__(self, family):
        self.family = family
        self.dialect = None if family == 'home_assistant' else make_dialect(
            MqttLightTarget(type='mqtt_light', topic='a/b', dialect=family))

    def payload(self, payload):
        """Return what is understood of a payload on the light's first topic."""
        if self.dialect is None:
            return light_state(json.loads(payload))
        return next(iter(self.dialect.state_topics.values()))(payload.encode())

    def states(self, light):
        """Return what is understood when the light says a state, message by message."""
        return [state for state in getattr(self, f'_{self.family}')(light) if state is not None]

    def _zigbee2mqtt(self, light):
        yield self.payload(self.dialect.report(light))

    _home_assistant_json = _zigbee2mqtt

    def _tasmota(self, light):
        said = {'POWER': 'ON' if light.on else 'OFF'}
        if light.brightness is not None:
            said['Dimmer'] = round(100 * light.brightness)
        if light.rgb is not None:
            hue, saturation, _ = colorsys.rgb_to_hsv(*light.rgb)
            said['HSBColor'] = f'{round(360 * hue) % 360},{round(100 * saturation)},50'
            said['Color'] = '0,0,0,0,0'
            said['White'] = 0
        if light.color is None and light.color_temperature_k:
            said.update(CT=round(1e6 / light.color_temperature_k), White=50)
        yield self.payload(json.dumps(said))

    def _wled(self, light):
        level, color, _ = self.dialect.state_topics.values()
        yield level(str(round(255 * (light.brightness or 1)) if light.on else 0).encode())
        if light.rgb is not None:
            yield color(('#' + ''.join(f'{round(255 * one):02X}' for one in light.rgb)).encode())

    def _home_assistant(self, light):
        attributes = {}
        if light.on:
            attributes = {'brightness': round(255 * light.brightness),
                          'color_mode': 'color_temp' if light.color is None else 'rgb',
                          'color_temp_kelvin': light.color_temperature_k,
                          'rgb_color': None if light.rgb is None else [
                              round(255 * one) for one in light.rgb]}
        yield light_state({'state': 'on' if light.on else 'off', 'attributes': attributes})


#: What a lamp may say beside how it shines, once it is asked: after so many seconds the start or
#: the end of the fade, or the light that it is set to go on with.
MANNERS = {
    'plain': (),
    'end first': ((0.0, 'end'),),
    'level first': ((0.0, 'set'),),
    # Whoever speaks for it had the old state in the queue.
    'old last': ((0.0, 'end'), (0.4, 'start')),
    # A group that speaks for whichever of its lamps spoke last.
    'one by one': ((0.1, 'end'), (0.2, 'start'), (0.4, 'end'), (0.6, 'start'), (0.7, 'end')),
    # Lamps go on as after a power cut, and are asked for the rest in a second message.
    'full first': ((0.0, 'full'), (0.5, 'full')),
    'effect first': ((0.0, 'effect'), (0.3, 'effect')),
    # As far as its steps, or those of its family, reach.
    'nearly': ()}
#: With these a lamp goes on, whatever it was asked.
_SET = {'set': LightState(True, 0.6, color_temperature_k=2700),
        'full': LightState(True, 1.0, color_temperature_k=4000),
        'effect': LightState(True, 0.8, (1.0, 0.0, 0.4), effect='colorloop')}


class Bulb:
    """A lamp that fades, and reports that in one of several ways.

    :param manner: one of :data:`MANNERS`.
    :param every_s: how often it reports, and ``first_s`` when for the first time.
    """

    def __init__(self, start, manner, every_s, first_s, now_s):
        self.lamp, self.manner, self.every_s = VirtualLamp(start), manner, every_s
        self._next_s = now_s + first_s
        self._due = []

    def ask(self, light, transition_s, now_s):
        """Take a command."""
        start = self.lamp.state(now_s)
        self.lamp.set(light, transition_s, now_s)
        known = {'start': start, 'end': self.lamp.state(now_s + 1e6)}
        if light.on and not start.on:
            known.update(_SET)
        self._due = [(now_s + after_s, known[word]) for after_s, word in MANNERS[self.manner]
                     if word in known]

    def reports(self, now_s):
        """Return what it reports now."""
        found = [light for at_s, light in self._due if at_s <= now_s]
        self._due = [each for each in self._due if each[0] > now_s]
        if now_s >= self._next_s:
            self._next_s = now_s + self.every_s
            found.append(self.lamp.state(now_s))
        return [_roughly(light) for light in found] if self.manner == 'nearly' else found


def _roughly(light):
    """Return a light two steps of 255 darker, and three mired warmer where it is white."""
    if not light.on:
        return light
    kelvin = light.color_temperature_k and round(1e6 / (1e6 / light.color_temperature_k + 3))
    return replace(light, brightness=max(1 / 255, light.brightness - 2 / 255),
                   color_temperature_k=kelvin)
