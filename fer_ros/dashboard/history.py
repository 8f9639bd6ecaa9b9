# SPDX-License-Identifier: Apache-2.0
"""Emotions of the last hours, in memory only."""

from collections import deque
from collections.abc import Iterator
import csv
from datetime import datetime, timezone
import io
import struct
import threading

from fer_ros.attention.state import STATES, UNKNOWN
from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.types import FaceEmotion

#: Recording interval of a person, seconds; a change of the label is recorded too.
INTERVAL_S = 1.0
#: Maximum number of records: about 60 MB, 8 people for 13 hours.
MAXIMUM_RECORDS = 400_000
_CLOCK_TOLERANCE_S = 60.0
#: Number of people from which those who have left are pruned.
_PEOPLE = 1000
#: time, camera, person, label, attention, 7 filtered probabilities, quality, valence, arousal,
#: duration
_RECORD = struct.Struct('<dHIBB11f')
#: Attention by index; empty if unknown.
_ATTENTION = ('', UNKNOWN, *STATES)

COLUMNS = ('time', 'camera', 'person', 'label', *LABELS, 'quality', 'valence', 'arousal',
           'state_duration_s', 'attention')


class History:
    """Keeps one record per person and second for ``hours``.

    :param cameras: names, in the order of the indices for :meth:`add`.
    """

    def __init__(self, cameras: tuple[str, ...], hours: float):
        self._cameras, self._keep_s = cameras, hours * 3600
        self._records: deque[bytes] = deque(maxlen=MAXIMUM_RECORDS)
        self._last: dict[tuple[int, int], tuple[float, str, str]] = {}
        self._prune_above = _PEOPLE
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many records are held."""
        return len(self._records)

    def add(self, camera: int, emotion: FaceEmotion, now_s: float, attention: str = '') -> None:
        """Record what a person shows, unless the same was done less than a second ago.

        :param attention: the state of attention; empty where it is not known whether there is one.
        """
        if self._keep_s <= 0:
            return
        key = camera, emotion.track_id
        with self._lock:
            at_s, *before = self._last.get(key, (float('-inf'), '', ''))
            if before == [emotion.label, attention] and 0 <= now_s - at_s < INTERVAL_S:
                return
            self._last[key] = now_s, emotion.label, attention
            index = LABELS.index(emotion.label) if emotion.label != UNCERTAIN else 255
            self._records.append(_RECORD.pack(
                now_s, camera, emotion.track_id, index, _ATTENTION.index(attention),
                *emotion.filtered, emotion.quality, emotion.valence, emotion.arousal,
                emotion.duration_s))
            self._forget(now_s)

    def _forget(self, now_s: float) -> None:
        # A clock set back leaves records in the future.
        while not now_s - self._keep_s <= _time(self._records[0]) <= now_s + _CLOCK_TOLERANCE_S:
            self._records.popleft()
        if len(self._last) > self._prune_above:
            self._last = {key: value for key, value in self._last.items()
                          if 0 <= now_s - value[0] < 60}
            # Pruned again when it has doubled, so the cost per person stays constant.
            self._prune_above = max(_PEOPLE, 2 * len(self._last))

    def timeline(self, now_s: float, seconds: float) -> list[dict]:
        """Return each person's probabilities over the last seconds, as columns by label."""
        people: dict[tuple[int, int], list[tuple]] = {}
        for record in self._since(now_s - seconds, now_s):
            people.setdefault((record[1], record[2]), []).append(record)
        return [{
            'camera': self._cameras[camera], 'id': track_id,
            'time_s': [round(row[0], 2) for row in rows],
            'attention': [_ATTENTION[row[4]] for row in rows],
            **{label: [round(row[5 + i], 3) for row in rows] for i, label in enumerate(LABELS)},
            'valence': [round(row[13], 3) for row in rows],
            'arousal': [round(row[14], 3) for row in rows],
        } for (camera, track_id), rows in people.items()]

    def csv(self, now_s: float, hours: float) -> Iterator[str]:
        """Yield the records of the last hours as CSV, a few hundred lines at a time."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator='\n')
        writer.writerow(COLUMNS)
        for number, row in enumerate(self._since(now_s - hours * 3600, now_s)):
            moment = datetime.fromtimestamp(row[0], timezone.utc)
            writer.writerow((
                moment.isoformat(timespec='milliseconds'), self._cameras[row[1]], row[2],
                LABELS[row[3]] if row[3] < len(LABELS) else UNCERTAIN,
                *(f'{value:.4f}' for value in row[5:15]), f'{row[15]:.1f}', _ATTENTION[row[4]]))
            if number % 500 == 499:
                yield text.getvalue()
                text.seek(0)
                text.truncate()
        yield text.getvalue()

    def _since(self, begin_s: float, now_s: float) -> list[tuple]:
        found = []
        with self._lock:
            for packed in reversed(self._records):
                at_s = _time(packed)
                if at_s < begin_s:
                    break
                if at_s <= now_s + _CLOCK_TOLERANCE_S:
                    found.append(packed)
        return [_RECORD.unpack(packed) for packed in reversed(found)]


def _time(packed: bytes) -> float:
    return struct.unpack_from('<d', packed)[0]
