# SPDX-License-Identifier: Apache-2.0
"""Areas that boxes share, counted pixel by pixel."""

from fer_ros.faces import boxes
import numpy as np
import pytest

PAIRS = [np.random.default_rng(seed).integers(0, 30, (2, 6, 4)) for seed in range(3)]


def ordered(corners):
    low = np.minimum(corners[:, :2], corners[:, 2:])
    return np.hstack([low, np.maximum(corners[:, :2], corners[:, 2:])]).astype(float)


def pixels(box):
    left, top, right, bottom = box.astype(int)
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


@pytest.mark.parametrize('first, second', PAIRS)
def test_as_counted(first, second):
    first, second = ordered(first), ordered(second)
    counted = [[len(pixels(a) & pixels(b)) for b in second] for a in first]
    assert boxes.areas(first).tolist() == [len(pixels(a)) for a in first]
    assert boxes.shared_areas(first, second).tolist() == counted
    union = [[max(len(pixels(a) | pixels(b)), 1e-9) for b in second] for a in first]
    assert boxes.intersection_over_union(first, second) == pytest.approx(
        np.array(counted) / union)
    smaller = [[max(min(len(pixels(a)), len(pixels(b))), 1) for b in second] for a in first]
    assert boxes.intersection_over_smaller(first, second) == pytest.approx(
        np.array(counted) / smaller)


def test_a_box_inside_out_has_no_area():
    assert boxes.areas(np.array([[5.0, 5, 1, 9]])).tolist() == [0]


def test_no_boxes():
    none, one = np.zeros((0, 4)), np.array([[0.0, 0, 2, 2]])
    for function in (boxes.shared_areas, boxes.intersection_over_union,
                     boxes.intersection_over_smaller):
        assert function(none, one).shape == (0, 1) and function(one, none).shape == (1, 0)
