# SPDX-License-Identifier: Apache-2.0
"""Track entity states and their causes from Home Assistant's WebSocket."""

from collections import deque
from collections.abc import Callable, Iterator
import math
import time

from fer_ros.home.kinds.base import Cause

#: Number of remembered contexts of service calls.
_KEPT = 256
#: Changes may carry the context of a call that long after its start, seconds: as long as the call
#: takes, and the 5 s in which Home Assistant ascribes what an entity reports to it.
_FOLLOWS_S = 15.0


class States:
    """Entities from ``subscribe_entities``: complete at first, then changes.

    :ivar entities: the state of each, with the keys of the REST API.
    """

    def __init__(self):
        self.entities: dict[str, dict] = {}

    def take(self, event: dict) -> Iterator[tuple[str, dict | None]]:
        """Process an event; yield each entity in it, None for a removed one."""
        added, changed, removed = event.get('a'), event.get('c'), event.get('r')
        for entity_id, data in added.items() if isinstance(added, dict) else ():
            if isinstance(data, dict):
                self.entities[entity_id] = {
                    'state': data.get('s'), 'attributes': _mapping(data.get('a')),
                    'context': _context({}, data.get('c'))}
                yield entity_id, self.entities[entity_id]
        for entity_id, data in changed.items() if isinstance(changed, dict) else ():
            entity = self.entities.get(entity_id)
            if entity is None or not isinstance(data, dict):
                continue
            more, less = _mapping(data.get('+')), _mapping(data.get('-'))
            gone = less.get('a')
            attributes = {**entity['attributes'], **_mapping(more.get('a'))}
            for name in gone if isinstance(gone, list) else ():
                attributes.pop(str(name), None)
            entity = self.entities[entity_id] = {
                'state': more.get('s', entity['state']), 'attributes': attributes,
                'context': _context(entity['context'], more.get('c'))}
            yield entity_id, entity
        for entity_id in removed if isinstance(removed, list) else ():
            if self.entities.pop(str(entity_id), None) is not None:
                yield str(entity_id), None


def _mapping(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _context(before: dict, data: object) -> dict:
    """Return an updated context; a text is a new id, the rest stays."""
    if isinstance(data, str):
        return {**before, 'id': data}
    return {**before, **_mapping(data)}


class Origins:
    """Determines the cause of a change by its context, across connections.

    A user's context is a person's, unless it may be that of a call of ours: the user is then that
    of the token, who may be a person, too.

    :param clock: a clock that does not jump, seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._untold_s = clock, -math.inf
        self._ours, self._called, self._doubtful = (
            deque[str](maxlen=_KEPT) for _ in range(3))

    def ours(self, context: object) -> None:
        """Remember the context of our own call."""
        _remember(self._ours, context)

    def called(self, context: object) -> None:
        """Remember the context of any service call."""
        _remember(self._called, context)

    def untold(self) -> None:
        """Expect changes by a call of ours whose context will not be known."""
        self._untold_s = self._clock()

    def earlier(self, context: object) -> None:
        """Remember the context of a change from before the connection, perhaps by such a call."""
        _remember(self._doubtful, context)

    def cause(self, context: object) -> Cause:
        """Return the cause of a change with a context."""
        if not isinstance(context, dict):
            return Cause.UNKNOWN
        if context.get('id') in self._ours:
            return Cause.OURS
        if context.get('user_id'):
            if self._clock() - self._untold_s < _FOLLOWS_S:
                # A fade may last longer.
                self.earlier(context)
            return Cause.UNKNOWN if context.get('id') in self._doubtful else Cause.PERSON
        if context.get('parent_id') or context.get('id') in self._called:
            return Cause.AUTOMATION
        # A device's own switch, or its own app.
        return Cause.UNKNOWN


def _remember(contexts: deque[str], context: object) -> None:
    number = context.get('id') if isinstance(context, dict) else None
    if isinstance(number, str) and number not in contexts:
        contexts.append(number)
