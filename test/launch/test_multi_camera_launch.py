# SPDX-License-Identifier: Apache-2.0
"""multi_camera.launch: two cameras of one list, one classifier that reads both."""

from pathlib import Path
import sys
import unittest

import pytest

pytest.importorskip('launch_testing_ros', reason='launch_testing is not installed')
pytest.importorskip('fer_ros.msg', reason='the messages are not built')
sys.path.insert(0, str(Path(__file__).parent))
from fer_ros.msg import AmbientAction, EmotionArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
import launch_support  # noqa: E402
from launch_support import wait_for  # noqa: E402
import launch_testing  # noqa: E402
import launch_testing.asserts  # noqa: E402

POLICY = """
version: 1
policies:
  mirror: {by_emotion: {happy: {strategy: mirror}, sad: {strategy: mirror}}}
rooms:
  study:
    sources: [left/emotions, right/emotions]
    policy: mirror
    targets: {lamp: {type: terminal}}
    dwell_s: 0.5
"""


@pytest.mark.rostest
@launch_testing.parametrize('composed', ['false', 'true'])
def generate_test_description(composed):
    clip = launch_support.clip()
    cameras = launch_support.written(
        f'left: {{source: {clip}}}\nright: {{source: {clip}}}\n', 'cameras.yaml')
    params = launch_support.written(
        '/**/camera_driver: {ros__parameters: {loop: true, rate_hz: 10.0}}\n', 'loop.yaml')
    policy = launch_support.written(POLICY, 'policy.yaml')
    return launch_support.description(
        'multi_camera.launch.py' if composed == 'false' else 'multi_camera.launch.xml',
        cameras=cameras, params_file=params, policy=policy, bridge='true', composed=composed,
        namespace='robot')


class TestMultiCameraLaunch(unittest.TestCase):
    """While the nodes run."""

    @classmethod
    def setUpClass(cls):
        cls.observer = launch_support.Observer()

    @classmethod
    def tearDownClass(cls):
        cls.observer.close()

    def test_one_classifier_reads_every_camera(self):
        received = {side: self.observer.collect(EmotionArray, f'/robot/{side}/emotions',
                                                qos.RESULT) for side in ('left', 'right')}
        actions = self.observer.collect(AmbientAction, '/robot/ambient_actions', qos.RESULT)
        for side, messages in received.items():
            wait_for(lambda m=messages: any(array.emotions for array in list(m)),
                     what=f'a face of camera {side}')

        def names():
            return [f'{space}/{name}' for name, space
                    in self.observer.node.get_node_names_and_namespaces()]
        # A node's name may come later than its messages.
        wait_for(lambda: {'/robot/left/face_detector', '/robot/right/face_detector',
                          '/robot/emotion_classifier'} <= set(names()), what="the nodes' names")
        assert [name for name in names() if name.endswith('emotion_classifier')] == [
            '/robot/emotion_classifier']
        wait_for(lambda: actions, what='an AmbientAction')


@launch_testing.post_shutdown_test()
class TestMultiCameraLaunchEnds(unittest.TestCase):
    """When all has been stopped."""

    def test_exit_codes(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
