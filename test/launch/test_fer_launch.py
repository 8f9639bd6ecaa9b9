# SPDX-License-Identifier: Apache-2.0
"""fer.launch.py: a clip becomes emotions and actions; a node that dies comes back."""

import os
from pathlib import Path
import signal
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
import launch_testing.asserts  # noqa: E402

NODES = ('camera_driver', 'face_detector', 'emotion_classifier', 'smart_home_bridge', 'annotator')


@pytest.mark.rostest
def generate_test_description():
    params = launch_support.written('/**/camera_driver: {ros__parameters: {loop: true}}\n',
                                    'loop.yaml')
    return launch_support.description('fer.launch.py', source=str(launch_support.clip()),
                                      namespace='home', params_file=params)


class TestFerLaunch(unittest.TestCase):
    """While the nodes run."""

    @classmethod
    def setUpClass(cls):
        cls.observer = launch_support.Observer()
        cls.emotions = cls.observer.collect(EmotionArray, '/home/emotions', qos.RESULT)
        cls.actions = cls.observer.collect(AmbientAction, '/home/ambient_actions', qos.RESULT)

    @classmethod
    def tearDownClass(cls):
        cls.observer.close()

    def seen(self):
        return [message for message in list(self.emotions) if message.emotions]

    def test_a_clip_becomes_emotions_and_actions(self):
        wait_for(self.seen, what='an EmotionArray with a face')
        action = wait_for(lambda: self.actions and self.actions[0], what='an AmbientAction')
        assert action.target and action.reason
        assert [self.observer.state(f'/home/{name}') for name in NODES] == ['active'] * len(NODES)

    def test_the_lifecycle_works_manually(self):
        wait_for(self.seen, what='emotions')
        name = '/home/emotion_classifier'
        for transition, state in (('deactivate', 'inactive'), ('cleanup', 'unconfigured'),
                                  ('configure', 'inactive'), ('activate', 'active')):
            assert self.observer.change(name, transition, state), transition
            assert self.observer.state(name) == state
        self.emotions.clear()
        wait_for(self.seen, what='emotions after the node was activated again')

    def test_a_node_that_dies_comes_back(self, pids):
        wait_for(self.seen, what='emotions')
        before = list(pids['face_detector'])
        os.kill(before[-1], signal.SIGKILL)
        wait_for(lambda: len(pids['face_detector']) > len(before), what='the new process')
        self.emotions.clear()
        wait_for(self.seen, what='emotions from the new detector')


@launch_testing.post_shutdown_test()
class TestFerLaunchEnds(unittest.TestCase):
    """When all has been stopped."""

    def test_exit_codes(self, proc_info):
        launch_testing.asserts.assertExitCodes(proc_info)
