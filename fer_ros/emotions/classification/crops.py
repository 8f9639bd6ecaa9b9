# SPDX-License-Identifier: Apache-2.0
"""Classify crops whose size or color differs from what the network takes."""

from collections.abc import Sequence

from fer_ros.emotions.labels import LABELS
import numpy as np

from .classifier import EmotionClassifier, Reading
from .runtimes import ModelFailure


class CropReader:
    """
    Classifies crops of any size, gray or color, and reports problems of crops and results.

    :ivar mismatch: what to set if crops are smaller than the network takes, or gray where it
        takes color; empty while they fit.
    :ivar failure: why the last crops have no or incomplete results; empty if complete.
    :ivar failed: number of faces without a result so far.
    """

    def __init__(self, classifier: EmotionClassifier):
        self._classifier = classifier
        self.mismatch = self.failure = ''
        self.failed = 0

    def read(self, crops: Sequence[np.ndarray]) -> Reading:
        """
        Return the network's results; faces without one are not valid and have uniform values.

        :param crops: each uint8 ``(height, width)`` gray or ``(height, width, 3)`` BGR.
        """
        form = self._classifier.input
        self.mismatch = next(filter(None, map(self._mismatch, crops)), '')
        self.failure = ''
        if not crops:
            return self._classifier.read([])
        try:
            reading = self._classifier.read(np.stack([form.fit(crop) for crop in crops]))
        except ModelFailure as error:
            self.failure = f'model {self._classifier.name} cannot be run: {error}'
            valid = np.zeros(len(crops), bool)
            reading = Reading(np.full((len(crops), len(LABELS)), np.nan, np.float32), None, valid)
        invalid = ~reading.valid
        if invalid.any():
            self.failed += int(invalid.sum())
            self.failure = self.failure or (
                f'model {self._classifier.name} returned numbers that are not finite for '
                f'{int(invalid.sum())} of {len(crops)} faces: these faces are ignored')
            reading.probabilities[invalid] = 1 / len(LABELS)
            if reading.affect is not None:
                reading.affect[invalid] = np.nan
        return reading

    def _mismatch(self, crop: np.ndarray) -> str:
        form = self._classifier.input
        if min(crop.shape[:2]) >= form.side_px and crop.ndim >= len(form.crop_shape):
            return ''
        color = 'gray' if crop.ndim == 2 else 'color'
        return (f'the crops are {crop.shape[1]}x{crop.shape[0]} {color}, model '
                f'{self._classifier.name} takes {form}: give the face detector the same model in '
                f'emotion_model, or set its crop_side_px to {form.side_px} and its crop_encoding '
                f'to {form.encoding}')
