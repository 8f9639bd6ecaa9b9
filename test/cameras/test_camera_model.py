# SPDX-License-Identifier: Apache-2.0
from fer_ros.cameras.camera_model import assumed_camera, load_calibration
from fer_ros.errors import ConfigurationError
import numpy as np
import pytest
import yaml

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
    ({'camera_matrix': {'data': [1, 2]}}, 'reshape'), ({'image_width': 'wide'}, 'wide'),
    ({'distortion_model': None, 'camera_matrix': None}, 'NoneType'), ({'image_width': 0}, '0x480'),
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
