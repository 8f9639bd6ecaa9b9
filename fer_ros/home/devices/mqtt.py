# SPDX-License-Identifier: Apache-2.0
"""Base classes of the devices on MQTT."""

from fer_ros.home.action import Outcome
from fer_ros.home.devices.base import BaseDevice, Connection, DeviceContext, WAKING_S

#: Longer messages are not a device's report, bytes.
MAXIMUM_REPORT = 16384
#: A device that was away does not get commands that are older, seconds.
COMMAND_EXPIRY_S = 10


class MqttDevice(BaseDevice):
    """A device with one topic for commands, which are never retained and never sent late."""

    def __init__(self, command_topic: str, context: DeviceContext):
        self._command_topic, self._context = command_topic, context
        self._connection: Connection = context.broker

    @property
    def available(self) -> bool:
        """Whether the broker is connected."""
        return self._connection.connected

    @property
    def problem(self) -> str:
        """What is wrong with it, or an empty string."""
        return self._connection.denied.get(self._command_topic, '')

    def _send(self, payload: str) -> tuple[Outcome, str]:
        """Send a command to the broker; return the outcome."""
        if self._connection.publish(self._command_topic, payload, qos=1,
                                    expiry_s=COMMAND_EXPIRY_S):
            return Outcome.SENT, ''
        return Outcome.FAILED, self._connection.problem or 'the broker is not connected'


class AnsweringDevice(MqttDevice):
    """A device that tells its state: after a connect it is given a moment to do so.

    Asked at once, it may not be there yet, and how it was before would not be known.
    """

    _heard = False
    _since_s: float | None = None

    @property
    def waking(self) -> bool:
        """Whether it is still given time to say how it is."""
        return self._connection.connected and not self._heard and (
            self._since_s is None or self._context.clock() - self._since_s < WAKING_S)

    def tick(self, now_s: float) -> None:
        """Expect a new answer after every connect."""
        if not self._connection.connected:
            self._heard, self._since_s = False, None
        elif self._since_s is None:
            self._since_s = self._context.clock()
