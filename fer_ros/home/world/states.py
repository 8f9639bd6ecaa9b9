# SPDX-License-Identifier: Apache-2.0
"""Outside states that conditions of rules ask for: topics of the broker, and entities."""

from collections.abc import Callable, Iterable
from typing import Any

from fer_ros.home.conditions.states import StateSource, UnknownState
from fer_ros.home.devices.base import BaseDevice, Connection
from fer_ros.home.kinds.base import Cause

#: No sensor says more, bytes.
_MAXIMUM_PAYLOAD = 65536


class _Entity:
    """One entity of Home Assistant; its client tells what it is, or that there is none."""

    def __init__(self, source: StateSource, learn: Callable[[StateSource, object], None]):
        self._source, self._learn = source, learn

    def told(self, entity: dict, cause: Cause = Cause.UNKNOWN) -> None:
        """Take what Home Assistant says of the entity."""
        self._learn(self._source, entity)

    @property
    def missing(self) -> bool:
        """Whether Home Assistant knows no such entity; the client sets it."""
        return False

    @missing.setter
    def missing(self, missing: bool) -> None:
        if missing:
            self._learn(self._source, UnknownState('is not known to Home Assistant: check the '
                                                   'name'))


class OutsideStates(BaseDevice):
    """Hears the outside states; what cannot be heard is unknown.

    :param learn: called with a source and what it says, from whatever thread.
    :param broker: and ``home_assistant``: the connections, or None without them.
    """

    def __init__(self, sources: Iterable[StateSource],
                 learn: Callable[[StateSource, object], None],
                 broker: Connection | None, home_assistant: Any):
        self._learn = learn
        self._by_topic = {source.mqtt: source for source in sources if source.mqtt}
        self._by_entity = {source.entity: source for source in sources if source.entity}
        self._up: dict[int, bool] = {}
        self._connections = [(connection, words, by_name) for connection, words, by_name in (
            (broker, 'the broker', self._by_topic),
            (home_assistant, 'Home Assistant', self._by_entity)) if connection is not None]
        for topic in self._by_topic if broker is not None else ():
            broker.subscribe(topic)
        for entity, source in self._by_entity.items() if home_assistant is not None else ():
            home_assistant.watch(entity, _Entity(source, learn))

    def receive(self, topic: str, payload: bytes) -> bool:
        """Take a message of the broker; others may be for the same topic."""
        source = self._by_topic.get(topic)
        if source is not None:
            self._learn(source, UnknownState(f'says {len(payload)} bytes, which is no state')
                        if len(payload) > _MAXIMUM_PAYLOAD
                        else payload.decode('utf-8', 'replace'))
        return False

    def tick(self, now_s: float) -> None:
        """Forget what a server said that is away."""
        for index, (connection, words, by_name) in enumerate(self._connections):
            up = connection.connected
            if self._up.get(index) and not up:
                for source in by_name.values():
                    self._learn(source, UnknownState(f'cannot be heard: {words} is away'))
            self._up[index] = up
