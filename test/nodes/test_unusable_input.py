# SPDX-License-Identifier: Apache-2.0
"""Unusable input is reported with cause and fix while it lasts; the rest is used."""

from pathlib import Path
import subprocess
import sys

import cv2
import numpy as np
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros import conversions  # noqa: E402
from fer_ros.cameras.decoding import StreamDecoder  # noqa: E402
from fer_ros.conversions import cameras  # noqa: E402
from fer_ros.errors import ConfigurationError, ImageError  # noqa: E402
from fer_ros.msg import EmotionArray, FaceArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.camera_driver import CameraDriver  # noqa: E402
from fer_ros.nodes.diagnostics import ERROR, OK, WARN  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from fer_ros.nodes.parameter_files import shared_names  # noqa: E402
from fer_ros.nodes.smart_home_bridge import SmartHomeBridge  # noqa: E402
from fer_ros.types import BoundingBox, Face  # noqa: E402
from home_support import emotion  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import CameraInfo, CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

CASES = Path(__file__).parents[1] / 'cases' / 'parameters'
GRAY = np.full((120, 160), 90, np.uint8)


def becomes(node, level, *words, send=lambda: None):
    def it():
        send()
        status = node._collect()
        return status.level == level and all(word in status.message for word in words) and status
    return wait_for(it, what=f'{words}; it is {node._collect()}')


def stamped(graph):
    return Header(stamp=graph.node.get_clock().now().to_msg())


def test_images_of_an_unknown_encoding_are_an_error_until_they_can_be_read(graph):
    node = graph.add(FaceDetector)
    node._input._share._window_s = 0.5
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)

    def send(encoding):
        message = conversions.array_to_image(GRAY, 'mono8', stamped(graph))
        message.encoding = encoding
        images.publish(message)
    becomes(node, ERROR, 'none of the last', "images on /image_raw can be used: unknown encoding "
            "'h265': let the camera publish bgr8", send=lambda: send('h265'))
    becomes(node, WARN, 'images on /image_raw cannot be used',
            send=lambda: (send('h265'), send('mono8')))
    assert becomes(node, OK, send=lambda: send('mono8')).message == 'active'
    # Texts of others are cut.
    becomes(node, ERROR, send=lambda: send('x' * 5000))
    assert len(node._collect().message) < 1000


def test_a_video_stream_as_compressed_image_is_reported(graph):
    node = graph.add(FaceDetector, image_transport='compressed')
    images = graph.publisher(CompressedImage, 'image_raw/compressed', qos.IMAGE)
    becomes(node, ERROR, "compressed image ('h264')", 'JPEG, PNG', send=lambda: images.publish(
        CompressedImage(header=stamped(graph), format='h264', data=b'\0\0\0\1\x67')))


def test_images_that_take_too_long_to_decode_do_not_hold_up_the_others(graph):
    node = graph.add(FaceDetector, image_transport='compressed')
    node._input._decoder = StreamDecoder(limit_s=0.01)
    heard = graph.collect(FaceArray, 'faces', qos.RESULT)
    images = graph.publisher(CompressedImage, 'image_raw/compressed', qos.IMAGE)
    large, small = (cv2.imencode('.png', np.zeros((side, side), np.uint8))[1].tobytes()
                    for side in (4000, 64))

    def send(data):
        header = stamped(graph)
        images.publish(CompressedImage(header=header, format='png', data=data))
        return header.stamp
    becomes(node, WARN, 'to decode, of 0.01 s at most: let the camera publish smaller images',
            send=lambda: (send(large), send(small)))

    def stamps_heard():
        return [message.header.stamp for message in [*heard]]
    # After the answer to the last of those there is nothing left of them.
    last = send(small)
    wait_for(lambda: last in stamps_heard(), what='the faces of the last image')
    before = node._input._done
    stamps = [send(data) for data in (large, small)]
    wait_for(lambda: stamps[1] in stamps_heard(), what='the faces of the small image')
    assert node._input._done <= before + 2
    assert stamps[0] not in stamps_heard()


def test_two_publishers_of_one_image_topic_and_stamps_of_zero_are_named(graph):
    node = graph.add(FaceDetector)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)
    becomes(node, WARN, 'images on /image_raw have the stamp 0', send=lambda: images.publish(
        conversions.array_to_image(GRAY, 'mono8')))
    graph.publisher(Image, 'image_raw', qos.IMAGE)
    becomes(node, WARN, '2 publishers on /image_raw (/test_node, /test_node)')


def faces_of(graph, *crops):
    message = conversions.faces_to_message(
        [Face(i + 1, BoundingBox(5, 5, 90, 90), 1.0, crop=GRAY[:48, :48])
         for i in range(len(crops))], stamped(graph), 640, 480, 'test')
    for face, encoding in zip(message.faces, crops):
        face.crop.encoding = encoding
    return message


def test_one_unreadable_crop_costs_that_face_only(graph):
    node = graph.add(EmotionClassifierNode)
    share = node._readings['faces']._share
    emotions = graph.collect(EmotionArray, 'emotions', qos.RESULT)
    faces = graph.publisher(FaceArray, 'faces', qos.RESULT)
    wait_for(lambda: graph.node.count_publishers('emotions'))
    faces.publish(faces_of(graph, 'mono8', 'nv99', 'mono8'))
    assert [one.track_id for one in wait_for(lambda: emotions)[0].emotions] == [1, 3]
    becomes(node, WARN, '1 of the last 3 faces on faces cannot be used: face 2 skipped: its crop')
    share._window_s = 0.5
    # If no face can be read, "nobody" would be wrong.
    emotions.clear()
    becomes(node, ERROR, 'none of the last', 'unknown encoding',
            send=lambda: faces.publish(faces_of(graph, 'nv99')))
    assert not emotions
    becomes(node, OK, send=lambda: faces.publish(faces_of(graph, 'mono8')))
    values = node._collect().values
    assert values['face arrays unreadable'] > 0 and values['faces skipped'] > 1


def spoiled(**change):
    message = conversions.emotions_to_message(
        [emotion('happy', track_id=i) for i in (1, 2, 3)], Header(), 640, 480, 'net', 'fer2013')
    for name, value in change.items():
        setattr(message.emotions[1], name, value)
    return message


@pytest.mark.parametrize('change, words', [
    ({'confidence': float('nan')}, 'not finite'), ({'label': 'bored' * 999}, "unknown label 'bor"),
    ({'probabilities': np.full(7, np.inf, np.float32)}, 'not finite')])
def test_one_bad_face_costs_that_face_only(change, words):
    problems = []
    found = conversions.message_to_emotions(spoiled(**change), problems)
    assert [one.track_id for one in found] == [1, 3]
    assert len(problems) == 1 and words in problems[0] and len(problems[0]) < 300


def test_at_most_256_faces_of_a_message_are_taken():
    problems = []
    message = spoiled()
    message.emotions = list(message.emotions) * 100
    assert len(conversions.message_to_emotions(message, problems)) == 256
    assert problems == ['300 faces in one message: only the first 256 are taken']
    message = FaceArray()
    message.faces = faces_of_nobody(300)
    assert len(conversions.message_to_faces(message, problems)) == 256 and len(problems) == 2


def faces_of_nobody(count):
    return conversions.faces_to_message([Face(1, BoundingBox(0, 0, 1, 1), 1.0)] * count,
                                        Header(), 1, 1, 'test').faces


def test_the_bridge_tells_the_share_and_goes_on(graph):
    logged = []
    node = graph.add(SmartHomeBridge, dry_run=True, lamp_display='none')
    node._complaints._warning = logged.append
    emotions = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
    node._started_s -= 60

    def send(bad):
        message = spoiled(**({'confidence': float('nan')} if bad else {}))
        message.header = stamped(graph)
        emotions.publish(message)
    becomes(node, WARN, 'emotion arrays on emotions cannot be used: face 2 skipped',
            send=lambda: (send(True), send(False)))
    assert node._home.snapshots[0].fresh
    # With other numbers it is the same complaint.
    assert len([text for text in logged if 'cannot be used' in text]) <= 1


def test_a_stamp_of_zero_is_said_to_be_zero(graph):
    node = graph.add(SmartHomeBridge, dry_run=True, lamp_display='none')
    emotions = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
    becomes(node, ERROR, 'none of the last', 'the stamp is 0: let the camera driver set the time',
            send=lambda: emotions.publish(spoiled()))


def test_frames_that_cannot_be_sent_are_reported_and_the_others_go_on(graph, tmp_path):
    for number, width in enumerate((1, 1, 64)):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.zeros((48, width, 3), np.uint8))
    images = graph.collect(Image, 'image_raw', qos.IMAGE)
    node = graph.add(CameraDriver, source=str(tmp_path), loop=True, rate_hz=50.0,
                     encoding='yuv422_yuy2')
    wait_for(lambda: len(images) > 3, what='the good images')
    becomes(node, WARN, 'cannot be used: the width 1 is odd', 'use another width or encoding')
    assert not node.faults.count and node._collect().values['images skipped'] > 0


@pytest.mark.parametrize('bits', [10, 12, 14, 16])
@pytest.mark.parametrize('big_endian', [0, 1])
def test_mono16_is_read_by_the_bits_it_uses(bits, big_endian):
    values = np.linspace(0, 2**bits - 1, 64).astype('>u2' if big_endian else '<u2')
    message = Image(height=1, width=64, encoding='mono16', step=128, is_bigendian=big_endian,
                    data=values.tobytes())
    image = conversions.image_to_array(message)
    assert image[0, 0] == 0 and image[0, -1] == 255 and (np.diff(image[0].astype(int)) >= 0).all()


@pytest.mark.parametrize('encoding, code, order', [
    ('nv12', cv2.COLOR_YUV2BGR_NV12, (0, 1)), ('nv21', cv2.COLOR_YUV2BGR_NV21, (1, 0))])
@pytest.mark.parametrize('padding', [0, 6])
def test_planar_images_are_read(encoding, code, order, padding, portrait):
    height, width = 48, 64
    picture = cv2.resize(portrait, (width, height), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    chroma = planes[height:].reshape(2, -1)[list(order)].T.reshape(height // 2, width)
    rows = np.vstack([planes[:height], chroma])
    padded = np.hstack([rows, np.full((len(rows), padding), 255, np.uint8)])
    message = Image(height=height, width=width, encoding=encoding, step=width + padding,
                    data=padded.tobytes())
    image = conversions.image_to_array(message)
    assert np.array_equal(image, cv2.cvtColor(rows, code))
    assert np.abs(image.astype(int) - picture).mean() < 12
    message.data = message.data[:-padding - 2]
    with pytest.raises(ImageError, match='truncated'):
        conversions.image_to_array(message)
    message.height = 47
    with pytest.raises(ImageError, match='height 47 is odd'):
        conversions.image_to_array(message)


@pytest.mark.parametrize('change, words', [
    ({'width': 0}, 'image_width'), ({'k': [-1.0, 0, 1, 0, 1, 1, 0, 0, 1]}, 'focal length fx'),
    ({'k': [float('nan')] * 9}, 'camera_matrix'), ({'d': [float('inf')]}, 'distortion'),
    ({'p': [1e-30, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0]}, 'projection_matrix'),
    ({'k': [1e300, 0, 1, 0, 1, 1, 0, 0, 1]}, 'camera_matrix')])
def test_what_no_camera_can_be_is_refused(change, words):
    good = {'width': 640, 'height': 480, 'k': [600.0, 0, 320, 0, 600, 240, 0, 0, 1]}
    camera = cameras.message_to_camera(CameraInfo(**good))
    assert camera.p[0, 0] == 600 and camera.r[0, 0] == 1    # zeros: not known
    with pytest.raises(ImageError, match=words):
        cameras.message_to_camera(CameraInfo(**{**good, **change}))
    assert cameras.message_to_camera(CameraInfo()) is None


def test_a_region_of_interest_has_its_own_center():
    info = CameraInfo(width=640, height=480, k=[600.0, 0, 320, 0, 600, 240, 0, 0, 1])
    info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height = 100, 50, 320, 240
    camera = cameras.message_to_camera(info)
    assert (camera.width_px, camera.height_px) == (320, 240)
    assert (camera.k[0, 2], camera.k[1, 2]) == (220, 190)
    info.roi.width = 1000
    with pytest.raises(ImageError, match='roi'):
        cameras.message_to_camera(info)


def test_a_wrong_qos_override_is_one_line(graph):
    name = 'qos_overrides./emotions.publisher.reliability'
    with pytest.raises(ConfigurationError) as error:
        EmotionClassifierNode(parameter_overrides=[Parameter(name, value='reliabe')])
    assert str(error.value) == (
        "emotion_classifier: QoS override of /emotions (publisher): reliability is 'reliabe': "
        'expected one of system_default, reliable, best_effort, best_available')
    with pytest.raises(ConfigurationError, match='depth is -1'):
        EmotionClassifierNode(parameter_overrides=[Parameter(
            'qos_overrides./emotions.publisher.depth', value=-1)])


def test_names_for_all_nodes_are_ignored_and_own_ones_are_not(tmp_path):
    file = tmp_path / 'own.yaml'
    file.write_text('/**:\n  ros__parameters: {a: {b: 1}, frame_id: x}\n'
                    'hall:\n  face_detector:\n    ros__parameters: {frame_id: y}\n')
    arguments = ['node', '--ros-args', '--params-file', str(file)]
    assert shared_names(arguments) == {'a.b'}
    assert shared_names([*arguments, '-p', 'a.b:=2']) == set()
    assert shared_names(['node', '--params-file', '/nowhere']) == set()

    def run(path):
        return subprocess.Popen(
            [sys.executable, '-m', 'fer_ros.nodes.face_detector', '--ros-args', '--params-file',
             str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    process = run(CASES / 'shared.yaml')
    try:
        lines = []
        while not lines or 'detector:' not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        assert sum('ignored, as set for all nodes (/**): frame_id, log_level' in line
                   for line in lines) == 1
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
    file.write_text('face_detector:\n  ros__parameters: {frame_id: y}\n')
    process = run(file)
    assert 'unknown parameter frame_id' in process.communicate(timeout=60)[0]
    assert process.returncode == 2
