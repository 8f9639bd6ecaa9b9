# SPDX-License-Identifier: Apache-2.0
"""fer-home as a real process: the bundled clip, the real network and a real broker."""

import fcntl
import json
import logging
import os
from pathlib import Path
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import urllib.error
import urllib.request

import cv2
from fer_ros.cameras.capture import CAMERA_PARAMETERS
from fer_ros.data import demo_clip_path
from fer_ros.errors import SourceError
from fer_ros.health import OK
from fer_ros.parameters import complete, defaults
from fer_ros.perception import create_finder, DETECTOR_PARAMETERS
from fer_ros.standalone.camera import CameraWorker
from fer_ros.standalone.config import Camera, load_config
from fer_ros.standalone.journal import JournalFormatter, under_journal
from fer_ros.standalone.notify import Notifier
from fer_ros.standalone.service import HomeService
from mosquitto import wait_for
import numpy as np
import pytest

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


class Manager:
    """systemd, as far as a service hears of it."""

    def __init__(self, folder):
        self.path = folder / 'notify'
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.states = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        while data := self.socket.recv(4096):
            self.states += data.decode().splitlines()

    def count(self, state):
        return sum(seen.startswith(state) for seen in list(self.states))

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(b'', str(self.path))
        self._thread.join()
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    one = Manager(tmp_path)
    yield one
    one.close()


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
    return wait_for(lambda: re.search(r'page: (http://\S+)', process.said()), 30, 'the page')[1]


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.loads(answer.read())


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
    first = wait_for(asked, 40, 'the first command')[0]
    assert first['brightness'] == round(0.3 * 254)    # Zigbee2MQTT's highest is 254
    assert manager.states[0] == 'READY=1'

    # The page, of the same process.
    url = page_of(process)
    assert get(f'{url}/api/health') == {'ok': True, 'message': ''}
    state = wait_for(lambda: (found := get(f'{url}/api/state'))['home']['actions'] and found)
    assert state['cameras'][0]['name'] == 'desk' and state['cameras'][0]['rate_hz'] > 0
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
    wait_for(lambda: asked()[-1]['brightness'] == round(0.9 * 254), 20, 'the new policy')
    assert get(f'{url}/api/health')['ok']

    began_s = time.monotonic()
    process.send_signal(signal.SIGTERM)
    # An impatient person, within the hand-back.
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0, process.said()
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
            (('health', '--port', port + 1), 1, 'is fer-home running'),
        ]
        processes = [(home(*arguments), *rest) for arguments, *rest in cases]
        for process, code, message in processes:
            assert process.wait(60) == code, process.said()
            line, = process.said().splitlines()
            assert line.startswith('fer-home: ') and message in line
    process = home('--policy', bad)
    assert process.wait(30) == 2
    assert {line.split(':')[1].strip() for line in process.said().splitlines()} == {str(bad)}


def test_a_camera_that_is_not_there_is_waited_for(home):
    process = home('--source', '/dev/video99')
    wait_for(lambda: 'camera /dev/video99 does not exist' in process.said(), 30)
    time.sleep(2)    # several tries later
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
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
        wait_for(lambda: 'living_room/lamp: on' in output.read_text(), 40, 'the first action')
        os.close(master)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()
    assert 'because the bridge ends' in output.read_text()
    assert 'Traceback' not in output.read_text()


# The parts.

@pytest.fixture
def service(tmp_path, manager):
    """Run fer-home's service in a thread, on a folder of images."""
    running = []

    def start():
        (tmp_path / 'images').mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / 'images' / '0.png'), np.full((48, 64, 3), 7, np.uint8))
        file = tmp_path / 'home.yaml'

        def write(*cameras, port=0):
            listed = ', '.join(f'{name}: {{source: {tmp_path}/images, loop: true, rooms: '
                               '[living_room]}' for name in cameras)
            file.write_text(f'version: 1\ncameras: {{{listed}}}\npage: {{port: {port}}}\n')
        write('desk')
        one = HomeService(load_config(file), notifier=Notifier(
            {'NOTIFY_SOCKET': str(manager.path), 'WATCHDOG_USEC': '300000'}))
        one.write, one.stop, one.again = write, threading.Event(), threading.Event()
        thread = threading.Thread(
            target=one.run, args=(one.stop, one.again, lambda: load_config(file)))
        thread.start()
        running.append((one, thread))
        return one
    yield start
    for one, thread in running:
        one.stop.set()
        thread.join(10)
        one.close()


def cameras_of(service):
    return [camera['name'] for camera in get(f'{service.url}/api/state')['cameras']
            if camera['status'] == 'live']


def test_a_reload_changes_cameras_and_page_wholly_or_not_at_all(service, manager, caplog):
    caplog.set_level(logging.INFO)
    one = service()
    wait_for(lambda: cameras_of(one) == ['desk'])

    def reload():
        done = manager.count('READY=1')
        one.again.set()
        wait_for(lambda: manager.count('READY=1') > done, what='the answer to the reload')
    one.write('desk', 'door')
    reload()
    wait_for(lambda: cameras_of(one) == ['desk', 'door'])
    url = one.url
    with socket.socket() as busy:
        busy.bind(('127.0.0.1', 0))
        busy.listen()
        one.write('attic', port=busy.getsockname()[1])
        reload()
    assert 'reload refused, the old configuration stays in force: cannot listen on' in caplog.text
    wait_for(lambda: cameras_of(one) == ['desk', 'door'])
    one.write('attic')
    reload()
    wait_for(lambda: cameras_of(one) == ['attic'])
    assert one.url != url    # port 0 is any free one
    left = {thread.name for thread in threading.enumerate()}
    assert not left & {'desk grabber', 'desk worker', 'door grabber', 'door worker'}


def test_a_library_that_hangs_stops_the_signs_of_life(service, manager, monkeypatch):
    go = threading.Event()
    monkeypatch.setattr('fer_ros.standalone.service.STUCK_S', 0.3)
    monkeypatch.setattr('fer_ros.faces.face_finder.FaceFinder.process',
                        lambda *_: go.wait(20) and [])
    one = service()
    try:
        wait_for(lambda: 'camera desk: an image has been processed for' in one.health())
        told = manager.count('WATCHDOG=1')
        with pytest.raises(urllib.error.HTTPError, match='503'):
            get(f'{one.url}/api/health')
        time.sleep(0.5)    # several periods of the watchdog
        assert manager.count('WATCHDOG=1') <= told + 1
    finally:
        go.set()
    wait_for(lambda: not one.health())
    before = manager.count('WATCHDOG=1')
    wait_for(lambda: manager.count('WATCHDOG=1') > before)


def test_an_error_in_the_main_loop_is_survived_and_reported(service, caplog, monkeypatch):
    one = service()
    real, failures = one._house.tick, []

    def fail(now_s):
        failures.append(1)
        if len(failures) < 4:
            raise RuntimeError('spoiled')
        return real(now_s)
    monkeypatch.setattr(one._house, 'tick', fail)
    wait_for(lambda: len(failures) > 6)
    assert caplog.text.count('the main loop: internal error') == 1


class Found:
    def __init__(self):
        self.frames = []
        self.go = threading.Event()

    def __call__(self, worker, faces, image, stamp_s):
        self.frames.append((len(faces), image.shape, stamp_s))
        self.go.wait(10)


def worker_of(on_faces, **settings):
    camera = Camera('desk', complete(CAMERA_PARAMETERS, settings))
    return CameraWorker(camera, create_finder(defaults(DETECTOR_PARAMETERS)), on_faces)


def test_a_slow_reader_gets_the_newest_frame_and_losses_are_counted(tmp_path):
    for i in range(30):
        cv2.imwrite(str(tmp_path / f'{i:02}.png'), np.full((48, 64, 3), i, np.uint8))
    found = Found()
    worker = worker_of(found, source=str(tmp_path), rate_hz=200.0, width_px=32)
    worker.start()
    wait_for(lambda: worker.report().values['images'] == 30 and len(found.frames) == 1)
    found.go.set()
    wait_for(lambda: worker.ended)
    values = worker.report().values
    # The one at hand and the newest; those between were replaced by newer ones.
    assert [shape for _, shape, _ in found.frames] == [(24, 32, 3)] * 2
    assert (values['images processed'], values['images dropped (newer came)']) == (2, 28)
    assert not worker.failed and worker.problem().startswith('the clip has ended (')
    worker.stop()


def test_an_image_that_fails_is_counted_and_the_next_one_is_read(tmp_path, caplog):
    for i in range(3):
        cv2.imwrite(str(tmp_path / f'{i}.png'), np.full((48, 64, 3), i, np.uint8))

    def fail(*_):
        raise RuntimeError('spoiled')
    worker = worker_of(fail, source=str(tmp_path), rate_hz=20.0)
    worker.start()
    wait_for(lambda: worker.ended)
    assert worker.report().values['images failed'] == 3
    assert caplog.text.count('Traceback') == 1    # the same again is not worth a line
    worker.stop()


def test_a_camera_that_comes_back_is_reported(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr('fer_ros.cameras.player.Backoff.pause_s', lambda self: 0.05)
    tries = []

    class Source:
        live, name, rate_hz, skipped, last_skipped = True, 'camera', 10.0, 0, ''

        def __init__(self):
            self.frames = 3 if len(tries) == 1 else 10_000

        def read(self):
            time.sleep(0.02)
            self.frames -= 1
            if self.frames < 0:
                raise SourceError('camera was unplugged')
            return np.zeros((48, 64, 3), np.uint8)

        def close(self):
            pass

    def open_camera(_):
        tries.append(1)
        if len(tries) in (2, 3):
            raise SourceError('camera does not exist')
        return Source()
    monkeypatch.setattr('fer_ros.cameras.capture.open_camera', open_camera)
    found = Found()
    found.go.set()
    with caplog.at_level(logging.INFO):
        worker = worker_of(found, source='/dev/video0')
        worker.start()
        wait_for(lambda: len(tries) == 4 and len(found.frames) >= 4)
        assert (worker.problem(), worker.report().level) == ('', OK)
        worker.stop()
    # What stays the same is said once.
    assert [record.getMessage().partition(';')[0] for record in caplog.records] == [
        'desk: camera was unplugged', 'desk: camera does not exist',
        'desk: receiving images from /dev/video0 again']


def test_lines_for_the_journal():
    record = logging.makeLogRecord({'msg': 'one\ntwo', 'levelno': logging.WARNING})
    assert JournalFormatter('%(message)s').format(record) == '<4>one\n<4>two'
    with open(os.devnull) as file:
        status = os.fstat(file.fileno())
        stream = f'{status.st_dev}:{status.st_ino}'
        assert under_journal({'JOURNAL_STREAM': stream}, file.fileno())
        # Inherited from a service, but the output goes elsewhere.
        assert not under_journal({'JOURNAL_STREAM': '1:2'}, file.fileno())
        assert not under_journal({}, file.fileno())


def test_the_service_manager_is_notified_and_need_not_be_there(manager):
    notifier = Notifier({'NOTIFY_SOCKET': str(manager.path), 'WATCHDOG_USEC': '2500000'})
    assert notifier.watchdog_s == 2.5
    notifier.send('READY=1', 'STATUS=good')
    wait_for(lambda: manager.states == ['READY=1', 'STATUS=good'])
    # Meant for another process.
    assert Notifier({'WATCHDOG_USEC': '1', 'WATCHDOG_PID': '1'}).watchdog_s == 0
    Notifier({}).send('READY=1')
    Notifier({'NOTIFY_SOCKET': '/nowhere'}).send('READY=1')
