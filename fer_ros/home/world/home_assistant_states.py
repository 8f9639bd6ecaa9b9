# SPDX-License-Identifier: Apache-2.0
"""What Home Assistant's WebSocket says of entities, and who is behind it."""

from collections import deque
from collections.abc import Iterator

from fer_ros.home.kinds.base import Cause

#: So many contexts of service calls are remembered.
_KEPT = 256


class States:
    """Entities as ``subscribe_entities`` tells them: whole at first, then what has changed.

    :ivar entities: the state of each, with the keys of the REST API.
    """

    def __init__(self):
        self.entities: dict[str, dict] = {}

    def take(self, event: dict) -> Iterator[tuple[str, dict | None]]:
        """Take an event; yield each entity that it tells of, None for one that is gone."""
        added, changed, removed = event.get('a'), event.get('c'), event.get('r')
        for entity_id, told in added.items() if isinstance(added, dict) else ():
            if isinstance(told, dict):
                self.entities[entity_id] = {
                    'state': told.get('s'), 'attributes': _mapping(told.get('a')),
                    'context': _context({}, told.get('c'))}
                yield entity_id, self.entities[entity_id]
        for entity_id, told in changed.items() if isinstance(changed, dict) else ():
            entity = self.entities.get(entity_id)
            if entity is None or not isinstance(told, dict):
                continue
            more, less = _mapping(told.get('+')), _mapping(told.get('-'))
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


def _context(before: dict, told: object) -> dict:
    """Return a context after what was told of it; a text is a new id, the rest as before."""
    if isinstance(told, str):
        return {**before, 'id': told}
    return {**before, **_mapping(told)}


class Origins:
    """Tells by its context who is behind a change."""

    def __init__(self):
        self._ours: deque[str] = deque(maxlen=_KEPT)
        self._called: deque[str] = deque(maxlen=_KEPT)

    def ours(self, context: object) -> None:
        """Remember the context of a call of our own."""
        if isinstance(context, dict) and isinstance(context.get('id'), str):
            self._ours.append(context['id'])

    def called(self, context: object) -> None:
        """Remember the context of a service call by anybody."""
        if isinstance(context, dict) and isinstance(context.get('id'), str):
            self._called.append(context['id'])

    def cause(self, context: object) -> Cause:
        """Return who is behind a change with a context."""
        if not isinstance(context, dict):
            return Cause.UNKNOWN
        if context.get('id') in self._ours:
            return Cause.OURS
        if context.get('user_id'):
            return Cause.PERSON
        if context.get('parent_id') or context.get('id') in self._called:
            return Cause.AUTOMATION
        # A device's own switch, or its own app.
        return Cause.UNKNOWN
