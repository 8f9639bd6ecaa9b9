# SPDX-License-Identifier: Apache-2.0
"""Drawings on a picture: boxes and labels, and bars where they cover nobody."""

from dataclasses import replace

from fer_ros.emotions.colors import bgr
from fer_ros.faces.annotation import annotate, BARS_UP_TO
from fer_ros.types import BoundingBox
from home_support import emotion
import numpy as np

IMAGE = np.full((480, 640, 3), 100, np.uint8)


def people(count):
    return [replace(emotion('sad', track_id=i + 1), box=BoundingBox(20 + 150 * i, 200, 60, 80))
            for i in range(count)]


def changed(count, part=np.s_[:, :]):
    """Return the share of pixels that drawing so many faces changes in a part."""
    drawn = annotate(IMAGE, people(count))
    return (drawn != IMAGE).any(axis=2)[part].mean()


def test_a_box_has_the_color_of_its_label_and_the_source_stays():
    before = IMAGE.copy()
    drawn = annotate(IMAGE, people(1))
    assert tuple(drawn[280, 50]) == bgr('sad')
    assert np.array_equal(IMAGE, before)


def test_bars_are_drawn_of_few_faces_only():
    beside = np.s_[210:270, 90:160]  # right of the first face
    assert changed(BARS_UP_TO, beside) > 0.9
    assert changed(BARS_UP_TO + 1, beside) < 0.1
    assert 0 < changed(BARS_UP_TO + 1) < changed(BARS_UP_TO)


def test_gray_becomes_color_and_faces_at_the_border_are_drawn():
    face = replace(emotion('happy'), box=BoundingBox(600, 0, 40, 40))
    assert annotate(IMAGE[..., 0], [face]).shape == IMAGE.shape
