# SPDX-License-Identifier: Apache-2.0
"""Scenes recalled by a payload on one topic of the broker."""

from typing import Annotated, ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import DeviceContext
from fer_ros.home.devices.mqtt import MqttDevice
from fer_ros.home.fields import Name, Part, Payload, Topic
from pydantic import Field


class MqttSceneTarget(Part):
    """Scenes recalled by a payload on an MQTT topic, by the names that rules give them."""

    kind: ClassVar[str] = 'scene'
    needs: ClassVar[str] = 'broker'

    type: Literal['mqtt_scene']
    topic: Topic
    scenes: Annotated[dict[Name, Payload], Field(min_length=1)]


class MqttScene(MqttDevice):
    """Scenes recalled by a payload on one topic."""

    def __init__(self, spec: MqttSceneTarget, context: DeviceContext):
        super().__init__(spec.topic, context)
        self._scenes = spec.scenes

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Send the command to the broker; return the outcome."""
        return self._send(self._scenes[action.request.scene])
