# SPDX-License-Identifier: Apache-2.0
"""Values from outside: what a topic of the broker or an entity of Home Assistant says."""

from dataclasses import dataclass
import json


@dataclass(frozen=True)
class StateSource:
    """Where an outside state comes from; exactly one of the two is given.

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
    """A value cannot be had; the text says why."""


def value_at(raw: object, path: str) -> object:
    """Return a value in a payload: text, a number, true or false.

    :param raw: a payload (text), an entity's mapping, or an :class:`UnknownState` that says why
        there is none; None: nothing was heard yet.
    :param path: keys and indices with dots between; empty: the payload, or the entity's state.
    :raises UnknownState: saying why there is no such value.
    """
    if raw is None:
        raise UnknownState('has not been heard of yet')
    if isinstance(raw, UnknownState):
        raise raw
    if isinstance(raw, str):
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            if path:
                raise UnknownState('is not JSON, and so has no path') from None
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
        raise UnknownState('is not a single value: give its path')
    return value
