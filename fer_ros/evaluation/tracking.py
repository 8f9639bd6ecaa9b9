# SPDX-License-Identifier: Apache-2.0
"""Measure tracking on synthetic videos of real faces with known positions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation.detection import MATCHING_IOU
from fer_ros.faces.boxes import intersection_over_union
from fer_ros.faces.detection import FaceDetector
from fer_ros.types import BoundingBox, Face
import numpy as np

SIZE = (640, 480)
RATE_HZ = 30.0
# A face is pasted with this margin around its box, fading out, in units of its side.
_MARGIN = 0.45


@dataclass(frozen=True)
class Sprite:
    """
    A face cropped from a real image.

    :ivar pixels: uint8 ``(height, width, 3)`` BGR.
    :ivar alpha: float32 ``(height, width)``, [0, 1].
    :ivar box: the face inside it, pixels.
    """

    pixels: np.ndarray
    alpha: np.ndarray
    box: BoundingBox

    def mirrored(self) -> 'Sprite':
        """Return the mirrored face, as a different person."""
        width = self.pixels.shape[1]
        box = BoundingBox(width - self.box.x - self.box.width, self.box.y, self.box.width,
                          self.box.height)
        return Sprite(self.pixels[:, ::-1].copy(), self.alpha[:, ::-1].copy(), box)


@dataclass(frozen=True)
class Place:
    """A face's position in a frame: center and width in pixels, and whether it is covered."""

    x: float
    y: float
    width: float
    covered: bool = False


@dataclass(frozen=True)
class Scene:
    """
    A test: each person's position at a time in seconds (None: not in view), and the duration.

    :ivar solvable: whether a constant-velocity model can keep the identities.
    """

    people: tuple[Callable[[float], Place | None], ...]
    duration_s: float
    solvable: bool = True


def scenes() -> dict[str, Scene]:
    """Return the tests by name."""
    def line(x: float, y: float, vx: float, vy: float, width: float,
             covered: tuple[float, float] = (9e9, 9e9)) -> Callable[[float], Place]:
        return lambda t: Place(x + vx * t, y + vy * t, width, covered[0] <= t < covered[1])
    return {
        'still': Scene((line(320, 240, 0, 0, 100),), 4),
        'moving': Scene((line(90, 150, 110, 40, 80),
                         lambda t: Place(420 + 90 * np.sin(2 * t), 400, 70)), 4),
        'scaling': Scene((lambda t: Place(320, 240, 60 + 35 * t),), 4),
        'crossing': Scene((line(100, 210, 110, 0, 90), line(540, 260, -110, 0, 90)), 4),
        'crossing_behind': Scene((line(90, 240, 140, 0, 100), line(550, 240, -90, 0, 80)), 4),
        'occlusion': Scene((line(140, 240, 60, 0, 90, (1.6, 2.2)),), 4),
        'crowd': Scene(tuple(line(80 + 120 * (i % 5), 110 + 130 * (i // 5), 8 * (i % 3 - 1),
                                  6 * (i % 2), 56) for i in range(15)), 3),
    }


def cut_out(image: np.ndarray, box: BoundingBox) -> Sprite:
    """Return the face of a BGR image as a sprite with soft edges."""
    x, y = box.center
    half = np.array([box.width, box.height]) * (0.5 + _MARGIN)
    x0, y0 = np.maximum(np.floor((x - half[0], y - half[1])), 0).astype(int)
    x1, y1 = np.minimum(np.ceil((x + half[0], y + half[1])), image.shape[1::-1]).astype(int)
    pixels = image[y0:y1, x0:x1].copy()
    rows, columns = np.mgrid[y0:y1, x0:x1]
    distance = np.hypot((columns - x) / half[0], (rows - y) / half[1])
    alpha = np.clip((1.0 - distance) / 0.2, 0, 1).astype(np.float32)
    return Sprite(pixels, alpha, BoundingBox(box.x - x0, box.y - y0, box.width, box.height))


def first_face(frames: Iterator[np.ndarray], detector: FaceDetector, most_frames: int = 150
               ) -> tuple[np.ndarray, Sprite] | None:
    """Return the frame with the best face among the first ones and that face, or None."""
    best = None
    for frame, _ in zip(frames, range(most_frames)):
        for face in detector.detect(frame)[:1]:
            worth = face.score * min(face.box.width, 120)
            if best is None or worth > best[0]:
                best = (worth, frame.copy(), face.box)
    return None if best is None else (best[1], cut_out(best[1], best[2]))


def background(frame: np.ndarray) -> np.ndarray:
    """Return the frame at the test's size, upside down and blurred: no face is left."""
    small = cv2.resize(frame[::-1], (8, 6), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC)


def render(scene: Scene, sprites: list[Sprite], backdrop: np.ndarray, *, seed: int = 1
           ) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """Yield time in seconds, image and true boxes ``(people, 4)`` (NaN where not visible)."""
    random = np.random.default_rng(seed)
    for i in range(int(scene.duration_s * RATE_HZ)):
        t = i / RATE_HZ
        image = backdrop.copy()
        truth = np.full((len(scene.people), 4), np.nan)
        # Smaller faces are farther away: they are painted first.
        places = [person(t) for person in scene.people]
        order = sorted((k for k, place in enumerate(places) if place),
                       key=lambda k: places[k].width)
        for k in order:
            place, sprite = places[k], sprites[k % len(sprites)]
            scale = place.width / sprite.box.width
            height = sprite.box.height * scale
            _paste(image, sprite, scale, place)
            truth[k] = (place.x - place.width / 2, place.y - height / 2,
                        place.x + place.width / 2, place.y + height / 2)
            if place.covered:
                x0, y0, x1, y1 = (int(v) for v in truth[k])
                cv2.rectangle(image, (x0 - 30, y0 - 30), (x1 + 30, y1 + 30), (90, 110, 70), -1)
                truth[k] = np.nan
        for k in order:
            for other in order[order.index(k) + 1:]:
                if intersection_over_union(truth[k:k + 1], truth[other:other + 1])[0, 0] > 0.25:
                    truth[k] = np.nan  # behind another face
        noise = random.normal(0, 3, image.shape[:2])[..., None]
        yield t, np.clip(image + noise, 0, 255).astype(np.uint8), truth


def _paste(image: np.ndarray, sprite: Sprite, scale: float, place: Place) -> None:
    x, y = sprite.box.center
    matrix = np.array([[scale, 0, place.x - scale * x], [0, scale, place.y - scale * y]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    size = (image.shape[1], image.shape[0])
    pixels = cv2.warpAffine(sprite.pixels, matrix, size, flags=flags)
    alpha = cv2.warpAffine(sprite.alpha, matrix, size, flags=flags)[..., None]
    image[:] = (pixels * alpha + image * (1 - alpha)).astype(np.uint8)


def read_truth(path: str | Path) -> dict[int, np.ndarray]:
    """
    Return the true box ``(1, 4)`` of a video's only face by frame number, from 0.

    A line of the file is ``frame,x,y,size``: the center and the side of the face, pixels; other
    columns are ignored, as are lines that start with ``#``.

    :raises ConfigurationError: naming the line, when the file cannot be read.
    """
    try:
        lines = Path(path).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"'{path}' cannot be read ({error})") from error
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith('#'):
            continue
        try:
            frame, x, y, side = (float(word) for word in line.split(',')[:4])
            box = np.array([[x - side / 2, y - side / 2, x + side / 2, y + side / 2]])
            if not np.isfinite(box).all() or side <= 0:
                raise ValueError
            found[int(frame)] = box
        except (ValueError, OverflowError):
            raise ConfigurationError(f"'{path}', line {number}: '{line[:60]}' is not "
                                     "'frame,x,y,size'") from None
    if not found:
        raise ConfigurationError(f"'{path}' lists no frames")
    return found


@dataclass
class TrackingFigures:
    """
    Tracking metrics.

    :ivar frames: visible faces, summed over frames.
    :ivar found: share of them that a track covered, [0, 1].
    :ivar switches: how often a person's track id changed.
    :ivar fragments: how often a visible person was lost and found again.
    :ivar false_faces: tracks without a person, summed over frames.
    :ivar jitter: standard deviation of the box's center about the true one, in widths of the
        face, slow drift removed; the larger of x and y.
    :ivar size_jitter: the same for the width.
    """

    frames: int = 0
    found: float = 0.0
    switches: int = 0
    fragments: int = 0
    false_faces: int = 0
    jitter: float = 0.0
    size_jitter: float = 0.0


class TrackingMeter:
    """Compares tracks with the ground truth, frame by frame."""

    def __init__(self, people: int):
        self._ids = [0] * people
        self._was_seen = [False] * people
        self._ever = [False] * people
        self._errors: list[list[tuple[float, float, float]]] = [[] for _ in range(people)]
        self._hits = 0
        self._figures = TrackingFigures()

    def add(self, faces: list[Face], truth: np.ndarray) -> None:
        """Add a frame, with the truth that :func:`render` yields."""
        boxes = np.array([[f.box.x, f.box.y, f.box.x + f.box.width, f.box.y + f.box.height]
                          for f in faces], float).reshape(-1, 4)
        there = ~np.isnan(truth[:, 0])
        table = np.where(there, intersection_over_union(boxes, np.nan_to_num(truth)), 0)
        taken: set[int] = set()
        for k in np.flatnonzero(there):
            self._figures.frames += 1
            column = [(-1.0 if i in taken else table[i, k]) for i in range(len(faces))]
            # A person keeps the same track as long as it fits, as in the CLEAR metrics.
            own = [i for i, face in enumerate(faces) if face.track_id == self._ids[k]
                   and column[i] >= MATCHING_IOU]
            best = own[0] if own else int(np.argmax(column)) if column else -1
            if best < 0 or column[best] < MATCHING_IOU:
                if self._was_seen[k]:
                    self._figures.fragments += 1
                self._was_seen[k] = False
                continue
            taken.add(best)
            self._hits += 1
            if self._ids[k] and faces[best].track_id != self._ids[k]:
                self._figures.switches += 1
            self._ids[k], self._was_seen[k] = faces[best].track_id, True
            self._note_error(k, boxes[best], truth[k])
        self._figures.false_faces += sum(
            1 for i in range(len(faces)) if i not in taken and not table[i].max(initial=0) > 0)

    def _note_error(self, person: int, box: np.ndarray, truth: np.ndarray) -> None:
        width = truth[2] - truth[0]
        center = (box[:2] + box[2:] - truth[:2] - truth[2:]) / 2 / width
        self._errors[person].append((*center, (box[2] - box[0]) / width))

    def figures(self) -> TrackingFigures:
        """Return the metrics so far."""
        figures = self._figures
        figures.found = self._hits / max(figures.frames, 1)
        spreads = [_spread(np.array(errors)) for errors in self._errors if len(errors) > 10]
        if spreads:
            worst = np.max(spreads, axis=0)
            figures.jitter, figures.size_jitter = float(worst[:2].max()), float(worst[2])
        return figures


def _spread(errors: np.ndarray) -> np.ndarray:
    """Return the deviation of each column from its mean over a second."""
    window = min(len(errors), int(RATE_HZ))
    kernel = np.ones(window) / window
    smooth = np.stack([np.convolve(column, kernel, mode='same')
                       / np.convolve(np.ones(len(column)), kernel, mode='same')
                       for column in errors.T], axis=1)
    return (errors - smooth).std(axis=0)
