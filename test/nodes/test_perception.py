# SPDX-License-Identifier: Apache-2.0
"""Detector, classifier and annotator together, on images published by the test."""

import cv2
import numpy as np
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros import conversions  # noqa: E402
from fer_ros.bench.stages import CorePipeline  # noqa: E402
from fer_ros.emotions.emotion_filter import DEFAULTS, EmotionFilter  # noqa: E402
from fer_ros.emotions.labels import LABELS  # noqa: E402
from fer_ros.faces.face_finder import DETECT_EVERY  # noqa: E402
from fer_ros.msg import EmotionArray, FaceArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.annotator import Annotator  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from fer_ros.nodes.topics import sibling  # noqa: E402
from fer_ros.types import BoundingBox, Face  # noqa: E402
from rclpy.parameter import Parameter as RosParameter  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402


def header(number):
    stamped = Header(frame_id='camera_optical_frame')
    seconds, nanoseconds = divmod(number * 33_000_000, 1_000_000_000)
    stamped.stamp.sec, stamped.stamp.nanosec = 1000 + seconds, nanoseconds
    return stamped


def number_of(message):
    stamp = message.header.stamp
    return ((stamp.sec - 1000) * 1_000_000_000 + stamp.nanosec) // 33_000_000


@pytest.fixture
def pipeline(graph):
    graph.detector = graph.add(FaceDetector)
    graph.classifier = graph.add(EmotionClassifierNode)
    graph.faces = graph.collect(FaceArray, 'faces', qos.RESULT)
    graph.emotions = graph.collect(EmotionArray, 'emotions', qos.RESULT)
    wait_for(lambda: graph.node.count_publishers('emotions'))
    graph.images = graph.publisher(Image, 'image_raw', qos.IMAGE)
    return graph


def send(graph, image, number, encoding='bgr8'):
    """Publish an image and return the emotions read from it."""
    graph.images.publish(conversions.bgr_to_image(image, encoding, header(number)))
    return wait_for(lambda: next((m for m in graph.emotions if number_of(m) == number), None),
                    what=f'the emotions of image {number}')


def test_an_image_becomes_faces_and_emotions(pipeline, portrait):
    message = send(pipeline, portrait, 1)
    assert message.header == header(1)
    assert (message.image_height, message.image_width) == portrait.shape[:2]
    assert message.model and message.label_set in ('fer2013', 'ferplus')
    # Whose emotions may come before them.
    face, = wait_for(lambda: next((m for m in [*pipeline.faces] if number_of(m) == 1), None),
                     what='the faces').faces
    emotion, = message.emotions
    assert emotion.track_id == face.track_id >= 1
    assert emotion.roi == face.roi and face.roi.width > 40
    assert np.asarray(emotion.probabilities).sum() == pytest.approx(1, abs=1e-4)
    assert face.crop.encoding == 'mono8' and face.crop.width == face.crop.height == 48
    # The portrait smiles.
    assert LABELS[int(np.argmax(emotion.probabilities))] == 'happy'
    assert emotion.valence > 0 and -1 <= emotion.arousal <= 1
    # Raw and filtered travel side by side, with when the state began and how long it lasts.
    assert np.asarray(emotion.filtered_probabilities).sum() == pytest.approx(1, abs=1e-4)
    assert emotion.onset and emotion.state_duration.sec == emotion.state_duration.nanosec == 0
    later, = send(pipeline, portrait, 2).emotions
    assert later.label == emotion.label and not later.onset
    assert later.state_duration.sec + later.state_duration.nanosec > 0
    assert later.filtered_probabilities[3] != later.probabilities[3]


def test_nobody_in_view_is_not_silence(pipeline):
    assert send(pipeline, np.full((240, 320, 3), 90, np.uint8), 1).emotions == []


@pytest.mark.parametrize('encoding', ['rgb8', 'mono8', 'bgra8', 'rgba8', 'yuv422_yuy2'])
def test_every_encoding_finds_the_face(pipeline, portrait, encoding):
    assert len(send(pipeline, portrait, 1, encoding).emotions) == 1


def test_the_identity_stays(pipeline, portrait):
    identities = {send(pipeline, np.roll(portrait, 3 * i, axis=1), i).emotions[0].track_id
                  for i in range(8)}
    assert len(identities) == 1


def test_bad_images_are_named_and_the_next_good_one_is_read(pipeline, portrait):
    bad = [Image(height=2, width=2, encoding='nv99', step=6, data=bytes(12)),
           Image(height=480, width=640, encoding='bgr8', step=1920, data=bytes(100)),
           Image(),
           Image(height=2**31, width=2**31, encoding='mono8', step=2**31, data=b'x')]
    for count, message in enumerate(bad, start=1):
        pipeline.images.publish(message)
        wait_for(lambda: pipeline.detector._input._bad == count, what=f'bad image {count}')
    assert len(send(pipeline, portrait, 5).emotions) == 1
    status = pipeline.detector._collect()
    assert status.values['images unreadable'] == len(bad)
    assert 'more than' in status.values['last unreadable image']


def test_compressed_images(graph, portrait):
    graph.add(FaceDetector, image_transport='compressed')
    faces = graph.collect(FaceArray, 'faces', qos.RESULT)
    wait_for(lambda: graph.node.count_publishers('faces'))
    images = graph.publisher(CompressedImage, 'image_raw/compressed', qos.IMAGE)
    data = cv2.imencode('.jpg', portrait)[1].tobytes()
    images.publish(CompressedImage(format='jpeg', data=data[:60], header=header(0)))
    images.publish(CompressedImage(format='jpeg', data=data, header=header(1)))
    wait_for(lambda: faces and number_of(faces[-1]) == 1)
    assert len(faces[-1].faces) == 1


def test_one_classifier_serves_two_cameras(graph, portrait):
    graph.add(EmotionClassifierNode, face_topics=['left/faces', '/right/faces'])
    received = {side: graph.collect(EmotionArray, f'/{side}/emotions', qos.RESULT)
                for side in ('left', 'right')}
    crop = cv2.resize(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY), (48, 48))
    for side, stamp in (('left', 1), ('right', 2)):
        message = FaceArray(header=header(stamp), image_width=640, image_height=480)
        message.faces = conversions.faces_to_message(
            [Face(stamp, BoundingBox(5, 5, 90, 90), 1.0, crop=crop)],
            header(stamp), 640, 480, 'test').faces
        graph.publisher(FaceArray, f'/{side}/faces', qos.RESULT).publish(message)
    for side, stamp in (('left', 1), ('right', 2)):
        wait_for(lambda side=side: received[side])
        assert [e.track_id for e in received[side][0].emotions] == [stamp]


def test_looking_neutral_for_three_seconds(pipeline, portrait):
    client = pipeline.node.create_client(Trigger, 'emotion_classifier/look_neutral')
    assert client.wait_for_service(60)

    def look_neutral():
        future = client.call_async(Trigger.Request())
        return wait_for(lambda: future.done() and future.result(), what='an answer')
    answer = look_neutral()
    assert not answer.success and 'no face in view' in answer.message
    # Ten frames per second by their stamps, whatever the clock says; she smiles.
    stamps = iter(range(0, 30_000, 3))
    before = send(pipeline, portrait, next(stamps)).emotions[0]
    assert before.label == 'happy'
    answer = look_neutral()
    assert answer.success and '1 face' in answer.message and '3 seconds' in answer.message
    for _ in range(45):
        after = send(pipeline, portrait, next(stamps)).emotions[0]
    assert np.allclose(after.probabilities, before.probabilities, atol=0.02)
    # Her smile was taken for her face at rest: as far as the bounds of learning go.
    state, = pipeline.classifier._reader.filters['faces']._states.values()
    assert state.resting.offset[3] == pytest.approx(3) and state.resting.offset[6] < -1


def test_a_change_of_the_stationary_distribution_is_checked_and_applied(pipeline, portrait):
    node = pipeline.classifier
    assert not node.set_parameters([RosParameter('stationary', value=[1.0, 2.0])])[0].successful
    assert not node.set_parameters([RosParameter('stationary', value=[0.0] * 7)])[0].successful
    assert node.set_parameters([RosParameter('stationary', value=[1.0] * 7)])[0].successful
    assert node._reader.filters['faces'].settings.stationary == (1.0,) * 7
    assert node.set_parameters([RosParameter('learn_resting_face', value=True)])[0].successful
    assert node._reader.filters['faces'].settings.stationary == (1.0,) * 7
    assert node._reader.filters['faces'].settings.learn_resting_face
    assert len(send(pipeline, portrait, 1).emotions) == 1


def test_whole_numbers_do_for_the_stationary_distribution(graph):
    node = graph.add(EmotionClassifierNode, stationary=[1, 1, 1, 2, 1, 1, 9])
    assert node._reader.filters['faces'].settings.stationary == (1, 1, 1, 2, 1, 1, 9)


def test_node_benchmark_and_evaluation_have_the_same_defaults(graph):
    classifier = graph.add(EmotionClassifierNode)
    detector = graph.add(FaceDetector)
    assert classifier._reader.filters['faces'].settings == DEFAULTS
    assert CorePipeline().filter.settings is DEFAULTS
    assert EmotionFilter.of(classifier._reader.classifier).settings is DEFAULTS
    assert detector._finder._detect_every == CorePipeline().finder._detect_every == DETECT_EVERY


def test_the_variant_taken_and_its_time_are_reported(graph):
    node = graph.add(EmotionClassifierNode)
    values = node._collect().values
    assert values['model'] in ('fernet_int8', 'fernet_float16')
    assert values['time per face at configure (ms)'] > 0
    assert all(name in values['variants tried'] for name in ('fernet_int8', 'fernet_float16'))
    told = graph.add(EmotionClassifierNode, variant='float16')
    assert told._collect().values['model'] == 'fernet_float16'
    assert 'int8' not in told._collect().values['variants tried']


@pytest.mark.parametrize('faces, emotions', [
    ('faces', 'emotions'), ('cam/faces', 'cam/emotions'), ('/faces', '/emotions'),
    ('/a/b/faces', '/a/b/emotions')])
def test_emotions_stand_beside_their_faces(faces, emotions):
    assert sibling(faces, 'emotions') == emotions


def test_the_annotator_works_only_for_viewers(pipeline, portrait):
    annotator = pipeline.add(Annotator)
    send(pipeline, portrait, 1)
    assert annotator._input is None
    viewer = pipeline.collect(Image, 'image_annotated', qos.IMAGE)
    wait_for(lambda: annotator._input is not None, what='the annotator to subscribe')
    wait_for(lambda: pipeline.images.get_subscription_count() == 2)

    def annotated():
        send(pipeline, portrait, len(pipeline.emotions) + 1)
        return viewer
    drawn = conversions.image_to_array(wait_for(annotated)[0])
    assert drawn.shape == portrait.shape
    assert not np.array_equal(drawn, portrait)
    pipeline.node.destroy_subscription(next(
        s for s in pipeline.node.subscriptions if s.topic_name == '/image_annotated'))
    wait_for(lambda: annotator._input is None, what='the annotator to stop')


@pytest.mark.parametrize('maker, parameters, words', [
    (FaceDetector, {'model_path': '/nowhere/model.onnx'}, ['/nowhere/model.onnx']),
    (EmotionClassifierNode, {'model': '/nowhere/model.tflite'}, ['/nowhere/model.tflite']),
    (EmotionClassifierNode, {'face_topics': ['a/faces', 'a/people']}, ['face_topics']),
    (EmotionClassifierNode, {'stationary': [1.0, 2.0]}, ['stationary', '7 numbers']),
    (EmotionClassifierNode, {'model': 'fernet_int8', 'variant': 'float16'}, ['variant']),
])
def test_a_node_that_cannot_be_configured_says_why_and_stays(graph, maker, parameters, words):
    node = graph.add(maker, start=False, **parameters)
    assert not node.start()
    assert node.state == 'unconfigured'
    assert all(word in node._collect().message for word in words), node._collect().message


@pytest.mark.parametrize('maker', [FaceDetector, EmotionClassifierNode, Annotator])
def test_both_ways_twice(graph, maker):
    node = graph.add(maker, start=False)
    for _ in range(2):
        assert node.start() and node.state == 'active'
        node.trigger_deactivate()
        node.trigger_cleanup()
        assert node.state == 'unconfigured'
        wait_for(lambda: not any(graph.node.count_publishers(topic) for topic in (
            'faces', 'emotions', 'image_annotated')), what='the publisher to be gone')
