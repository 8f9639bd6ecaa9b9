# SPDX-License-Identifier: Apache-2.0
"""Identities stay with persons, lists stay short, time may misbehave."""

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
    where = {track.track_id: track.box.centre[0] for track in tracks}
    assert where[1] > 400 and where[2] < 240 and set(where) == {1, 2}


def test_a_missed_face_is_carried_on_then_remembered_then_forgotten():
    tracker = FaceTracker(carry_s=0.4, timeout_s=1.5)
    follow(tracker, [[face(100 + 3 * i)] for i in range(15)])
    tracks = follow(tracker, [[]] * 10, 0.5)
    carried = tracks[-1][0]
    assert not carried.detected and carried.track_id == 1
    assert carried.unseen_s == pytest.approx(10 * STEP_S, abs=1e-6)
    # It went on with its speed: 3 px a frame.
    assert carried.box.centre[0] == pytest.approx(100 + 3 * 24, abs=8)
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
        assert abs(tracks[0].box.centre[0] - 100 - i) < 8
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
    settled = np.array([[*box.centre, box.width] for box in shown[30:]])
    assert (settled.std(axis=0) / 80 < 0.02).all()


def test_a_moving_face_is_not_lagged_behind():
    tracker = FaceTracker()
    for i in range(60):
        tracks = tracker.update([face(50 + 6 * i)], i * STEP_S)
    assert tracks[0].box.centre[0] == pytest.approx(50 + 6 * 59, abs=3)


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
            assert abs(tracks[0].box.centre[0] - 100 - 5 * i) < 6


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
