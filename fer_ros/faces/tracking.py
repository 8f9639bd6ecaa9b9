# SPDX-License-Identifier: Apache-2.0
"""Keep the identity of faces from frame to frame."""

from collections.abc import Sequence
from dataclasses import dataclass

from fer_ros.faces.assignment import assign
from fer_ros.stamps import FrameClock
from fer_ros.types import BoundingBox, Detection
import numpy as np

# Squared Mahalanobis distance of four degrees of freedom that one match in a thousand exceeds.
_GATE = 18.5
# A face does not jump further than this from where it is expected, in units of its longer side,
# and as much again for each second unseen.
_FURTHEST = 1.0
# Standard deviations in units of the face's side: of a detected box, ...
_POSITION_NOISE, _SIZE_NOISE = 0.035, 0.06
# ... of a face's first speed (sides a second), and how it changes (sides a second squared).
_FIRST_SPEED, _FIRST_GROWTH = 2.0, 0.5
_ACCELERATION, _GROWTH_ACCELERATION = 3.0, 0.8
_GROWTH_LASTS_S = 0.3
# Where faces overlap, the one behind shows in part: the noise of a box grows by this times the
# share of it that another track covers.
_COVER_NOISE = 20.0
# Of a face that comes in across the image's border only a part is seen at first: the noise of its
# first box grows by this along the axis that the border cuts.
_CUT_NOISE = 8.0
# A head reaches this far beyond its face, in units of the box.
_HEAD = 1.5
# A box that has this share of itself, or of a face already followed, in common is no new face.
_SAME_FACE = 0.5


@dataclass(frozen=True)
class Track:
    """
    A face followed over time.

    :ivar track_id: from 1 upwards, never used again.
    :ivar box: where the face is now, smoothed, pixels.
    :ivar score: the detector's confidence when it last saw the face, [0, 1].
    :ivar landmarks: float32 ``(5, 2)`` pixels, moved along with the box; or None.
    :ivar detected: True when the face was found in this very frame.
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
    """What a track remembers beside its motion."""

    track_id: int  # 0 until it is confirmed
    score: float
    landmarks: np.ndarray | None  # in units of the box: (0, 0) its corner, (1, 1) the opposite
    hits: int = 1
    misses: int = 0
    unseen_s: float = 0.0


class FaceTracker:
    """
    Assign detections to tracks: constant velocity, Kalman filters, Hungarian assignment.

    Centre, width and height each move with constant velocity disturbed by white acceleration
    (Bar-Shalom, Li, Kirubarajan: Estimation with Applications to Tracking and Navigation, 2001,
    6.2.2), with noise in proportion to the face's side, so neither frame rate nor resolution
    changes the behaviour. A detection goes to the track that explains it best: the assignment
    minimises the sum of the negative log-likelihoods, within gates.

    :param confirm_hits: detections after which a new face is reported and gets its id.
    :param instant_score: a new face with this score is reported at once, [0, 1].
    :param birth_score: weaker detections continue tracks but start none, [0, 1].
    :param carry_s: how long an undetected face is still reported, seconds.
    :param timeout_s: how long it is remembered, so that it finds its id again, seconds.
    :param max_tracks: bound on the tracks held.
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
        """Forget all faces; ids are not used again all the same."""
        self._entries: list[_Entry] = []
        self._state = np.zeros((0, 4, 2))  # value and speed of cx, cy, width, height
        self._covariance = np.zeros((0, 4, 2, 2))
        self._clock.reset()

    def __len__(self) -> int:
        return len(self._entries)

    def update(self, detections: Sequence[Detection] | None, stamp_s: float,
               image_size: tuple[int, int] | None = None) -> list[Track]:
        """
        Move on to a frame and return the confirmed faces that are to be seen, oldest first.

        Stamps may stand still or go back: see :class:`FrameClock`.

        :param detections: the frame's faces, or None when no detection ran: the tracks are
            carried on by their motion.
        :param stamp_s: time of the frame, seconds.
        :param image_size: width and height, pixels; a face that moves out is forgotten.
        """
        interval_s = self._clock.advance(stamp_s)
        self._predict(interval_s)
        for entry in self._entries:
            entry.unseen_s += interval_s
        self._bury(None, set())
        if detections is not None:
            self._bury(image_size, self._correct(detections, image_size))
        else:
            self._bury(image_size, set())
        return self._report()

    def rescale(self, x_factor: float, y_factor: float) -> None:
        """Adapt the tracks to a change of the image's resolution."""
        factors = np.array([x_factor, y_factor, x_factor, y_factor])
        self._state *= factors[:, None]
        self._covariance *= (factors ** 2)[:, None, None]

    def set_landmarks(self, track: Track, landmarks: np.ndarray) -> None:
        """Give a track better landmarks than the detector's: float ``(5, 2)`` pixels."""
        for entry in self._entries:
            if entry.track_id == track.track_id:
                entry.landmarks = _relative(landmarks, track.box)

    def _sides(self) -> np.ndarray:
        return np.sqrt(np.maximum(self._state[:, 2, 0] * self._state[:, 3, 0], 1.0))

    def _predict(self, dt: float) -> None:
        if not self._entries:
            return
        dt = min(dt, self._timeout_s)
        move = np.array([[1, dt], [0, 1]])
        scale = np.array([_ACCELERATION] * 2 + [_GROWTH_ACCELERATION] * 2)
        strength = (self._sides()[:, None] * scale) ** 2 * dt
        noise = np.array([[dt ** 2 / 3, dt / 2], [dt / 2, 1]])
        self._state = self._state @ move.T
        # A face does not go on growing for long: unseen, it would swell or vanish.
        self._state[:, 2:, 1] *= np.exp(-dt / _GROWTH_LASTS_S)
        self._state[:, 2:, 0] = np.maximum(self._state[:, 2:, 0], 1.0)
        self._covariance = (move @ self._covariance @ move.T
                            + strength[:, :, None, None] * noise)

    def _correct(self, detections: Sequence[Detection],
                 image_size: tuple[int, int] | None) -> set[int]:
        boxes = np.array([[*d.box.centre, max(d.box.width, 1.0), max(d.box.height, 1.0)]
                          for d in detections], float).reshape(-1, 4)
        rows, columns = self._assign(boxes)
        cover = self._cover()
        seen = set()
        for row, column in zip(rows, columns):
            self._absorb(row, boxes[column], detections[column], 1 + _COVER_NOISE * cover[row])
            seen.add(row)
        for row, entry in enumerate(self._entries):
            if row not in seen:
                entry.misses += 1
        taken = set(columns)
        free = sorted((i for i in range(len(detections)) if i not in taken
                       and detections[i].score >= self._birth_score),
                      key=lambda i: -detections[i].score)
        for i in free:
            if len(self._entries) >= self._max_tracks:
                break
            if _common_share(boxes[i:i + 1], self._state[:, :, 0]).max(initial=0) < _SAME_FACE:
                seen.add(len(self._entries))
                self._bear(boxes[i], detections[i], image_size)
        return seen

    def _cover(self) -> np.ndarray:
        """Return the share of each track's box that the one covering it most covers, ``(n,)``."""
        if not self._entries:
            return np.zeros(0)
        values = self._state[:, :, 0]
        shared = _shared_area(values, values * (1, 1, _HEAD, _HEAD))
        np.fill_diagonal(shared, 0)
        return shared.max(axis=1) / np.maximum(values[:, 2] * values[:, 3], 1.0)

    def _assign(self, boxes: np.ndarray) -> tuple[list[int], list[int]]:
        if not self._entries or not len(boxes):
            return [], []
        sides = self._sides()
        variance = self._covariance[:, :, 0, 0] + self._noise(sides)
        offset = boxes[None] - self._state[:, None, :, 0]
        distance = np.sum(offset ** 2 / variance[:, None], axis=2)
        longer = self._state[:, 2:, 0].max(axis=1)
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

    @staticmethod
    def _noise(sides: np.ndarray) -> np.ndarray:
        """Variance of a detected box's values, ``(n, 4)``."""
        return (sides[:, None] * np.array([_POSITION_NOISE] * 2 + [_SIZE_NOISE] * 2)) ** 2

    def _absorb(self, row: int, box: np.ndarray, detection: Detection, doubt: float) -> None:
        state, covariance = self._state[row], self._covariance[row]
        noise = self._noise(self._sides()[row:row + 1])[0] * doubt ** 2
        variance = covariance[:, 0, 0] + noise
        gain = covariance[:, :, 0] / variance[:, None]
        state += gain * (box - state[:, 0])[:, None]
        state[2:, 0] = np.maximum(state[2:, 0], 1.0)
        covariance -= gain[:, :, None] * covariance[:, None, 0, :]
        entry = self._entries[row]
        entry.score, entry.landmarks = detection.score, _own_landmarks(detection)
        entry.unseen_s, entry.misses = 0.0, 0
        entry.hits += 1
        self._confirm(entry)

    def _bear(self, box: np.ndarray, detection: Detection,
              image_size: tuple[int, int] | None) -> None:
        entry = _Entry(0, detection.score, _own_landmarks(detection))
        self._confirm(entry)
        self._entries.append(entry)
        state = np.stack([box, np.zeros(4)], axis=1)
        cut = _cut(box, image_size)
        # The side that the border does not cut tells how large the face is.
        side = max(box[2:]) if cut.any() else np.sqrt(max(box[2] * box[3], 1.0))
        speed = side * np.array([_FIRST_SPEED] * 2 + [_FIRST_GROWTH] * 2)
        covariance = np.zeros((4, 2, 2))
        doubt = np.where(cut, _CUT_NOISE, 1.0)
        covariance[:, 0, 0] = self._noise(np.array([side]))[0] * doubt ** 2
        covariance[:, 1, 1] = speed ** 2
        self._state = np.concatenate([self._state, state[None]])
        self._covariance = np.concatenate([self._covariance, covariance[None]])

    def _confirm(self, entry: _Entry) -> None:
        if not entry.track_id and (entry.hits >= self._confirm_hits
                                   or entry.score >= self._instant_score):
            entry.track_id = self._next_id
            self._next_id += 1

    def _bury(self, image_size: tuple[int, int] | None, seen: set[int]) -> None:
        keep = []
        for row, entry in enumerate(self._entries):
            x, y = self._state[row, :2, 0]
            left = image_size and row not in seen and not (0 <= x <= image_size[0]
                                                           and 0 <= y <= image_size[1])
            # An unconfirmed face that is missed once was a false alarm.
            if not left and entry.unseen_s <= self._timeout_s and (
                    entry.track_id or not entry.misses):
                keep.append(row)
        self._entries = [self._entries[row] for row in keep]
        self._state, self._covariance = self._state[keep], self._covariance[keep]

    def _report(self) -> list[Track]:
        tracks = []
        for entry, state in zip(self._entries, self._state[:, :, 0]):
            if not entry.track_id or entry.unseen_s > self._carry_s:
                continue
            cx, cy, width, height = (float(value) for value in state)
            box = BoundingBox(cx - width / 2, cy - height / 2, width, height)
            tracks.append(Track(entry.track_id, box, entry.score, _absolute(entry.landmarks, box),
                                entry.unseen_s == 0.0, entry.unseen_s))
        return sorted(tracks, key=lambda track: track.track_id)


def _cut(box: np.ndarray, image_size: tuple[int, int] | None) -> np.ndarray:
    """Return which of centre x, centre y, width and height the image's border cuts, ``(4,)``."""
    if image_size is None:
        return np.zeros(4, bool)
    low, high = box[:2] - box[2:] / 2, box[:2] + box[2:] / 2
    return np.tile((low <= 1) | (high >= np.array(image_size) - 1), 2)


def _shared_area(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersections of boxes given as cx, cy, width, height, ``(n, m)``."""
    low = np.maximum((first[:, :2] - first[:, 2:] / 2)[:, None],
                     (second[:, :2] - second[:, 2:] / 2)[None])
    high = np.minimum((first[:, :2] + first[:, 2:] / 2)[:, None],
                      (second[:, :2] + second[:, 2:] / 2)[None])
    return np.prod(np.maximum(high - low, 0), axis=2)


def _common_share(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersections over the smaller of both boxes, ``(n, m)``."""
    areas = [np.maximum(boxes[:, 2] * boxes[:, 3], 1.0) for boxes in (first, second)]
    return _shared_area(first, second) / np.minimum(areas[0][:, None], areas[1])


def _own_landmarks(detection: Detection) -> np.ndarray | None:
    return None if detection.landmarks is None else _relative(detection.landmarks, detection.box)


def _relative(landmarks: np.ndarray, box: BoundingBox) -> np.ndarray:
    return (landmarks - (box.x, box.y)) / (max(box.width, 1e-6), max(box.height, 1e-6))


def _absolute(landmarks: np.ndarray | None, box: BoundingBox) -> np.ndarray | None:
    if landmarks is None:
        return None
    return (landmarks * (box.width, box.height) + (box.x, box.y)).astype(np.float32)
