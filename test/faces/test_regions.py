# SPDX-License-Identifier: Apache-2.0
"""Between searches of the whole image, known faces are looked for in regions around them."""

import cv2
from detection_support import create_or_skip
from fer_ros.faces.detection.regions import regions_around
from fer_ros.faces.face_finder import FaceFinder
from fer_ros.faces.region_bias import RegionBias
from fer_ros.faces.stillness import Stillness
from fer_ros.faces.tracking import FaceTracker
from fer_ros.types import BoundingBox
import numpy as np
import pytest


@pytest.fixture(scope='module')
def detector():
    return create_or_skip('yunet')


@pytest.fixture(scope='module')
def head(portrait):
    return cv2.resize(portrait[20:240, 112:332], (110, 110), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope='module')
def large_head(portrait):
    return portrait[20:240, 112:332]


def room(*heads, size=(480, 640)):
    """Return a room with heads, each given as its picture and the left upper corner."""
    image = np.full((*size, 3), 120, np.uint8)
    for head, x, y in heads:
        image[y:y + head.shape[0], x:x + head.shape[1]] = head
    return image


def beside(face, head, large_head):
    """Return a room with another face, partly in a known one's region, in its surroundings."""
    return room((large_head, 100, 100), (head, int(face.box.center[0] + 1.7 * max(
        face.box.width, face.box.height)) - head.shape[1], 150))


class Searches:
    """What a finder asks of the real detector, image by image: whole, part or nothing."""

    def __init__(self, detector, monkeypatch):
        self.of_image = []
        whole, part = detector.detect, detector.detect_in
        monkeypatch.setattr(detector, 'detect', lambda image: (
            self.of_image.append('whole'), whole(image))[1])
        monkeypatch.setattr(detector, 'detect_in', lambda *given: (
            self.of_image.append('part'), part(*given))[1])
        self._finder = FaceFinder(detector, FaceTracker(), detect_every=4)

    def take_turn(self, phase):
        """See another stream, as the camera with this phase."""
        self._finder.reset()
        self._finder.phase = phase

    def show(self, image, stamp_s):
        """Return the faces; ``of_image`` is what was searched for them, ``after`` afterwards."""
        self.of_image.clear()
        faces = self._finder.process(image, stamp_s)
        before = list(self.of_image)
        self._finder.finish()
        self.of_image, self.after = before, self.of_image[len(before):]
        return faces


@pytest.fixture
def searches(detector, monkeypatch):
    return Searches(detector, monkeypatch)


def test_the_same_face_in_a_region_as_in_the_whole_image(detector, portrait):
    face, = detector.detect(portrait)
    regions = detector.regions(portrait, [face.box])
    near, = detector.detect_in(portrait, regions, [face.box])
    side = face.box.width
    assert np.hypot(*np.subtract(near.box.center, face.box.center)) < 0.06 * side
    assert near.box.width == pytest.approx(side, rel=0.1)
    assert np.abs(near.landmarks - face.landmarks).max() < 0.1 * side
    assert near.score == pytest.approx(face.score, abs=0.1)


@pytest.mark.parametrize('shape', [(480, 640), (480, 640, 3), (720, 1280, 3), (300, 300, 3)])
def test_faces_in_every_corner_and_form_of_image(shape, detector, large_head):
    head = cv2.resize(large_head, (shape[0] // 3,) * 2, interpolation=cv2.INTER_AREA)
    for x in (0, shape[1] - len(head)):
        for y in (0, shape[0] - len(head)):
            image = room((head, x, y), size=shape[:2])
            image = image if len(shape) == 3 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            known = [face.box for face in detector.detect(image)]
            regions = detector.regions(image, known)
            assert len(known) == 1 and regions.fit(known, image.shape[1::-1])
            assert regions.patch(image, 0)[0].shape == (regions.side_px, regions.side_px, 3)
            face, = detector.detect_in(image, regions, known)
            assert np.hypot(*np.subtract(face.box.center, known[0].center)) < 10


def test_not_sure_when_a_face_is_gone_or_two_are_one(detector, head):
    image = room((head, 100, 100))
    box = detector.detect(image)[0].box
    for known in ([box, box], [box, BoundingBox(box.x + 300, box.y, box.width, box.height)]):
        assert detector.detect_in(image, detector.regions(image, known), known) is None
    one = detector.regions(image, [box])
    assert detector.detect_in(room(), one, [box]) is None
    assert not one.fit([box, box], (640, 480))
    assert not one.fit([BoundingBox(box.x + 90, box.y, box.width, box.height)], (640, 480))
    large = regions_around([BoundingBox(100, 100, 150, 180)], (640, 480), 0.75)
    assert not large.fit([BoundingBox(150, 150, 30, 40)], (640, 480)), 'too far away'


def test_regions_only_where_they_are_less_work():
    near = [BoundingBox(10 + 50 * i, 50, 40, 50) for i in range(12)]
    assert len(regions_around(near[:3], (640, 480), 0.75).boxes) == 3
    assert regions_around(near, (640, 480), 0.75) is None
    assert regions_around(near[:1], (160, 120), 1.0) is None


def test_a_face_in_a_still_room(head, searches):
    image, seen = room((head, 200, 200)), []
    for i in range(25):
        face, = searches.show(image, i / 30)
        assert face.track_id == 1 and face.detected == (i % 4 == 0)
        seen.append((i, *searches.of_image, *(f'{name} after' for name in searches.after)))
    assert [entry for entry in seen if len(entry) > 1] == [
        (0, 'whole'), (4, 'part', 'whole after'), (8, 'part'), (12, 'part'),
        (16, 'part', 'whole after'), (20, 'part'), (24, 'part')]


def test_cameras_whose_images_come_together_take_turns(head, searches):
    image, parts, wholes = room((head, 200, 200)), [], []
    # They start together, and continue together after a pause.
    stamps = [i / 15 for i in range(15)] + [3 + i / 15 for i in range(20)]
    for phase in (0.1, 0.6):
        searches.take_turn(phase)
        seen = [(i, searches.show(image, stamp) and [*searches.of_image], [*searches.after])
                for i, stamp in enumerate(stamps)]
        parts.append([i for i, now, _ in seen if now == ['part']])
        wholes.append([i for i, *_, after in seen if after])
    # Together at the start and at the end of the pause; never apart for longer than usual.
    assert set(parts[0]) & set(parts[1]) == {2, 15}
    assert all(np.diff(own).max() == 2 for own in parts)
    assert set(wholes[0]) & set(wholes[1]) == {2}
    assert all(np.diff(own).max() <= 8 for own in wholes)


def test_sizes_follow_the_whole_image_once_both_searches_saw_one(detector, head):
    image = room((head, 200, 200))
    whole, = detector.detect(image)
    found = detector.detect_in(image, detector.regions(image, [whole.box]), [whole.box])
    smaller = found[0].box.height / whole.box.height
    assert 0.9 < smaller < 0.97
    bias = RegionBias()
    assert bias.corrected(found, [1], [whole.box]) == found
    bias.learn([whole])
    box = bias.corrected(found, [1], [whole.box])[0].box
    assert (box.width, box.height) == pytest.approx((whole.box.width, whole.box.height))
    assert box.center == pytest.approx(found[0].box.center)
    assert bias.corrected(found, [2], [whole.box]) == found
    finder = FaceFinder(detector, FaceTracker(), detect_every=4)
    for i in range(60):
        face, = finder.process(image, i / 30)
    assert face.box.height / whole.box.height > (1 + smaller) / 2


def test_who_comes_elsewhere_is_found_as_fast_as_before(head, searches):
    image = room((head, 80, 200))
    for i in range(6):
        searches.show(image, i / 30)
    image = room((head, 80, 200), (head, 480, 200))
    for i in range(6, 9):
        faces = searches.show(image, i / 30)
    assert searches.of_image == ['whole'] and len(faces) == 2 and faces[1].detected


def test_who_comes_beside_a_known_face_is_found_after_0_4_s(head, large_head, searches):
    # The first search of its region is compared with one of the whole image.
    for i in range(5):
        face, = searches.show(room((large_head, 100, 100)), i / 30)
    both = beside(face, head, large_head)
    counts = [len(searches.show(both, i / 30)) for i in range(5, 18)]
    assert counts == [1] * 12 + [2]


def test_faces_that_touch_have_the_whole_image_searched(head, searches):
    for x, searched in ((500, 'part'), (250, 'whole')):
        for i in range(2):
            searches.show(room((head, 200, 200), (head, x, 200)), (x + i) * 1.0)
        assert searches.show(room((head, 200, 200), (head, x, 200)), x + 1.2)
        assert searches.of_image == [searched]


def test_an_unsure_face_has_the_whole_image_searched(head, searches):
    searches.show(room((head, 200, 200)), 0.0)
    pale = cv2.GaussianBlur(head, (0, 0), 9)
    searches.show(room((pale, 200, 200)), 0.133)
    assert searches.of_image == ['part', 'whole']
    # For about a second it is not tried again.
    for i in range(1, 7):
        searches.show(room((head, 200, 200)), 0.133 * (i + 1))
        assert searches.of_image == ['whole']


def test_the_next_image_does_what_is_owed(detector, head, large_head):
    finder = FaceFinder(detector, FaceTracker(), detect_every=4)
    for i in range(5):
        face, = finder.process(room((large_head, 100, 100)), i / 30)
    both = beside(face, head, large_head)
    assert [len(finder.process(both, i / 30)) for i in range(5, 18)] == [1] * 12 + [2]
    finder.reset()
    finder.finish()
    face, = finder.process(room((large_head, 100, 100)), 1.0)
    assert face.track_id == 3


def test_what_may_move_is_ignored(head):
    stillness = Stillness()
    stillness.see(room())
    stillness.searched()
    stillness.see(room((head, 200, 200)))
    assert not stillness.still()
    assert stillness.still(np.array([[195.0, 195, 315, 315]]))
    assert stillness.still(np.array([[-50.0, -50, 250, 900], [240, 195, 999, 315]]))
    assert not stillness.still(np.array([[195.0, 195, 250, 315]]))
    assert not stillness.still(np.zeros((0, 4)))
