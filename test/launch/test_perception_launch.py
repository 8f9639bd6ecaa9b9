# SPDX-License-Identifier: Apache-2.0
"""perception.launch.xml on a camera of the test, in one process, brought up manually."""

from pathlib import Path
import sys
import threading
import unittest
import urllib.request

import pytest

pytest.importorskip('launch_testing_ros', reason='launch_testing is not installed')
pytest.importorskip('fer_ros.msg', reason='the messages are not built')
sys.path.insert(0, str(Path(__file__).parent))
from fer_ros import conversions  # noqa: E402
from fer_ros.emotions.classification import DEFAULT_MODEL, MODEL_DIR  # noqa: E402
from fer_ros.msg import EmotionArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
import launch_support  # noqa: E402
from launch_support import wait_for  # noqa: E402
import launch_testing.asserts  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

#: A model that ships and is not the default one, by its name.
OTHER_MODEL = max(path.stem for path in MODEL_DIR.glob('*.tflite') if path.name != DEFAULT_MODEL)
NODES = ('face_detector', 'emotion_classifier', 'annotator', 'markers', 'dashboard')
RVIZ_SAID = launch_support.stand_in_rviz()
PORT = launch_support.free_port()


@pytest.mark.rostest
def generate_test_description():
    return launch_support.description('perception.launch.xml', image='/my_cam/image_raw',
                                      composed='true', autostart='false', rviz='true',
                                      web='true', web_port=str(PORT), model=OTHER_MODEL)


class TestPerceptionLaunch(unittest.TestCase):
    """While the nodes run."""

    @classmethod
    def setUpClass(cls):
        cls.observer = launch_support.Observer()
        cls.stop = threading.Event()
        cls.stamps = set()
        cls.camera = threading.Thread(target=cls.film)
        cls.camera.start()

    @classmethod
    def tearDownClass(cls):
        cls.stop.set()
        cls.camera.join()
        cls.observer.close()

    @classmethod
    def film(cls):
        publisher = cls.observer.node.create_publisher(Image, '/my_cam/image_raw', qos.IMAGE)
        frame, = launch_support.frames(1)
        while not cls.stop.wait(0.1):
            stamp = cls.observer.node.get_clock().now().to_msg()
            cls.stamps.add((stamp.sec, stamp.nanosec))
            publisher.publish(conversions.bgr_to_image(
                frame, 'bgr8', Header(frame_id='my_cam', stamp=stamp)))

    def test_frames_become_emotions_once_the_nodes_are_active(self):
        emotions = self.observer.collect(EmotionArray, 'emotions', qos.RESULT)
        markers = self.observer.collect(MarkerArray, 'markers', qos.RESULT)
        drawn = self.observer.collect(Image, 'image_annotated', qos.IMAGE)
        for name in NODES:
            assert self.observer.state(name) == 'unconfigured', name
            assert self.observer.change(name, 'configure', 'inactive'), name
            assert self.observer.change(name, 'activate', 'active'), name
        message = wait_for(lambda: next((m for m in list(emotions) if m.emotions), None),
                           what='an EmotionArray with a face')
        assert (message.header.stamp.sec, message.header.stamp.nanosec) in self.stamps
        assert message.header.frame_id == 'my_cam'
        assert message.model == OTHER_MODEL
        marker = wait_for(lambda: next((m for a in list(markers) for m in a.markers if m.text),
                                       None), what='a marker with a label')
        assert marker.header.frame_id == 'my_cam' and marker.pose.position.z > 0
        wait_for(lambda: drawn, what='an annotated image')
        # RViz looks from the camera that is there, whatever its frame is called.
        said = wait_for(RVIZ_SAID.read_text, what='RViz').split()
        assert said[said.index('-f') + 1] == 'my_cam'
        assert said[said.index('-d') + 1].endswith('fer.rviz')
        with urllib.request.urlopen(f'http://127.0.0.1:{PORT}/api/state', timeout=30) as answer:
            assert answer.status == 200


@launch_testing.post_shutdown_test()
class TestPerceptionLaunchEnds(unittest.TestCase):
    """When all has been stopped."""

    def test_exit_codes(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
