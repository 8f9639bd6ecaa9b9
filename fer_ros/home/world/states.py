# SPDX-License-Identifier: Apache-2.0
"""Subscribe to the outside states that conditions use: MQTT topics and entities."""

from collections.abc import Callable, Iterable
import threading
from typing import Any

from fer_ros.home.conditions.states import StateSource, UnknownState
from fer_ros.home.devices.base import BaseDevice, Connection
from fer_ros.home.kinds.base import Cause

#: Maximum length of a sensor's message, bytes.
_MAXIMUM_PAYLOAD = 65536


class _Entity:
    """An entity of Home Assistant whose state is forwarded."""

    def __init__(self, source: StateSource, learn: Callable[[StateSource, object], None]):
        self._source, self._learn = source, learn

    def update(self, entity: dict, cause: Cause = Cause.UNKNOWN) -> None:
        """Handle a state of the entity."""
        self._learn(self._source, entity)

    @property
    def missing(self) -> bool:
        """Whether the entity does not exist in Home Assistant; set by the client."""
        return False

    @missing.setter
    def missing(self, missing: bool) -> None:
        if missing:
            self._learn(self._source, UnknownState('is not known to Home Assistant: check the '
                                                   'name'))


class OutsideStates(BaseDevice):
    """Receives the outside states; unavailable ones are unknown.

    :param learn: called with a source and its value, from any thread.
    :param broker: and ``home_assistant``: the connections, or None without them.
    """

    def __init__(self, sources: Iterable[StateSource],
                 learn: Callable[[StateSource, object], None],
                 broker: Connection | None, home_assistant: Any):
        self._learn = learn
        self._lock = threading.Lock()
        self._by_topic = {source.mqtt: source for source in sources if source.mqtt}
        self._by_entity = {source.entity: source for source in sources if source.entity}
        self._up: dict[int, bool] = {}
        self._connections = [(connection, words, by_name) for connection, words, by_name in (
            (broker, 'the broker', self._by_topic),
            (home_assistant, 'Home Assistant', self._by_entity)) if connection is not None]
        for topic in self._by_topic if broker is not None else ():
            broker.subscribe(topic)
        for entity, source in self._by_entity.items() if home_assistant is not None else ():
            home_assistant.watch(entity, _Entity(source, self._hear))

    def receive(self, topic: str, payload: bytes) -> bool:
        """Handle a message of the broker; others may use the same topic."""
        source = self._by_topic.get(topic)
        if source is not None:
            self._hear(source, UnknownState(f'sent {len(payload)} bytes, which is not a state')
                       if len(payload) > _MAXIMUM_PAYLOAD
                       else payload.decode('utf-8', 'replace'))
        return False

    def tick(self, now_s: float) -> None:
        """Forget the states of a server that is away."""
        for index, (connection, words, by_name) in enumerate(self._connections):
            # What it tells as soon as it is back must not be forgotten for its absence.
            with self._lock:
                up = connection.connected
                if self._up.get(index) and not up:
                    for source in by_name.values():
                        self._learn(source, UnknownState(
                            f'is unavailable: {words} is not connected'))
                self._up[index] = up

    def _hear(self, source: StateSource, value: object) -> None:
        with self._lock:
            self._learn(source, value)
