# SPDX-License-Identifier: Apache-2.0
"""Read events from a log, a recording or bag, or a research home's file."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from fer_ros.errors import ConfigurationError
from fer_ros.habits.events import Actor, EventKind, HomeEvent
from fer_ros.habits.formats import read_activities
from fer_ros.habits.log import EventLog, read_logs, Reading
from fer_ros.habits.recorder import Recorder
from fer_ros.home.action import NOBODY
from fer_ros.home.recording import BAG_SUFFIXES, ManualChange, read_recording, Seen
from fer_ros.home.snapshot import RoomSnapshot

#: The room of what does not say where it was.
UNNAMED = 'home'


def utc_offset(time_s: float) -> int:
    """Return what this machine's local time is ahead of UTC at a time, seconds."""
    offset = datetime.fromtimestamp(time_s).astimezone().utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def read_events(path: Path, *, now_s: float,
                progress: Callable[[int, int], None] | None = None) -> Reading:
    """Return the events of a folder or file of any of the forms.

    :raises ConfigurationError: when it holds none of them.
    """
    if not path.exists():
        raise ConfigurationError(f'{path}: no such file or folder')
    if path.is_dir():
        log = EventLog(path)
        if log.files:
            return log.read(now_s=now_s, progress=progress)
        found = sorted(path.rglob('*_ADLs.txt'))
        if len(found) == 1:
            return Reading(_activities(found[0]), [])
        if not (path / 'metadata.yaml').is_file():
            raise ConfigurationError(f'{path}: no log of events (events.jsonl), no bag and not '
                                     'one *_ADLs.txt')
    elif path.suffix not in BAG_SUFFIXES:
        first = _first_line(path)
        if first.startswith('{"log"') or '"kind"' in first:
            return read_logs([path], now_s=now_s, progress=progress)
        if not first.startswith('{'):
            return Reading(_activities(path), [])
    return Reading(_recording(path), [])


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding='utf-8', errors='replace') as file:
            return next((line for line in file if line.strip()), '')[:1000]
    except OSError as error:
        raise ConfigurationError(f'{path}: cannot be read: {error.strerror}') from error


def _activities(path: Path) -> list[HomeEvent]:
    # Their times are local already.
    return [HomeEvent(time_s=activity.begin_s, room=UNNAMED, kind=EventKind.ACTIVITY,
                      value=activity.name, lasted_s=activity.end_s - activity.begin_s)
            for activity in read_activities(path)]


def _recording(path: Path) -> list[HomeEvent]:
    entries = list(read_recording(path))
    rooms = {entry.room for entry in entries if isinstance(entry, ManualChange)}
    room = rooms.pop() if len(rooms) == 1 else UNNAMED
    recorder, events = Recorder(utc_offset), []
    for entry in entries:
        if isinstance(entry, Seen):
            events += recorder.room(_snapshot(room, entry), entry.stamp_s)
            continue
        events.append(HomeEvent(
            time_s=entry.stamp_s, offset_s=utc_offset(entry.stamp_s), room=entry.room,
            kind=EventKind.ACTION, actor=Actor.PERSON, target=entry.target, light=entry.state,
            emotion=recorder.emotion(entry.room, entry.stamp_s)))
    return events


def _snapshot(room: str, seen: Seen) -> RoomSnapshot:
    surest = max(seen.faces, key=lambda face: face.confidence, default=None)
    return RoomSnapshot(room, True, '', (), True, NOBODY if surest is None else surest.label,
                        faces=len(seen.faces))
