# SPDX-License-Identifier: Apache-2.0
"""Choose the faces to read when time does not suffice for all."""

from collections.abc import Hashable, Mapping, Sequence

#: Weight of a new measurement of the time per face.
_FOLLOW = 0.2
#: At least this many faces of each frame are read.
_MINIMUM = 2
#: Lower bound of the time per face: a clock may be too coarse.
_SHORTEST_MS = 1e-3


class FaceRounds:
    """
    Share the time for one batch among streams, and take turns within each.

    Every stream gets the same share; what one does not need goes to those that need more (max-min
    fairness), so a crowd in front of one camera takes nothing from the others. In a stream with
    more faces than its share, those that have waited longest are read.

    :param budget_ms: time for one batch, milliseconds; 0: all faces are read.
    :ivar waiting: number of faces that were not read in the last batch.
    """

    def __init__(self, budget_ms: float):
        self._budget_ms = budget_ms
        self._face_ms: float | None = None
        self._turn = 0
        self._read: dict[str, dict[Hashable, int]] = {}
        self.waiting = 0

    def choose(self, faces: Mapping[str, Sequence[Hashable]]) -> dict[str, set[Hashable]]:
        """
        Return the ids of the faces to read now, by stream.

        :param faces: all ids, by stream.
        """
        self._turn += 1
        shares = self._shares({stream: len(ids) for stream, ids in faces.items()})
        chosen = {}
        for stream, ids in faces.items():
            read = self._read.get(stream, {})
            if shares[stream] >= len(ids):
                chosen[stream] = set(ids)
            else:
                chosen[stream] = set(sorted(ids, key=lambda one: read.get(one, 0))
                                     [:shares[stream]])
            # Faces that have gone are forgotten.
            self._read[stream] = {one: self._turn if one in chosen[stream] else read.get(one, 0)
                                  for one in ids}
        self.waiting = sum(len(ids) - len(chosen[stream]) for stream, ids in faces.items())
        return chosen

    def record(self, faces: int, elapsed_ms: float) -> None:
        """Record how long a batch took, milliseconds."""
        if not faces:
            return
        one = max(elapsed_ms / faces, _SHORTEST_MS)
        self._face_ms = one if self._face_ms is None else (
            self._face_ms + _FOLLOW * (one - self._face_ms))

    def _shares(self, wanted: Mapping[str, int]) -> dict[str, int]:
        if not self._budget_ms or not self._face_ms:
            return dict(wanted)
        left = max(int(self._budget_ms / self._face_ms), _MINIMUM * len(wanted))
        shares = {}
        for i, (stream, count) in enumerate(sorted(wanted.items(), key=lambda item: item[1])):
            shares[stream] = min(count, left // (len(wanted) - i))
            left -= shares[stream]
        return shares
