# SPDX-License-Identifier: Apache-2.0
"""
YuNet: a tiny single-stage face detector.

W. Wu, H. Peng, S. Yu: YuNet: A Tiny Millisecond-level Face Detector. Machine Intelligence
Research 20, 656-665, 2023.
"""

from pathlib import Path

import cv2
from fer_ros.core.detection.base import (
    as_bgr, as_detections, FaceDetector, padded_to_multiple, scaled_to, suppress)
from fer_ros.core.detection.libfacedetection import STRIDES
from fer_ros.core.detection.runtime import OnnxModel, read_model
from fer_ros.core.errors import ConfigurationError
from fer_ros.core.types import Detection
import numpy as np

SHIPPED_MODEL = Path(__file__).parents[2] / 'models' / 'yunet.onnx'

_OUTPUTS = tuple(f'{head}_{stride}' for head in ('cls', 'obj', 'bbox', 'kps')
                 for stride in STRIDES)
_LARGEST_PX = 640


class YuNetDetector(FaceDetector):
    """YuNet, the one that ships or the user's file in the form of OpenCV Zoo's."""

    name = 'yunet'

    def __init__(self, *, model_path: str = '', model: OnnxModel | None = None,
                 size_px: int = 0, minimum_face_px: float = 24,
                 score_threshold: float = 0.6, nms_threshold: float = 0.3, threads: int = 1):
        super().__init__(minimum_face_px=minimum_face_px)
        path = Path(model_path or SHIPPED_MODEL)
        self._model = model or OnnxModel(read_model(path), origin=path, threads=threads)
        if not set(_OUTPUTS) <= set(self._model.outputs):
            raise ConfigurationError(
                f"face detector model '{path}' is not YuNet: it has the outputs "
                f'{", ".join(self._model.outputs)} instead of {", ".join(_OUTPUTS)}')
        self._size_px = size_px
        self._score_threshold = score_threshold
        self._nms_threshold = nms_threshold
        self._fixed = fixed_size(self._model)
        self.description = f'YuNet ({path.name}, {self._model.runtime})'

    def _detect(self, image: np.ndarray) -> list[Detection]:
        canvas, factor = letterboxed(as_bgr(image), self._size_px, _LARGEST_PX, self._fixed)
        outputs = dict(zip(_OUTPUTS, self._model.run(cv2.dnn.blobFromImage(canvas), _OUTPUTS)))
        boxes, scores, landmarks = [], [], []
        for stride in STRIDES:
            columns = canvas.shape[1] // stride
            classes, objects = (outputs[f'{head}_{stride}'].reshape(-1) for head in ('cls', 'obj'))
            score = np.sqrt(np.clip(classes, 0, 1) * np.clip(objects, 0, 1))
            hits = np.flatnonzero(score >= self._score_threshold)
            if not hits.size:
                continue
            box = outputs[f'bbox_{stride}'].reshape(-1, 4)[hits]
            points = outputs[f'kps_{stride}'].reshape(-1, 5, 2)[hits]
            cells = np.stack([hits % columns, hits // columns], axis=1)
            centres = (cells + box[:, :2]) * stride
            halves = np.exp(np.minimum(box[:, 2:], 10)) * stride / 2
            boxes.append(np.concatenate([centres - halves, centres + halves], axis=1))
            landmarks.append((points + cells[:, None]) * stride)
            scores.append(score[hits])
        if not scores:
            return []
        box, score, points = (np.concatenate(part) for part in (boxes, scores, landmarks))
        kept = suppress(box, score, self._nms_threshold)
        return as_detections(box[kept], score[kept], points[kept], factor=factor)


def fixed_size(model: OnnxModel) -> tuple[int, int] | None:
    """Return width and height that a network insists on, or None when it takes any."""
    shape = model.input_shape
    if len(shape) == 4 and shape[2] and shape[3]:
        return shape[3], shape[2]
    return None


def letterboxed(image: np.ndarray, size_px: int, largest_px: int,
                fixed: tuple[int, int] | None, multiple: int = 32) -> tuple[np.ndarray, float]:
    """Return the image scaled and padded below and right as a network wants, and the factor."""
    if fixed is None:
        scaled, factor = scaled_to(image, size_px, largest_px)
        return padded_to_multiple(scaled, multiple), factor
    width, height = fixed
    factor = min(width / image.shape[1], height / image.shape[0])
    scaled, factor = scaled_to(image, max(1, int(max(image.shape[:2]) * factor)))
    below, right = height - scaled.shape[0], width - scaled.shape[1]
    return cv2.copyMakeBorder(scaled, 0, below, 0, right, cv2.BORDER_CONSTANT), factor
