# SPDX-License-Identifier: Apache-2.0
"""WLED: JSON on .../api; brightness on .../g, color on .../c and everything on .../v."""

import json
import re

from fer_ros.home.devices.dialect import Dialect, online
from fer_ros.home.light import LightState

#: No controller has more segments; those that are not there are ignored.
_SEGMENTS = 32
#: What an effect is made of: keys of the XML on .../v, and of the JSON command.
_EFFECT_KEYS = {'fx': 'fx', 'sx': 'sx', 'ix': 'ix', 'fp': 'pal'}
_EFFECT = re.compile(r'fx=\d{1,3}(,(sx|ix|pal)=\d{1,3}){0,3}')


class Wled(Dialect):
    """WLED's strips: all segments alike; the main segment's effect is known and restored."""

    def __init__(self, spec):
        super().__init__(spec)
        self._brightness: float | None = None
        self.state_topics[f'{self.topic}/g'] = self._decode_level
        self.state_topics[f'{self.topic}/c'] = self._decode_color
        self.state_topics[f'{self.topic}/v'] = self._decode_all
        self.availability_topics[f'{self.topic}/status'] = online

    @property
    def default_command_topic(self) -> str:
        """Where commands go unless the policy says otherwise."""
        return f'{self.topic}/api'

    def encode(self, light: LightState, transition_s: float) -> str:
        """Return the payload that asks for a state."""
        message: dict = {'on': light.on, 'transition': round(transition_s * 10)}
        if light.on:
            if light.brightness is not None:
                message['bri'] = max(1, round(light.brightness * 255))
            segment: dict = {}
            if light.rgb is not None:
                segment = {'fx': 0, 'col': [[round(255 * c) for c in light.rgb]]}
            if light.effect and _EFFECT.fullmatch(light.effect):
                segment.update({key: int(value) for key, value in (
                    pair.split('=') for pair in light.effect.split(','))})
            if segment:
                # Without an id only the segments that are selected in the app would follow.
                message['seg'] = [{'id': index, **segment} for index in range(_SEGMENTS)]
        return json.dumps(message, separators=(',', ':'))

    def _decode_level(self, payload: bytes) -> LightState | None:
        level = _integer(payload.decode('ascii', 'replace'))
        if level is None or level < 0:
            return None
        if level > 0:
            self._brightness = min(255, level) / 255
        return self._light(level > 0, self._brightness)

    def _decode_color(self, payload: bytes) -> LightState | None:
        text = payload.decode('ascii', 'replace').lstrip('#')
        if not re.fullmatch('[0-9a-fA-F]{6,8}', text):
            return None
        # Eight digits begin with the white channel.
        color = tuple(int(text[-6:][i:i + 2], 16) / 255 for i in (0, 2, 4))
        if color == (0.0, 0.0, 0.0) and len(text) == 8 and int(text[:2], 16):
            color = (1.0, 1.0, 1.0)
        return self._light(None, self._brightness, color)

    def _decode_all(self, payload: bytes) -> LightState | None:
        """Read the effect; level and color come on topics of their own, too."""
        found: dict[str, int] = {}
        for key, text in re.findall(r'<(fx|sx|ix|fp)>(\d{1,3})</\1>',
                                    payload.decode('ascii', 'replace')):
            found.setdefault(key, int(text))
        if 'fx' not in found:
            return None
        effect = '' if found['fx'] == 0 else ','.join(
            f'{name}={found[key]}' for key, name in _EFFECT_KEYS.items() if key in found)
        return self._light(None, effect=effect)


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r'\s*-?\d{1,9}\s*', text) else None
