# SPDX-License-Identifier: Apache-2.0
"""Blinds and curtains behind the broker, in Zigbee2MQTT's words."""

import json
from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import DeviceContext
from fer_ros.home.devices.dialect import json_object
from fer_ros.home.devices.mqtt import AnsweringDevice, MAXIMUM_REPORT
from fer_ros.home.fields import DeviceTopic, Part
from fer_ros.home.kinds.blind import BlindState
from fer_ros.home.light import number


class MqttBlindTarget(Part):
    """A blind or curtain behind the broker, 0 closed to 1 open."""

    kind: ClassVar[str] = 'blind'
    needs: ClassVar[str] = 'broker'

    type: Literal['mqtt_blind']
    topic: DeviceTopic

    @property
    def address(self) -> str:
        """What no other target may command."""
        return f'{self.topic}/set'


class MqttBlind(AnsweringDevice):
    """A blind or curtain behind the broker."""

    def __init__(self, spec: MqttBlindTarget, context: DeviceContext):
        super().__init__(f'{spec.topic}/set', context)
        self._topic = spec.topic
        self._connection.subscribe(spec.topic)

    def connected(self) -> None:
        """Ask for the present position."""
        self._connection.publish(f'{self._topic}/get', '{"position":""}', qos=1)

    def receive(self, topic: str, payload: bytes) -> bool:
        """Take a message; return whether it was this blind's."""
        if topic != self._topic:
            return False
        data = json_object(payload) if len(payload) <= MAXIMUM_REPORT else None
        position = number(data.get('position')) if data else None
        if position is not None and 0 <= position <= 100:
            self._heard = True
            self._context.report(BlindState(position / 100))
        return True

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Send the command to the broker; return the outcome."""
        return self._send(json.dumps({'position': round(100 * action.request.position)}))
