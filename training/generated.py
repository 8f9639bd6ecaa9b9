# SPDX-License-Identifier: Apache-2.0
"""Drawn faces with seven expressions, to try the training without FER2013."""

import cv2
import numpy as np

from .datasets import Dataset, FERPLUS_COLUMNS, FERPLUS_SOURCE, IMAGE_SIZE_PX

# (slope of the brows, height of the brows, opening of the eyes, curve and opening of the mouth)
_EXPRESSIONS = {
    'angry': (0.35, -0.4, 0.6, -0.3, 0.1), 'disgust': (0.25, -0.3, 0.3, -0.6, 0.3),
    'fear': (-0.3, 0.5, 1.2, -0.3, 0.5), 'happy': (0.0, 0.1, 0.7, 1.0, 0.3),
    'sad': (-0.35, 0.0, 0.5, -0.8, 0.0), 'surprise': (0.0, 0.7, 1.4, 0.0, 1.0),
    'neutral': (0.0, 0.0, 0.8, 0.0, 0.0)}


def faces(count: int, seed: int = 1) -> Dataset:
    """Draw faces of the seven classes in turn, each with ten votes, all from the seed."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % len(_EXPRESSIONS)
    names = list(_EXPRESSIONS)
    images = np.stack([_draw(_EXPRESSIONS[names[label]], generator) for label in labels]) \
        if count else np.empty((0, IMAGE_SIZE_PX, IMAGE_SIZE_PX), np.uint8)
    votes = np.zeros((count, len(FERPLUS_COLUMNS)), np.float32)
    column = [FERPLUS_COLUMNS.index(name) for name in FERPLUS_SOURCE]
    for i, label in enumerate(labels):
        agreeing = int(generator.integers(6, 11))
        votes[i, column[label]] += agreeing
        votes[i, column[generator.integers(0, 8)]] += 10 - agreeing
    return Dataset(images, labels.astype(np.int64), votes,
                   tuple(f'generated_{i}' for i in range(count)))


def _draw(expression: tuple, generator: np.random.Generator) -> np.ndarray:
    slope, height, eyes, curve, opening = np.array(expression) + generator.normal(0, 0.08, 5)
    scale = 8  # drawn large, then reduced, so that the lines are smooth
    side = IMAGE_SIZE_PX * scale
    canvas = np.full((side, side), generator.integers(20, 120), np.uint8)
    skin, dark = int(generator.integers(120, 240)), int(generator.integers(0, 60))
    x0, y0 = side * (0.5 + generator.uniform(-0.04, 0.04, 2))

    def point(x, y):
        return int(x0 + x * side), int(y0 + y * side)

    cv2.ellipse(canvas, point(0, 0), (int(0.36 * side), int(0.46 * side)), 0, 0, 360, skin, -1)
    for x in (-0.15, 0.15):
        cv2.ellipse(canvas, point(x, -0.1), (int(0.07 * side),
                    max(1, int(0.05 * side * max(eyes, 0.1)))), 0, 0, 360, 250, -1)
        cv2.circle(canvas, point(x, -0.1), int(0.025 * side), dark, -1)
        y = -0.2 - 0.06 * height
        lift = 0.08 * slope * np.sign(x)
        cv2.line(canvas, point(x - 0.08, y + lift), point(x + 0.08, y - lift), dark, 2 * scale)
    across = np.linspace(-0.15, 0.15, 15)
    bend = 0.1 * curve * (0.5 - (across / 0.15) ** 2)
    gap = 0.09 * max(opening, 0) * np.sqrt(np.maximum(0, 1 - (across / 0.15) ** 2))
    lips = [point(x, 0.22 + b - g) for x, b, g in zip(across, bend, gap)]
    lips += [point(x, 0.22 + b + g) for x, b, g in zip(across[::-1], bend[::-1], gap[::-1])]
    cv2.fillPoly(canvas, [np.array(lips)], dark)
    cv2.polylines(canvas, [np.array(lips)], True, dark, scale)
    small = cv2.resize(canvas, (IMAGE_SIZE_PX, IMAGE_SIZE_PX), interpolation=cv2.INTER_AREA)
    return (small + generator.normal(0, 4, small.shape)).clip(0, 255).astype(np.uint8)
