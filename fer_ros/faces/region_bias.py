# SPDX-License-Identifier: Apache-2.0
"""How much smaller faces are found in a region than in the whole image."""

from collections.abc import Sequence
from dataclasses import replace

from fer_ros.faces.detection.regions import same_faces
from fer_ros.types import BoundingBox, Detection
import numpy as np

# So many faces are remembered.
_KEPT = 64
# The latest comparison counts this much, once there have been as many as its inverse.
_WEIGHT = 0.1
# Only faces of this score are compared.
_SURE = 0.7


class RegionBias:
    """
    Learns the difference wherever both searches saw the same image, and corrects for it.

    A network that sees less around a face finds it up to 5 % smaller, and always by about as
    much. Where both searches take turns, the size of the box would jump.
    """

    def __init__(self):
        # By track: logarithms of the factors of width and height.
        self._values: dict[int, np.ndarray] = {}
        self._counts: dict[int, int] = {}
        self._latest: dict[int, BoundingBox] = {}

    def knows(self, track_ids: Sequence[int]) -> bool:
        """Return whether all these faces have been compared."""
        return all(track_id in self._values for track_id in track_ids)

    def corrected(self, found: Sequence[Detection], track_ids: Sequence[int],
                  known: Sequence[BoundingBox]) -> list[Detection]:
        """
        Return what was found in regions as the search of the whole image would find it.

        :param track_ids: of the known faces.
        :param known: about where they are.
        """
        found, self._latest = list(found), {}
        for track_id, face in zip(track_ids, known):
            i = _first_same(found, face)
            if i is None:
                continue
            self._latest[track_id] = box = found[i].box
            if track_id in self._values:
                width, height = (np.exp(self._values[track_id]) * (box.width, box.height)).tolist()
                found[i] = replace(found[i], box=BoundingBox(
                    box.center[0] - width / 2, box.center[1] - height / 2, width, height))
        return found

    def learn(self, whole: Sequence[Detection]) -> None:
        """Compare the faces of the last regions with those found in the whole of that image."""
        sure = [face for face in whole if face.score >= _SURE]
        for track_id, box in self._latest.items():
            value = self._values.pop(track_id, np.zeros(2))
            count = self._counts.pop(track_id, 0)
            if (i := _first_same(sure, box)) is not None:
                other, count = sure[i].box, count + 1
                factors = np.array([other.width / box.width, other.height / box.height])
                value = value + max(_WEIGHT, 1 / count) * (np.log(factors) - value)
            self._values[track_id], self._counts[track_id] = value, count
        for track_id in list(self._values)[:-_KEPT]:
            del self._values[track_id], self._counts[track_id]


def _first_same(found: Sequence[Detection], face: BoundingBox) -> int | None:
    """Return the index of the first that can be the face."""
    boxes = np.array([[one.box.x, one.box.y, one.box.x + one.box.width,
                       one.box.y + one.box.height] for one in found]).reshape(-1, 4)
    same = np.flatnonzero(same_faces(boxes, face))
    return int(same[0]) if same.size else None
