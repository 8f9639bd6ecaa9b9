# SPDX-License-Identifier: Apache-2.0
"""The examples for nodes that subscribe, on a real stream: a subscriber and a recording."""

import csv
import importlib.util
import io
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from builtin_interfaces.msg import Duration  # noqa: E402
from fer_ros import conversions  # noqa: E402
from fer_ros.msg import AmbientAction, Emotion, EmotionArray, FaceArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

rosbag2 = pytest.importorskip('rosbags.rosbag2', reason='rosbags, which reads recordings')
SCRIPTS = Path(__file__).parents[2] / 'examples' / 'fer_ros_examples' / 'scripts'
KINDS = {'/faces': FaceArray, '/emotions': EmotionArray, '/ambient_actions': AmbientAction}


@pytest.fixture(scope='module')
def example():
    spec = importlib.util.spec_from_file_location('read_recording', SCRIPTS / 'read_recording.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def record(path, stream, typestore):
    """Write serialized messages as ros2 bag record does: MCAP, type hashes, definitions."""
    with rosbag2.Writer(path, version=9, storage_plugin=rosbag2.StoragePlugin.MCAP) as writer:
        connections = {topic: writer.add_connection(
            topic, f'fer_ros/msg/{kind.__name__}', typestore=typestore)
            for topic, kind in KINDS.items()}
        for number, (topic, data) in enumerate(stream):
            writer.write(connections[topic], 1_000_000_000 + number, data)


def read_without_ros(recording, *options):
    """Run the example as a process that finds neither ROS nor our Python package."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ('PYTHONPATH', 'AMENT_PREFIX_PATH', 'LD_LIBRARY_PATH')}
    return subprocess.run([sys.executable, SCRIPTS / 'read_recording.py', recording, *options],
                          env=environment, capture_output=True, text=True, timeout=120)


def test_a_recorded_stream_is_read_without_ros(graph, portrait, example, tmp_path):
    graph.add(FaceDetector)
    graph.add(EmotionClassifierNode)
    stream = []
    for topic, kind in KINDS.items():
        graph.node.create_subscription(
            kind, topic, lambda data, topic=topic: stream.append((topic, bytes(data))),
            qos.RESULT, raw=True)
    actions = graph.publisher(AmbientAction, 'ambient_actions', qos.RESULT)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)

    def received(topic):
        return [deserialize_message(data, KINDS[topic]) for name, data in stream if name == topic]
    for number in range(3):
        header = Header(frame_id='camera')
        header.stamp.sec, header.stamp.nanosec = 1000, number * 100_000_000
        images.publish(conversions.bgr_to_image(portrait, 'bgr8', header))
        wait_for(lambda: len(received('/emotions')) > number, what='emotions')
    actions.publish(AmbientAction(header=header, room='study', target='lamp', emotion='happy',
                                  confidence=0.75, transition_s=1.5))
    wait_for(lambda: received('/ambient_actions') and len(received('/faces')) == 3)
    typestore = example.make_typestore(example.find_definitions())
    record(tmp_path / 'visit', stream, typestore)

    # Every message comes out whole: written again, it is the same bytes.
    read = list(example.read(tmp_path / 'visit', typestore))
    assert [topic for topic, _ in read] == [topic for topic, _ in stream]
    for (topic, ours), (_, data) in zip(read, stream):
        assert bytes(typestore.serialize_cdr(ours, ours.__msgtype__)) == data
        theirs = deserialize_message(data, KINDS[topic])
        assert ours.header.stamp.nanosec == theirs.header.stamp.nanosec
    # The command, without ROS.
    done = read_without_ros(tmp_path / 'visit')
    assert done.returncode == 0, done.stderr
    header_row, *rows = csv.reader(io.StringIO(done.stdout))
    assert tuple(header_row) == example.COLUMNS
    faces = [row for row in rows if row[1] == '/emotions']
    expected = [m.emotions[0] for m in received('/emotions')]
    assert [row[0] for row in faces] == [f'1000.{n}00000000' for n in range(3)]
    assert [row[2:5] for row in faces] == [
        [f'face {e.track_id}', e.label, f'{e.confidence:.3f}'] for e in expected]
    assert ['1000.200000000', '/ambient_actions', 'study/lamp', 'happy', '0.750', '1.5'] in rows


def test_a_recording_of_another_version_is_refused(example, tmp_path):
    older = shutil.copytree(example.find_definitions(), tmp_path / 'msg')
    emotion = (older / 'Emotion.msg').read_text()
    assert 'float32 arousal' in emotion
    (older / 'Emotion.msg').write_text(emotion.replace('float32 arousal', ''))
    record(tmp_path / 'old', [], example.make_typestore(older))
    done = read_without_ros(tmp_path / 'old')
    assert done.returncode == 1
    assert 'another version of fer_ros/msg/EmotionArray' in done.stderr
    # With the definitions of its time it is read.
    assert read_without_ros(tmp_path / 'old', '--definitions', older).returncode == 0


def test_no_recording_is_reported_in_a_line(tmp_path):
    done = read_without_ros(tmp_path / 'nothing')
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert str(tmp_path / 'nothing') in done.stderr


def test_the_listener_prints_faces_and_nobody(graph, tmp_path):
    with open(tmp_path / 'log', 'w') as log:
        process = subprocess.Popen([sys.executable, SCRIPTS / 'emotion_listener.py'],
                                   stdout=log, stderr=subprocess.STDOUT)
    try:
        publisher = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
        publisher.publish(EmotionArray(emotions=[
            Emotion(track_id=3, label='happy', confidence=0.75,
                    state_duration=Duration(sec=2, nanosec=500_000_000)),
            Emotion(track_id=4, label='uncertain', confidence=0.25)]))
        publisher.publish(EmotionArray())
        wait_for(lambda: 'nobody' in (tmp_path / 'log').read_text(), what='both messages')
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    text = (tmp_path / 'log').read_text()
    assert 'face 3: happy, confidence 0.75, for 2.5 s' in text
    assert 'face 4: uncertain, confidence 0.25, for 0.0 s' in text
    assert 'Traceback' not in text


def test_the_examples_are_built_only_when_they_are_named():
    if not shutil.which('colcon'):
        pytest.skip('colcon, which builds the packages, is not installed')
    root, examples = SCRIPTS.parents[2], SCRIPTS.parent

    def packages(*paths):
        return subprocess.run(['colcon', '--log-base', os.devnull, 'list', '--names-only',
                               '--base-paths', *paths], check=True, stdout=subprocess.PIPE,
                              text=True).stdout.split()
    assert packages(root) == ['fer_ros']
    assert sorted(packages(root, examples)) == ['fer_ros', 'fer_ros_examples']
