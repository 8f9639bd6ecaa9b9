# SPDX-License-Identifier: Apache-2.0
"""The event log of a home: JSON lines in a folder, bounded, readable by its owner only.

The latest events are in ``events.jsonl``, older ones in ``events.1.jsonl`` and so on. Each file
begins with a line that names its version.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
import csv
from datetime import datetime, timezone
import fcntl
import json
import os
from pathlib import Path
from typing import TextIO

from fer_ros.errors import ConfigurationError
from fer_ros.habits.events import HomeEvent, parse_event, VERSION

#: A year of a busy home fits into the whole log.
MAXIMUM_BYTES = 20_000_000
FILES = 10
#: Clocks are never quite right: what is further ahead is not believed, seconds.
FUTURE_S = 60.0
_HEADER = {'log': 'fer_ros home events', 'version': VERSION}
_LONGEST_LINE = 4096
COLUMNS = ('time', 'room', 'kind', 'who', 'target', 'value', 'on', 'brightness', 'color',
           'color_temperature_k', 'emotion', 'lasted_s', 'people', 'habit')


class Reading:
    """Contents of a log.

    :ivar events: in the order of their time, each once.
    :ivar problems: what was skipped and why, a sentence each.
    """

    def __init__(self, events: list[HomeEvent], problems: list[str]):
        self.events, self.problems = events, problems


class EventLog:
    """An event log in a folder.

    :param maximum_bytes: of all files together; the oldest events are dropped beyond.
    """

    def __init__(self, folder: str | Path, maximum_bytes: int = MAXIMUM_BYTES):
        self.folder = Path(folder).expanduser()
        self._file_bytes = max(4096, maximum_bytes // FILES)

    def _path(self, number: int) -> Path:
        return self.folder / ('events.jsonl' if number == 0 else f'events.{number}.jsonl')

    @property
    def files(self) -> list[Path]:
        """The files that are there, the oldest first."""
        return [path for number in range(FILES - 1, -1, -1)
                if (path := self._path(number)).is_file()]

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(path.stat().st_size for path in self.files)

    @property
    def forgotten(self) -> int:
        """A number that changes whenever something was forgotten."""
        try:
            return (self.folder / 'forgotten').stat().st_mtime_ns
        except OSError:
            return 0

    def append(self, events: Iterable[HomeEvent]) -> None:
        """Write events at the end.

        :raises OSError: when they cannot be written; the log stays as it was, up to a cut line.
        """
        text = ''.join(event.dump() + '\n' for event in events)
        if not text:
            return
        with self._locked():
            path = self._path(0)
            size = path.stat().st_size if path.is_file() else 0
            if size and size + len(text) > self._file_bytes:
                self._rotate()
                size = 0
            with open(path, 'a', encoding='utf-8', opener=_private) as file:
                if not size:
                    file.write(json.dumps(_HEADER) + '\n')
                elif not _ends_whole(path):
                    # A power cut left half a line: what comes now must not be lost with it.
                    file.write('\n')
                file.write(text)

    def read(self, *, now_s: float, progress: Callable[[int, int], None] | None = None) \
            -> Reading:
        """Return what the log holds.

        :param now_s: what lies ahead of it is skipped.
        :param progress: called with bytes read and bytes in all.
        """
        return read_logs(self.files, now_s=now_s, progress=progress)

    def forget(self, *, room: str | None = None, day: str | None = None) -> int:
        """Delete all events, or those of a room, of a local day (YYYY-MM-DD), or of both.

        :returns: how many.
        :raises OSError: when a file cannot be replaced.
        """
        if not self.folder.is_dir():
            return 0
        count = 0
        with self._locked():
            for path in self.files:
                count += _forget_in(path, room, day)
            for path in self.folder.glob('*.damaged'):
                # Files that were set aside contain the same events.
                path.unlink()
            marker = self.folder / 'forgotten'
            marker.unlink(missing_ok=True)
            with open(marker, 'w', encoding='utf-8', opener=_private):
                pass
        return count

    def _rotate(self) -> None:
        for number in range(FILES - 1, -1, -1):
            path = self._path(number)
            if not path.is_file():
                continue
            if number == FILES - 1:
                path.unlink()
            else:
                path.replace(self._path(number + 1))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from writing meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self.folder / '.lock', 'a', encoding='utf-8', opener=_private) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def read_logs(paths: Iterable[Path], *, now_s: float,
              progress: Callable[[int, int], None] | None = None) -> Reading:
    """Return the events of files, sorted, each once, with what was skipped.

    :raises ConfigurationError: when a file cannot be opened.
    """
    paths = list(paths)
    try:
        total, done = sum(path.stat().st_size for path in paths), 0
        events, problems = [], []
        for path in paths:
            with open(path, encoding='utf-8', errors='replace') as file:
                done = _read_file(path, file, now_s, events, problems, done, total, progress)
    except OSError as error:
        raise ConfigurationError(f'{error.filename}: cannot be read: {error.strerror}') from error
    order = sorted(range(len(events)), key=lambda i: events[i].time_s)
    unsorted = sum(events[i].time_s < events[i - 1].time_s for i in range(1, len(events)))
    if unsorted:
        problems.append(f'the time goes back at {unsorted} places (a clock that was set?): '
                        'sorted by time')
    found, recent = [], set()
    for i in order:
        event = events[i]
        if found and event.time_s != found[-1].time_s:
            recent.clear()
        if event not in recent:
            found.append(event)
            recent.add(event)
    if len(found) < len(events):
        problems.append(f'{len(events) - len(found)} events are duplicates: counted once')
    return Reading(found, problems)


def _read_file(path, file, now_s, events, problems, done, total, progress) -> int:
    bad: Counter[str] = Counter()
    first: dict[str, int] = {}
    for number, line in enumerate(file, 1):
        done += len(line)
        if progress is not None and number % 1000 == 0:
            progress(done, total)
        fault = ''
        if len(line) > _LONGEST_LINE:
            fault = 'too long'
        elif line.startswith('{"log"'):
            fault = _header_fault(line)
            if fault:
                problems.append(f'{path}: {fault}: the file is skipped')
                break
        elif line.strip():
            try:
                event = parse_event(line)
                if event.time_s > now_s + FUTURE_S:
                    fault = 'in the future (was the clock wrong?)'
                else:
                    events.append(event)
            except ValueError as error:
                fault = str(error)
        if fault:
            bad[fault] += 1
            first.setdefault(fault, number)
    for fault, count in bad.most_common(5):
        lines = 'line' if count == 1 else f'and {count - 1} more lines'
        problems.append(f'{path}:{first[fault]}: {fault}: {lines} skipped')
    if progress is not None:
        progress(done, total)
    return done


def _header_fault(line: str) -> str:
    try:
        header = json.loads(line)
    except ValueError:
        return ''
    version = header.get('version')
    return '' if version == VERSION else f'version {version}, expected {VERSION}'


def _forget_in(path: Path, room: str | None, day: str | None) -> int:
    kept, count = [], 0
    with open(path, encoding='utf-8', errors='replace') as file:
        for line in file:
            if line.startswith('{"log"'):
                kept.append(line)
                continue
            try:
                event = parse_event(line)
            except ValueError:
                # Its room is unknown, so it is deleted.
                count += bool(line.strip())
                continue
            if (room is None or event.room == room) and (day is None or day_of(event) == day):
                count += 1
            else:
                kept.append(line)
    if all(line.startswith('{"log"') for line in kept):
        path.unlink()
    elif count:
        replace_file(path, ''.join(kept))
    return count


def day_of(event: HomeEvent) -> str:
    """Return the local day of an event, YYYY-MM-DD."""
    return datetime.fromtimestamp(event.local_s, timezone.utc).strftime('%Y-%m-%d')


def replace_file(path: Path, text: str) -> None:
    """Write a file wholly or not at all, readable by its owner only.

    :raises OSError: when it cannot be written; the old one is then still there.
    """
    temporary = path.with_name(f'.{path.name}.new')
    with open(temporary, 'w', encoding='utf-8', opener=_private) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def export(events: Iterable[HomeEvent], file: TextIO, form: str) -> None:
    """Write events as ``csv`` or ``jsonl``."""
    if form == 'jsonl':
        file.write(json.dumps(_HEADER) + '\n')
        file.writelines(event.dump() + '\n' for event in events)
        return
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(COLUMNS)
    for event in events:
        light = event.light
        local = datetime.fromtimestamp(event.local_s, timezone.utc)
        writer.writerow((
            local.strftime('%Y-%m-%d %H:%M:%S'), event.room, event.kind.value,
            '' if event.actor is None else event.actor.value, event.target, event.value,
            *(('',) * 4 if light is None else (
                int(light.on), '' if light.brightness is None else round(light.brightness, 3),
                '' if light.color is None else '#' + ''.join(
                    f'{round(c * 255):02x}' for c in light.color),
                '' if light.color is not None else light.color_temperature_k or '')),
            event.emotion, round(event.lasted_s, 1) or '', event.people, event.habit))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _ends_whole(path: Path) -> bool:
    with open(path, 'rb') as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b'\n'
