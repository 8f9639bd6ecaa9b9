# SPDX-License-Identifier: Apache-2.0
"""What cannot be read is unknown, with the reason, and a mirrored picture changes no state."""

from dataclasses import replace
from itertools import islice

import cv2
from fer_ros.attention.eye_cover import COVERED, eye_features, FEATURES, load_eye_cover
from fer_ros.attention.eye_histograms import eye_histograms
from fer_ros.attention.head import load_model, rotation_of
from fer_ros.attention.reader import HeadReader
from fer_ros.attention.stream import AttentionStream
from fer_ros.attention.trust import camera_problem, distrust
from fer_ros.cameras.camera_model import assumed_camera, CameraModel
from fer_ros.errors import ConfigurationError
from fer_ros.evaluation.covers import BOTH, FaceAxes, GLASSES, NONE, ONE
from fer_ros.evaluation.heads import read_camera, read_video
from fer_ros.types import BoundingBox, Detection, Face
import numpy as np
import pytest

GRAY = (170, 160, 150)


@pytest.fixture(scope='module')
def scene(heads):
    """Seven images of somebody who looks into the camera, and where the face is."""
    frames = islice(read_video(heads / 'videos' / 'attention_desk_h01.csv'), 0, 42, 6)
    return read_camera(heads), [(stamp_s, image, truths[0].box)
                                for stamp_s, image, truths in frames]


def watch(mesher, scene, change=lambda image, box: (image, box), second=None):
    camera, frames = scene
    stream = AttentionStream(mesher)
    for stamp_s, image, box in frames:
        image, box = change(image.copy(), box)
        faces = [Face(1, box, 0.9)]
        if second is not None:
            faces.append(Face(2, second(box), 0.9))
        last = stream.update(stamp_s, image, faces, camera)
    return last[0].attention


def covered(left, top, right, bottom):
    def change(image, box):
        cv2.rectangle(image, (int(box.x + left * box.width), int(box.y + top * box.height)),
                      (int(box.x + right * box.width), int(box.y + bottom * box.height)), GRAY, -1)
        return image, box
    return change


def cut(image, box):
    x = int(box.x + 0.4 * box.width)
    return image[:, x:], BoundingBox(0, box.y, 0.6 * box.width, box.height)


def far(image, box):
    small = cv2.resize(image, None, fx=0.15, fy=0.15, interpolation=cv2.INTER_AREA)
    canvas = np.full_like(image, 90)
    canvas[200:200 + len(small), 200:200 + small.shape[1]] = small
    return canvas, BoundingBox(200 + 0.15 * box.x, 200 + 0.15 * box.y, 0.15 * box.width,
                               0.15 * box.height)


def mirrored(image, box):
    return image[:, ::-1].copy(), BoundingBox(image.shape[1] - box.x - box.width, box.y,
                                              box.width, box.height)


def test_what_can_be_read_is(mesher, scene):
    assert watch(mesher, scene).state == 'camera'
    assert watch(mesher, scene, mirrored).state == 'camera'
    # A mask hides nothing that the gaze needs.
    assert watch(mesher, scene, covered(0.05, 0.6, 0.95, 1.05)).state == 'camera'


@pytest.mark.parametrize('change, reason', [
    (cut, "the image's border cuts the face"),
    (far, 'the face is smaller than 32 pixels'),
    (covered(-0.1, 0, 1.1, 1.1), 'covered'),
    (covered(0.54, 0.35, 0.95, 0.58), 'one eye is covered')])
def test_what_cannot_is_unknown_and_says_why(mesher, scene, change, reason):
    attention = watch(mesher, scene, change)
    assert attention.state == 'unknown' and reason in attention.reason
    assert attention.probability == 0


def drawn(mesher, cover):
    """Return the change that draws a cover over a face."""
    def change(image, box):
        points = mesher.find(image, Detection(box, 1.0)).points
        cover(image, FaceAxes.of(points), np.random.default_rng(0))
        return image, box
    return change


@pytest.mark.parametrize('name', ['black bar', 'shaded skin', 'pattern', 'fingers', 'hair',
                                  'dark glasses', 'mirrored glasses', 'glare on both lenses',
                                  'other part of the image'])
def test_covered_eyes_are_unknown(mesher, scene, name):
    attention = watch(mesher, scene, drawn(mesher, BOTH[name]))
    assert attention.state == 'unknown' and 'covered' in attention.reason


@pytest.mark.parametrize('name', ['skin, right eye', 'pattern, left half', 'fingers, right half'])
def test_one_covered_eye_is_enough(mesher, scene, name):
    attention = watch(mesher, scene, drawn(mesher, ONE[name]))
    assert attention.state == 'unknown' and 'covered' in attention.reason


def test_a_gaze_that_glasses_pull_aside_is_unknown(mesher, scene):
    attention = watch(mesher, scene, drawn(mesher, GLASSES['thick glasses that fit']))
    assert attention.state == 'unknown' and 'glasses' in attention.reason


def test_a_gaze_between_pulled_and_not_stays_what_it_was(mesher, scene):
    camera, ((_, image, box), *_) = scene
    reader, said = HeadReader(mesher, load_model()), []
    shipped = load_eye_cover()
    for odds in (-0.8, 0.5, -0.8, -0.8, -3.0, -0.8):
        # A network that says the same of all eyes.
        reader._cover = replace(shipped, outer=np.vstack([0 * shipped.outer[:-1], [-5, odds]]))
        said.append(reader.read(image, [Face(1, box, 0.9)], camera)[0].pulled)
    assert said == [False, True, True, True, False, False]


def test_eyes_that_can_be_seen_are_read(mesher, scene):
    assert watch(mesher, scene, drawn(mesher, NONE['patterned mask over the mouth'])
                 ).state == 'camera'


def test_the_network_that_tells_covers_is_checked(tmp_path):
    black, even = (np.full((1, 64, 64), gray, np.uint8) for gray in (0, 99))
    assert eye_features(black, eye_histograms(black)).shape == (1, FEATURES)
    assert load_eye_cover().judge(even, eye_histograms(even))[0, COVERED] > 2, 'an even patch'
    for name, values in (('gone.npz', None), ('old.npz', {'mean': 0, 'scale': 1, 'inner': np.ones(
            (5, 2)), 'outer': np.ones(3)})):
        if values:
            np.savez(tmp_path / name, **values)
        with pytest.raises(ConfigurationError, match='install the package again'):
            load_eye_cover(tmp_path / name)


@pytest.mark.parametrize('yaw_deg, reason', [(0, ''), (70, 'the face is in profile'),
                                              (-70, 'the face is in profile')])
def test_a_profile_is_unknown(mesher, scene, yaw_deg, reason):
    # No rendered head is turned that far: the pose is.
    camera, ((_, image, box), *_) = scene
    head, = HeadReader(mesher, load_model()).read(image, [Face(1, box, 0.9)], camera)
    turned = replace(head.pose, rotation=rotation_of(head.pose.angles_deg + (yaw_deg, 0, 0)))
    assert distrust([replace(head, pose=turned)], 640, 480) == [reason]


def test_two_faces_in_one_place_are_not_distinguished(mesher, scene):
    attention = watch(mesher, scene, second=lambda box: BoundingBox(
        box.x + 0.3 * box.width, box.y, box.width, box.height))
    assert (attention.state, attention.reason) == ('unknown', 'another face overlaps')


@pytest.mark.parametrize('camera, said', [
    (assumed_camera(640, 480, 60), ''), (assumed_camera(320, 240, 60), ''),
    (assumed_camera(640, 360, 60), '640x360'), (assumed_camera(640, 480, 178), 'focal'),
    (CameraModel(640, 480, np.array([[600.0, 0, 0], [0, 600, 0], [0, 0, 1]])), 'middle')])
def test_a_calibration_that_cannot_be_of_these_images(camera, said):
    assert said in camera_problem(camera, 640, 480)
    assert bool(said) == bool(camera_problem(camera, 640, 480))
