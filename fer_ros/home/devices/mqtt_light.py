# SPDX-License-Identifier: Apache-2.0
"""Lights behind the broker."""

import math
from typing import ClassVar, Literal

from fer_ros.home.action import AmbientAction, Outcome
from fer_ros.home.devices.base import BACK_S, DeviceContext
from fer_ros.home.devices.dialects import DIALECTS, make_dialect
from fer_ros.home.devices.mqtt import AnsweringDevice, MAXIMUM_REPORT
from fer_ros.home.fields import DeviceTopic, Topic
from fer_ros.home.kinds.base import Cause
from fer_ros.home.kinds.light import LightTarget


class MqttLightTarget(LightTarget):
    """A light behind the broker, in one of the dialects."""

    needs: ClassVar[str] = 'broker'

    type: Literal['mqtt_light']
    topic: DeviceTopic
    dialect: Literal[DIALECTS] = 'zigbee2mqtt'
    command_topic: Topic | None = None
    state_topic: Topic | None = None

    @property
    def address(self) -> str:
        """What no other target may command."""
        return make_dialect(self).command_topic


class MqttLight(AnsweringDevice):
    """A light behind the broker."""

    def __init__(self, spec: MqttLightTarget, context: DeviceContext):
        self._dialect = make_dialect(spec)
        super().__init__(self._dialect.command_topic, context)
        self._online, self._back_s = True, -math.inf
        self._limits = self._dialect.limits
        for topic in (*self._dialect.state_topics, *self._dialect.availability_topics):
            self._connection.subscribe(topic)
        for topic in self._dialect.limit_topics:
            self._connection.subscribe(topic, optional=True)

    @property
    def available(self) -> bool:
        """Whether the broker is there and the light has not said that it is gone."""
        return self._connection.connected and self._online

    @property
    def problem(self) -> str:
        """What is wrong with it, or an empty string."""
        if not self._online:
            return f'{self._dialect.topic} says that it is offline: is it powered?'
        return super().problem

    def connected(self) -> None:
        """Ask for the present state."""
        for topic, payload in self._dialect.queries:
            self._connection.publish(topic, payload, qos=1)

    def receive(self, topic: str, payload: bytes) -> bool:
        """Take a message; return whether it was this light's."""
        decode = self._dialect.state_topics.get(topic)
        if decode is not None:
            state = decode(payload) if len(payload) <= MAXIMUM_REPORT else None
            if state is not None:
                self._heard = True
                if not self._online or self._context.clock() - self._back_s < BACK_S:
                    self._context.report(state, Cause.RECOVERED)
                else:
                    self._context.report(state)
            self._report_limits()
            return True
        decode = self._dialect.limit_topics.get(topic)
        if decode is not None:
            decode(payload)
            self._report_limits()
            # Other lights are in it, too.
            return False
        decode = self._dialect.availability_topics.get(topic)
        if decode is None:
            return False
        online = decode(payload)
        if online is not None:
            if online and not self._online:
                self._back_s = self._context.clock()
            self._online = online
        return True

    def _report_limits(self) -> None:
        if self._dialect.limits != self._limits:
            self._limits = self._dialect.limits
            self._context.limits(self._limits)

    def apply(self, action: AmbientAction, now_s: float) -> tuple[Outcome, str]:
        """Send the command to the broker; return the outcome."""
        if not self._online:
            return Outcome.FAILED, 'the device says that it is offline'
        return self._send(self._dialect.encode(action.request.light, action.transition_s))
