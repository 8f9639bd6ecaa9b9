# SPDX-License-Identifier: Apache-2.0
"""ROS4HRI and vision_msgs: with the messages there, and without them."""

import re

import numpy as np
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros import conversions  # noqa: E402
from fer_ros.conversions import optional as optional_conversions  # noqa: E402
from fer_ros.msg import AttentionArray, EmotionArray, FaceArray, FaceAttention  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.detections import Detections  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.ros4hri import Ros4Hri  # noqa: E402
from fer_ros.nodes.ros4hri_crops import letterboxed  # noqa: E402
from fer_ros.nodes.ros4hri_publish import new_id  # noqa: E402
from fer_ros.types import BoundingBox, Face  # noqa: E402
from home_support import emotion  # noqa: E402
import optional_messages  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

CROP = np.arange(48 * 48, dtype=np.uint32).reshape(48, 48).astype(np.uint8)
LANDMARKS = np.array([[40, 40], [80, 40], [60, 60], [45, 80], [75, 80]], np.float32)


@pytest.fixture(scope='module')
def hri_messages():
    return optional_messages.load('hri_msgs')


@pytest.fixture
def hri(hri_messages, monkeypatch):
    monkeypatch.setattr(optional_conversions, 'hri', hri_messages)
    return hri_messages


@pytest.fixture(scope='module')
def vision_messages():
    return optional_messages.load('vision_msgs')


@pytest.fixture
def vision(vision_messages, monkeypatch):
    monkeypatch.setattr(optional_conversions, 'vision', vision_messages)
    return vision_messages


def header(number):
    stamped = Header(frame_id='camera_optical_frame')
    stamped.stamp.sec, stamped.stamp.nanosec = 1000 + number // 10, number % 10 * 100_000_000
    return stamped


def faces_message(number, *ids):
    return conversions.faces_to_message(
        [Face(i, BoundingBox(32, 24, 64, 96), 0.75, landmarks=LANDMARKS, crop=CROP) for i in ids],
        header(number), 320, 240, 'test')


def emotions_message(number, *found):
    return conversions.emotions_to_message(list(found), header(number), 320, 240, 'test',
                                           'fer2013')


@pytest.mark.parametrize('maker, module, package', [
    (Ros4Hri, 'hri', 'hri_msgs'), (Detections, 'vision', 'vision_msgs')])
def test_without_the_package_one_line_tells_how_to_get_it(graph, monkeypatch, maker, module,
                                                          package):
    monkeypatch.setattr(optional_conversions, module, None)
    node = graph.add(maker, start=False)
    assert not node.start() and node.state == 'unconfigured'
    message = node._collect().message
    assert f'{package} is not installed: apt install ros-' in message and '\n' not in message
    other = graph.add(EmotionClassifierNode)
    assert other.state == 'active'


def test_emotions_as_detections(graph, vision):
    node = graph.add(Detections)
    emotions = graph.node.create_publisher(EmotionArray, 'emotions', qos.RESULT)
    assert emotions.get_subscription_count() == 0  # no subscriber, no work
    received = graph.collect(vision.Detection2DArray, 'detections', qos.RESULT)
    wait_for(lambda: emotions.get_subscription_count() == 1)
    emotions.publish(emotions_message(3, emotion('happy', 0.7, track_id=5)))
    emotions.publish(emotions_message(4))
    wait_for(lambda: len(received) == 2)
    assert [m.header for m in received] == [header(3), header(4)]
    detection, = received[0].detections
    assert detection.id == '5' and not received[1].detections
    assert (detection.bbox.center.position.x, detection.bbox.size_x) == (60.0, 100.0)
    scores = [result.hypothesis.score for result in detection.results]
    assert detection.results[0].hypothesis.class_id == 'happy'
    assert len(scores) == 7 and scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-5)
    wait_for(lambda: node._collect().values['published'] == 2, what='both to be counted')


@pytest.fixture
def publishing(graph, hri):
    """Return the node that publishes our faces under /humans, and what feeds it."""
    graph.hri = graph.add(Ros4Hri, retention_s=0.5)
    graph.tracked = graph.collect(hri.IdsList, '/humans/faces/tracked', qos.RESULT)
    graph.faces = graph.publisher(FaceArray, 'faces', qos.RESULT)
    graph.emotions = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
    wait_for(lambda: graph.node.count_publishers('/humans/faces/tracked'))
    return graph


def ids_of(graph, number, *track_ids):
    """Send faces and return the ids under which they are known."""
    graph.faces.publish(faces_message(number, *track_ids))
    return wait_for(lambda: next((m for m in graph.tracked if m.header == header(number)), None),
                    what=f'the ids of image {number}').ids


def test_our_faces_under_humans(publishing, hri):
    given, = ids_of(publishing, 0, 1)
    assert re.fullmatch('[a-z][a-z0-9]{1,9}', given)
    topics = {'roi': hri.NormalizedRegionOfInterest2D, 'landmarks': hri.FacialLandmarks,
              'aligned': Image, 'cropped': Image, 'expression': hri.Expression}
    got = {name: publishing.collect(kind, f'/humans/faces/{given}/{name}', qos.RESULT)
           for name, kind in topics.items()}
    wait_for(lambda: publishing.hri._part._croppers['faces']._input, what='the color images')
    images = publishing.publisher(Image, 'image_raw', qos.IMAGE)
    picture = np.full((240, 320, 3), (10, 20, 200), np.uint8)

    def all_came():
        number = len(publishing.tracked)
        ids_of(publishing, number, 1)
        images.publish(conversions.bgr_to_image(picture, 'bgr8', header(number)))
        publishing.emotions.publish(emotions_message(
            number, emotion('surprise', 0.6, valence=0.25, arousal=0.75)))
        return all(got.values())
    wait_for(all_came, what=f'every topic of face {given}')
    roi, marks, shown = got['roi'][0], got['landmarks'][0], got['expression'][0]
    assert (roi.xmin, roi.ymin) == (pytest.approx(0.1), pytest.approx(0.1))
    assert (roi.xmax, roi.ymax, roi.c) == (pytest.approx(0.3), pytest.approx(0.5), 0.75)
    # What is left in the image is the person's right.
    assert marks.landmarks[68].x == pytest.approx(40 / 320)
    assert marks.landmarks[69].x == pytest.approx(80 / 320)
    assert sum(mark.c > 0 for mark in marks.landmarks) == 5
    assert (marks.width, marks.height) == (320, 240)
    assert np.array_equal(conversions.image_to_array(got['aligned'][0]), CROP)
    cropped = conversions.image_to_array(got['cropped'][0])
    assert cropped.shape == (128, 128, 3) and cropped[64, 64].tolist() == [10, 20, 200]
    assert (shown.expression, shown.valence, shown.arousal) == ('surprised', 0.25, 0.75)
    assert shown.confidence == pytest.approx(0.6)


def test_an_id_goes_when_its_face_has_gone_and_is_not_used_again(publishing):
    first, = ids_of(publishing, 0, 1)
    both = ids_of(publishing, 1, 1, 2)
    assert first in both and len(set(both)) == 2
    later = ids_of(publishing, 20)  # two seconds on
    assert later == []
    wait_for(lambda: not publishing.node.count_publishers(f'/humans/faces/{first}/roi'))
    again, = ids_of(publishing, 21, 3)
    assert again not in both


def test_a_recording_that_restarts_leaves_no_faces_behind(publishing):
    first, = ids_of(publishing, 90, 1)
    assert first not in ids_of(publishing, 0, 2)


def test_a_face_of_hri_face_detect_gets_our_expression(graph, hri):
    node = graph.add(Ros4Hri, mode='listen', image_width_px=320, image_height_px=240)
    graph.add(EmotionClassifierNode)
    faces = graph.collect(FaceArray, 'faces', qos.RESULT)
    assert 'start hri_face_detect' in node._collect().message
    expressions = graph.collect(hri.Expression, '/humans/faces/abcde/expression', qos.RESULT)
    tracked = graph.publisher(hri.IdsList, '/humans/faces/tracked', qos.RESULT)
    wait_for(lambda: graph.node.count_subscribers('emotions'))
    tracked.publish(hri.IdsList(header=header(0), ids=['abcde']))
    regions = graph.publisher(hri.NormalizedRegionOfInterest2D, '/humans/faces/abcde/roi',
                              qos.RESULT)
    crops = graph.publisher(Image, '/humans/faces/abcde/aligned', qos.RESULT)
    number = [0]

    def seen():
        number[0] += 1
        now = header(number[0])
        regions.publish(hri.NormalizedRegionOfInterest2D(header=now, xmin=0.1, ymin=0.1, xmax=0.3,
                                                         ymax=0.5, c=0.75))
        crops.publish(conversions.array_to_image(np.dstack([CROP] * 3), 'bgr8', now))
        tracked.publish(hri.IdsList(header=now, ids=['abcde']))
        return expressions
    wait_for(seen, what='an expression')
    face, = wait_for(lambda: next((message for message in [*faces] if message.faces), None),
                     what='our own array of it').faces
    assert (face.roi.x_offset, face.roi.width) == (32, 64) and face.crop.width == 48
    assert expressions[0].header.frame_id == 'camera_optical_frame'
    assert expressions[0].expression in optional_conversions.HRI_EXPRESSIONS.values()
    # A region that is none is named, and the next frame is read.
    bad = header(number[0] + 1)
    regions.publish(hri.NormalizedRegionOfInterest2D(header=bad, xmin=float('nan')))
    expressions.clear()
    wait_for(seen, what='an expression after a bad region')


def test_ids_are_short_begin_with_a_letter_and_are_unique():
    taken = set()
    for _ in range(500):
        given = new_id(taken)
        assert given not in taken and given.isidentifier() and len(given) == 5
        taken.add(given)


@pytest.mark.parametrize('shape', [(20, 40), (40, 20, 3), (1, 300), (128, 128)])
def test_a_patch_is_scaled_into_a_square_with_black_bars(shape):
    square = letterboxed(np.full(shape, 200, np.uint8), 64)
    assert square.shape == (64, 64, *shape[2:]) and square[31:33, 32].max() == 200
    bars = max(shape[:2]) / min(shape[:2]) > 1.1
    assert (square[0, 0].max() == 0) == bars


def test_dense_landmarks_frames_and_engagement_of_our_faces(graph, hri, monkeypatch):
    tf2 = optional_messages.load('tf2_msgs')
    monkeypatch.setattr(optional_conversions, 'tf2', tf2)
    graph.add(Ros4Hri)
    frames = graph.collect(tf2.TFMessage, '/tf', qos.TF)
    tracked = graph.collect(hri.IdsList, '/humans/faces/tracked', qos.RESULT)
    faces = graph.publisher(FaceArray, 'faces', qos.RESULT)
    attention = graph.publisher(AttentionArray, 'attention', qos.RESULT)
    faces.publish(faces_message(0, 7))
    wait_for(lambda: tracked and tracked[-1].ids, what='a tracked face')
    person_id, = tracked[-1].ids
    landmarks = graph.collect(hri.FacialLandmarks, f'/humans/faces/{person_id}/landmarks',
                              qos.RESULT)
    levels = graph.collect(hri.EngagementLevel, f'/humans/faces/{person_id}/engagement_status',
                           qos.RESULT)
    points = np.stack([np.arange(478) % 320, np.arange(478) / 2], axis=1).astype(np.float32)
    message = AttentionArray(header=header(1), image_width=320, image_height=240)
    message.faces.append(FaceAttention(track_id=7, label='camera', state=0, known=True,
                                       landmarks=points.ravel().tolist()))
    message.faces[0].state_duration.sec = 2
    message.faces[0].head.pose.position.z = 1.0
    message.faces[0].gaze.z = -1.0

    def told():
        attention.publish(message)
        return landmarks and levels and frames
    wait_for(told, what='landmarks, engagement and frames')
    assert levels[-1].level == hri.EngagementLevel.ENGAGED
    assert len(landmarks[-1].landmarks) == 70 and all(p.c == 1 for p in landmarks[-1].landmarks)
    assert landmarks[-1].landmarks[8].x * 320 == pytest.approx(152, abs=0.01)
    assert landmarks[-1].landmarks[69].y * 240 == pytest.approx(473 / 2, abs=0.01)
    assert {f.child_frame_id for f in frames[-1].transforms} == {f'face_{person_id}',
                                                                 f'gaze_{person_id}'}
