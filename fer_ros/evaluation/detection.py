# SPDX-License-Identifier: Apache-2.0
"""Measure a face detector on labeled images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
import time

import cv2
from fer_ros.cameras.encoded import read_image
from fer_ros.errors import ConfigurationError, ImageError
from fer_ros.faces.boxes import areas, intersection_over_union
from fer_ros.faces.detection import FaceDetector
from fer_ros.faces.detection.images import scaled_to
import numpy as np

#: A detection is correct if its intersection over union with a label reaches this.
MATCHING_IOU = 0.4
#: Images are scaled so that their longer side has this many pixels.
LONGER_SIDE_PX = 640
#: Bins of the root of a face's area, pixels.
SIZES = ((8, 16), (16, 24), (24, 32), (32, 48), (48, 96), (96, 100000))


@dataclass(frozen=True)
class LabeledImage:
    """
    A labeled image of a test set.

    :ivar boxes: float ``(n, 4)``: x0, y0, x1, y1, pixels.
    """

    path: Path
    boxes: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """
    Detections in one image and its labels.

    :ivar boxes: float ``(n, 4)``: detections, best score first.
    :ivar scores: float ``(n,)``.
    :ivar labels: float ``(m, 4)``.
    :ivar overlaps: float ``(n, m)``: intersection over union.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    overlaps: np.ndarray


def read_labels(folder: str | Path) -> list[LabeledImage]:
    """
    Return the images of a test set: ``labels.txt`` and the folder ``images`` beside it.

    In ``labels.txt`` a line ``# file width height`` precedes the lines ``x0 y0 x1 y1`` of
    its faces, pixels.

    :raises ConfigurationError: naming the file and line, when the set cannot be read.
    """
    folder = Path(folder)
    path = folder / 'labels.txt'
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"'{path}' cannot be read ({error}): give a folder that contains "
                                 'labels.txt and images/') from error
    found: list[tuple[Path, list[list[float]]]] = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        if words[0] == '#' and len(words) >= 2:
            found.append((folder / 'images' / words[1], []))
            continue
        try:
            box = [float(word) for word in words]
            if len(box) != 4 or not found or not np.isfinite(box).all():
                raise ValueError
        except ValueError:
            raise ConfigurationError(f"'{path}', line {number}: '{line[:60]}' is neither "
                                     "'# file width height' nor 'x0 y0 x1 y1'") from None
        found[-1][1].append(box)
    if not found:
        raise ConfigurationError(f"'{path}' lists no images")
    return [LabeledImage(image, np.array(boxes, float).reshape(-1, 4))
            for image, boxes in found]


def rolled(image: np.ndarray, labels: np.ndarray, degrees: float
           ) -> tuple[np.ndarray, np.ndarray]:
    """Return the image rotated about its center; labels that leave it are dropped."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(image, matrix, (width, height))
    centers = (labels[:, :2] + labels[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    halves = np.sqrt(np.prod(labels[:, 2:] - labels[:, :2], axis=1))[:, None] / 2
    inside = ((centers >= halves) & (centers <= (width, height) - halves)).all(axis=1)
    return turned, np.hstack([centers - halves, centers + halves])[inside]


def darkened(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the image at a quarter of its brightness."""
    return (image // 4).astype(np.uint8), labels


def eyes_covered(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the image with a black bar over the eyes of every face."""
    image = image.copy()
    for x0, y0, x1, y1 in labels:
        top, bottom = y0 + 0.25 * (y1 - y0), y0 + 0.5 * (y1 - y0)
        cv2.rectangle(image, (int(x0), int(top)), (int(x1), int(bottom)), (0, 0, 0), -1)
    return image, labels


#: Test conditions; each takes image and labels and returns both.
CONDITIONS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    'upright': lambda image, labels: (image, labels),
    'rolled_30': lambda image, labels: rolled(image, labels, 30),
    'rolled_-30': lambda image, labels: rolled(image, labels, -30),
    'quarter_light': darkened,
    'eyes_covered': eyes_covered,
}


def load_scaled(item: LabeledImage) -> tuple[np.ndarray, np.ndarray]:
    """Return image and labels at the size of the test; ConfigurationError when unreadable."""
    try:
        image = read_image(item.path)
    except ImageError as error:
        raise ConfigurationError(f"image '{item.path}' is missing or damaged: {error}") from error
    image, factor = scaled_to(image, LONGER_SIDE_PX)
    return image, item.boxes * factor


def run(detector: FaceDetector, items: Sequence[LabeledImage], condition: str = 'upright'
        ) -> Iterator[tuple[LabeledImage, Outcome]]:
    """Yield each image with its outcome."""
    change = CONDITIONS[condition]
    for item in items:
        image, labels = change(*load_scaled(item))
        detections = detector.detect(image)
        boxes = np.array([[d.box.x, d.box.y, d.box.x + d.box.width, d.box.y + d.box.height]
                          for d in detections], float).reshape(-1, 4)
        scores = np.array([d.score for d in detections], float)
        yield item, Outcome(boxes, scores, labels, intersection_over_union(boxes, labels))


def processor_times(detector: FaceDetector, items: Sequence[LabeledImage],
                    repeats: int = 3) -> np.ndarray:
    """
    Return the CPU time of each image, seconds, ``(n,)``.

    The minimum over repeats: other load on the machine only adds, through shared caches.
    """
    times_s = np.empty((len(items), repeats))
    for row, item in zip(times_s, items):
        image, _ = load_scaled(item)
        detector.detect(image)  # the runtime prepares for each new size
        for k in range(repeats):
            started_s = time.process_time()
            detector.detect(image)
            row[k] = time.process_time() - started_s
    return times_s.min(axis=1)


def side_lengths(boxes: np.ndarray) -> np.ndarray:
    """Return the root of each box's area, pixels."""
    return np.sqrt(areas(boxes))


def matched(outcome: Outcome, smallest_px: float) -> tuple[np.ndarray, np.ndarray]:
    """
    Match detections with labels, best score first, each label once.

    Labels of smaller faces are ignored, as are detections that match only them, and smaller
    detections that match none.

    :return: for each detection 1 (correct), 0 (wrong) or -1 (ignored); and for each label the
        detection that matches it, or -1.
    """
    counts = side_lengths(outcome.labels) >= smallest_px
    verdicts = np.full(len(outcome.boxes), -1)
    finder = np.full(len(outcome.labels), -1)
    for i, row in enumerate(outcome.overlaps):
        good = row >= MATCHING_IOU
        free = np.flatnonzero(good & counts & (finder < 0))
        if free.size:
            best = free[row[free].argmax()]
            finder[best], verdicts[i] = i, 1
        elif (good & ~counts).any():
            continue
        elif side_lengths(outcome.boxes[i:i + 1])[0] >= smallest_px or good.any():
            verdicts[i] = 0
    return verdicts, finder


def precision_recall(outcomes: Sequence[Outcome], smallest_px: float
                     ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores (falling) and precision and recall at each of them."""
    pairs, faces = [], 0
    for outcome in outcomes:
        verdicts, finder = matched(outcome, smallest_px)
        faces += int((side_lengths(outcome.labels) >= smallest_px).sum())
        pairs += [(score, verdict) for score, verdict in zip(outcome.scores, verdicts)
                  if verdict >= 0]
    pairs.sort(key=lambda pair: -pair[0])
    right = np.cumsum([verdict for _, verdict in pairs])
    found = np.arange(1, len(pairs) + 1)
    return (np.array([score for score, _ in pairs]), right / np.maximum(found, 1),
            right / max(faces, 1))


def average_precision(outcomes: Sequence[Outcome], smallest_px: float) -> float:
    """Return the area under the monotonic precision-recall curve, [0, 1]."""
    _, precision, recall = precision_recall(outcomes, smallest_px)
    if not len(precision):
        return 0.0
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def at_threshold(outcomes: Sequence[Outcome], smallest_px: float, threshold: float
                 ) -> tuple[float, float]:
    """Return precision and recall of detections with at least this score."""
    scores, precision, recall = precision_recall(outcomes, smallest_px)
    last = int(np.searchsorted(-scores, -threshold, side='right')) - 1
    return (float(precision[last]), float(recall[last])) if last >= 0 else (0.0, 0.0)


def recall_by_size(outcomes: Sequence[Outcome], threshold: float) -> dict[str, float | None]:
    """Return the recall in each size bin, None for bins without a face."""
    found, sizes = [], []
    for outcome in outcomes:
        _, finder = matched(outcome, 0)
        sizes.append(side_lengths(outcome.labels))
        padded = np.append(outcome.scores, -1.0)
        found.append(padded[finder] >= threshold)
    sizes, found = np.concatenate(sizes), np.concatenate(found)
    result = {}
    for low, high in SIZES:
        chosen = (sizes >= low) & (sizes < high)
        name = f'{low}-{high}' if high < 10000 else f'{low}+'
        result[name] = float(found[chosen].mean()) if chosen.any() else None
    return result
