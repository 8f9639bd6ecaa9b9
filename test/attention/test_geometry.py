# SPDX-License-Identifier: Apache-2.0
"""Angles, frames and filters, against what is known exactly."""

import csv

import cv2
from fer_ros.attention.filters import GazeFilter, PositionFilter, RotationFilter
from fer_ros.attention.gaze import direction_of, gaze_angles_of
from fer_ros.attention.head import angles_of, estimate_pose, load_model, rotation_of
from fer_ros.cameras.camera_model import assumed_camera
from fer_ros.errors import ConfigurationError
import numpy as np
import pytest

CAMERA = assumed_camera(640, 480, 60)


def test_angles_are_those_of_the_rendered_heads(heads):
    with open(heads / 'poses.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    turns = np.array([[float(row[f'r{i}{j}']) for i in '123' for j in '123'] for row in rows])
    told = np.array([[float(row[name]) for name in ('yaw', 'pitch', 'roll')] for row in rows])
    assert np.abs(angles_of(turns.reshape(-1, 3, 3)) - told).max() < 0.02
    gazes = np.array([[float(row[f'gaze_{axis}']) for axis in 'xyz'] for row in rows])
    yaw_pitch = np.array([[float(row['gaze_yaw']), float(row['gaze_pitch'])] for row in rows])
    assert np.abs(gaze_angles_of(gazes) - yaw_pitch).max() < 0.02
    assert np.abs(direction_of(yaw_pitch) - gazes).max() < 1e-3


@pytest.mark.parametrize('angles', [(0, 0, 0), (40, 0, 0), (0, -25, 0), (0, 0, 30), (-30, 20, 15)])
def test_a_rotation_and_its_angles(angles):
    assert angles_of(rotation_of(np.array(angles, float))) == pytest.approx(angles, abs=1e-9)


@pytest.mark.parametrize('place', [(0, 0, 0.6), (0.3, -0.1, 1.2)])
def test_the_generic_head_is_found_where_it_was_drawn(place):
    model = load_model()
    turn = rotation_of(np.array([20.0, -10.0, 8.0]))
    points, _ = cv2.projectPoints(model.shape, cv2.Rodrigues(turn)[0], np.array(place), CAMERA.k,
                                  None)
    pose = estimate_pose(points[:, 0], CAMERA, model)
    assert angles_of(pose.fitted) == pytest.approx([20, -10, 8], abs=0.01)
    assert pose.position_m == pytest.approx(place, abs=1e-3)
    assert pose.error < 1e-4
    moved = estimate_pose(points[:, 0], CAMERA, model, previous=pose)
    assert angles_of(moved.fitted) == pytest.approx([20, -10, 8], abs=0.01)


def test_a_file_that_is_not_a_model_is_named(tmp_path):
    path = tmp_path / 'attention.npz'
    path.write_bytes(b'nothing')
    with pytest.raises(ConfigurationError, match='attention.npz'):
        load_model(path)


def test_a_turning_head_is_followed_without_lag_and_with_less_noise():
    rng, found, true = np.random.default_rng(1), [], []
    turning = RotationFilter((1.5, 1.5, 1.5), 100.0)
    for i in range(120):
        yaw = 30 * np.sin(i / 40)
        noise = cv2.Rodrigues(np.radians(rng.normal(0, 1.5, 3)))[0]
        turning.update(rotation_of(np.array([yaw, 0, 0])) @ noise, 1 / 30 if i else 0.0)
        found.append(angles_of(turning.rotation)[0])
        true.append(yaw)
    error = np.array(found[20:]) - true[20:]
    assert error.std() < 1.1 and abs(error.mean()) < 0.4
    sigma = np.degrees(np.sqrt(turning.covariance[1, 1]))
    assert 0.3 < sigma < 1.5
    turning.predict(1.0)
    assert np.degrees(np.sqrt(turning.covariance[1, 1])) > 3 * sigma


def test_a_jump_of_the_gaze_is_followed_at_once_and_rest_is_smoothed():
    rng, gaze = np.random.default_rng(1), GazeFilter()
    rest = [gaze.update(rng.normal((5, 0), 1.5), 0.03 if i else 0.0) for i in range(60)]
    assert np.std(rest[20:], axis=0).max() < 1.0
    assert gaze.update(np.array([30.0, -5.0]), 0.03) == pytest.approx([30, -5])
    before = gaze.covariance[0, 0]
    gaze.wait(0.3)
    assert gaze.angles_deg == pytest.approx([30, -5]) and gaze.covariance[0, 0] > before


def test_a_walking_person_is_followed():
    rng, place = np.random.default_rng(1), PositionFilter()
    for i in range(60):
        true = np.array([0.1, 0.0, 2.5 - 0.02 * i])
        place.update(true + rng.normal(0, 0.03, 3) * (0.1, 0.1, 1), 1 / 30 if i else 0.0)
    assert place.position == pytest.approx(true, abs=0.04)
    place.update(np.array([1.5, 0.0, 0.8]), 1 / 30)
    assert place.position == pytest.approx([1.5, 0, 0.8])


def test_what_is_not_known_of_a_place_stays_symmetric():
    rng, place = np.random.default_rng(1), PositionFilter()
    for i in range(1000):
        place.update([0.1, 0, 1] + rng.normal(0, 0.01, 3), (0.125, 0.1333)[i % 2])
    assert place._cov == pytest.approx(place._cov.T, abs=1e-12)
    assert (np.linalg.eigvalsh(place._cov) > 0).all()
