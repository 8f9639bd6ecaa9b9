# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a home now, in sentences that say what to do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fer_ros.health import ERROR
from fer_ros.home.decisions.engine import DecisionEngine
from fer_ros.home.devices.base import Device
from fer_ros.statistics import ReadableShare


@dataclass(frozen=True)
class Complaint:
    """Something that is wrong now.

    :ivar serious: it will not mend itself.
    :ivar silence: nothing is wrong but that no emotions come.
    """

    text: str
    serious: bool = False
    silence: bool = False


class Refusals:
    """Messages that could not be used: their share of each source's last seconds."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._by_source: dict[str, ReadableShare] = {}

    def add(self, source: str, problem: str = '') -> None:
        """Count a message of a source, and why it could not be used; empty: it could."""
        share = self._by_source.setdefault(source, ReadableShare(f'emotion arrays on {source}'))
        share.add(self._clock(), problem.removeprefix(f'{source}: '))

    @property
    def complaints(self) -> list[Complaint]:
        """Those of the last seconds."""
        found = [share.problem(self._clock()) for share in self._by_source.values()]
        return [Complaint(one[1], one[0] == ERROR) for one in found if one]


def device_complaints(devices: dict[tuple[str, str], Device], engine: DecisionEngine,
                      told: Iterable[Complaint]) -> list[Complaint]:
    """Return what is wrong with devices, beyond what was told of their connections."""
    found, texts = [], {complaint.text for complaint in told}
    for (room, target), device in devices.items():
        if device.problem and device.problem not in texts:
            found.append(Complaint(f'{room}/{target}: {device.problem}'))
        other = engine.room(room).targets[target].other_writer
        if other:
            found.append(Complaint(f'{room}/{target}: {other}'))
        if device.available and not device.problem \
                and engine.room(room).targets[target].silent:
            found.append(Complaint(
                f'{room}/{target} does not answer: it has not reported what it was asked '
                'for; is it powered, and is its topic right?'))
    return found


def room_complaints(engine: DecisionEngine) -> list[Complaint]:
    """Return which rooms get no fresh emotions, or have rules that cannot be judged."""
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
