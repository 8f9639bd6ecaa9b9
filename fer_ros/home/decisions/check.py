# SPDX-License-Identifier: Apache-2.0
"""Validate the numbers of a face."""

import math

from fer_ros.emotions.labels import LABELS, UNCERTAIN
from fer_ros.types import FaceEmotion
import numpy as np

#: Tolerance of the sum of probabilities.
_SUM_TOLERANCE = 0.02
_ROUNDING = 1e-3


def face_problem(face: FaceEmotion) -> str:
    """Return what is wrong with a face's numbers, or an empty string."""
    for name, values in (('probabilities', face.probabilities), ('filtered', face.filtered)):
        values = np.asarray(values, float)
        if values.shape != (len(LABELS),):
            return f'{name} has the shape {values.shape}: expected ({len(LABELS)},)'
        if not np.isfinite(values).all():
            return f'{name} contains NaN or infinity'
        if (values < -_ROUNDING).any() or (values > 1 + _ROUNDING).any():
            return f'{name} is not a distribution: {values.min():.3g} to {values.max():.3g}, ' \
                'expected 0 to 1'
        if abs(values.sum() - 1) > _SUM_TOLERANCE:
            return f'{name} is not a distribution: the sum is {values.sum():.3f}'
    for name in ('confidence', 'quality', 'valence', 'arousal'):
        value = getattr(face, name)
        low = -1.0 if name in ('valence', 'arousal') else 0.0
        if not math.isfinite(value) or not low - _ROUNDING <= value <= 1 + _ROUNDING:
            return f'{name} is {value}: expected {low:g} to 1'
    if face.label not in LABELS and face.label != UNCERTAIN:
        return f'unknown label {face.label!r}'
    return ''
