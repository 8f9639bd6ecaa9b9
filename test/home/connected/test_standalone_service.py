# SPDX-License-Identifier: Apache-2.0
"""The service of fer-home in a thread of the test: reloads, signs of life and errors."""

import logging
import socket
import threading
import time
import urllib.error

import cv2
from fer_ros.standalone.config import load_config
from fer_ros.standalone.notify import Notifier
from fer_ros.standalone.service import HomeService
from mosquitto import wait_for
import numpy as np
import pytest
from service_manager import get

pytest.importorskip('flask', reason='the page requires flask')
pytest.importorskip('waitress', reason='the page requires waitress')


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
        thread.join(60)
        one.close()


def cameras_of(service):
    return [camera['name'] for camera in get(f'{service.url}/api/state')['cameras']
            if camera['status'] == 'live']


def test_a_reload_changes_cameras_and_page_wholly_or_not_at_all(service, manager, caplog):
    caplog.set_level(logging.INFO)
    one = service()
    wait_for(lambda: cameras_of(one) == ['desk'])
    # The page is there before all is.
    wait_for(lambda: manager.count('READY=1') == 1, what='the start')

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
                        lambda *_: go.wait(120) and [])
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
