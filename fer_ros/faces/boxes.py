# SPDX-License-Identifier: Apache-2.0
"""Overlaps of boxes. All boxes are float ``(n, 4)``: left, top, right, bottom."""

import numpy as np


def areas(boxes: np.ndarray) -> np.ndarray:
    """Return the area of each box, ``(n,)``; 0 for an inverted one."""
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)


def shared_areas(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the area of each pair's intersection, ``(n, m)``."""
    sides = (np.minimum(first[:, None, 2:], second[None, :, 2:])
             - np.maximum(first[:, None, :2], second[None, :, :2]))
    return np.prod(np.maximum(sides, 0), axis=2)


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each pair, [0, 1], ``(n, m)``."""
    shared = shared_areas(first, second)
    return shared / np.maximum(areas(first)[:, None] + areas(second) - shared, 1e-9)


def intersection_over_smaller(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over the smaller area of each pair, [0, 1], ``(n, m)``."""
    smaller = np.minimum(areas(first)[:, None], areas(second))
    return shared_areas(first, second) / np.maximum(smaller, 1.0)
