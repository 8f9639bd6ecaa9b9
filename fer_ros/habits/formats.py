# SPDX-License-Identifier: Apache-2.0
"""Read the public formats of research homes: activities in order, with begin and end.

* Kasteren and Ordóñez: tab-separated begin, end and activity (``*_ADLs.txt``), or the list of
  sensors, with begin, end, and which;
* CASAS: date, time, sensor, value, and where an activity begins or ends its name and which; a file
  without any is read as its sensors, from on to off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
import re

from fer_ros.errors import ConfigurationError

_EPOCH = datetime(1970, 1, 1)
_TIME = r'\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(?:\.\d+)?'
_ADL = re.compile(rf'({_TIME})\s+({_TIME})\s+(\S.*?)\s*$')
#: Values with which a sensor begins, and ends, to say something; numbers are not read.
_BEGINS, _ENDS = {'ON', 'OPEN', 'PRESENT'}, {'OFF', 'CLOSE', 'CLOSED', 'ABSENT'}
_CASAS = re.compile(rf'({_TIME})\s+(\S+)\s+(\S+)(?:\s+(\S.*?)\s+(begin|end))?\s*$')


@dataclass(frozen=True)
class Activity:
    """One activity of a resident.

    :ivar begin_s: local time in seconds since 1970-01-01 00:00 local time.
    :ivar end_s: the same.
    """

    begin_s: float
    end_s: float
    name: str


def read_activities(path: str | Path) -> list[Activity]:
    """Return the activities of a file in either format, in the order they began.

    :raises ConfigurationError: naming file and line, when it is neither.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f'{path}: cannot be read ({error})') from error
    rows = [(number, line) for number, line in enumerate(lines, 1) if line[:1].isdigit()]
    if not rows:
        raise ConfigurationError(f'{path}: no line begins with a date (YYYY-MM-DD)')
    reader = _read_adls if _ADL.match(rows[0][1]) else _read_casas
    found = sorted(reader(path, rows), key=lambda activity: activity.begin_s)
    if not found:
        raise ConfigurationError(f'{path}: no activity (lines that end in "<activity> begin" and '
                                 '"<activity> end") and no sensor that is on')
    return found


def _read_adls(path: Path, rows: list[tuple[int, str]]) -> Iterator[Activity]:
    for number, line in rows:
        match = _ADL.match(line)
        if not match:
            raise ConfigurationError(f'{path}:{number}: expected begin, end and activity, '
                                     'separated by tabs')
        begin_s, end_s = (_seconds(path, number, text) for text in match.groups()[:2])
        # Written manually: where an end is a slip of the pen, the begin is what is known.
        yield Activity(begin_s, max(begin_s, end_s), ' '.join(match[3].split()))


def _read_casas(path: Path, rows: list[tuple[int, str]]) -> Iterator[Activity]:
    activities, sensors = _Spans(), _Spans()
    for number, line in rows:
        match = _CASAS.match(line)
        if not match:
            raise ConfigurationError(f'{path}:{number}: expected date, time, sensor, value, and '
                                     'perhaps an activity with begin or end')
        time_s = _seconds(path, number, match[1])
        if match[3].upper() in _BEGINS | _ENDS:
            sensors.add(match[2], time_s, match[3].upper() in _BEGINS)
        if match[4]:
            activities.add(match[4], time_s, match[5] == 'begin')
    return iter(activities.found or sensors.found)


class _Spans:
    """Pairs what begins with what ends."""

    def __init__(self):
        self.found: list[Activity] = []
        self._running: dict[str, float] = {}

    def add(self, name: str, time_s: float, begins: bool) -> None:
        """Take a begin or an end; what began twice began the second time."""
        if begins:
            self._running[name] = time_s
        elif name in self._running:
            self.found.append(Activity(self._running.pop(name), time_s, name))


def _seconds(path: Path, number: int, text: str) -> float:
    # Python 3.10 reads fractions of three or six digits only.
    whole, _, fraction = text.partition('.')
    try:
        return (datetime.fromisoformat(f'{whole}.{fraction:0<6.6}' if fraction else whole)
                - _EPOCH).total_seconds()
    except ValueError as error:
        raise ConfigurationError(f'{path}:{number}: {text} is not a date and time') from error
