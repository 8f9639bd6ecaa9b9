# SPDX-License-Identifier: Apache-2.0
"""Images that occur twice: exactly, or nearly (the same photograph, cut or toned differently)."""

from dataclasses import dataclass

import cv2
import numpy as np

from .datasets import Dataset

#: Correlation of two thumbnails from which their images count as one photograph. By eye, the pairs
#: of FER2013 above it are the same photograph; below 0.92 most are two people alike.
NEAR = 0.95

_THUMBNAIL_PX = 16
_BLOCK = 2048


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows of two data sets.

    :ivar first: int64 ``(n,)`` rows of the first set.
    :ivar second: int64 ``(n,)`` rows of the second set.
    :ivar exact: bool ``(n,)``, True where every pixel is equal.
    :ivar similarity: float32 ``(n,)``, correlation of the thumbnails, [-1, 1].
    """

    first: np.ndarray
    second: np.ndarray
    exact: np.ndarray
    similarity: np.ndarray

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.first)


def fingerprints(images: np.ndarray) -> np.ndarray:
    """Return standardised thumbnails, float32 ``(n, 256)``; their dot product is a correlation."""
    thumbnails = np.stack([
        cv2.resize(image, (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
        for image in images]) if len(images) else np.empty((0, _THUMBNAIL_PX, _THUMBNAIL_PX))
    flat = thumbnails.reshape(len(images), _THUMBNAIL_PX ** 2).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    # A blank image resembles nothing; exact copies of it are found by their pixels.
    return np.where(norm > 1, flat / np.maximum(norm, 1), 0)


def find(first: np.ndarray, second: np.ndarray | None = None, near: float = NEAR) -> Pairs:
    """Return the pairs of equal or similar images, also mirrored ones.

    :param first: uint8 ``(n, side, side)``.
    :param second: uint8 ``(m, side, side)``, or None for the pairs within ``first``.
    """
    within = second is None
    second = first if within else second
    right = fingerprints(second)
    mirrored = fingerprints(second[:, :, ::-1])
    left = fingerprints(first)
    pairs: dict[tuple[int, int], float] = {}
    for start in range(0, len(first), _BLOCK):
        rows = left[start:start + _BLOCK]
        similarity = np.maximum(rows @ right.T, rows @ mirrored.T)
        for i, j in zip(*np.nonzero(similarity >= near)):
            pairs[start + int(i), int(j)] = float(similarity[i, j])
    pairs.update(dict.fromkeys(_exact(first, second), 1.0))
    kept = sorted((i, j) for i, j in pairs if not within or i < j)
    exact = [bool(np.array_equal(first[i], second[j])) for i, j in kept]
    index = np.array(kept, np.int64).reshape(-1, 2)
    return Pairs(index[:, 0], index[:, 1], np.array(exact, bool),
                 np.array([min(1.0, pairs[pair]) for pair in kept], np.float32))


def _exact(first: np.ndarray, second: np.ndarray) -> list[tuple[int, int]]:
    places: dict[bytes, list[int]] = {}
    for j, image in enumerate(second):
        places.setdefault(image.tobytes(), []).append(j)
    return [(i, j) for i, image in enumerate(first) for j in places.get(image.tobytes(), ())]


def without_copies(train: Dataset, others: list[Dataset]) -> tuple[Dataset, int, int]:
    """Remove images from the training split that another split also has.

    :returns: the remaining faces, the number of exact and of near copies skipped.
    """
    exact, near = np.zeros(len(train), bool), np.zeros(len(train), bool)
    for other in others:
        pairs = find(other.images, train.images)
        exact[pairs.second[pairs.exact]] = True
        near[pairs.second] = True
    near &= ~exact
    return train.subset(~(exact | near)), int(exact.sum()), int(near.sum())
