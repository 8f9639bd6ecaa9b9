# SPDX-License-Identifier: Apache-2.0
"""Classify emotions in face crops with a network whose labels and calibration travel with it.

:mod:`.metadata` describes a weights file (:mod:`.input_format` and :mod:`.outputs` its ends),
:mod:`.runtimes` run it (:mod:`.together` with its companion), :mod:`.classifier` turns crops into
probabilities.
"""

from .classifier import EmotionClassifier, MAX_BATCH, probabilities, Reading
from .crops import CropReader
from .input_format import InputFormat
from .metadata import (
    DEFAULT_MODEL,
    find_model,
    load_metadata,
    METADATA_FORMAT,
    MODEL_DIR,
    ModelMetadata,
)
from .outputs import LabelSet
from .runtimes import ModelFailure
from .together import load_companion
from .variants import choose, VARIANTS

__all__ = [
    'choose', 'CropReader', 'DEFAULT_MODEL', 'EmotionClassifier', 'find_model', 'InputFormat',
    'LabelSet', 'load_companion', 'load_metadata', 'MAX_BATCH', 'METADATA_FORMAT', 'MODEL_DIR',
    'ModelFailure', 'ModelMetadata', 'probabilities', 'Reading', 'VARIANTS',
]
