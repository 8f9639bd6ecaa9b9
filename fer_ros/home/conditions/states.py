# SPDX-License-Identifier: Apache-2.0
"""Outside states: values of MQTT topics and Home Assistant entities."""

from dataclasses import dataclass
import json


@dataclass(frozen=True)
class StateSource:
    """The source of an outside state; exactly one of the two is set.

    :ivar mqtt: a topic of the broker; its payload is the state.
    :ivar entity: an entity of Home Assistant; its state is a mapping with ``state`` and
        ``attributes``.
    """

    mqtt: str = ''
    entity: str = ''

    @property
    def name(self) -> str:
        """The topic or the entity."""
        return self.mqtt or self.entity


class UnknownState(Exception):
    """A value is unknown; the text says why."""


def value_at(raw: object, path: str) -> object:
    """Return a value in a payload: text, a number, true or false.

    :param raw: a payload (text), an entity's mapping, or an :class:`UnknownState` with the
        reason; None: nothing received yet.
    :param path: keys and indices separated by dots; empty: the payload, or the entity's state.
    :raises UnknownState: with the reason.
    """
    if raw is None:
        raise UnknownState('has no value yet')
    if isinstance(raw, UnknownState):
        raise raw
    if isinstance(raw, str):
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            if path:
                raise UnknownState('is not JSON, so it has no path') from None
            value = raw
    else:
        value = raw
        path = path or 'state'
    for step in path.split('.') if path else ():
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise UnknownState(f'has no {path}') from None
    if value is None or value in ('unavailable', 'unknown', ''):
        raise UnknownState(f'is {value or "empty"}')
    if isinstance(value, (dict, list)):
        raise UnknownState('is not a single value: set path')
    return value
