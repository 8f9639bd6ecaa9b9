# SPDX-License-Identifier: Apache-2.0
"""The permissions that ship name what the real nodes use, and what may be changed at run time."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

pytest.importorskip('fer_ros.conversions', reason='the messages are not built')
pytest.importorskip('flask', reason='flask, for the dashboard')
from fer_ros.nodes.camera_driver import CameraDriver  # noqa: E402
from fer_ros.nodes.composed import NODES  # noqa: E402
from fer_ros.nodes.emotion_classifier import EmotionClassifierNode  # noqa: E402
from fer_ros.nodes.smart_home_bridge import SmartHomeBridge  # noqa: E402
from fer_ros.srv import CommandRoom  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from ros_support import wait_for  # noqa: E402
import sros2_policies  # noqa: E402
from std_srvs.srv import SetBool, Trigger  # noqa: E402


def test_the_permissions_are_those_of_the_real_nodes(tmp_path):
    # In a domain of its own: what other tests have left in the graph has the same names.
    made = tmp_path / 'policies.xml'
    subprocess.run([sys.executable, sros2_policies.__file__, made], check=True, timeout=180,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={**os.environ, 'ROS_DOMAIN_ID': str(215 + os.getpid() % 15)})
    shipped = sros2_policies.FILE.read_text()
    assert made.read_text() == shipped, 'make sros2 writes what the nodes use now'
    tree = ElementTree.fromstring(shipped)
    profiles = {profile.get('node'): profile for profile in tree.iter('profile')}
    assert profiles.keys() == NODES.keys()

    def allowed(node, tag, kind):
        return {item.text for found in profiles[node].iter(tag) if found.get(kind) == 'ALLOW'
                for item in found}
    # Who only looks changes nothing but through the bridge, and nobody else asks for anything.
    asked = allowed('dashboard', 'services', 'request')
    assert asked and all(name.startswith('smart_home_bridge/') for name in asked)
    assert all(not allowed(node, 'services', 'request') for node in NODES if node != 'dashboard')
    assert 'image_raw' not in allowed('smart_home_bridge', 'topics', 'subscribe')


def test_a_node_that_is_read_only_refuses_what_the_domain_wants(graph):
    bridge = graph.add(SmartHomeBridge, dry_run=True, read_only=True)
    for kind, name, request in (
            (SetBool, 'enable', SetBool.Request(data=False)),
            (Trigger, 'reload', Trigger.Request()), (Trigger, 'revert', Trigger.Request()),
            (CommandRoom, 'command_room', CommandRoom.Request())):
        client = graph.node.create_client(kind, f'smart_home_bridge/{name}')
        assert client.wait_for_service(60)
        future = client.call_async(request)
        wait_for(future.done, what=name)
        assert not future.result().success and 'read_only' in future.result().message
    driver = graph.add(CameraDriver, start=False, read_only=True, source='/dev/video97')
    for node, change in ((bridge, ('policy', 'comfort')), (bridge, ('read_only', False)),
                         (bridge, ('policy_file', '/tmp/x')), (driver, ('source', '/dev/video0')),
                         (driver, ('read_only', False)), (driver, ('use_sim_time', True))):
        answer = node.set_parameters([Parameter(change[0], value=change[1])])[0]
        assert not answer.successful and 'read_only' in answer.reason
    assert driver.start() and driver.value('source') == '/dev/video97'
    # A stranger may stop it, and cannot let it be configured with anything else.
    driver.trigger_deactivate()
    driver.trigger_cleanup()
    assert not driver.set_parameters([Parameter('source', value='/dev/video0')])[0].successful
    assert driver.start() and driver.value('source') == '/dev/video97'
    classifier = graph.add(EmotionClassifierNode, read_only=True)
    answer = classifier._on_look_neutral(None, Trigger.Response())
    assert not answer.success and 'read_only' in answer.message


def test_a_node_that_gets_no_secure_middleware_says_so_in_a_line(tmp_path):
    (tmp_path / 'enclaves' / 'perception').mkdir(parents=True)    # without keys
    done = subprocess.run(
        [sys.executable, '-m', 'fer_ros.nodes.face_detector', '--ros-args', '--enclave',
         '/perception'], capture_output=True, text=True, timeout=120,
        env={**os.environ, 'ROS_SECURITY_KEYSTORE': str(tmp_path), 'ROS_SECURITY_ENABLE': 'true',
             'ROS_SECURITY_STRATEGY': 'Enforce'})
    assert done.returncode == 2, done.stderr
    assert 'ROS_SECURITY_ENABLE is set' in done.stderr and 'Traceback' not in done.stderr
