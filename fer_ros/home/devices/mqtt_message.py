# SPDX-License-Identifier: Apache-2.0
"""Messages on a topic of the broker."""

from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import DeviceContext
from fer_ros.home.devices.mqtt import MqttDevice
from fer_ros.home.fields import Part, Topic


class MqttMessageTarget(Part):
    """A topic that takes the text as its payload."""

    kind: ClassVar[str] = 'message'
    needs: ClassVar[str] = 'broker'

    type: Literal['mqtt_message']
    topic: Topic


class MqttMessage(MqttDevice):
    """One topic for texts."""

    def __init__(self, spec: MqttMessageTarget, context: DeviceContext):
        super().__init__(spec.topic, context)

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Send the text to the broker; return the outcome."""
        return self._send(action.request.text)
