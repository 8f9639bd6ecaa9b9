# SPDX-License-Identifier: Apache-2.0
import base64
from collections import defaultdict
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import struct
import threading

import cv2
from fer_ros.backoff import Backoff
from fer_ros.cameras import sources
from fer_ros.cameras.encoded import declared_size
from fer_ros.cameras.player import Player
from fer_ros.cameras.sources import is_live, open_source
from fer_ros.errors import SourceError
import numpy as np
import pytest


def picture(number, width=64, height=48):
    """Return a picture that carries its number as its brightness."""
    return np.full((height, width, 3), 20 * number + 10, np.uint8)


def number_of(image):
    return round((float(image.mean()) - 10) / 20)


@pytest.fixture
def video(tmp_path):
    path = str(tmp_path / 'clip.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 20, (64, 48))
    assert writer.isOpened()
    for i in range(10):
        writer.write(picture(i))
    writer.release()
    return path


class Clock:
    """Time that passes only by waiting."""

    def __init__(self):
        self.now_s = 100.0
        self.waits = []

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now_s += seconds
        return False


def read_all(source):
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    return frames


def test_a_video_gives_its_frames_and_ends_and_begins_again(video):
    source = open_source(video)
    assert source.rate_hz == 20 and not source.live
    for _ in range(2):
        assert [number_of(frame) for frame in read_all(source)] == list(range(10))
        source.rewind()
    source.close()


def test_a_folder_gives_its_images_by_name_and_counts_the_unreadable(tmp_path):
    for name, number in (('b.png', 2), ('a.jpg', 1), ('d.png', 4)):
        cv2.imwrite(str(tmp_path / name), picture(number, width=32 * number))
    (tmp_path / 'c.png').write_bytes(b'not an image')
    # It says that it has 100,000 pixels a side, in sixty bytes.
    huge = cv2.imencode('.png', picture(3))[1].tobytes()
    (tmp_path / 'c2.png').write_bytes(huge[:16] + struct.pack('>II', 100_000, 100_000) + huge[24:])
    (tmp_path / 'notes.txt').write_text('not looked at')
    source = open_source(str(tmp_path))
    frames = read_all(source)
    assert [number_of(frame) for frame in frames] == [1, 2, 4]
    assert [frame.shape[1] for frame in frames] == [32, 64, 128]
    assert source.skipped == 2
    assert 'c2.png: the image is 100000x100000 pixels' in source.last_skipped
    problems = []
    player = Player(partial(open_source, str(tmp_path)), retry=False, paced=False,
                    on_problem=problems.append)
    assert len(list(player.frames())) == 3 and player.skipped == 2
    assert len(problems) == 1 and 'c2.png' in problems[0] and '(and 1 before it)' in problems[0]


@pytest.mark.parametrize('source, words', [
    ('', ['no source', '/dev/video0']),
    ('/dev/video97', ['/dev/video97', 'does not exist', 'plug it in']),
    ('97', ['/dev/video97', 'does not exist']),
    ('/dev/null', ['/dev/null', 'cannot be opened']),
    ('/nowhere/clip.mp4', ['/nowhere/clip.mp4', 'spelling']),
    ('http://127.0.0.1:9/stream', ['127.0.0.1:9', 'cannot be opened']),
    ('rtsp://me:pass@word@127.0.0.1:9/1', ['rtsp://me:***@127.0.0.1:9/1', 'cannot be opened']),
])
def test_what_is_not_there_is_named(source, words):
    with pytest.raises(SourceError) as error:
        open_source(source)
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize('content, words', [
    (b'', ['not a video that OpenCV can read']),
    (b'this is text, not a film', ['not a video that OpenCV can read']),
])
def test_a_file_that_is_not_a_video_is_named(tmp_path, content, words):
    path = tmp_path / 'clip.mp4'
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        open_source(str(path))
    assert all(word in str(error.value) for word in [*words, 'clip.mp4']), str(error.value)


@pytest.mark.parametrize('suffix, fourcc, words', [
    ('avi', 'MJPG', 'truncated or damaged'),       # the frame count stands in the header
    ('mp4', 'mp4v', 'not a video that OpenCV can read'),  # the index, at the end, is missing
])
def test_a_truncated_video_gives_what_it_has_and_says_so(tmp_path, suffix, fourcc, words):
    path = tmp_path / f'clip.{suffix}'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*fourcc), 20, (64, 48))
    generator = np.random.default_rng(0)
    for _ in range(60):
        writer.write(generator.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    writer.release()
    path.write_bytes(path.read_bytes()[:path.stat().st_size * 6 // 10])
    frames = []
    with pytest.raises(SourceError, match=words):
        source = open_source(str(path))
        while (frame := source.read()) is not None:
            frames.append(frame)
    assert (0 < len(frames) < 60) == (suffix == 'avi')


def test_a_folder_without_a_readable_image_is_named(tmp_path):
    with pytest.raises(SourceError, match='contains no images'):
        open_source(str(tmp_path))
    (tmp_path / 'a.png').write_bytes(b'broken')
    with pytest.raises(SourceError, match='none of 1 images can be read'):
        open_source(str(tmp_path)).read()


class StreamHandler(BaseHTTPRequestHandler):
    """A camera as many are: JPEG images in a multipart HTTP answer."""

    def __init__(self, images, *args):
        self._images = images
        super().__init__(*args)

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        for image in self._images:
            data = cv2.imencode('.jpg', image)[1].tobytes()
            self.wfile.write(b'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: '
                             + str(len(data)).encode() + b'\r\n\r\n' + data + b'\r\n')

    def log_message(self, *args):
        pass


@pytest.fixture
def stream():
    images = [picture(i, 160, 120) for i in range(8)]
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(StreamHandler, images))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}/stream'
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_an_http_stream_is_read_and_its_end_is_a_failure(stream):
    source = open_source(stream)
    assert source.live
    numbers = []
    with pytest.raises(SourceError, match='has stopped'):
        while True:
            numbers.append(number_of(source.read()))
    source.close()
    assert numbers == list(range(8))


def test_files_are_played_at_their_pace(video):
    clock = Clock()
    player = Player(partial(open_source, video), retry=False, wait=clock.wait,
                    now_s=lambda: clock.now_s)
    times = [clock.now_s for _ in player.frames()]
    assert np.diff(times) == pytest.approx([1 / 20] * 9)
    assert player.state == 'ended'


def test_another_rate_and_loops(video):
    clock = Clock()
    player = Player(partial(open_source, video), retry=False, loop=True, rate_hz=5,
                    wait=clock.wait, now_s=lambda: clock.now_s)
    frames = player.frames()
    numbers = [number_of(next(frames)) for _ in range(25)]
    assert numbers == [i % 10 for i in range(25)]
    assert player.loops == 2
    assert clock.waits == pytest.approx([1 / 5] * 24)
    frames.close()
    assert player.source is None


def test_as_fast_as_asked_for_nothing_is_waited_for(video):
    clock = Clock()
    player = Player(partial(open_source, video), retry=False, paced=False, wait=clock.wait,
                    now_s=lambda: clock.now_s)
    assert len(list(player.frames())) == 10 and clock.waits == []


def test_after_a_suspension_the_player_does_not_rush(video):
    clock = Clock()
    player = Player(partial(open_source, video), retry=False, wait=clock.wait,
                    now_s=lambda: clock.now_s)
    frames = player.frames()
    next(frames)
    clock.now_s += 3600
    waits = len(clock.waits)
    for _ in range(4):
        next(frames)
    assert clock.waits[waits:] == pytest.approx([1 / 20] * 3)


def test_a_device_that_is_not_there_is_tried_again_ever_more_slowly():
    clock, problems, stopped = Clock(), [], []

    def wait(seconds):
        clock.wait(seconds)
        return len(problems) >= 8 and not stopped.append(True)
    player = Player(partial(open_source, '/dev/video97'), retry=True, wait=wait,
                    now_s=lambda: clock.now_s, on_problem=problems.append)
    assert list(player.frames()) == []
    assert clock.waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert '/dev/video97 does not exist' in problems[0] and 'again in 0.5 s' in problems[0]
    assert player.state == 'retrying' and player.failures == 8


def test_a_stream_that_stops_is_opened_again(stream):
    clock = Clock()
    player = Player(partial(open_source, stream), retry=True, wait=clock.wait,
                    now_s=lambda: clock.now_s)
    frames = player.frames()
    numbers = [number_of(next(frames)) for _ in range(16)]
    frames.close()
    assert numbers == 2 * list(range(8))
    assert clock.waits == [0.5]  # one success: the pauses begin anew


def test_a_broken_file_is_not_tried_again(tmp_path):
    player = Player(partial(open_source, str(tmp_path / 'none.avi')), retry=False)
    with pytest.raises(SourceError):
        list(player.frames())
    assert player.state == 'failed'


def test_backoff_begins_again_after_a_success():
    backoff = Backoff(1, 5)
    assert [backoff.pause_s() for _ in range(4)] == [1, 2, 4, 5]
    backoff.reset()
    assert backoff.pause_s() == 1


@pytest.mark.parametrize('source, live', [
    ('0', True), ('/dev/video2', True), ('rtsp://camera/1', True), ('clip.mp4', False),
    ('images', False)])
def test_what_can_come_back(source, live):
    assert is_live(source) is live


@pytest.fixture
def guarded():
    """Yield the address of a camera that wants a user, a password and a key."""
    class Guarded(StreamHandler):
        def do_GET(self):
            expected = 'Basic ' + base64.b64encode(b'me:pa/ss@:word').decode()
            if self.path != '/stream?key=k%26y' or self.headers['Authorization'] != expected:
                self.send_response(401)
                self.send_header('WWW-Authenticate', 'Basic realm="camera"')
                self.end_headers()
            else:
                super().do_GET()

    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Guarded, [picture(3, 160, 120)] * 8))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f'127.0.0.1:{server.server_port}/stream'
    server.shutdown()
    server.server_close()
    thread.join(5)


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


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.webp'])
@pytest.mark.parametrize('options', [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
                                     [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]])
def test_the_size_stands_in_the_first_bytes(suffix, options):
    data = cv2.imencode(suffix, np.zeros((30, 50, 3), np.uint8),
                        options if suffix == '.jpg' else [])[1].tobytes()
    assert declared_size(data) == (50, 30)
    # Whatever is cut off is no reason to fail.
    assert all(declared_size(data[:end]) in (None, (50, 30)) for end in range(len(data)))


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


def test_frames_of_a_folder_come_in_natural_order(tmp_path):
    for number in (2, 10, 1, 100):
        cv2.imwrite(str(tmp_path / f'frame{number}.png'), np.full((4, 4, 3), number, np.uint8))
    source = open_source(tmp_path.as_uri())
    assert [int(source.read()[0, 0, 0]) for _ in range(4)] == [1, 2, 10, 100]


def test_a_file_url_is_a_file(tmp_path):
    path = tmp_path / 'a b.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (32, 32))
    writer.write(np.zeros((32, 32, 3), np.uint8))
    writer.release()
    assert '%20' in path.as_uri() and not is_live(path.as_uri())
    assert open_source(path.as_uri()).read().shape == (32, 32, 3)


def test_a_video_plays_by_its_time_stamps(shared):
    path = shared / 'cases' / 'video' / 'browser_7.2_s_180_frames.webm'
    if not path.exists():
        pytest.skip('no research data: the cases')
    now = [0.0]

    def wait(seconds):
        now[0] += seconds
    player = Player(lambda: open_source(str(path)), retry=False, wait=wait, now_s=lambda: now[0])
    times = [now[0] for _ in player.frames()]
    assert len(times) == 180 and times[-1] == pytest.approx(7.16, abs=0.02)
    # What is asked for counts more.
    now[0] = 0.0
    player = Player(lambda: open_source(str(path)), retry=False, wait=wait, now_s=lambda: now[0],
                    rate_hz=100.0)
    assert [now[0] for _ in player.frames()][-1] == pytest.approx(1.79)
