# SPDX-License-Identifier: Apache-2.0
"""What the tests of the home share: made-up people, and a house on a made-up clock."""

from fer_ros.core.emotions import LABELS, UNCERTAIN
from fer_ros.core.types import BoundingBox, FaceEmotion
import numpy as np


def emotion(label, probability=0.9, *, track_id=1, side_px=100.0, **fields):
    """Return a face whose label has the probability; the rest is spread evenly."""
    values = np.full(len(LABELS), (1 - probability) / (len(LABELS) - 1), np.float32)
    if label != UNCERTAIN:
        values[LABELS.index(label)] = probability
    else:
        values[:] = 1 / len(LABELS)
    return FaceEmotion(track_id, BoundingBox(10, 10, side_px, side_px), values, values, label,
                       float(values.max()), **fields)
