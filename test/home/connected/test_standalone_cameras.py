# SPDX-License-Identifier: Apache-2.0
"""The cameras of fer-home: slow readers, spoiled images, and cameras that go and come."""

import logging
import threading
import time

import cv2
from fer_ros.cameras.capture import CAMERA_PARAMETERS
from fer_ros.errors import SourceError
from fer_ros.health import OK
from fer_ros.parameters import complete, defaults
from fer_ros.perception import create_finder, DETECTOR_PARAMETERS
from fer_ros.standalone.camera import CameraWorker
from fer_ros.standalone.config import Camera
from mosquitto import wait_for
import numpy as np


class Found:
    def __init__(self):
        self.frames = []
        self.go = threading.Event()

    def __call__(self, worker, faces, image, stamp_s):
        self.frames.append((len(faces), image.shape, stamp_s))
        self.go.wait(120)


def worker_of(on_faces, **settings):
    camera = Camera('desk', complete(CAMERA_PARAMETERS, settings))
    return CameraWorker(
        camera, lambda: create_finder(defaults(DETECTOR_PARAMETERS)), on_faces)


def test_a_slow_reader_gets_the_newest_frame_and_losses_are_counted(tmp_path):
    for i in range(30):
        cv2.imwrite(str(tmp_path / f'{i:02}.png'), np.full((48, 64, 3), i, np.uint8))
    found = Found()
    worker = worker_of(found, source=str(tmp_path), rate_hz=200.0, width_px=32)
    worker.start()
    wait_for(lambda: worker.report().values['images dropped (newer came)'] == 28
             and len(found.frames) == 1, what='the newest image')
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
    assert [record.getMessage().partition(';')[0] for record in caplog.records
            if record.getMessage().startswith('desk: ')] == [
        'desk: camera was unplugged', 'desk: camera does not exist',
        'desk: receiving images from /dev/video0 again']
