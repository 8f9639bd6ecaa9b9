# SPDX-License-Identifier: Apache-2.0
"""
YuNet: a tiny single-stage face detector, with a second pass over doubtful candidates.

W. Wu, H. Peng, S. Yu: YuNet: A Tiny Millisecond-level Face Detector. Machine Intelligence
Research 20, 656-665, 2023.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection.base import FaceDetector
from fer_ros.faces.detection.candidates import as_detections, suppress
from fer_ros.faces.detection.images import as_bgr, padded_to_multiple, scaled_to
from fer_ros.faces.detection.libfacedetection import STRIDES
from fer_ros.faces.detection.onnx_rewrite import free_input_size
from fer_ros.faces.detection.regions import Regions, regions_around, same_faces, whole_in
from fer_ros.faces.detection.runtime import read_model
from fer_ros.faces.detection.yunet_networks import installed_network, OnnxYuNet
from fer_ros.inference.published_models import FETCH_COMMAND, fetched_path, flaw, YUNET
from fer_ros.types import BoundingBox, Detection
import numpy as np

_LARGEST_PX = 480

# A dark image is brightened so that all but its brightest 2 % come to at most this value.
_WHITE, _WHITE_PERCENTILE = 220.0, 98
_LEAST_GAIN, _MOST_GAIN = 1.5, 8.0

# The second look: candidates from this score on, ...
_DOUBT = 0.08
# ... up to this one, and of this size in the scaled image, ...
_TRUST, _SMALLEST_PX = 0.7, 26
# ... first those below this score, which would be lost (at any threshold: what is found at one
# threshold is found at every lower one), ...
_LIKELY = 0.35
# ... at most so many, are shown again turned by these degrees, ...
_MOST_DOUBTS, _TURNS_DEG = 3, (-30.0, 30.0)
# ... each in the middle of a square of this side with its own side at this length.
_PATCH_PX, _FACE_PX = 96, 40
# ... and the same face may come out larger or smaller by this factor.
_MOST_GROWTH = 1.5
# In a stream, a candidate that a second pass rejected gets none in the next so many images, ...
_REST = 5
# ... as long as it lies within this part of its side and has the same size and score within these.
_SAME_PLACE, _SAME_SIZE, _SAME_SCORE = 0.15, 1.2, 0.1
# How much the second look counts against the first in the score (geometric mean).
_SECOND_WEIGHT = 0.8


class YuNetDetector(FaceDetector):
    """
    YuNet with libfacedetection's weights, or from the user's file in OpenCV Zoo's format.

    The network was trained on upright faces in good light. A dark image is therefore brightened
    first. A rolled face gets a low score, but hardly ever none: doubtful candidates are cropped
    and run again rotated to either side, at a thirtieth of the cost of a 640 x 480 pass per
    rotation.

    :param size_px: 0: at most 480, the best trade-off within 8 ms; 576 finds more small faces.
    :param second_look: False disables both.
    """

    name = 'yunet'

    def __init__(self, *, model_path: str = '', size_px: int = 0, minimum_face_px: float = 24,
                 score_threshold: float = 0.35, nms_threshold: float = 0.3, threads: int = 1,
                 providers: Sequence[str] = (), second_look: bool = True):
        super().__init__(minimum_face_px=minimum_face_px, score_threshold=score_threshold)
        path = Path(model_path) if model_path else fetched_path(YUNET)
        self._network = (installed_network(threads, providers) if path is None else OnnxYuNet(
            _read(path, fetched=not model_path), path, threads, providers))
        self.warnings = self._network.warnings
        self._size_px = size_px
        self._nms_threshold = nms_threshold
        self._second_look = second_look and not self._network.fixed_size
        # By how much the last image was brightened.
        self._last_gain = 1.0
        # What the second look did not confirm: box, score, images left to rest; None: no stream.
        self._in_vain: list[tuple[np.ndarray, float, int]] | None = None
        self.description = (f'YuNet ({path.name if path else "of libfacedetection"}, '
                            f'{self._network.runtime})')

    def follow_stream(self) -> None:
        """Take the images from now on as one stream."""
        self._in_vain = []

    def _detect(self, image: np.ndarray) -> list[Detection]:
        image = as_bgr(image)
        canvas, factor = letterboxed(image, self._size_px, _LARGEST_PX,
                                     self._network.fixed_size)
        if not self._second_look:
            boxes, scores, landmarks, _ = self._look(canvas[None], self.score_threshold)
            kept = suppress(boxes, scores, self._nms_threshold)
            return as_detections(boxes[kept], scores[kept], landmarks[kept], factor=factor)
        gain = self._last_gain = _gain(canvas)
        canvas = _brightened(canvas, gain)
        smallest_px = max(_SMALLEST_PX, self._minimum_face_px * factor)
        boxes, scores, landmarks, _ = self._look(canvas[None],
                                                 min(self.score_threshold, _DOUBT))
        sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
        worth = (scores >= self.score_threshold) | (sides >= smallest_px)
        boxes, scores, landmarks = boxes[worth], scores[worth], landmarks[worth]
        kept = suppress(boxes, scores, self._nms_threshold)
        boxes, scores, landmarks = boxes[kept], scores[kept], landmarks[kept]
        self._look_again((canvas, image, factor, gain), boxes, scores, landmarks, smallest_px)
        # Two doubtful boxes may have become the same face.
        kept = suppress(boxes, scores, self._nms_threshold)
        kept = kept[scores[kept] >= self.score_threshold]
        return as_detections(boxes[kept], scores[kept], landmarks[kept], factor=factor)

    def regions(self, image: np.ndarray, known: Sequence[BoundingBox]) -> Regions | None:
        """Return squares around the faces."""
        if self._network.fixed_size:
            return None
        longer = max(image.shape[:2])
        factor = self._size_px / longer if self._size_px else min(1.0, _LARGEST_PX / longer)
        return regions_around(known, image.shape[1::-1], factor)

    def _detect_in(self, image: np.ndarray, regions: Regions, known: Sequence[BoundingBox]
                   ) -> list[Detection] | None:
        parts = []
        for i, (region, face) in enumerate(zip(regions.boxes, known)):
            patch, scale = regions.patch(image, i)
            boxes, scores, landmarks, _ = self._look(_brightened(patch, self._last_gain)[None],
                                                     self.score_threshold)
            boxes = boxes / scale + np.tile(region[:2], 2)
            good = same_faces(boxes, face) | whole_in(boxes, region)
            parts.append((boxes[good], scores[good], landmarks[good] / scale + region[:2]))
        boxes, scores, landmarks = (np.concatenate(part) for part in zip(*parts))
        kept = suppress(boxes, scores, self._nms_threshold)
        boxes, scores, landmarks = boxes[kept], scores[kept], landmarks[kept]
        # Each known face must be there, and be another one than the other known ones.
        taken = np.zeros(len(boxes), bool)
        for face in known:
            same = np.flatnonzero(same_faces(boxes, face) & (scores >= _TRUST) & ~taken)
            if not same.size:
                return None
            taken[same[0]] = True
        return as_detections(boxes, scores, landmarks)

    def _look(self, images: np.ndarray, threshold: float
              ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return boxes ``(n, 4)``, scores, landmarks ``(n, 5, 2)`` and image indices."""
        outputs = self._network.run(images)
        # Without candidates there is nothing of any level.
        parts = [(np.zeros((0, 4), np.float32), np.zeros(0, np.float32),
                  np.zeros((0, 5, 2), np.float32), np.zeros(0, int))]
        for stride in STRIDES:
            rows, columns = (side // stride for side in images.shape[1:3])
            classes, objects = (outputs[f'{head}_{stride}'].reshape(-1) for head in ('cls', 'obj'))
            product = classes * objects
            hits = np.flatnonzero(product >= threshold ** 2)
            if not hits.size:
                continue
            box = outputs[f'bbox_{stride}'].reshape(-1, 4)[hits]
            points = outputs[f'kps_{stride}'].reshape(-1, 5, 2)[hits]
            owner, cell = np.divmod(hits, rows * columns)
            cells = np.stack([cell % columns, cell // columns], axis=1)
            centers = (cells + box[:, :2]) * stride
            halves = np.exp(np.minimum(box[:, 2:], 10)) * stride / 2
            parts.append((np.hstack([centers - halves, centers + halves]),
                          np.sqrt(np.minimum(product[hits], 1)),
                          (points + cells[:, None]) * stride, owner))
        return tuple(np.concatenate(part) for part in zip(*parts))

    def _look_again(self, views_of: tuple[np.ndarray, np.ndarray, float, float],
                    boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray,
                    smallest_px: float) -> None:
        """
        Raise, in place, the scores of doubtful candidates that a closer look confirms.

        :param views_of: the scaled image, the source, the factor between them and the gain.
        """
        canvas, source, factor, gain = views_of
        sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
        doubts = np.flatnonzero((scores < _TRUST) & (sides >= smallest_px))
        # First those that would be lost otherwise, the likeliest first.
        order = np.lexsort((-scores[doubts], scores[doubts] >= _LIKELY))
        doubts = [i for i in doubts[order][:_MOST_DOUBTS]
                  if not self._rests(boxes[i], scores[i], sides[i])]
        if self._in_vain:
            self._in_vain = [(box, score, left - 1) for box, score, left in self._in_vain if left]
        if not doubts:
            return
        views, ways = [], []
        for i in doubts:
            center = (boxes[i, :2] + boxes[i, 2:]) / 2
            for angle in _TURNS_DEG:
                matrix = cv2.getRotationMatrix2D((float(center[0]), float(center[1])), angle,
                                                 _FACE_PX / sides[i])
                matrix[:, 2] += _PATCH_PX / 2 - center
                ways.append(matrix)
                if sides[i] >= _FACE_PX:
                    views.append(cv2.warpAffine(canvas, matrix, (_PATCH_PX, _PATCH_PX)))
                    continue
                # The source shows a small face sharper than the scaled image does.
                finer = matrix * (factor, factor, 1)
                finer[:, 2] += matrix[:, :2] @ np.full(2, (factor - 1) / 2)
                views.append(_brightened(cv2.warpAffine(source, finer, (_PATCH_PX, _PATCH_PX)),
                                         gain))
        found, found_scores, points, owners = self._look(np.stack(views), self.score_threshold)
        # Only a face in the middle of the view and of the expected size is the candidate.
        off = (found[:, :2] + found[:, 2:]) / 2 - _PATCH_PX / 2
        growth = (found[:, 2:] - found[:, :2]).max(axis=1, initial=0) / _FACE_PX
        same = (np.hypot(*off.T) < _FACE_PX / 2) & (growth > 1 / _MOST_GROWTH) & (
            growth < _MOST_GROWTH)
        found_scores = np.where(same, found_scores, 0)
        turns = len(_TURNS_DEG)
        for k, i in enumerate(doubts):
            mine = np.flatnonzero(owners // turns == k)
            best = mine[found_scores[mine].argmax()] if mine.size else None
            if best is None or found_scores[best] <= scores[i]:
                if self._in_vain is not None:
                    self._in_vain.append((boxes[i].copy(), float(scores[i]), _REST))
                continue
            back = cv2.invertAffineTransform(ways[owners[best]])
            center = back[:, :2] @ (found[best, :2] + found[best, 2:]) / 2 + back[:, 2]
            half = (found[best, 2:] - found[best, :2]) / 2 * sides[i] / _FACE_PX
            boxes[i] = np.hstack([center - half, center + half])
            landmarks[i] = points[best] @ back[:, :2].T + back[:, 2]
            scores[i] = found_scores[best] ** _SECOND_WEIGHT * scores[i] ** (1 - _SECOND_WEIGHT)

    def _rests(self, box: np.ndarray, score: float, side: float) -> bool:
        """Whether a second pass has just rejected the same candidate."""
        for other, other_score, _ in self._in_vain or ():
            growth = (other[2:] - other[:2]).max() / side
            if abs(other_score - score) < _SAME_SCORE and 1 / _SAME_SIZE < growth < _SAME_SIZE \
                    and np.abs(other[:2] + other[2:] - box[:2] - box[2:]).max() / 2 \
                    < _SAME_PLACE * side:
                return True
        return False


def _read(path: Path, *, fetched: bool) -> bytes:
    """Return the user's file, ready to take images of any size if it is the Zoo's."""
    model = read_model(path)
    problem = flaw(YUNET, model)
    if problem and fetched:
        raise ConfigurationError(f'{path} {problem}: {FETCH_COMMAND}, or delete the file')
    # The Zoo's network accepts any size; only its export fixes one.
    return model if problem else free_input_size(model)


def _gain(image: np.ndarray) -> float:
    """Return the factor that brightens a dark image; 1 for any other."""
    # As np.percentile, which loads 2 MiB of masked arrays and takes twice as long.
    counts = np.bincount(image[::8, ::8].reshape(-1), minlength=256).cumsum()
    rank = _WHITE_PERCENTILE / 100 * (counts[-1] - 1)
    low, high = np.searchsorted(counts, (int(rank), int(rank) + 1), 'right')
    white = float(low + (high - low) * (rank % 1))
    gain = min(_WHITE / max(white, 1.0), _MOST_GAIN)
    return gain if gain > _LEAST_GAIN else 1.0


def _brightened(image: np.ndarray, gain: float) -> np.ndarray:
    return image if gain == 1.0 else cv2.convertScaleAbs(image, alpha=gain)


def letterboxed(image: np.ndarray, size_px: int, largest_px: int,
                fixed: tuple[int, int] | None, multiple: int = 32) -> tuple[np.ndarray, float]:
    """Return the image scaled and padded below and right for a network, and the factor."""
    if fixed is None:
        scaled, factor = scaled_to(image, size_px, largest_px)
        return padded_to_multiple(scaled, multiple), factor
    width, height = fixed
    factor = min(width / image.shape[1], height / image.shape[0])
    scaled, factor = scaled_to(image, max(1, int(max(image.shape[:2]) * factor)))
    below, right = height - scaled.shape[0], width - scaled.shape[1]
    return cv2.copyMakeBorder(scaled, 0, below, 0, right, cv2.BORDER_CONSTANT), factor
