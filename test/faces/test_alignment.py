# SPDX-License-Identifier: Apache-2.0
"""Faces are cut out upright, whole and in the framing of the training images."""

import cv2
from fer_ros.faces.alignment import align_face, CROP_OVER_BOX, crop_transform, roll
from fer_ros.faces.quality import face_quality, turn
from fer_ros.types import BoundingBox
import numpy as np
import pytest

BOX = BoundingBox(182, 62, 82, 112)
# Eyes, nose and corners of the mouth in the portrait, pixels.
LANDMARKS = np.array([[206, 106], [244, 105], [227, 131], [207, 146], [246, 145]], np.float32)


def turned(image, degrees):
    """Return image and landmarks turned about the middle of the face."""
    matrix = cv2.getRotationMatrix2D(BOX.center, degrees, 1.0)
    return (cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE),
            LANDMARKS @ matrix[:, :2].T + matrix[:, 2])


def likeness(a, b):
    return np.corrcoef(a.astype(float).ravel(), b.astype(float).ravel())[0, 1]


@pytest.mark.parametrize('side', [48, 96])
def test_the_box_fills_its_share_of_the_crop(side):
    image = np.zeros((480, 640), np.uint8)
    cv2.rectangle(image, (200, 150), (299, 249), 255, -1)
    crop = align_face(image, BoundingBox(200, 150, 100, 100), side_px=side)
    assert crop.shape == (side, side) and crop.dtype == np.uint8
    assert crop.astype(float).mean() / 255 == pytest.approx(1 / CROP_OVER_BOX ** 2, rel=0.03)


@pytest.mark.parametrize('degrees', [-45, -20, 20, 45])
def test_a_rolled_face_gives_the_crop_of_the_level_one(degrees, portrait):
    level = align_face(portrait, BOX, LANDMARKS)
    image, points = turned(portrait, degrees)
    assert likeness(align_face(image, BOX, points), level) > 0.97
    assert likeness(align_face(image, BOX), level) < 0.9


def test_gray_and_color_give_the_same_crop(portrait):
    gray = cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)
    difference = np.abs(align_face(portrait, BOX).astype(int) - align_face(gray, BOX))
    assert difference.max() <= 1


@pytest.mark.parametrize('scale', [0.5, 2, 4, 9])
def test_the_crop_does_not_depend_on_the_resolution(scale, portrait):
    image = cv2.resize(portrait, None, fx=scale, fy=scale,
                       interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    box = BoundingBox(*(scale * value for value in (BOX.x, BOX.y, BOX.width, BOX.height)))
    crop = align_face(image, box, LANDMARKS * scale)
    reference = align_face(portrait, BOX, LANDMARKS)
    assert likeness(crop, reference) > 0.98
    # No shift: pixel centers stay pixel centers.
    shift, _ = cv2.phaseCorrelate(reference.astype(np.float32), crop.astype(np.float32))
    assert np.hypot(*shift) < 0.35


def test_large_faces_are_averaged_not_sampled():
    image = np.indices((900, 900)).sum(axis=0) % 2 * 255
    crop = align_face(image.astype(np.uint8), BoundingBox(100, 100, 700, 700))
    assert crop.std() < 3 and abs(crop.mean() - 127) < 3


@pytest.mark.parametrize('box', [
    BoundingBox(-40, -40, 80, 80), BoundingBox(600, 440, 80, 80), BoundingBox(2000, 2000, 50, 50),
    BoundingBox(-500, 10, 20, 20), BoundingBox(10, 10, 0, 0),
    BoundingBox(-5000, -5000, 12000, 12000),
])
def test_boxes_over_the_border_and_degenerate_ones(box, portrait):
    assert align_face(portrait, box).shape == (48, 48)
    assert align_face(portrait[:1, :1], box).shape == (48, 48)


@pytest.mark.parametrize('points', [np.zeros((5, 2)), np.full((5, 2), np.nan),
                                    np.full((5, 2), 7.0)])
def test_landmarks_that_tell_nothing_turn_nothing(points):
    assert roll(points) == 0.0
    assert np.allclose(crop_transform(BOX, points), crop_transform(BOX))


@pytest.mark.parametrize('degrees', [-80, -30, 0, 30, 80])
def test_roll_is_the_angle_of_eyes_and_mouth(degrees, portrait):
    _, points = turned(portrait, degrees)
    assert np.degrees(roll(points) - roll(LANDMARKS)) == pytest.approx(-degrees, abs=0.1)


def quality(image, box=BOX, points=LANDMARKS):
    return face_quality(align_face(image, box, points), box, points)


def test_quality_falls_with_size_blur_dark_and_turn(portrait):
    good = quality(portrait)
    assert good > 0.9
    small = cv2.resize(portrait, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    small_box = BoundingBox(BOX.x / 5, BOX.y / 5, BOX.width / 5, BOX.height / 5)
    assert quality(small, small_box, LANDMARKS / 5) < 0.8 * good
    assert quality(cv2.GaussianBlur(portrait, (0, 0), 8)) < 0.8 * good
    assert quality((portrait * 0.08).astype(np.uint8)) < 0.8 * good
    profile = LANDMARKS.copy()
    profile[2, 0] = LANDMARKS[1, 0] + 2  # the nose before an eye
    assert quality(portrait, points=profile) == 0
    assert 0 <= quality(np.zeros_like(portrait)) < 0.3


def test_turn_of_landmarks_that_coincide_is_the_worst():
    assert turn(np.zeros((5, 2))) == 1.0
    assert turn(LANDMARKS) < 0.25


def test_a_crop_in_color_is_the_same_crop(portrait):
    box = BoundingBox(175, 60, 95, 115)
    gray = align_face(portrait, box, side_px=64)
    color = align_face(portrait, box, side_px=64, color=True)
    assert gray.shape == (64, 64) and color.shape == (64, 64, 3) and color.dtype == np.uint8
    converted = cv2.cvtColor(color, cv2.COLOR_BGR2GRAY)
    assert abs(converted.astype(int) - gray).max() <= 2
    assert (color[..., 0] != color[..., 2]).any()
    of_gray = align_face(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY), box, side_px=64, color=True)
    assert (of_gray[..., 0] == of_gray[..., 1]).all() and (of_gray[..., 0] == gray).all()


def test_the_quality_does_not_depend_on_how_the_crop_is_asked_for(portrait):
    box = BoundingBox(175, 60, 95, 115)
    usual = face_quality(align_face(portrait, box), box)
    for side_px, color in ((48, True), (96, False), (224, True)):
        asked = face_quality(align_face(portrait, box, side_px=side_px, color=color), box)
        assert asked == pytest.approx(usual, abs=0.03), (side_px, color)
