# SPDX-License-Identifier: Apache-2.0
"""From a network's boxes to detections: non-maximum suppression, pixels of the source."""

from fer_ros.types import BoundingBox, Detection
import numpy as np

# More candidates than this before suppression mean a threshold near zero, not faces.
_MOST_CANDIDATES = 1000


def suppress(boxes: np.ndarray, scores: np.ndarray, threshold: float, *,
             of_smaller: bool = False) -> np.ndarray:
    """
    Return the indices of the boxes that non-maximum suppression keeps, best score first.

    :param boxes: float ``(n, 4)``: x0, y0, x1, y1.
    :param threshold: overlap above which the weaker box is dropped, intersection over union, [0,
        1].
    :param of_smaller: measure the overlap against the smaller box instead of the union.
    """
    order = np.argsort(-scores, kind='stable')[:_MOST_CANDIDATES]
    if len(order) < 2:
        return order
    x0, y0, x1, y1 = np.ascontiguousarray(boxes[order].T, np.float32)
    areas = (x1 - x0) * (y1 - y0)
    kept = []
    left = np.arange(len(order))
    while left.size:
        i, rest = left[0], left[1:]
        kept.append(i)
        # Most boxes do not touch this one: areas are computed for the few that do.
        near = (x0[rest] < x1[i]) & (x1[rest] > x0[i]) & (y0[rest] < y1[i]) & (y1[rest] > y0[i])
        if near.any():
            hits = rest[near]
            shared = ((np.minimum(x1[hits], x1[i]) - np.maximum(x0[hits], x0[i]))
                      * (np.minimum(y1[hits], y1[i]) - np.maximum(y0[hits], y0[i])))
            whole = (np.minimum(areas[hits], areas[i]) if of_smaller
                     else areas[hits] + areas[i] - shared)
            gone = np.zeros(len(rest), bool)
            gone[near] = shared > threshold * whole
            rest = rest[~gone]
        left = rest
    return order[kept]


def as_detections(boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray | None = None, *,
                  factor: float = 1.0) -> list[Detection]:
    """
    Return detections in pixels of the source image.

    :param boxes: float ``(n, 4)``: x0, y0, x1, y1 in pixels of the scaled image.
    :param landmarks: float ``(n, 5, 2)`` in the same pixels, or None.
    :param factor: scale of the scaled image relative to the source.
    """
    found = []
    for i, (box, score) in enumerate(zip(boxes / factor, scores)):
        x0, y0, x1, y1 = (float(value) for value in box)
        if not np.isfinite(box).all() or x1 <= x0 or y1 <= y0:
            continue
        points = None if landmarks is None else (landmarks[i] / factor).astype(np.float32)
        found.append(Detection(BoundingBox(x0, y0, x1 - x0, y1 - y0),
                               float(np.clip(score, 0, 1)), points))
    return found
