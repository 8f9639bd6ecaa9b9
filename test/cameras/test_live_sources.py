# SPDX-License-Identifier: Apache-2.0
"""Cameras: HTTP streams, secrets in their addresses, devices."""

import base64
from collections import defaultdict
from functools import partial

from camera_support import number_of, picture, serving, StreamHandler
import cv2
from fer_ros.cameras import sources
from fer_ros.cameras.sources import is_live, open_source
from fer_ros.errors import SourceError
import pytest


def test_an_http_stream_is_read_and_its_end_is_a_failure(stream):
    source = open_source(stream)
    assert source.live
    numbers = []
    with pytest.raises(SourceError, match='has stopped'):
        while True:
            numbers.append(number_of(source.read()))
    source.close()
    assert numbers == list(range(8))


@pytest.fixture
def guarded():
    """Yield the address of a camera that requires a user, a password and a key."""
    class Guarded(StreamHandler):
        def do_GET(self):
            expected = 'Basic ' + base64.b64encode(b'me:pa/ss@:word').decode()
            if self.path != '/stream?key=k%26y' or self.headers['Authorization'] != expected:
                self.send_response(401)
                self.send_header('WWW-Authenticate', 'Basic realm="camera"')
                self.end_headers()
            else:
                super().do_GET()

    with serving(partial(Guarded, [picture(3, 160, 120)] * 8)) as address:
        yield f'{address}/stream'


def test_a_stream_takes_its_secret_from_elsewhere_and_never_shows_it(
        tmp_path, monkeypatch, guarded, capfd):
    path = tmp_path / 'password'
    path.write_text('pa/ss@:word\n')
    path.chmod(0o600)
    monkeypatch.setenv('CAMERA_KEY', 'k&y')
    source = f'http://me:${{file:{path}}}@{guarded}?key=${{env:CAMERA_KEY}}'
    monkeypatch.setenv('CAMERA_URL', f'http://me:pa%2Fss%40:word@{guarded}?key=k%26y')
    for text in (source, '${env:CAMERA_URL}'):
        assert is_live(text)
        opened = open_source(text)
        assert number_of(opened.read()) == 3
        assert opened.name == f'http://me:***@{guarded}?key=***'
        opened.close()
    path.write_text('wrong word')
    with pytest.raises(SourceError, match='check the address and the password') as caught:
        open_source(source)
    output = capfd.readouterr()
    assert not any(secret in output.out + output.err + str(caught.value)
                   for secret in ('wrong', 'pa/ss', 'pa%2F', 'k&y', 'k%26y'))


@pytest.mark.parametrize('source, words', [
    ('rtsp://me:${env:NO_SUCH}@camera/1', 'source: .*NO_SUCH is not set'),
    ('rtsp://me:${file:/no/such}@camera/1', '/no/such: cannot be read'),
    ('rtsp://me:${env:}@camera/1', 'has no name')])
def test_a_secret_that_is_not_there_is_reported(source, words):
    with pytest.raises(SourceError, match=words):
        open_source(source)


class FakeCapture:
    """A camera as OpenCV shows it, with which this machine need not be fitted."""

    def __init__(self, frames):
        self._frames, self.asked, self.released = list(frames), {}, False

    def __call__(self):
        return self

    def open(self, path, backend):
        self.path, self.backend = path, backend
        return True

    def set(self, key, value):
        self.asked[key] = value

    def get(self, key):
        return defaultdict(float, {cv2.CAP_PROP_FPS: 30.0})[key]

    def read(self):
        frame = self._frames.pop(0) if self._frames else None
        return frame is not None, frame

    def release(self):
        self.released = True


@pytest.fixture
def camera(tmp_path, monkeypatch):
    capture = FakeCapture([picture(1), None, picture(2)])
    monkeypatch.setattr(sources.cv2, 'VideoCapture', capture)
    capture.device = tmp_path / 'video0'
    capture.device.touch()
    return capture


def test_a_camera_is_asked_for_what_was_wanted_and_a_frame_it_loses_is_not_an_end(camera):
    source = sources.DeviceSource(str(camera.device), width_px=1280, height_px=720, rate_hz=15,
                                  fourcc='MJPG')
    assert (camera.path, camera.backend) == (str(camera.device), cv2.CAP_V4L2)
    assert camera.asked == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter_fourcc(*'MJPG'), cv2.CAP_PROP_FRAME_WIDTH: 1280,
        cv2.CAP_PROP_FRAME_HEIGHT: 720, cv2.CAP_PROP_FPS: 15, cv2.CAP_PROP_BUFFERSIZE: 1}
    assert source.live and source.rate_hz == 30
    assert [number_of(source.read()) for _ in range(2)] == [1, 2] and source.skipped == 1
    source.close()
    assert camera.released


@pytest.mark.parametrize('unplugged, words', [
    (True, 'was unplugged'), (False, 'delivers no more frames')])
def test_a_camera_that_stops_is_named(camera, unplugged, words):
    source = sources.DeviceSource(str(camera.device))
    for _ in range(2):
        source.read()
    if unplugged:
        camera.device.unlink()
    with pytest.raises(SourceError, match=words):
        source.read()
