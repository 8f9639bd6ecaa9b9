# SPDX-License-Identifier: Apache-2.0
"""fer-home as a real process: the bundled clip, the real network and a real broker."""

import fcntl
import json
import os
from pathlib import Path
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
import time

import cv2
from fer_ros.data import demo_clip_path
from mosquitto import free_port, wait_for
import numpy as np
import pytest
from service_manager import get

pytest.importorskip('flask', reason='the page requires flask')
pytest.importorskip('waitress', reason='the page requires waitress')

REPOSITORY = Path(__file__).parents[3]
POLICY = """
version: 1
broker: {{host: 127.0.0.1, port: {port}}}
policies:
  look:
    by_emotion:
      happy: {{{light}}}
      sad: {{{light}}}
rooms:
  study:
    policy: look
    targets: {{lamp: {{type: mqtt_light, topic: virtual_room/lamp}}}}
    minimum_confidence: 0.4
    smoothing_s: 0.1
    dwell_s: 0.3
    cooldown_s: 0.2
    transition_s: 0.2
    nobody: {{after_s: 60}}
"""


@pytest.fixture
def home(tmp_path):
    """Start fer-home with arguments and variables; it ends with the test."""
    processes = []

    def start(*arguments, **variables):
        output = tmp_path / f'output-{len(processes)}'
        with output.open('w') as file:
            processes.append(subprocess.Popen(
                [sys.executable, '-m', 'fer_ros.cli.home', *map(str, arguments)],
                stdout=file, stderr=subprocess.STDOUT, cwd='/',
                # A home that cannot be written, even by root.
                env={**os.environ, 'PYTHONPATH': str(REPOSITORY), 'HOME': '/proc', **variables}))
        processes[-1].said = output.read_text
        return processes[-1]
    yield start
    for process in processes:
        process.kill()
        process.wait()


def page_of(process):
    return wait_for(lambda: re.search(r'page: (http://\S+)', process.said()), what='the page')[1]


def test_from_start_to_light_reload_and_end(home, broker, spy, virtual_room, manager, tmp_path):
    one = broker()
    seen = spy(one.port)
    virtual_room(one.port)
    policy, file = tmp_path / 'policy.yaml', tmp_path / 'home.yaml'
    policy.write_text(POLICY.format(port=one.port, light='brightness: 0.3'))
    file.write_text('version: 1\npolicy: policy.yaml\ncameras:\n'
                    f'  desk: {{source: {demo_clip_path()}, loop: true, rate_hz: 10}}\n'
                    'page: {port: 0}\n')
    process = home('--config', file, NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC='1500000')

    def asked():
        return [json.loads(text) for text in seen.of('virtual_room/lamp/set')]
    first = wait_for(asked, what='the first command')[0]
    assert first['brightness'] == round(0.3 * 254)    # Zigbee2MQTT's highest is 254
    assert wait_for(lambda: manager.states, what='the start')[0] == 'READY=1'

    # The page, of the same process.
    url = page_of(process)
    assert get(f'{url}/api/health') == {'ok': True, 'message': ''}
    # Its parts are shown one after the other.
    state = wait_for(lambda: (found := get(f'{url}/api/state'))['home']['actions']
                     and found['home']['rooms'][0]['last'] and len(found['nodes']) > 2
                     and found['cameras'][0]['rate_hz'] > 0 and found, what='the whole state')
    assert state['cameras'][0]['name'] == 'desk'
    assert [node['name'] for node in state['nodes']] == ['desk/camera', 'fer_home', 'smart_home']
    last = state['home']['rooms'][0]['last']
    assert (last['target'], last['request']['light']['brightness']) == ('lamp', 0.3)
    wait_for(lambda: manager.count('WATCHDOG=1') >= 2, what='signs of life')

    # A bad policy is refused, and the old one goes on.
    good = policy.read_text()
    policy.write_text(good.replace('by_emotion', 'by_emotoin'))
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: 'reload refused' in process.said(), what='the refusal')
    assert 'policy.yaml:6: policies.look.by_emotoin: unknown key' in process.said()
    wait_for(lambda: manager.count('READY=1') == 2)
    assert process.poll() is None

    # A good one is taken over, in the same process and on the same page.
    policy.write_text(good.replace('brightness: 0.3', 'brightness: 0.9'))
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: manager.count('READY=1') == 3, what='the reload')
    wait_for(lambda: asked()[-1]['brightness'] == round(0.9 * 254), what='the new policy')
    assert get(f'{url}/api/health')['ok']

    began_s = time.monotonic()
    process.send_signal(signal.SIGTERM)
    # An impatient person, within the hand-back.
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0, process.said()
    assert time.monotonic() - began_s < 10
    # As the virtual lamp was before the first command.
    wait_for(lambda: asked()[-1].get('color_temp') == 370, what='the light as it was')
    wait_for(lambda: seen.of('fer_ros/availability')[-1] == 'offline')
    assert manager.states.count('STOPPING=1') == 1
    assert 'Traceback' not in process.said()


def test_when_the_last_source_has_ended_so_does_the_process(home, tmp_path):
    for i in range(5):
        cv2.imwrite(str(tmp_path / f'{i}.png'), np.full((48, 64, 3), i, np.uint8))
    process = home('--source', tmp_path, '--dry-run')
    assert process.wait(60) == 0, process.said()
    assert 'all sources have ended' in process.said() and 'Traceback' not in process.said()
    (tmp_path / 'bad').mkdir()
    (tmp_path / 'bad' / '0.png').write_bytes(b'no image')
    process = home('--source', tmp_path / 'bad')
    assert process.wait(60) == 1, process.said()
    assert 'none of 1 images can be read' in process.said()


def test_what_cannot_start_says_so_in_one_line_and_leaves_nothing(home, tmp_path):
    bad = tmp_path / 'policy.yaml'
    bad.write_text('version: 1\n')
    with socket.socket() as busy:
        busy.bind(('127.0.0.1', 0))
        busy.listen()
        port = busy.getsockname()[1]
        cases = [
            (('--config', tmp_path / 'absent.yaml'), 2, 'cannot be read'),
            (('--source', tmp_path / 'absent.mp4'), 1, 'neither a device nor an existing file'),
            (('--source', demo_clip_path(), '--port', port), 1, 'Set port to another'),
            (('--source', demo_clip_path(), '--port', 0, '--address', '0.0.0.0'), 2,
             'set a token'),
            (('health', '--port', free_port()), 1, 'is fer-home running'),
        ]
        processes = [(home(*arguments), *rest) for arguments, *rest in cases]
        for process, code, message in processes:
            assert process.wait(60) == code, process.said()
            line, = process.said().splitlines()
            assert line.startswith('fer-home: ') and message in line
    process = home('--policy', bad)
    assert process.wait(60) == 2
    assert {line.split(':')[1].strip() for line in process.said().splitlines()} == {str(bad)}


def test_a_camera_that_is_not_there_is_waited_for(home):
    process = home('--source', '/dev/video99')
    wait_for(lambda: 'camera /dev/video99 does not exist' in process.said())
    time.sleep(2)    # several tries later
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert process.said().count('/dev/video99 does not exist') == 1, process.said()


def test_closing_the_terminal_ends_it(tmp_path):
    master, slave = pty.openpty()
    output = tmp_path / 'output'
    with output.open('w') as file:
        process = subprocess.Popen(
            [sys.executable, '-m', 'fer_ros.cli.home', '--source', demo_clip_path(), '--loop'],
            stdin=slave, stdout=slave, stderr=file, cwd=REPOSITORY, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    try:
        wait_for(lambda: 'living_room/lamp: on' in output.read_text(), what='the first action')
        os.close(master)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert 'because the bridge ends' in output.read_text()
    assert 'Traceback' not in output.read_text()
