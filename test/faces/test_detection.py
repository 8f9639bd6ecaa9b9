# SPDX-License-Identifier: Apache-2.0
"""Faces are found where they are; what cannot be used is named."""

import cv2
from detection_support import (
    best,
    create_or_skip,
    FACE_PX,
    FACE_X,
    FACE_Y,
    installed_or_skip,
    turned,
)
from fer_ros.evaluation import detection as evaluation
from fer_ros.faces.detection import create_detector, DETECTORS
from fer_ros.faces.detection.candidates import suppress
from fer_ros.faces.detection.yunet import YuNetDetector
import numpy as np
import pytest

NETWORKS = [name for name in DETECTORS if name not in ('auto', 'haar')]


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
