# SPDX-License-Identifier: Apache-2.0
"""The families of lights on MQTT. A new one: a file with its dialect, and one line here."""

from fer_ros.home.devices.dialect import Dialect
from fer_ros.home.devices.json_lights import HomeAssistantJson, Zigbee2Mqtt
from fer_ros.home.devices.tasmota import Tasmota
from fer_ros.home.devices.wled import Wled

_DIALECTS: dict[str, type[Dialect]] = {
    'zigbee2mqtt': Zigbee2Mqtt, 'home_assistant_json': HomeAssistantJson, 'tasmota': Tasmota,
    'wled': Wled}

#: In the order in which messages list them.
DIALECTS = tuple(_DIALECTS)


def make_dialect(spec) -> Dialect:
    """Return the dialect of a target."""
    return _DIALECTS[spec.dialect](spec)
