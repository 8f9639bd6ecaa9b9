# SPDX-License-Identifier: Apache-2.0
"""Describe what was learned about a room."""

from datetime import datetime, timezone

from fer_ros.habits.finder import PARTS
from fer_ros.habits.model import NextEvent, RoomModel
from fer_ros.habits.preferences import Preference
from fer_ros.habits.sequence import DAY_S
from fer_ros.habits.words import evidence, feeling, percent, setting, spoken

#: A preference with less evidence is not shown.
_TOLD = 1.5


def describe_preference(preference: Preference) -> str:
    """Describe a lamp's preferred state, with its spread and evidence."""
    words = 'off' if preference.on < 0.5 else setting(preference.light)
    if preference.on >= 0.5 and preference.brightness_range is not None:
        low, high = preference.brightness_range
        if high - low >= 0.02:
            words += f' (middle half {100 * low:.0f} to {percent(high)})'
    sure = max(preference.on, 1 - preference.on)
    return (f'{words}; {_certainty(sure)} certain that it is wanted '
            f'{"on" if preference.on >= 0.5 else "off"}, from about '
            f'{counted(round(preference.evidence), "choice")}')


def describe_next(event: NextEvent) -> str:
    """Return what may come next and how soon."""
    soon = ', '.join(f'{percent(event.probability * share)} within {minutes} min'
                     for minutes, share in event.within.items())
    return f'{100 * event.probability:5.1f} %  {event.name}' + (f' ({soon})' if soon else '')


def explain_room(room: RoomModel, local_s: float, now_s: float) -> list[str]:
    """Return what was learned about a room, one line each."""
    choices = sum(len(known.choices) for known in room.preferences.values())
    lines = [f'{room.room}: learned from {counted(len(room.sequence), "event")}, '
             f'{counted(choices, "choice")} for {counted(len(room.preferences), "lamp")}, and '
             f'{counted(len(room.episodes), "emotion")} from begin to end']
    habits = room.habits(local_s)
    for habit in habits:
        refused = '; refused' if room.refused(habit, now_s) else ''
        lines.append(f'  habit: {evidence(habit)} ({_certainty(habit.probability)} certain that '
                     f'it is done more often than not{refused})')
    if not habits and choices:
        lines.append('  no habit yet: under no emotion and in no part of the day was the same '
                     'chosen most of the time')
    for name, record in sorted(room.records.items()):
        state = 'suspended, ' if record.suspended else ''
        lines.append(f'  {name}: {state}{record.words}')
    lines += _orders(room)
    midnight_s = local_s // DAY_S * DAY_S
    for target in sorted(room.preferences):
        for emotion in sorted({situation.emotion for situation, _
                               in room.preferences[target].choices}):
            for part, (first, last) in PARTS.items():
                if part == 'any time':
                    continue
                middle = (first + last) / 2
                found = room.want(target, midnight_s + middle * 3600, emotion)
                if found is not None and found.evidence >= _TOLD and _seen(
                        room, target, emotion, first, last):
                    when = f'when {feeling(emotion)}' if emotion else 'without a known emotion'
                    lines.append(f'  {spoken(target)}, {part} {when}: '
                                 f'{describe_preference(found)}')
    return lines


def _orders(room: RoomModel) -> list[str]:
    """Return what follows the most frequent events."""
    lines = []
    for name in room.sequence.names[:6]:
        followers = room.sequence.successors(name)
        total = sum(count for _, count, _ in followers)
        texts = [f'{follower} ({count} of {total}, after about {_duration(gap_s)})'
                for follower, count, gap_s in followers[:2] if count >= max(2, total / 5)]
        if texts:
            lines.append(f'  after {name} comes {" or ".join(texts)}')
    return lines


def _certainty(value: float) -> str:
    """Return a probability that is never a certainty."""
    return 'over 99 %' if value >= 0.995 else percent(value)


def counted(count: int, noun: str) -> str:
    """Return how many there are of something."""
    return f'{count} {noun}' + ('' if count == 1 else 's')


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 5400 else f'{seconds / 3600:.1f} h'


def _seen(room: RoomModel, target: str, emotion: str, first: int, last: int) -> bool:
    """Return whether enough was chosen in that part of the day under that emotion."""
    count = 0
    for situation, _ in room.preferences[target].choices:
        count += first <= situation.hour < last and situation.emotion == emotion
    return count >= 2


def clock(local_s: float) -> str:
    """Return a local time for people."""
    return datetime.fromtimestamp(local_s, timezone.utc).strftime('%A %H:%M')
