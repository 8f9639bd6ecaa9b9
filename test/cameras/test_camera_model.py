# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from fer_ros.cameras import camera_model
from fer_ros.cameras.camera_model import assumed_camera, load_calibration
from fer_ros.errors import ConfigurationError
import numpy as np
import pytest
import yaml

CASES = Path(__file__).parents[1] / 'cases' / 'calibration'
CALIBRATION = {
    'image_width': 640, 'image_height': 480, 'camera_name': 'test',
    'camera_matrix': {'rows': 3, 'cols': 3, 'data': [600, 0, 320, 0, 610, 240, 0, 0, 1]},
    'distortion_model': 'plumb_bob',
    'distortion_coefficients': {'rows': 1, 'cols': 5, 'data': [0.1, -0.2, 0, 0, 0]},
    'rectification_matrix': {'rows': 3, 'cols': 3, 'data': [1, 0, 0, 0, 1, 0, 0, 0, 1]},
    'projection_matrix': {'rows': 3, 'cols': 4,
                          'data': [600, 0, 320, 0, 0, 610, 240, 0, 0, 0, 1, 0]}}


def test_the_edge_of_the_image_is_seen_at_half_the_field_of_view():
    camera = assumed_camera(640, 480, 90)
    # A point 45 degrees to the right, one metre ahead.
    u, v, w = camera.k @ [1, 0, 1]
    assert u / w == pytest.approx(319.5 + 320) and v / w == pytest.approx(239.5)


@pytest.mark.parametrize('prefix', ['', 'file://'])
def test_a_calibration_is_read_and_scaled(tmp_path, prefix):
    path = tmp_path / 'camera.yaml'
    path.write_text(yaml.safe_dump(CALIBRATION))
    camera = load_calibration(f'{prefix}{path}')
    assert camera.d == (0.1, -0.2, 0, 0, 0)
    half = camera.scaled_to(320, 240)
    assert np.array_equal(half.k, [[300, 0, 160], [0, 305, 120], [0, 0, 1]])
    assert np.array_equal(half.p[:, 3], [0, 0, 0]) and half.d == camera.d


@pytest.mark.parametrize('change, word', [
    ({'camera_matrix': {'data': [1, 2]}}, 'camera_matrix: 2 numbers, expected 9'),
    ({'camera_matrix': {'data': [0] * 9}}, 'camera_matrix: the focal length fx is 0'),
    ({'projection_matrix': {'data': [0] * 12}}, 'projection_matrix: the focal length fx is 0'),
    ({'rectification_matrix': {'data': [0] * 9}}, 'rectification_matrix is all zeros'),
    ({'distortion_coefficients': {'data': [1e400]}}, 'distortion_coefficients contains a number'),
    ({'distortion_coefficients': {'data': [True]}}, 'distortion_coefficients: data is not a list'),
    ({'distortion_coefficients': 5}, 'distortion_coefficients: data is not a list'),
    ({'image_width': 'wide'}, "image_width is 'wide'"), ({'image_width': 0}, '0 and 480'),
    ({'image_height': -5}, 'image_width and image_height are 640 and -5'),
    ({'image_width': 10**30}, 'expected 1 to'),
    ({'distortion_model': None, 'camera_matrix': None}, 'camera_matrix: data is not a list'),
])
def test_a_wrong_calibration_is_named(tmp_path, change, word):
    path = tmp_path / 'camera.yaml'
    path.write_text(yaml.safe_dump({**CALIBRATION, **change}))
    with pytest.raises(ConfigurationError) as error:
        load_calibration(str(path))
    assert str(path) in str(error.value) and word in str(error.value)


def test_a_missing_calibration_is_named():
    with pytest.raises(ConfigurationError, match='/nowhere/camera.yaml'):
        load_calibration('/nowhere/camera.yaml')


@pytest.mark.parametrize('text, words', [
    ('a: [', 'line 1: not YAML'), ('[1, 2]', 'not a mapping'), ('', 'not a mapping'),
    ('image_width: 1', 'image_height is missing'), ('[' * 5000, 'calibration'),
    ('!!python/object:os.system {}', 'not YAML')])
def test_a_file_that_is_not_a_calibration_is_reported_in_a_line(tmp_path, text, words):
    (tmp_path / 'camera.yaml').write_text(text)
    with pytest.raises(ConfigurationError, match='camera calibration') as error:
        load_calibration(str(tmp_path / 'camera.yaml'))
    assert words in str(error.value) and '\n' not in str(error.value)


def test_calibrations_of_a_package_and_of_nobody(monkeypatch):
    monkeypatch.setattr(camera_model, 'share_folder',
                        lambda package: CASES if package == 'robot' else None)
    assert load_calibration('package://robot/good.yaml').width_px == 640
    with pytest.raises(ConfigurationError, match='no ROS package nobody'):
        load_calibration('package://nobody/good.yaml')


@pytest.mark.parametrize('name, problem', [
    ('good', None), ('opencv_header', None), ('nan', 'distortion_coefficients'),
    ('negative_f', 'camera_matrix: the focal length fx is -600')])
def test_the_cases(name, problem):
    path = CASES / f'{name}.yaml'
    if problem is None:
        assert load_calibration(path.as_uri()).k[0, 0] == 600
    else:
        with pytest.raises(ConfigurationError, match=problem):
            load_calibration(str(path))
