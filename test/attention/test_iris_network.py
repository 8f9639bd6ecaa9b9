# SPDX-License-Identifier: Apache-2.0
"""The iris network with 8-bit weights says what it says with those of 32 bits."""

from fer_ros.attention import mesh
from fer_ros.inference.int8_weights import with_int8_convolutions
import numpy as np
import pytest


@pytest.fixture(scope='module')
def content(mesher):
    return mesh._path('', mesh._IRIS_FILE).read_bytes()


@pytest.fixture(scope='module')
def eye(mesher, heads):
    """An eye as the network gets it."""
    from itertools import islice

    from fer_ros.evaluation.heads import read_video
    from fer_ros.types import Detection
    (_, image, truths), = islice(read_video(heads / 'videos' / 'attention_desk_h01.csv'), 1)
    points = mesher.find(image, Detection(truths[0].box, 1.0)).points
    corners = points[list(mesh.EYE_CORNERS[0]), :2]
    return mesh._crop(image, corners.mean(axis=0), 2.3 * np.linalg.norm(corners[0] - corners[1]),
                      0.0, 64)[0]


def network(path, change):
    return mesh._Network(path, (mesh.EYE_CONTOUR * 3, mesh.IRIS * 3), 1, change)


def test_points_are_the_same_to_a_fraction_of_a_pixel(content, eye):
    path = mesh._path('', mesh._IRIS_FILE)
    whole, small = (np.concatenate(network(path, change)(eye)).reshape(-1, 3)[:, :2]
                    for change in (bytes, mesh._faster))
    apart = np.linalg.norm(whole - small, axis=1)
    assert 0 < apart.max() < 1 and apart.mean() < 0.3, 'pixels of 64'


def test_only_large_convolutions_are_changed_and_the_rest_of_the_file_stays(content):
    changed = with_int8_convolutions(content, fewest_channels=64)
    some = with_int8_convolutions(content, fewest_channels=16)
    assert len(content) < len(changed) < len(some) < 1.3 * len(content)
    assert with_int8_convolutions(content, fewest_channels=10 ** 6) == content
    assert with_int8_convolutions(changed, fewest_channels=64) == changed, 'nothing is left to do'
    same = np.frombuffer(content, np.uint8) == np.frombuffer(changed[:len(content)], np.uint8)
    assert same.mean() > 0.999


@pytest.mark.parametrize('damage', [lambda c: c[:50], lambda c: b'no network', lambda c: b'',
                                    lambda c: c[:8] + bytes(100), lambda c: c[:1000]])
def test_what_is_no_network_is_refused_and_left_to_the_run_time(content, damage):
    with pytest.raises(ValueError, match='TensorFlow Lite'):
        with_int8_convolutions(damage(content))
    assert mesh._faster(damage(content)) == damage(content)
