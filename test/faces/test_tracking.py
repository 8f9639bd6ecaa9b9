# SPDX-License-Identifier: Apache-2.0
"""Identities stay with persons, lists stay short, time may misbehave."""

from fer_ros.faces.motion import BoxMotion
from fer_ros.faces.tracking import FaceTracker
from fer_ros.types import BoundingBox, Detection
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

STEP_S = 1 / 30


def face(x, y=200.0, side=80.0, score=0.9, landmarks=None):
    return Detection(BoundingBox(x - side / 2, y - side / 2, side, side), score, landmarks)


def follow(tracker, frames, start_s=0.0, step_s=STEP_S):
    """Return the tracks of each frame of detections."""
    return [tracker.update(frame, start_s + i * step_s) for i, frame in enumerate(frames)]


def ids(tracks):
    return [track.track_id for track in tracks]


def test_a_sure_face_is_reported_at_once_a_doubtful_one_is_confirmed():
    assert ids(FaceTracker().update([face(100)], 0)) == [1]
    tracker = FaceTracker(confirm_hits=3)
    assert [ids(t) for t in follow(tracker, [[face(100, score=0.6)]] * 4)] == [[], [], [1], [1]]


def test_a_false_alarm_gets_no_id():
    tracker = FaceTracker()
    frames = [[face(100, score=0.6)], [], [face(300, score=0.6)], []]
    assert all(not tracks for tracks in follow(tracker, frames))
    assert len(tracker) == 0
    assert ids(tracker.update([face(500)], 1.0)) == [1]


def test_weak_detections_continue_tracks_but_start_none():
    tracker = FaceTracker(birth_score=0.55)
    assert not any(follow(tracker, [[face(100, score=0.45)]] * 10))
    tracks = follow(tracker, [[face(300)], [face(302, score=0.41)]], 1.0)[-1]
    assert ids(tracks) == [1] and tracks[0].detected and tracks[0].score == 0.41


def test_what_is_added_to_a_frame_is_new_and_sure():
    tracker = FaceTracker()
    tracker.update([face(100)], 0)
    assert ids(tracker.add([face(102), face(500, score=0.6), face(300)])) == [2]
    assert ids(tracker.update([face(100), face(300)], STEP_S)) == [1, 2]


@pytest.mark.parametrize('gap_y, speed', [(0, 150), (30, 150), (0, 400), (60, 60)])
@pytest.mark.parametrize('hidden', [False, True])
def test_crossing_persons_keep_their_ids(gap_y, speed, hidden):
    tracker = FaceTracker()
    seconds = 400 / speed
    for i in range(int(seconds / STEP_S)):
        t = i * STEP_S
        left, right = face(120 + speed * t, 200), face(520 - speed * t, 200 + gap_y)
        both = [left, right]
        if hidden and abs(left.box.x - right.box.x) < 35:
            both = [left]  # the other is behind
        tracks = tracker.update(both, t)
    where = {track.track_id: track.box.center[0] for track in tracks}
    assert where[1] > 400 and where[2] < 240 and set(where) == {1, 2}


def test_a_missed_face_is_carried_on_then_remembered_then_forgotten():
    tracker = FaceTracker(carry_s=0.4, timeout_s=1.5)
    follow(tracker, [[face(100 + 3 * i)] for i in range(15)])
    tracks = follow(tracker, [[]] * 10, 0.5)
    carried = tracks[-1][0]
    assert not carried.detected and carried.track_id == 1
    assert carried.unseen_s == pytest.approx(10 * STEP_S, abs=1e-6)
    # It continued at its speed: 3 px per frame.
    assert carried.box.center[0] == pytest.approx(100 + 3 * 24, abs=8)
    assert ids(tracker.update([], 1.1)) == []
    assert ids(tracker.update([face(220)], 1.2)) == [1]
    follow(tracker, [[]] * 60, 1.3)
    assert len(tracker) == 0
    assert ids(tracker.update([face(220)], 4)) == [2]


def test_ids_are_never_used_again():
    tracker = FaceTracker()
    assert ids(tracker.update([face(100), face(300)], 0)) == [1, 2]
    tracker.reset()
    assert len(tracker) == 0
    assert ids(tracker.update([face(100)], 0)) == [3]


def test_two_faces_do_not_share_a_detection():
    tracker = FaceTracker()
    follow(tracker, [[face(200), face(300)]] * 5)
    tracks = tracker.update([face(250)], 0.2)
    assert sum(track.detected for track in tracks) <= 1


@pytest.mark.parametrize('stamps', [
    [0.0] * 200, list(np.linspace(10, 0, 200)), [5.0, 4.0] * 100, [0.0, -1e9] * 100,
], ids=['still', 'back', 'to and fro', 'far back'])
def test_stamps_that_stand_still_or_go_back(stamps):
    tracker = FaceTracker()
    for i, stamp_s in enumerate(stamps[:100]):
        tracks = tracker.update([face(100 + i)], stamp_s)
        assert ids(tracks) == [1]
        assert abs(tracks[0].box.center[0] - 100 - i) < 8
    for stamp_s in stamps[100:]:
        tracker.update([], stamp_s)
    assert len(tracker) == 0


def test_a_long_pause_forgets_everybody():
    tracker = FaceTracker()
    follow(tracker, [[face(100)]] * 5)
    assert ids(tracker.update([face(100)], 1e6)) == [2]
    assert ids(tracker.update([face(101)], 1e6 + STEP_S)) == [2]


@pytest.mark.parametrize('rate_hz', [5, 15, 60])
def test_any_frame_rate(rate_hz):
    tracker = FaceTracker()
    for i in range(int(3 * rate_hz)):
        t = i / rate_hz
        tracks = tracker.update([face(100 + 120 * t), face(500 - 100 * t, 350)], t)
    assert ids(tracks) == [1, 2]


def test_a_still_face_is_shown_still():
    random = np.random.default_rng(3)
    tracker, shown = FaceTracker(), []
    for i in range(200):
        x, y = 300 + random.normal(0, 2.0, 2)
        shown.append(tracker.update([face(x, y, 80 + random.normal(0, 3.0))],
                                    i * STEP_S)[0].box)
    settled = np.array([[*box.center, box.width] for box in shown[30:]])
    assert (settled.std(axis=0) / 80 < 0.02).all()


def test_a_moving_face_is_not_lagged_behind():
    tracker = FaceTracker()
    for i in range(60):
        tracks = tracker.update([face(50 + 6 * i)], i * STEP_S)
    assert tracks[0].box.center[0] == pytest.approx(50 + 6 * 59, abs=3)


def test_landmarks_move_with_the_box():
    points = np.array([[90, 190], [110, 190], [100, 200], [92, 215], [108, 215]], np.float32)
    tracker = FaceTracker()
    for i in range(10):
        tracker.update([face(100 + 4 * i, landmarks=points + (4 * i, 0))], i * STEP_S)
    carried = tracker.update(None, 10 * STEP_S)[0]
    assert np.abs(carried.landmarks - points - (40, 0)).max() < 3
    assert tracker.update([face(144)], 11 * STEP_S)[0].landmarks is None
    track = tracker.update([face(148)], 12 * STEP_S)[0]
    tracker.set_landmarks(track, points)
    after = tracker.update(None, 12 * STEP_S + 1e-6)[0]
    assert np.abs(after.landmarks - points).max() < 1


def test_without_detection_the_tracks_go_on():
    tracker = FaceTracker()
    for i in range(60):
        detections = [face(100 + 5 * i)] if i % 4 == 0 else None
        tracks = tracker.update(detections, i * STEP_S)
        if i > 8:
            assert ids(tracks) == [1] and tracks[0].detected == (i % 4 == 0)
            assert abs(tracks[0].box.center[0] - 100 - 5 * i) < 6


def test_leaving_the_image_ends_a_track():
    tracker = FaceTracker()
    for i in range(20):
        tracker.update([face(500 + 8 * i)] if i < 12 else [], i * STEP_S, (640, 480))
    for i in range(20, 40):
        tracker.update([], i * STEP_S, (640, 480))
    assert len(tracker) == 0


def test_a_change_of_resolution_keeps_the_id():
    tracker = FaceTracker()
    follow(tracker, [[face(200, 100, 60)]] * 5)
    tracker.rescale(2, 2)
    tracks = tracker.update([face(400, 200, 120)], 5 * STEP_S)
    assert ids(tracks) == [1] and tracks[0].box.width == pytest.approx(120, abs=8)


def test_lists_are_bounded():
    tracker = FaceTracker(max_tracks=20)
    random = np.random.default_rng(0)
    for i in range(100):
        crowd = [face(*random.uniform(0, 5000, 2), 40) for _ in range(100)]
        assert len(tracker.update(crowd, i * STEP_S)) <= 20
        assert len(tracker) <= 20


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(
    st.lists(st.tuples(st.floats(-100, 800), st.floats(-100, 600), st.floats(0, 900),
                       st.floats(0, 1)), max_size=6),
    st.floats(-5, 5)), max_size=25))
def test_whatever_comes_the_promises_hold(frames):
    tracker, newest, stamp_s = FaceTracker(max_tracks=8), 0, 0.0
    for boxes, step_s in frames:
        stamp_s += step_s
        tracks = tracker.update([face(*box[:3], score=box[3]) for box in boxes], stamp_s,
                                (640, 480))
        numbers = ids(tracks)
        assert len(tracker) <= 8 and len(set(numbers)) == len(numbers)
        fresh = [number for number in numbers if number > newest]
        assert all(number >= 1 for number in numbers)
        newest = max([newest, *fresh])
        for track in tracks:
            values = (track.box.x, track.box.y, track.box.width, track.box.height)
            assert np.isfinite(values).all() and track.box.width > 0 and track.box.height > 0


@pytest.mark.parametrize('speed', [100, 300, 650])
@pytest.mark.parametrize('score', [0.65, 0.9])
def test_a_face_that_comes_in_across_the_border_is_one_face(speed, score):
    """At first a part of it is seen, by a detector that runs on every fourth image."""
    tracker, seen = FaceTracker(), set()
    for i in range(40):
        left = 620 - speed * i * STEP_S
        visible = BoundingBox(left, 160, min(80, 640 - left), 100)
        detections = [Detection(visible, score, None)] if i % 4 == 0 else None
        seen.update(ids(tracker.update(detections, i * STEP_S, (640, 480))))
        if left < 200:
            break
    assert seen == {1}


def as_box(box):
    return [*box.center, box.width, box.height]


def test_a_face_alone_moves_as_its_filter_says():
    tracker, motion = FaceTracker(), BoxMotion()
    boxes = [(300, 200, 80, 100), (305, 203, 84, 96), (311, 204, 82, 101), (318, 205, 80, 99)]
    for i, (x, y, width, height) in enumerate(boxes):
        found = Detection(BoundingBox(x - width / 2, y - height / 2, width, height), 0.9)
        track, = tracker.update([found], i * 0.1, (640, 480))
        box = np.array([x, y, width, height], float)
        if i:
            motion.predict(0.1)
            motion.correct(0, box)
        else:
            motion.add(box, np.sqrt(width * height), np.ones(4))
        assert as_box(track.box) == pytest.approx(motion.values[0])


@pytest.mark.parametrize('width, height', [(80, 100), (100, 80)])
@pytest.mark.parametrize('side, left, cut', [
    ('low', -1, True), ('low', 0.5, True), ('low', 1, True), ('low', 1.5, False),
    ('high', 1, True), ('high', -0.5, True), ('high', -1, True), ('high', -1.5, False)])
@pytest.mark.parametrize('axis', 'xy')
def test_the_first_box_of_a_face_that_the_border_cuts_is_doubted(axis, side, left, cut, width,
                                                                 height):
    x, y = 300.0, 200.0
    if axis == 'x':
        x = width / 2 + left if side == 'low' else 640 - width / 2 + left
    else:
        y = height / 2 + left if side == 'low' else 480 - height / 2 + left
    tracker, motion = FaceTracker(), BoxMotion()
    box = np.array([x, y, width, height], float)
    first = BoundingBox(x - width / 2, y - height / 2, width, height)
    tracker.update([Detection(first, 0.9)], 0.0, (640, 480))
    doubt = np.ones(4)
    if cut:
        doubt[[0, 2] if axis == 'x' else [1, 3]] = 8
    motion.add(box, max(width, height) if cut else np.sqrt(width * height), doubt)
    motion.predict(0.1)
    motion.correct(0, box + [4, 4, 12, 12])
    moved = BoundingBox(first.x - 2, first.y - 2, width + 12, height + 12)
    track, = tracker.update([Detection(moved, 0.9)], 0.1, (640, 480))
    assert as_box(track.box) == pytest.approx(motion.values[0])


def test_how_much_of_a_face_another_covers():
    tracker = FaceTracker()
    tracker.update([face(200, 200, 80), face(250, 230, 100), face(500, 200, 80)], 0.0)
    # Heads reach half as far again: the second from 175 to 325 and 155 to 305, the first from
    # 140 to 260 both ways; the faces are 160 to 240 and 200 to 300 by 180 to 280.
    expected = [65 * 80 / 80 ** 2, 60 * 80 / 100 ** 2, 0]
    order = np.argsort([state[0] for state in tracker._motion.values])
    assert tracker._cover()[order] == pytest.approx(expected, abs=1e-6)
    assert FaceTracker()._cover().shape == (0,)


def test_a_covered_face_trusts_its_boxes_less():
    def moved(others):
        tracker = FaceTracker()
        for i in range(3):
            tracker.update([face(200), *others], i * 0.1)
        tracks = tracker.update([face(212), *others], 0.3)
        return min(track.box.center[0] for track in tracks) - 200
    alone, covered = moved([]), moved([face(262, 200, 100)])
    assert 0 < covered < 0.6 * alone


def test_a_box_without_size_is_followed_as_one_pixel():
    tracker = FaceTracker()
    track, = tracker.update([Detection(BoundingBox(100, 100, 0.2, 40), 0.9)], 0.0)
    assert (track.box.width, track.box.height) == (1, 40)
    track, = tracker.update([Detection(BoundingBox(200, 100, 40, 0.2), 0.9)], 10.0)
    assert (track.box.width, track.box.height) == (40, 1)


@pytest.mark.parametrize('x, y, stays', [
    (0, 200, True), (640, 200, True), (300, 0, True), (300, 480, True),
    (0.5, 200, True), (-0.5, 200, False), (639.5, 200, True), (640.5, 200, False),
    (300, 0.5, True), (300, -0.5, False), (300, 479.5, True), (300, 480.5, False)])
def test_a_face_whose_middle_has_left_is_forgotten(x, y, stays):
    tracker = FaceTracker()
    tracker.update([face(x, y)], 0.0, (640, 480))
    # Found in this frame it counts, wherever it is; unseen it does only inside.
    assert len(tracker) == 1
    tracker.update(None, 0.0, (640, 480))
    assert len(tracker) == stays


def test_an_unconfirmed_face_hides_no_other():
    tracker = FaceTracker(confirm_hits=3)
    assert ids(tracker.update([face(300, score=0.7), face(100, score=0.65)], 0.0)) == []
    tracks = tracker.update([face(300, score=0.7), face(100, score=0.95)], 0.03)
    assert [(track.track_id, round(track.box.center[0])) for track in tracks] == [(1, 100)]


@pytest.mark.parametrize('dx, dy, same', [
    (118, 0, True), (122, 0, False), (0, 118, True), (0, 122, False), (85, 83, True),
    (85, 87, False)])
def test_a_face_jumps_as_far_as_its_longer_side(dx, dy, same):
    def wide(x, y):
        return Detection(BoundingBox(x - 60, y - 30, 120, 60), 0.9)
    tracker = FaceTracker()
    tracker.update([wide(300, 200)], 0.0)
    # The gate of probability is wide after a second of absence, in which as much more is allowed.
    tracks = tracker.update([wide(300 + dx * 1.5, 200 + dy * 1.5)], 0.5)
    assert any(track.track_id == 1 and track.detected for track in tracks) == same


@pytest.mark.parametrize('distance, same', [(0.95, True), (1.05, False)])
def test_one_match_in_a_thousand_is_too_far(distance, same):
    tracker, motion = FaceTracker(), BoxMotion()
    tracker.update([face(300)], 0.0)
    motion.add(np.array([300.0, 200, 80, 80]), 80, np.ones(4))
    motion.predict(0.02)
    reach = np.sqrt(18.5 * motion.variance[0, 0])
    tracks = tracker.update([face(300 + distance * reach)], 0.02)
    assert any(track.track_id == 1 and track.detected for track in tracks) == same


def test_of_overlapping_detections_the_surest_is_the_face():
    tracker = FaceTracker()
    tracks = tracker.update([face(330, score=0.85), face(300, score=0.95), face(345, score=0.9),
                             face(500, score=0.82)], 0.0)
    assert [round(track.box.center[0]) for track in tracks] == [300, 345, 500]
    # Each is compared by itself, whatever stands beside it in the list.
    tracks = FaceTracker().update([face(500, score=0.85), face(330, score=0.82),
                                   face(300, score=0.95)], 0.0)
    assert sorted(round(track.box.center[0]) for track in tracks) == [300, 500]


def test_a_face_that_is_known_comes_before_one_that_is_not():
    tracker = FaceTracker(confirm_hits=9)
    follow(tracker, [[face(300, score=0.9), face(360, score=0.7)]] * 3)
    track, = tracker.update([face(332, score=0.9)], 0.1)
    # A little nearer to the other; what is known of both is the same.
    assert track.track_id == 1 and track.detected and track.box.center[0] > 304


def test_limits_hold_as_they_are_said():
    tracker = FaceTracker(instant_score=0.75, carry_s=0.5, timeout_s=1.0)
    assert ids(tracker.update([face(300, score=0.75)], 0.0)) == [1]
    assert [ids(tracker.update([], at)) for at in (0.25, 0.5, 0.75)] == [[1], [1], []]
    tracker.update([], 1.0)
    assert len(tracker) == 1
    tracker.update([], 1.25)
    assert len(tracker) == 0


@pytest.mark.parametrize('shift, count', [(39, 1), (41, 2)])
def test_half_a_face_in_common_is_the_same_face(shift, count):
    assert len(FaceTracker().update([face(300, score=0.95), face(300 + shift)], 0.0)) == count


def test_how_much_less_a_covered_face_trusts_its_boxes():
    tracker, motion = FaceTracker(), BoxMotion()
    # The second one's head reaches 4 px into the first face: a twentieth of it.
    tracker.update([face(200), face(296)], 0.0)
    track, _ = tracker.update([face(206), face(296)], 0.1)
    motion.add(np.array([200.0, 200, 80, 80]), 80, np.ones(4))
    motion.predict(0.1)
    motion.correct(0, np.array([206.0, 200, 80, 80]), 1 + 20 * 0.05)
    assert as_box(track.box) == pytest.approx(motion.values[0])
