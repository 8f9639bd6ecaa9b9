# SPDX-License-Identifier: Apache-2.0
"""What the nodes and fer-home read: every other frame mirrored, each stream by itself."""

from fer_ros.perception import CLASSIFIER_PARAMETERS, EmotionReader
from fer_ros.types import BoundingBox, Face
import numpy as np
import pytest


@pytest.fixture(scope='module')
def crop():
    return np.random.default_rng(2).integers(40, 200, (48, 48), np.uint8)


def reader(**changes):
    values = {parameter.name: parameter.default for parameter in CLASSIFIER_PARAMETERS}
    return EmotionReader(['left', 'right'], {**values, 'variant': 'int8', **changes})


def face(crop):
    return Face(track_id=1, box=BoundingBox(0, 0, 48, 48), score=0.9, crop=crop)


def readings(reader, crop, stream='left', count=4):
    return [np.log(reader.read({stream: (i / 10, [face(crop)])})[stream][0].probabilities)
            for i in range(count)]


def test_every_other_frame_is_mirrored(crop):
    own = reader()
    plain, mirrored = np.log(own.classifier.classify(np.stack([crop, crop[:, ::-1]])))
    assert abs(plain - mirrored).max() > 0.5
    for got, expected in zip(readings(own, crop), [plain, mirrored] * 2):
        assert got == pytest.approx(expected, abs=1e-4)


def test_each_stream_has_its_own_order(crop):
    own = reader()
    readings(own, crop, count=1)
    both = own.read({name: (5.0, [face(crop)]) for name in ('left', 'right')})
    left, right = (np.log(both[name][0].probabilities) for name in ('left', 'right'))
    assert abs(left - right).max() > 0.5
    assert readings(own, crop, 'right', 1)[0] == pytest.approx(left)


def test_it_can_be_switched_off(crop):
    first, *others = readings(reader(mirror_alternate=False), crop)
    assert all((other == first).all() for other in others)
