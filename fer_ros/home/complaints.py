# SPDX-License-Identifier: Apache-2.0
"""Present problems of a home, each with what to do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fer_ros.health import ERROR
from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.devices.base import Device
from fer_ros.statistics import ReadableShare


@dataclass(frozen=True)
class Complaint:
    """A present problem.

    :ivar serious: it will not resolve by itself.
    :ivar silence: the only problem is that no emotions arrive.
    """

    text: str
    serious: bool = False
    silence: bool = False


class Refusals:
    """Counts unusable messages: their recent share by source."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._by_source: dict[str, ReadableShare] = {}

    def add(self, source: str, problem: str = '') -> None:
        """Count a message of a source, and why it could not be used; empty: it could."""
        share = self._by_source.setdefault(source, ReadableShare(f'emotion arrays on {source}'))
        share.add(self._clock(), problem.removeprefix(f'{source}: '))

    @property
    def complaints(self) -> list[Complaint]:
        """Return the problems of the last seconds."""
        found = [share.problem(self._clock()) for share in self._by_source.values()]
        return [Complaint(one[1], one[0] == ERROR) for one in found if one]


def device_complaints(devices: dict[tuple[str, str], Device], engine: DecisionEngine,
                      known: Iterable[Complaint]) -> list[Complaint]:
    """Return problems of devices, except those of their connections."""
    found, texts = [], {complaint.text for complaint in known}
    for (room, target), device in devices.items():
        if device.problem and device.problem not in texts:
            found.append(Complaint(f'{room}/{target}: {device.problem}'))
        other = engine.room(room).targets[target].other_writer
        if other:
            found.append(Complaint(f'{room}/{target}: {other}'))
        if device.available and not device.problem \
                and engine.room(room).targets[target].silent:
            found.append(Complaint(
                f'{room}/{target} does not answer: it has not reported the requested '
                'state; is it powered, and is its topic right?'))
    return found


def room_complaints(engine: DecisionEngine) -> list[Complaint]:
    """Return which rooms get no fresh emotions, or have rules with unknown conditions."""
    found = []
    for name in engine.rooms:
        room = engine.room(name)
        if room.enabled and room.snapshot.stale:
            found.append(Complaint(f'{name}: no fresh emotions on '
                                   f'{", ".join(room.settings.sources)}: the lights stay as '
                                   'they are', silence=True))
        found += [Complaint(f'{name}: {words}: the condition counts as false')
                  for words in room.unknown_conditions]
    return found
