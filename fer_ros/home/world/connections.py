# SPDX-License-Identifier: Apache-2.0
"""The servers that a policy names: the broker, with the bridge's entities, and Home Assistant."""

from collections.abc import Callable, Iterable

from fer_ros.habits.views import HabitAnswer
from fer_ros.home.commands import RoomCommand
from fer_ros.home.complaints import Complaint
from fer_ros.home.devices.base import Device
from fer_ros.home.policy import Policy
from fer_ros.home.world.discovery import HomeAssistantDiscovery
from fer_ros.home.world.home_assistant import HomeAssistantClient
from fer_ros.home.world.mqtt import MqttConnection
from fer_ros.workers import Faults


def check_secrets(policy: Policy) -> None:
    """Read all secrets and certificates of a policy.

    :raises ConfigurationError: when one cannot be read.
    """
    if policy.broker is not None:
        MqttConnection(policy.broker).prepare()
    if policy.home_assistant is not None:
        HomeAssistantClient(policy.home_assistant)


class Connections:
    """The connections of a policy to its servers.

    :param on_command: called with room, command and argument, in the connection's thread.
    :param on_answer: called with room and answer to what the room suggests, likewise.
    :param mqtt_options: additional arguments of :class:`MqttConnection`.
    :ivar broker: ``home_assistant`` and ``discovery``: None where the policy names none.
    :ivar faults: errors of their threads.
    """

    def __init__(self, policy: Policy, version: str,
                 on_command: Callable[[str, RoomCommand, str], None],
                 on_answer: Callable[[str, HabitAnswer], None], mqtt_options: dict):
        self._policy = policy
        self._devices: list[Device] = []
        self.faults = Faults()
        self.home_assistant: HomeAssistantClient | None = None
        self.broker: MqttConnection | None = None
        self.discovery: HomeAssistantDiscovery | None = None
        if policy.home_assistant is not None:
            self.home_assistant = HomeAssistantClient(policy.home_assistant, self.faults)
        if policy.broker is not None:
            self.discovery = HomeAssistantDiscovery(
                policy.broker,
                {name: tuple(known for known in policy.policies if room.allows(known))
                 for name, room in policy.rooms.items()}, version, on_command, on_answer,
                [name for name, room in policy.rooms.items() if room.habits != 'off'],
                attention=policy.asks_attention, home=policy.name,
                titles={name: room.name for name, room in policy.rooms.items()})
            self.broker = MqttConnection(
                policy.broker,
                client_id=policy.broker.client_id or f'{self.discovery.slug}-bridge',
                will=self.discovery.will, on_message=self._on_message,
                on_connect=self._on_connect, faults=self.faults, **mqtt_options)
            self.discovery.bind(self.broker)

    def start(self, devices: Iterable[Device]) -> None:
        """Connect, and forward messages to the devices."""
        self._devices = list(devices)
        if self.broker is not None:
            self.broker.start()
        if self.home_assistant is not None:
            self.home_assistant.start()

    def stop(self) -> None:
        """Publish unavailability and disconnect."""
        if self.broker is not None:
            self.broker.stop(self.discovery.leave())
        if self.home_assistant is not None:
            self.home_assistant.stop()

    @property
    def complaints(self) -> list[Complaint]:
        """Problems of the connections, with what to do."""
        found = []
        if self.faults.problem:
            found.append(Complaint(self.faults.problem))
        if self.broker is not None:
            state = self.broker.state
            if state.problem:
                found.append(Complaint(state.problem, state.serious))
            found += [Complaint(text, True) for text in self.broker.denied.values()]
        if self.home_assistant is not None and self.home_assistant.problem:
            found.append(Complaint(self.home_assistant.problem, self.home_assistant.serious))
        return found

    @property
    def states(self) -> dict[str, str]:
        """State of each connection, in words."""
        found = {}
        if self.broker is not None:
            broker = self._policy.broker
            state = self.broker.state
            found[f'broker {broker.host}:{broker.effective_port}'] = \
                'not connected' if not state.connected else 'connected' + (
                    f': {state.note}' if state.note else '')
        if self.home_assistant is not None:
            found['home assistant'] = self.home_assistant.state
        return found

    def _on_connect(self) -> None:
        self.discovery.connected()
        for device in self._devices:
            device.connected()

    def _on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        if self.discovery.receive(topic, payload, retained):
            return
        for device in self._devices:
            device.receive(topic, payload)
