# SPDX-License-Identifier: Apache-2.0
"""Lights that speak JSON: Zigbee2MQTT, and Home Assistant's schema (ESPHome and many others)."""

import colorsys
import json

from fer_ros.home.color import xy_to_rgb
from fer_ros.home.devices.dialect import Dialect, json_object, online, switched
from fer_ros.home.light import kelvin_of, LightState, Limits, number

#: A list of all devices of a large network is not longer, bytes.
MAXIMUM_DEVICES = 8_000_000


class HomeAssistantJson(Dialect):
    """Home Assistant's JSON schema."""

    brightness_scale = 255

    def __init__(self, spec):
        super().__init__(spec)
        self.state_topics[spec.state_topic or self._default_state_topic] = self.decode
        self.availability_topics[f'{self.topic}/availability'] = online

    @property
    def _default_state_topic(self) -> str:
        return f'{self.topic}/state'

    def encode(self, light: LightState, transition_s: float) -> str:
        """Return the payload that asks for a state."""
        message: dict = {'state': 'ON' if light.on else 'OFF'}
        if light.on:
            if light.brightness is not None:
                message['brightness'] = max(1, round(light.brightness * self.brightness_scale))
            if light.color is not None:
                message['color'] = dict(zip('rgb', (round(255 * c) for c in light.color)))
            elif light.color_temperature_k:
                message['color_temp'] = self._mired(light.color_temperature_k)
        message['transition'] = round(transition_s, 2)
        return json.dumps(message)

    def _mired(self, kelvin: float) -> int:
        return round(1e6 / kelvin)

    def report(self, light: LightState) -> str:
        """Return the payload with which such a light tells its state."""
        message = json.loads(self.encode(light, 0.0))
        del message['transition']
        if light.on:
            message['color_mode'] = 'color_temp' if light.color is None else 'rgb'
        return json.dumps(message)

    def decode(self, payload: bytes) -> LightState | None:
        """Return the state that a message tells, or None when it tells none."""
        data = json_object(payload)
        if data is None:
            return None
        brightness = number(data.get('brightness'))
        if brightness is not None:
            brightness /= self.brightness_scale
        mode = data.get('color_mode')
        kelvin, color = kelvin_of(data.get('color_temp')), _color(data.get('color'))
        if kelvin and (mode == 'color_temp' or mode is None and color is None):
            color = None
        elif color is not None:
            kelvin = None
        return self._light(switched(data.get('state')), brightness, color, kelvin)


class Zigbee2Mqtt(HomeAssistantJson):
    """Zigbee2MQTT, which also tells what each of its lights can do."""

    brightness_scale = 254
    #: The light's own limits, mired: rounding must not ask for more.
    _mireds: tuple[float, float] | None = None

    def __init__(self, spec):
        super().__init__(spec)
        self.queries.append((f'{self.topic}/get', '{"state":""}'))
        parts = self.topic.split('/')
        for length in range(1, len(parts)):
            # Both the base topic and a device's name may have several parts.
            base, name = '/'.join(parts[:length]), '/'.join(parts[length:])
            self.limit_topics[f'{base}/bridge/devices'] = \
                lambda payload, name=name: self._read_devices(payload, name)

    @property
    def _default_state_topic(self) -> str:
        return self.topic

    def _mired(self, kelvin: float) -> int:
        mired = round(1e6 / kelvin)
        return mired if self._mireds is None else round(
            min(self._mireds[1], max(self._mireds[0], mired)))

    def _read_devices(self, payload: bytes, name: str) -> Limits | None:
        """Return what ``bridge/devices`` says of the light."""
        if len(payload) > MAXIMUM_DEVICES:
            return None
        try:
            devices = json.loads(payload)
        except (ValueError, RecursionError):
            return None
        for device in devices if isinstance(devices, list) else ():
            if isinstance(device, dict) and device.get('friendly_name') == name:
                features = _features(device.get('definition'))
                if features is None:
                    return None
                white = features.get('color_temp')
                mireds = None if white is None else (number(white.get('value_min')),
                                                     number(white.get('value_max')))
                if mireds is None or None in mireds or not 0 < mireds[0] <= mireds[1]:
                    mireds = None
                self._mireds = mireds
                self.limits = Limits(
                    'brightness' in features, bool({'color_xy', 'color_hs'} & set(features)),
                    white is not None,
                    Limits.kelvin if mireds is None else (1e6 / mireds[1], 1e6 / mireds[0]))
                return self.limits
        return None


def _features(definition: object) -> dict[str, dict] | None:
    """Return the features of the light that a definition's ``exposes`` describe."""
    exposes = definition.get('exposes') if isinstance(definition, dict) else None
    for exposed in exposes if isinstance(exposes, list) else ():
        if isinstance(exposed, dict) and exposed.get('type') == 'light' \
                and isinstance(exposed.get('features'), list):
            return {feature['name']: feature for feature in exposed['features']
                    if isinstance(feature, dict) and isinstance(feature.get('name'), str)}
    return None


def _color(value: object) -> tuple[float, float, float] | None:
    if not isinstance(value, dict):
        return None
    rgb = [number(value.get(key)) for key in 'rgb']
    if None not in rgb:
        return tuple(channel / 255 for channel in rgb)
    x, y = number(value.get('x')), number(value.get('y'))
    if x is not None and y is not None and 0 <= x <= 1 and 0 < y <= 1:
        return xy_to_rgb(x, y)
    hue = number(value.get('hue', value.get('h')))
    saturation = number(value.get('saturation', value.get('s')))
    if hue is not None and saturation is not None:
        return colorsys.hsv_to_rgb(hue % 360 / 360, min(1.0, max(0.0, saturation / 100)), 1.0)
    return None
