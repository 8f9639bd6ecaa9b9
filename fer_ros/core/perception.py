# SPDX-License-Identifier: Apache-2.0
"""From settings to what finds faces and what reads them, for nodes and fer-home alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
from fer_ros.core.classification import EmotionClassifier
from fer_ros.core.detection import create_detector, DETECTORS
from fer_ros.core.emotion_filter import EmotionFilter
from fer_ros.core.face_finder import FaceFinder
from fer_ros.core.parameters import Parameter
from fer_ros.core.tracking import FaceTracker
from fer_ros.core.types import Face, FaceEmotion
import numpy as np

DETECTOR_PARAMETERS = (
    Parameter('detector', 'auto', 'which detector; auto takes the best that is installed',
              choices=DETECTORS),
    Parameter('model_path', '', "the user's own ONNX model; empty: the detector's own"),
    Parameter('detection_size_px', 0,
              'long side to which the image is scaled for detection; 0: the detector decides',
              minimum=0, maximum=4096),
    Parameter('minimum_face_px', 24, 'smallest face looked for, pixels of the source image',
              minimum=8, maximum=2000),
    Parameter('score_threshold', 0.0, "detections below are dropped; 0: the detector's own",
              minimum=0.0, maximum=1.0),
    Parameter('nms_threshold', 0.0,
              "overlap (IoU) above which two detections are one; 0: the detector's own",
              minimum=0.0, maximum=1.0),
    Parameter('detect_every', 4,
              'detect in every n-th image, at least each 0.1 s, and carry the tracks between',
              minimum=1, maximum=30),
    Parameter('crop_side_px', 48, 'side of the aligned crops, pixels', minimum=16, maximum=512),
    Parameter('threads', 1, 'processor threads of the detector', minimum=1, maximum=64),
)

CLASSIFIER_PARAMETERS = (
    Parameter('model_path', '', 'the model file (.tflite); empty: the one that ships'),
    Parameter('label_set', '', "which labels the probabilities follow: fer2013 or ferplus; "
              "empty: the model's default", choices=('', 'fer2013', 'ferplus')),
    Parameter('threads', 1, 'processor threads of the model', minimum=1, maximum=64),
    Parameter('time_constant_s', 0.5,
              'how slowly the filtered state follows the single frames, seconds',
              minimum=0.0, maximum=60.0, dynamic=True),
    Parameter('uncertain_below', 0.0,
              "below this confidence the label is uncertain; 0: the model's own threshold",
              minimum=0.0, maximum=1.0, dynamic=True),
    Parameter('minimum_quality', 0.1, 'below this face quality the label is uncertain',
              minimum=0.0, maximum=1.0, dynamic=True),
)


def create_finder(values: Mapping[str, Any]) -> FaceFinder:
    """Return a face finder with a detector and a tracker of its own.

    :param values: of :data:`DETECTOR_PARAMETERS`, all of them, by name.
    :raises ConfigurationError: when no such detector can be made.
    """
    detector = create_detector(
        values['detector'], model_path=values['model_path'],
        size_px=values['detection_size_px'], minimum_face_px=values['minimum_face_px'],
        score_threshold=values['score_threshold'] or None,
        nms_threshold=values['nms_threshold'] or None, threads=values['threads'])
    return FaceFinder(detector, FaceTracker(), detect_every=values['detect_every'],
                      crop_side_px=values['crop_side_px'])


class EmotionReader:
    """Read the faces of several streams with one network, and filter each stream over time.

    Not safe for use by several threads at once.

    :param streams: their names.
    :param values: of :data:`CLASSIFIER_PARAMETERS`, all of them, by name.
    :raises ConfigurationError: when the model or a value cannot be used.
    """

    def __init__(self, streams: Iterable[str], values: Mapping[str, Any]):
        self._classifier = EmotionClassifier(values['model_path'], threads=values['threads'],
                                             label_set=values['label_set'])
        self._filters: dict[str, EmotionFilter] = dict.fromkeys(streams)
        self.tune(values)

    @property
    def name(self) -> str:
        """The model's name, as published with its results."""
        return self._classifier.name

    @property
    def label_set(self) -> str:
        """Which labels the probabilities follow."""
        return self._classifier.label_set

    def tune(self, values: Mapping[str, Any]) -> None:
        """Take over the filters' parameters; the states begin again from scratch."""
        self._filters = {stream: EmotionFilter(
            time_constant_s=values['time_constant_s'],
            uncertain_below=values['uncertain_below'] or self._classifier.uncertain_below,
            minimum_quality=values['minimum_quality']) for stream in self._filters}

    def reset(self, stream: str) -> None:
        """Forget the faces of a stream."""
        self._filters[stream].reset()

    def read(self, frames: Mapping[str, tuple[float, Sequence[Face]]]
             ) -> dict[str, list[FaceEmotion]]:
        """Return what the faces show, by stream; one batch for the faces of all streams.

        :param frames: the stamp of the image, seconds, and its faces, by stream; a face without
            a crop is skipped.
        """
        side = self._classifier.input_side_px
        readable = {stream: [face for face in faces if face.crop is not None]
                    for stream, (_, faces) in frames.items()}
        crops = [_fit(face.crop, side) for faces in readable.values() for face in faces]
        rows = iter(self._classifier.classify(np.stack(crops)) if crops else ())
        return {stream: self._filters[stream].update(
            frames[stream][0], [(face, next(rows)) for face in faces])
            for stream, faces in readable.items()}


def _fit(crop: np.ndarray, side: int) -> np.ndarray:
    if crop.shape == (side, side):
        return crop
    shrink = crop.shape[0] > side
    return cv2.resize(crop, (side, side),
                      interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
