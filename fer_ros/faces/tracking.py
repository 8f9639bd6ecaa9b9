# SPDX-License-Identifier: Apache-2.0
"""Keep the identity of faces from frame to frame."""

from collections.abc import Sequence
from dataclasses import dataclass

from fer_ros.faces.assignment import assign
from fer_ros.faces.boxes import areas, intersection_over_smaller, shared_areas
from fer_ros.faces.motion import BoxMotion
from fer_ros.stamps import FrameClock
from fer_ros.types import BoundingBox, Detection
import numpy as np

# Squared Mahalanobis distance (four degrees of freedom) that one match in a thousand exceeds.
_GATE = 18.5
# A face does not jump further than this from where it is expected, in units of its longer side,
# and as much again for each second unseen.
_FURTHEST = 1.0
# Where faces overlap, the rear one is partly hidden: the noise of a box grows by this times the
# share of it that another track covers.
_COVER_NOISE = 20.0
# A face that enters across the image's border is only partly visible at first: the noise of its
# first box grows by this along the axis that the border cuts.
_CUT_NOISE = 8.0
# A head reaches this far beyond its face, in units of the box.
_HEAD = 1.5
# A box that has this share of itself, or of a face already followed, in common is not a new face.
_SAME_FACE = 0.5


@dataclass(frozen=True)
class Track:
    """
    A face tracked over time.

    :ivar track_id: starts at 1, never reused.
    :ivar box: the face's current box, smoothed, pixels.
    :ivar score: the detector's confidence when it last saw the face, [0, 1].
    :ivar landmarks: float32 ``(5, 2)`` pixels, moved along with the box; or None.
    :ivar detected: True if the face was detected in this frame.
    :ivar unseen_s: seconds since the detector last saw it.
    """

    track_id: int
    box: BoundingBox
    score: float
    landmarks: np.ndarray | None
    detected: bool
    unseen_s: float


@dataclass
class _Entry:
    """A track's data besides its motion."""

    track_id: int  # 0 until it is confirmed
    score: float
    landmarks: np.ndarray | None  # in units of the box: (0, 0) its corner, (1, 1) the opposite
    hits: int = 1
    missed: bool = False
    unseen_s: float = 0.0


class FaceTracker:
    """
    Keeps face identities by assigning detections to tracks.

    Tracks move as :class:`fer_ros.faces.motion.BoxMotion` predicts. The assignment minimizes the
    sum of the negative log-likelihoods, within gates.

    :param confirm_hits: detections after which a new face is reported and gets its id.
    :param instant_score: a new face with this score is reported at once, [0, 1].
    :param birth_score: weaker detections continue tracks but start none, [0, 1].
    :param carry_s: how long an undetected face is still reported, seconds.
    :param timeout_s: how long it is remembered to get its id back, seconds.
    :param max_tracks: maximum number of tracks.
    """

    def __init__(self, *, confirm_hits: int = 2, instant_score: float = 0.8,
                 birth_score: float = 0.6, carry_s: float = 0.5, timeout_s: float = 2.0,
                 max_tracks: int = 128):
        self._confirm_hits = confirm_hits
        self._instant_score = instant_score
        self._birth_score = birth_score
        self._carry_s = carry_s
        self._timeout_s = max(timeout_s, carry_s)
        self._max_tracks = max_tracks
        self._next_id = 1
        self._clock = FrameClock(self._timeout_s)
        self.reset()

    def reset(self) -> None:
        """Forget all faces; ids are not reused."""
        self._entries: list[_Entry] = []
        self._motion = BoxMotion()
        self._clock.reset()

    def __len__(self) -> int:
        return len(self._entries)

    def update(self, detections: Sequence[Detection] | None, stamp_s: float,
               image_size: tuple[int, int] | None = None) -> list[Track]:
        """
        Process a frame and return the confirmed visible faces, oldest first.

        Stamps may stand still or go back: see :class:`FrameClock`.

        :param detections: the frame's faces, or None when no detection ran: the tracks are
            carried on by their motion.
        :param stamp_s: time of the frame, seconds.
        :param image_size: width and height, pixels; a face that leaves it is forgotten.
        """
        interval_s = self._clock.advance(stamp_s)
        self._motion.predict(min(interval_s, self._timeout_s))
        for entry in self._entries:
            entry.unseen_s += interval_s
        self._prune(None, set())
        if detections is not None:
            self._prune(image_size, self._correct(detections, image_size))
        else:
            self._prune(image_size, set())
        return self._report()

    def add(self, detections: Sequence[Detection], image_size: tuple[int, int] | None = None
            ) -> list[Track]:
        """
        Add the new faces among detections in the frame of the last :meth:`update`.

        :return: those that are confirmed at once; all are reported from the next frame on.
        """
        rows = self._begin(_measured(detections), detections, set(range(len(detections))),
                           image_size)
        new = {self._entries[row].track_id for row in rows}
        return [track for track in self._report() if track.track_id in new]

    def rescale(self, x_factor: float, y_factor: float) -> None:
        """Adapt the tracks to a change of the image's resolution."""
        self._motion.rescale(x_factor, y_factor)

    def set_landmarks(self, track: Track, landmarks: np.ndarray) -> None:
        """Give a track better landmarks than the detector's: float ``(5, 2)`` pixels."""
        for entry in self._entries:
            if entry.track_id == track.track_id:
                entry.landmarks = _relative(landmarks, track.box)

    def _correct(self, detections: Sequence[Detection],
                 image_size: tuple[int, int] | None) -> set[int]:
        boxes = _measured(detections)
        rows, columns = self._assign(boxes)
        cover = self._cover()
        seen = set()
        for row, column in zip(rows, columns):
            self._update(row, boxes[column], detections[column], 1 + _COVER_NOISE * cover[row])
            seen.add(row)
        for row, entry in enumerate(self._entries):
            if row not in seen:
                entry.missed = True
        seen |= self._begin(boxes, detections, set(range(len(detections))) - set(columns),
                            image_size)
        return seen

    def _begin(self, boxes: np.ndarray, detections: Sequence[Detection], free: set[int],
               image_size: tuple[int, int] | None) -> set[int]:
        """Start tracks of free detections, except for faces already followed; return the rows."""
        seen = set()
        for i in sorted((i for i in free if detections[i].score >= self._birth_score),
                        key=lambda i: -detections[i].score):
            if len(self._entries) >= self._max_tracks:
                break
            if intersection_over_smaller(_corners(boxes[i:i + 1]), _corners(self._motion.values)
                                         ).max(initial=0) < _SAME_FACE:
                seen.add(len(self._entries))
                self._create(boxes[i], detections[i], image_size)
        return seen

    def _cover(self) -> np.ndarray:
        """Return the share of each track's box that the one covering it most covers, ``(n,)``."""
        faces = _corners(self._motion.values)
        shared = shared_areas(faces, _corners(self._motion.values * (1, 1, _HEAD, _HEAD)))
        np.fill_diagonal(shared, 0)
        return shared.max(axis=1, initial=0) / areas(faces)

    def _assign(self, boxes: np.ndarray) -> tuple[list[int], list[int]]:
        if not self._entries or not len(boxes):
            return [], []
        variance = self._motion.variance
        offset = boxes[None] - self._motion.values[:, None]
        distance = np.sum(offset ** 2 / variance[:, None], axis=2)
        longer = self._motion.values[:, 2:].max(axis=1)
        jump = np.hypot(offset[:, :, 0], offset[:, :, 1]) / longer[:, None]
        unseen_s = np.array([entry.unseen_s for entry in self._entries])
        allowed = (distance < _GATE) & (jump < (_FURTHEST + unseen_s)[:, None])
        cost = distance + np.sum(np.log(variance), axis=1)[:, None]
        # Tentative tracks come after confirmed ones when both explain a detection.
        cost += np.array([0.0 if entry.track_id else 4.0 for entry in self._entries])[:, None]
        forbidden = 1e6
        rows, columns = assign(np.where(allowed, cost, forbidden))
        pairs = [(int(r), int(c)) for r, c in zip(rows, columns) if allowed[r, c]]
        return [r for r, _ in pairs], [c for _, c in pairs]

    def _update(self, row: int, box: np.ndarray, detection: Detection, doubt: float) -> None:
        self._motion.correct(row, box, doubt)
        entry = self._entries[row]
        entry.score, entry.landmarks = detection.score, _own_landmarks(detection)
        entry.unseen_s, entry.missed = 0.0, False
        entry.hits += 1
        self._confirm(entry)

    def _create(self, box: np.ndarray, detection: Detection,
              image_size: tuple[int, int] | None) -> None:
        entry = _Entry(0, detection.score, _own_landmarks(detection))
        self._confirm(entry)
        self._entries.append(entry)
        cut = _cut(box, image_size)
        # The side that the border does not cut gives the size of the face.
        side = max(box[2:]) if cut.any() else np.sqrt(box[2] * box[3])
        self._motion.add(box, side, np.where(cut, _CUT_NOISE, 1.0))

    def _confirm(self, entry: _Entry) -> None:
        if not entry.track_id and (entry.hits >= self._confirm_hits
                                   or entry.score >= self._instant_score):
            entry.track_id = self._next_id
            self._next_id += 1

    def _prune(self, image_size: tuple[int, int] | None, seen: set[int]) -> None:
        keep = []
        for row, entry in enumerate(self._entries):
            x, y = self._motion.values[row, :2]
            left = image_size and row not in seen and not (0 <= x <= image_size[0]
                                                           and 0 <= y <= image_size[1])
            # An unconfirmed face that is missed once was a false alarm.
            if not left and entry.unseen_s <= self._timeout_s and (
                    entry.track_id or not entry.missed):
                keep.append(row)
        self._entries = [self._entries[row] for row in keep]
        self._motion.keep(keep)

    def _report(self) -> list[Track]:
        tracks = []
        for entry, values in zip(self._entries, self._motion.values):
            if not entry.track_id or entry.unseen_s > self._carry_s:
                continue
            cx, cy, width, height = (float(value) for value in values)
            box = BoundingBox(cx - width / 2, cy - height / 2, width, height)
            tracks.append(Track(entry.track_id, box, entry.score, _absolute(entry.landmarks, box),
                                entry.unseen_s == 0.0, entry.unseen_s))
        return sorted(tracks, key=lambda track: track.track_id)


def _measured(detections: Sequence[Detection]) -> np.ndarray:
    """Return center x, center y, width and height of each box, ``(n, 4)``."""
    return np.array([[*d.box.center, max(d.box.width, 1.0), max(d.box.height, 1.0)]
                     for d in detections], float).reshape(-1, 4)


def _cut(box: np.ndarray, image_size: tuple[int, int] | None) -> np.ndarray:
    """Return which of center x, center y, width and height the image's border cuts, ``(4,)``."""
    if image_size is None:
        return np.zeros(4, bool)
    low, high = _corners(box[None])[0].reshape(2, 2)
    return np.tile((low <= 1) | (high >= np.array(image_size) - 1), 2)


def _corners(values: np.ndarray) -> np.ndarray:
    """Return left, top, right, bottom of boxes given as center, width and height, ``(n, 4)``."""
    return np.hstack([values[:, :2] - values[:, 2:] / 2, values[:, :2] + values[:, 2:] / 2])


def _own_landmarks(detection: Detection) -> np.ndarray | None:
    return None if detection.landmarks is None else _relative(detection.landmarks, detection.box)


def _relative(landmarks: np.ndarray, box: BoundingBox) -> np.ndarray:
    return (landmarks - (box.x, box.y)) / (max(box.width, 1e-6), max(box.height, 1e-6))


def _absolute(landmarks: np.ndarray | None, box: BoundingBox) -> np.ndarray | None:
    if landmarks is None:
        return None
    return (landmarks * (box.width, box.height) + (box.x, box.y)).astype(np.float32)
