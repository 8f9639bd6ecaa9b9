# SPDX-License-Identifier: Apache-2.0
"""The bridge as a real process on a real broker: what is seen when it ends or is killed."""

import signal
import subprocess
import sys
import threading
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import pytest

pytest.importorskip('fer_ros.conversions', reason='rclpy or the built messages are absent')
from conftest import POLICY  # noqa: E402
from fer_ros import conversions  # noqa: E402
from fer_ros.msg import EmotionArray  # noqa: E402
from fer_ros.nodes import qos  # noqa: E402
from fer_ros.nodes.smart_home_bridge import SmartHomeBridge  # noqa: E402
from home_support import emotion  # noqa: E402
from mosquitto import wait_for  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

AVAILABILITY = 'fer_ros/availability'


@pytest.fixture
def bridge(broker, spy, virtual_room, graph, tmp_path):
    class Bridge:
        pass

    one = Bridge()
    one.broker = broker()
    one.spy = spy(one.broker.port)
    one.room = virtual_room(one.broker.port)
    file = tmp_path / 'policy.yaml'
    file.write_text(POLICY.format(port=one.broker.port, broker=''))
    one.output = tmp_path / 'output'

    def start():
        with one.output.open('w') as output:
            one.process = graph.process(
                'fer_ros.nodes.smart_home_bridge', '--ros-args', '-p', f'policy_file:={file}',
                stdout=output, stderr=subprocess.STDOUT)
    one.start = start
    start()
    wait_for(lambda: one.spy.of(AVAILABILITY) == ['online'], what='the bridge')
    publisher = graph.publisher(EmotionArray, 'emotions', qos.RESULT)
    done = threading.Event()

    def see():
        while not done.wait(0.05):
            header = Header(stamp=graph.node.get_clock().now().to_msg())
            publisher.publish(conversions.emotions_to_message(
                [emotion('happy')], header, 640, 480, 'test', 'ferplus'))
    thread = threading.Thread(target=see)
    thread.start()
    wait_for(lambda: one.spy.of('virtual_room/lamp/set'), what='the first command')
    yield one
    done.set()
    thread.join()


def test_a_bridge_that_is_asked_to_end_says_goodbye_and_gives_the_lamp_back(bridge):
    bridge.process.send_signal(signal.SIGTERM)
    assert bridge.process.wait(60) == 0, bridge.output.read_text()
    wait_for(lambda: bridge.spy.of(AVAILABILITY)[-1] == 'offline')
    assert bridge.spy.of('virtual_room/lamp/set')[-1].count('color_temp') == 1
    assert 'Traceback' not in bridge.output.read_text()


def test_a_bridge_that_is_killed_is_seen_to_be_gone_and_comes_back(bridge, spy):
    states = len(bridge.spy.of('fer_ros/study/state'))
    assert states
    bridge.process.kill()
    bridge.process.wait()
    began = time.monotonic()
    # The broker says it for us, retained, so that Home Assistant shows no stale value.
    wait_for(lambda: bridge.spy.of(AVAILABILITY)[-1] == 'offline')
    assert time.monotonic() - began < 30
    # The entities stay known, and the next bridge brings them back to life.
    late = spy(bridge.broker.port)
    late.settle()
    assert late.of('homeassistant/device/fer_ros_study/config')
    assert late.of(AVAILABILITY) == ['offline']
    bridge.start()
    wait_for(lambda: late.of(AVAILABILITY)[-1] == 'online')
    wait_for(lambda: late.of('fer_ros/study/state'))
    assert max(len(payload) for _, payload, *_ in bridge.spy.messages) <= 4096


def test_no_secret_is_seen_anywhere(broker, graph, tmp_path, monkeypatch):
    monkeypatch.setenv('BRIDGE_PASSWORD', 'correct-horse-battery')
    one = broker()
    file = tmp_path / 'policy.yaml'
    file.write_text(POLICY.format(port=one.port, broker=(
        ', username: me, password: {env: BRIDGE_PASSWORD}')))
    process = graph.process('fer_ros.nodes.smart_home_bridge', '--ros-args', '--log-level',
                            'debug', '-p', f'policy_file:={file}', stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    wait_for(lambda: 'fer_ros-bridge' in one.log(), what='the bridge at the broker')
    parameters = subprocess.run(
        [sys.executable, '-c', 'import sys; print(open(f"/proc/{sys.argv[1]}/cmdline").read())',
         str(process.pid)], capture_output=True, text=True, check=True).stdout
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert 'policy:' in output
    assert 'correct-horse-battery' not in output + parameters + one.log()


def test_a_wrong_certificate_is_an_error_in_the_diagnostics(encrypted, certificates, graph,
                                                            tmp_path):
    file = tmp_path / 'policy.yaml'
    file.write_text(POLICY.format(port=encrypted.port, broker=(
        f', ca_file: {certificates}/other.pem')).replace('127.0.0.1', 'localhost'))
    statuses = graph.collect(DiagnosticArray, '/diagnostics', 10)
    graph.add(SmartHomeBridge, policy_file=str(file))
    status = wait_for(lambda: next((status for message in statuses for status in message.status
                                    if status.level == DiagnosticStatus.ERROR), None),
                      what='the error')
    assert 'not signed by a trusted authority' in status.message


def test_a_wrong_password_is_an_error_in_the_diagnostics(guarded, graph, tmp_path, monkeypatch):
    monkeypatch.setenv('BRIDGE_PASSWORD', 'wrong-horse')
    file = tmp_path / 'policy.yaml'
    file.write_text(POLICY.format(port=guarded.port, broker=(
        ', username: bridge, password: {env: BRIDGE_PASSWORD}')))
    statuses = graph.collect(DiagnosticArray, '/diagnostics', 10)
    bridge = graph.add(SmartHomeBridge, policy_file=str(file))
    status = wait_for(lambda: next((status for message in statuses for status in message.status
                                    if status.level == DiagnosticStatus.ERROR), None),
                      what='the error')
    assert "rejects user 'bridge'" in status.message and 'check username' in status.message
    assert 'wrong-horse' not in str(status)
    assert 'wrong-horse' not in str([bridge.get_parameter(name).value
                                     for name in bridge.get_parameters_by_prefix('')])
