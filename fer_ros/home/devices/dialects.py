# SPDX-License-Identifier: Apache-2.0
"""How families of lights on MQTT are asked, and how they answer."""

from collections.abc import Callable
import colorsys
import json
import math

from fer_ros.home.light import LightState, xy_to_rgb

#: In the order in which messages list them.
DIALECTS = ('zigbee2mqtt', 'home_assistant_json', 'tasmota', 'wled')


class Dialect:
    """How one family of lights is asked and how it answers."""

    def __init__(self, spec):
        self.topic = spec.topic
        self.command_topic = spec.command_topic or self.default_command_topic
        #: topic: what reads a message on it
        self.state_topics: dict[str, Callable[[bytes], LightState | None]] = {}
        #: topic: what reads whether the light can be reached
        self.availability_topics: dict[str, Callable[[bytes], bool | None]] = {}
        #: messages that ask for the present state
        self.queries: list[tuple[str, str]] = []

    @property
    def default_command_topic(self) -> str:
        """Where commands go unless the policy says otherwise."""
        return f'{self.topic}/set'

    def encode(self, light: LightState, transition_s: float) -> str:
        """Return the payload that asks for a state."""
        raise NotImplementedError


class _JsonLight(Dialect):
    """Zigbee2MQTT, and Home Assistant's JSON schema (ESPHome and many others)."""

    brightness_scale = 254

    def __init__(self, spec):
        super().__init__(spec)
        self.state_topics[spec.state_topic or self._default_state_topic] = self.decode
        self.availability_topics[f'{self.topic}/availability'] = _online
        if type(self) is _JsonLight:
            self.queries.append((f'{self.topic}/get', '{"state":""}'))

    @property
    def _default_state_topic(self) -> str:
        return self.topic

    def encode(self, light: LightState, transition_s: float) -> str:
        message: dict = {'state': 'ON' if light.on else 'OFF'}
        if light.on:
            if light.brightness is not None:
                message['brightness'] = max(1, round(light.brightness * self.brightness_scale))
            if light.color is not None:
                message['color'] = dict(zip('rgb', (round(255 * c) for c in light.color)))
            elif light.color_temperature_k:
                message['color_temp'] = round(1e6 / light.color_temperature_k)
        message['transition'] = round(transition_s, 2)
        return json.dumps(message)

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
        if data is None or data.get('state') not in ('ON', 'OFF'):
            return None
        brightness = number(data.get('brightness'))
        if brightness is not None:
            brightness = min(1.0, max(0.0, brightness / self.brightness_scale))
        mode = data.get('color_mode')
        mired = number(data.get('color_temp'))
        kelvin = round(1e6 / mired) if mired else None
        color = _color(data.get('color'))
        if mode == 'color_temp' or (mode is None and kelvin and color is None):
            color = None
        elif color is not None:
            kelvin = None
        return LightState(data['state'] == 'ON', brightness, color, kelvin)


class _HomeAssistantJson(_JsonLight):
    brightness_scale = 255

    @property
    def _default_state_topic(self) -> str:
        return f'{self.topic}/state'


class _Tasmota(Dialect):
    """Tasmota: one Backlog command, JSON in stat/.../RESULT and tele/.../STATE."""

    def __init__(self, spec):
        super().__init__(spec)
        for topic in (spec.state_topic,) if spec.state_topic else (
                f'stat/{self.topic}/RESULT', f'tele/{self.topic}/STATE'):
            self.state_topics[topic] = self._decode
        self.availability_topics[f'tele/{self.topic}/LWT'] = _online
        self.queries.append((f'cmnd/{self.topic}/STATE', ''))

    @property
    def default_command_topic(self) -> str:
        return f'cmnd/{self.topic}/Backlog0'

    def encode(self, light: LightState, transition_s: float) -> str:
        # Speed counts half seconds.
        commands = [f'Fade {int(transition_s > 0)}',
                    f'Speed {min(40, max(1, math.ceil(transition_s * 2)))}']
        if not light.on:
            return ';'.join([*commands, 'Power OFF'])
        percent = None if light.brightness is None else max(1, round(light.brightness * 100))
        if light.color is not None:
            hue, saturation, _ = colorsys.rgb_to_hsv(*light.color)
            hue, saturation = round(hue * 360) % 360, round(saturation * 100)
            # The single values leave the brightness alone.
            commands += [f'HSBColor1 {hue}', f'HSBColor2 {saturation}'] if percent is None else \
                [f'HSBColor {hue},{saturation},{percent}']
        else:
            if light.color_temperature_k:
                commands.append(f'CT {min(500, max(153, round(1e6 / light.color_temperature_k)))}')
            if percent is not None:
                commands.append(f'Dimmer {percent}')
        return ';'.join([*commands, 'Power ON'])

    def _decode(self, payload: bytes) -> LightState | None:
        data = json_object(payload)
        if data is None or data.get('POWER') not in ('ON', 'OFF'):
            return None
        dimmer, mired = number(data.get('Dimmer')), number(data.get('CT'))
        color = None
        parts = str(data.get('HSBColor', '')).split(',')
        # A lamp in white mode reports both; White tells which one shines.
        if len(parts) == 3 and all(part.strip().isdigit() for part in parts) \
                and not (mired and number(data.get('White'))):
            color = colorsys.hsv_to_rgb(int(parts[0]) / 360, int(parts[1]) / 100, 1.0)
        return LightState(data['POWER'] == 'ON', None if dimmer is None else dimmer / 100, color,
                          round(1e6 / mired) if mired and color is None else None)


class _Wled(Dialect):
    """WLED: JSON on .../api; brightness on .../g and colour on .../c."""

    def __init__(self, spec):
        super().__init__(spec)
        self._on, self._brightness = None, None
        self.state_topics[f'{self.topic}/g'] = self._decode_level
        self.state_topics[f'{self.topic}/c'] = self._decode_color
        self.availability_topics[f'{self.topic}/status'] = _online

    @property
    def default_command_topic(self) -> str:
        return f'{self.topic}/api'

    def encode(self, light: LightState, transition_s: float) -> str:
        message: dict = {'on': light.on, 'transition': round(transition_s * 10)}
        if light.on:
            if light.brightness is not None:
                message['bri'] = max(1, round(light.brightness * 255))
            if light.rgb is not None:
                message['seg'] = [{'fx': 0, 'col': [[round(255 * c) for c in light.rgb]]}]
        return json.dumps(message)

    def _decode_level(self, payload: bytes) -> LightState | None:
        try:
            level = int(payload)
        except ValueError:
            return None
        self._on = level > 0
        if level > 0:
            self._brightness = min(255, level) / 255
        return LightState(self._on, self._brightness)

    def _decode_color(self, payload: bytes) -> LightState | None:
        text = payload.decode('ascii', 'replace').lstrip('#')
        if self._on is None or len(text) < 6:
            return None
        try:
            color = tuple(int(text[-6:][i:i + 2], 16) / 255 for i in (0, 2, 4))
        except ValueError:
            return None
        return LightState(self._on, self._brightness, color)


_DIALECTS = {'zigbee2mqtt': _JsonLight, 'home_assistant_json': _HomeAssistantJson,
             'tasmota': _Tasmota, 'wled': _Wled}


def make_dialect(spec) -> Dialect:
    """Return the dialect that a target speaks."""
    return _DIALECTS[spec.dialect](spec)


def json_object(payload: bytes) -> dict | None:
    """Return the JSON object that a message holds, or None."""
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def number(value: object) -> float | None:
    """Return a finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _color(value: object) -> tuple[float, float, float] | None:
    if not isinstance(value, dict):
        return None
    rgb = [number(value.get(key)) for key in 'rgb']
    if None not in rgb:
        return tuple(min(1.0, max(0.0, channel / 255)) for channel in rgb)
    x, y = number(value.get('x')), number(value.get('y'))
    if x is not None and y is not None and 0 <= x <= 1 and 0 < y <= 1:
        return xy_to_rgb(x, y)
    hue = number(value.get('hue', value.get('h')))
    saturation = number(value.get('saturation', value.get('s')))
    if hue is not None and saturation is not None:
        return colorsys.hsv_to_rgb(hue % 360 / 360, min(1.0, max(0.0, saturation / 100)), 1.0)
    return None


def _online(payload: bytes) -> bool | None:
    data = json_object(payload)
    text = str(data.get('state')) if data else payload.decode('ascii', 'replace')
    return {'online': True, 'offline': False}.get(text.strip().strip('"').lower())
