# SPDX-License-Identifier: Apache-2.0
"""Somebody else's ONNX file, from image_raw to emotions; one that does not fit is reported."""

import cv2
import numpy as np
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
pytest.importorskip('onnxruntime')
foreign = pytest.importorskip('foreign_models', reason='needs the package onnx')
from fer_ros import conversions  # noqa: E402
from fer_ros.emotions.classification import EmotionClassifier  # noqa: E402
from fer_ros.emotions.labels import LABELS  # noqa: E402
from fer_ros.msg import EmotionArray, FaceArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.diagnostics import ERROR, WARN  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from fer_ros.types import BoundingBox, Face  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402


def header(number):
    stamped = Header(frame_id='camera')
    stamped.stamp.sec, stamped.stamp.nanosec = 1000, number * 100_000_000
    return stamped


def faces_message(number, *crops):
    return conversions.faces_to_message(
        [Face(i + 1, BoundingBox(5, 5, 90, 90), 1.0, crop=crop) for i, crop in enumerate(crops)],
        header(number), 640, 480, 'test')


def colored(color, side=64):
    return np.full((side, side, 3), color, np.uint8)


def tinted(portrait, color):
    return cv2.addWeighted(portrait, 0.4, np.full_like(portrait, color), 0.6, 0)


@pytest.mark.parametrize('encoding', ['auto', 'rgb8'])
def test_one_setting_brings_crops_in_color_and_emotions(graph, portrait, tmp_path, encoding):
    path = str(foreign.write(tmp_path, softmax=True))
    graph.add(FaceDetector, emotion_model=path, crop_encoding=encoding)
    node = graph.add(EmotionClassifierNode, model=path)
    faces = graph.collect(FaceArray, 'faces', qos.RESULT)
    emotions = graph.collect(EmotionArray, 'emotions', qos.RESULT)
    wait_for(lambda: graph.node.count_publishers('emotions')
             and graph.node.count_publishers('faces'))
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)
    for number, (color, label) in enumerate(foreign.READS.items()):
        images.publish(conversions.bgr_to_image(tinted(portrait, color), 'bgr8', header(number)))
        wait_for(lambda number=number: len(emotions) > number and len(faces) > number)
        face, = faces[number].faces
        assert (face.crop.width, face.crop.height) == (64, 64)
        assert face.crop.encoding == ('bgr8' if encoding == 'auto' else encoding)
        emotion, = emotions[number].emotions
        assert LABELS[int(np.argmax(emotion.probabilities))] == label
        assert sum(emotion.probabilities) == pytest.approx(1, abs=1e-5)
        if number == 0:
            crop = conversions.message_to_faces(faces[0])[0].crop
            valence, arousal = EmotionClassifier(path).read(crop[None]).affect[0]
            assert emotion.valence == pytest.approx(valence, abs=1e-5)
            assert emotion.arousal == pytest.approx(arousal, abs=1e-5)
    assert emotions[0].model == 'foreign' and emotions[0].label_set == 'affectnet'
    status = node._collect()
    assert 'onnxruntime' in status.values['runs on'] and 'crop' not in status.message


def test_small_gray_crops_are_read_and_the_setting_is_reported_once(graph, tmp_path, capfd):
    node = graph.add(EmotionClassifierNode, model=str(foreign.write(tmp_path)))
    emotions = graph.collect(EmotionArray, 'emotions', qos.RESULT)
    wait_for(lambda: graph.node.count_publishers('emotions'))
    faces = graph.publisher(FaceArray, 'faces', qos.RESULT)
    for number in range(3):
        faces.publish(faces_message(number, np.full((48, 48), 90, np.uint8)))
        wait_for(lambda number=number: len(emotions) > number)
    assert all(len(message.emotions) == 1 for message in emotions)
    status = node._collect()
    assert status.level == WARN and 'crop_encoding to bgr8' in status.message
    faces.publish(faces_message(3, colored((0, 0, 200))))
    wait_for(lambda: len(emotions) > 3)
    assert 'crop_encoding' not in node._collect().message
    assert ''.join(capfd.readouterr()).count('crop_encoding to bgr8') == 1


def test_an_answer_that_is_not_a_number_is_reported_and_the_face_stays(graph, tmp_path, capfd):
    node = graph.add(EmotionClassifierNode, model=str(foreign.write(tmp_path, nan_above=1.9)))
    emotions = graph.collect(EmotionArray, 'emotions', qos.RESULT)
    wait_for(lambda: graph.node.count_publishers('emotions'))
    faces = graph.publisher(FaceArray, 'faces', qos.RESULT)
    red, white = colored((0, 0, 255)), colored((255, 255, 255))
    for number, crops in enumerate([(red, red), (white, red), (red, red)]):
        faces.publish(faces_message(number, *crops))
        wait_for(lambda number=number: len(emotions) > number)
        if number == 1:
            status = node._collect()
    first, spoiled, last = (message.emotions for message in emotions)
    assert [e.track_id for e in spoiled] == [1, 2]
    np.testing.assert_allclose(spoiled[0].probabilities, 1 / 7, atol=1e-6)
    assert spoiled[0].quality == 0 and spoiled[1].quality == 1
    assert spoiled[0].label == first[0].label == last[0].label == 'happy'
    assert spoiled[0].valence == pytest.approx(first[0].valence, abs=1e-6)
    assert status.level == WARN and '1 of 2 faces' in status.message
    assert status.values['faces without an answer'] == 1
    told = ''.join(capfd.readouterr())
    assert told.count('1 of 2 faces') == 1 and 'Traceback' not in told


def truncated(path):
    path.write_bytes(path.read_bytes()[:200])


def labels_of_nothing(path):
    text = path.with_suffix('.yaml').read_text()
    path.with_suffix('.yaml').write_text(text.replace('Happy', 'Smirk'))


def deep(path):
    path.with_suffix('.yaml').unlink()
    path.with_suffix('.json').write_text('[' * 100_000)


@pytest.mark.parametrize('maker, parameter, spoil, words', [
    (EmotionClassifierNode, 'model', truncated, 'foreign.onnx'),
    (EmotionClassifierNode, 'model', labels_of_nothing, "'Smirk'"),
    (EmotionClassifierNode, 'model', deep, 'nested too deeply'),
    (FaceDetector, 'emotion_model', labels_of_nothing, "'Smirk'"),
    (FaceDetector, 'emotion_model', deep, 'nested too deeply')])
def test_what_cannot_be_used_is_reported_in_one_line_and_may_be_fixed(
        graph, tmp_path, capfd, maker, parameter, spoil, words):
    path = foreign.write(tmp_path)
    spoil(path)
    node = graph.add(maker, start=False, **{parameter: str(path)})
    assert not node.start() and node.state == 'unconfigured'
    status = node._collect()
    assert status.level == ERROR and words in status.message and '\n' not in status.message
    assert 'Traceback' not in ''.join(capfd.readouterr())
    path.with_suffix('.json').unlink(missing_ok=True)
    foreign.write(tmp_path)
    assert node.start()


@pytest.mark.parametrize('maker, values, words', [
    (EmotionClassifierNode, {'providers': ['nonsense']}, 'providers: nonsense'),
    (EmotionClassifierNode, {'model': '', 'delegate': '/nowhere/libd.so'},
     '/nowhere/libd.so'),
    (FaceDetector, {'providers': ['nonsense']}, 'providers: ')])
def test_what_cannot_be_accelerated_runs_on_the_processor_with_a_warning(
        graph, tmp_path, capfd, maker, values, words):
    if maker is EmotionClassifierNode:
        values = {'model': str(foreign.write(tmp_path)), **values}
    node = graph.add(maker, **values)
    status = node._collect()
    assert words in status.message and status.level >= WARN
    assert status.values['runs on']
    told = ''.join(capfd.readouterr())
    assert words in told and 'Traceback' not in told


@pytest.mark.parametrize('maker', [EmotionClassifierNode, FaceDetector])
def test_with_its_defaults_a_node_warns_of_nothing_it_was_not_asked_for(graph, maker, capfd):
    node = graph.add(maker)
    status = node._collect()
    assert 'providers' not in status.message and 'delegate' not in status.message
    told = ''.join(capfd.readouterr())
    assert 'providers' not in told and 'delegate' not in told


def test_a_crop_size_that_makes_no_crops_is_refused(graph):
    node = graph.add(FaceDetector, start=False, crop_side_px=9)
    assert not node.start() and 'crop_side_px is 9' in node._collect().message
