# SPDX-License-Identifier: Apache-2.0
"""Lights, blinds and scenes behind the broker, in the dialects that homes speak."""

from collections.abc import Callable
import colorsys
import json
import math
import time

from fer_ros.core.home.action import AmbientAction, Outcome
from fer_ros.core.home.devices import Report
from fer_ros.core.home.light import LightState, xy_to_rgb
from fer_ros.core.home.mqtt import MqttConnection
from fer_ros.core.home.policy import MqttBlind, MqttLight, MqttScene

#: What comes in beyond this is no light's report.
_MAXIMUM_REPORT = 16384
#: A device has so long, after a connect, to say how it is before it is asked for anything.
WAKING_S = 3.0
#: A device that was away does not get commands that are older, seconds.
COMMAND_EXPIRY_S = 10


class Dialect:
    """How one family of lights is asked and how it answers."""

    def __init__(self, spec: MqttLight):
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

    def __init__(self, spec: MqttLight):
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
        data = _json_object(payload)
        if data is None or data.get('state') not in ('ON', 'OFF'):
            return None
        brightness = _number(data.get('brightness'))
        if brightness is not None:
            brightness = min(1.0, max(0.0, brightness / self.brightness_scale))
        mode = data.get('color_mode')
        mired = _number(data.get('color_temp'))
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

    def __init__(self, spec: MqttLight):
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
        data = _json_object(payload)
        if data is None or data.get('POWER') not in ('ON', 'OFF'):
            return None
        dimmer, mired = _number(data.get('Dimmer')), _number(data.get('CT'))
        color = None
        parts = str(data.get('HSBColor', '')).split(',')
        # A lamp in white mode reports both; White tells which one shines.
        if len(parts) == 3 and all(part.strip().isdigit() for part in parts) \
                and not (mired and _number(data.get('White'))):
            color = colorsys.hsv_to_rgb(int(parts[0]) / 360, int(parts[1]) / 100, 1.0)
        return LightState(data['POWER'] == 'ON', None if dimmer is None else dimmer / 100, color,
                          round(1e6 / mired) if mired and color is None else None)


class _Wled(Dialect):
    """WLED: JSON on .../api; brightness on .../g and colour on .../c."""

    def __init__(self, spec: MqttLight):
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


def make_dialect(spec: MqttLight) -> Dialect:
    """Return the dialect that a target speaks."""
    return _DIALECTS[spec.dialect](spec)


class _Answering:
    """A device that tells its state: after a connect it is given a moment to do so.

    Asked at once, it may not be there yet, and how it was before would not be known.
    """

    _connection: MqttConnection
    _heard = False
    _since_s: float | None = None

    @property
    def waking(self) -> bool:
        """Whether it is still given time to say how it is."""
        return self._connection.connected and not self._heard and (
            self._since_s is None or time.monotonic() - self._since_s < WAKING_S)

    def tick(self, now_s: float) -> None:
        """Expect a new answer after every connect."""
        if not self._connection.connected:
            self._heard, self._since_s = False, None
        elif self._since_s is None:
            self._since_s = time.monotonic()


class MqttLightDevice(_Answering):
    """A light behind the broker; commands are never retained and never sent late."""

    def __init__(self, spec: MqttLight, connection: MqttConnection, report: Report):
        self._dialect, self._connection, self._report = make_dialect(spec), connection, report
        self._online = True
        for topic in (*self._dialect.state_topics, *self._dialect.availability_topics):
            connection.subscribe(topic)

    @property
    def available(self) -> bool:
        """Whether the broker is there and the light has not said that it is gone."""
        return self._connection.connected and self._online

    @property
    def problem(self) -> str:
        """What is wrong with it, or an empty string."""
        if not self._online:
            return f'{self._dialect.topic} says that it is offline: is it powered?'
        return self._connection.denied.get(self._dialect.command_topic, '')

    def connected(self) -> None:
        """Ask for the present state; called after every connect."""
        for topic, payload in self._dialect.queries:
            self._connection.publish(topic, payload, qos=1)

    def receive(self, topic: str, payload: bytes) -> bool:
        """Take a message; return whether it was this light's."""
        decode = self._dialect.state_topics.get(topic)
        if decode is not None:
            state = decode(payload) if len(payload) <= _MAXIMUM_REPORT else None
            if state is not None:
                self._heard = True
                self._report(state)
            return True
        decode = self._dialect.availability_topics.get(topic)
        if decode is None:
            return False
        online = decode(payload)
        if online is not None:
            self._online = online
        return True

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Hand the command to the broker, or say that it cannot be."""
        payload = self._dialect.encode(action.light, action.transition_s)
        return _handed_over(self._connection, self._dialect.command_topic, payload, self._online)

    def close(self) -> None:
        """Leave the connection to its owner."""


class MqttBlindDevice(_Answering):
    """A blind or curtain behind the broker, in Zigbee2MQTT's words."""

    def __init__(self, spec: MqttBlind, connection: MqttConnection, report: Report):
        self._topic, self._connection, self._report = spec.topic, connection, report
        connection.subscribe(spec.topic)

    @property
    def available(self) -> bool:
        """Whether the broker is there."""
        return self._connection.connected

    @property
    def problem(self) -> str:
        """What is wrong with it, or an empty string."""
        return self._connection.denied.get(f'{self._topic}/set', '')

    def connected(self) -> None:
        """Ask for the present position."""
        self._connection.publish(f'{self._topic}/get', '{"position":""}', qos=1)

    def receive(self, topic: str, payload: bytes) -> bool:
        """Take a message; return whether it was this blind's."""
        if topic != self._topic:
            return False
        data = _json_object(payload) if len(payload) <= _MAXIMUM_REPORT else None
        position = _number(data.get('position')) if data else None
        if position is not None and 0 <= position <= 100:
            self._heard = True
            self._report(position / 100)
        return True

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Hand the command to the broker, or say that it cannot be."""
        payload = json.dumps({'position': round(100 * (action.position or 0.0))})
        return _handed_over(self._connection, f'{self._topic}/set', payload, True)

    def close(self) -> None:
        """Leave the connection to its owner."""


class MqttSceneDevice:
    """Scenes recalled by a payload on one topic."""

    def __init__(self, spec: MqttScene, connection: MqttConnection):
        self._spec, self._connection = spec, connection

    @property
    def available(self) -> bool:
        """Whether the broker is there."""
        return self._connection.connected

    @property
    def problem(self) -> str:
        """What is wrong with it, or an empty string."""
        return self._connection.denied.get(self._spec.topic, '')

    def connected(self) -> None:
        """Nothing to ask for."""

    def receive(self, topic: str, payload: bytes) -> bool:
        """Scenes report nothing."""
        return False

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Hand the command to the broker, or say that it cannot be."""
        return _handed_over(self._connection, self._spec.topic, self._spec.scenes[action.scene],
                            True)

    def tick(self, now_s: float) -> None:
        """Nothing is due."""

    def close(self) -> None:
        """Leave the connection to its owner."""


def _handed_over(connection: MqttConnection, topic: str, payload: str, online: bool) \
        -> tuple[Outcome, str]:
    if not online:
        return Outcome.FAILED, 'the device says that it is offline'
    if connection.publish(topic, payload, qos=1, expiry_s=COMMAND_EXPIRY_S):
        return Outcome.SENT, ''
    return Outcome.FAILED, connection.state.problem or 'the broker is away'


def _json_object(payload: bytes) -> dict | None:
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _color(value: object) -> tuple[float, float, float] | None:
    if not isinstance(value, dict):
        return None
    rgb = [_number(value.get(key)) for key in 'rgb']
    if None not in rgb:
        return tuple(min(1.0, max(0.0, channel / 255)) for channel in rgb)
    x, y = _number(value.get('x')), _number(value.get('y'))
    if x is not None and y is not None and 0 <= x <= 1 and 0 < y <= 1:
        return xy_to_rgb(x, y)
    hue = _number(value.get('hue', value.get('h')))
    saturation = _number(value.get('saturation', value.get('s')))
    if hue is not None and saturation is not None:
        return colorsys.hsv_to_rgb(hue % 360 / 360, min(1.0, max(0.0, saturation / 100)), 1.0)
    return None


def _online(payload: bytes) -> bool | None:
    data = _json_object(payload)
    text = str(data.get('state')) if data else payload.decode('ascii', 'replace')
    return {'online': True, 'offline': False}.get(text.strip().strip('"').lower())
