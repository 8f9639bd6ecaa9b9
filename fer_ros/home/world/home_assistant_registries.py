# SPDX-License-Identifier: Apache-2.0
"""Which lights of Home Assistant belong to an area or have a label."""

from collections.abc import Iterable, Iterator

#: What is asked of each registry, and what tells that it has changed.
REGISTRIES = ('entity', 'device', 'area', 'label')


class Registries:
    """Home Assistant's registries, as its WebSocket lists them."""

    def __init__(self):
        self._lists: dict[str, list[dict]] = {}

    @property
    def complete(self) -> bool:
        """Whether all lists have arrived."""
        return len(self._lists) == len(REGISTRIES)

    def take(self, registry: str, entries: object) -> None:
        """Take what a registry lists; what is not an entry is skipped."""
        self._lists[registry] = [entry for entry in entries if isinstance(entry, dict)] \
            if isinstance(entries, list) else []

    def lights(self, area: str | None, label: str | None) -> tuple[tuple[str, ...], str]:
        """Return the light entities of an area or a label, and what is wrong, or empty.

        :param area: its id, its name or one of its aliases; likewise ``label``.
        """
        kind, name = ('area', area) if area is not None else ('label', label)
        entries = self._lists.get(kind, ())
        ids = {entry[f'{kind}_id'] for entry in entries
               if isinstance(entry.get(f'{kind}_id'), str)
               and name.casefold() in _names(entry, kind)}
        if not ids:
            known = ', '.join(sorted(str(entry.get('name')) for entry in entries))
            return (), f'Home Assistant has no {kind} {name!r}: it has {known or "none"}'
        belongs = self._of_area if area is not None else self._of_label
        found = tuple(sorted(entity_id for entity_id, entry in self._lights()
                             if belongs(entry, ids)))
        return found, '' if found else f'{kind} {name!r} has no lights in Home Assistant: add ' \
            'some to it'

    def _lights(self) -> Iterator[tuple[str, dict]]:
        for entry in self._lists.get('entity', ()):
            entity_id = entry.get('entity_id')
            # A group of lights has its members in the area as well.
            if isinstance(entity_id, str) and entity_id.startswith('light.') \
                    and entry.get('platform') != 'group' and not any(
                        entry.get(key) for key in ('disabled_by', 'hidden_by',
                                                   'entity_category')):
                yield entity_id, entry

    def _device(self, entry: dict) -> dict:
        """Return the device of an entity, or an empty one."""
        return next((device for device in self._lists.get('device', ())
                     if device.get('id') == entry.get('device_id') is not None), {})

    def _area_of(self, entry: dict) -> str | None:
        area_id = entry.get('area_id') or self._device(entry).get('area_id')
        return area_id if isinstance(area_id, str) else None

    def _of_area(self, entry: dict, ids: set) -> bool:
        return self._area_of(entry) in ids

    def _of_label(self, entry: dict, ids: set) -> bool:
        area_id = self._area_of(entry)
        areas = (area for area in self._lists.get('area', ())
                 if area_id is not None and area.get('area_id') == area_id)
        return any(label in ids for holder in (entry, self._device(entry), *areas)
                   for label in _texts(holder.get('labels')))


def _texts(value: object) -> Iterable[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else ()


def _names(entry: dict, kind: str) -> set[str]:
    return {one.casefold() for one in (entry.get(f'{kind}_id'), entry.get('name'),
                                       *_texts(entry.get('aliases'))) if isinstance(one, str)}
