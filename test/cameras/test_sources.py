# SPDX-License-Identifier: Apache-2.0
"""Sources of frames: videos, folders, and what cannot be opened."""

from functools import partial
import struct

from camera_support import number_of, picture
import cv2
from fer_ros.cameras.player import Player
from fer_ros.cameras.sources import is_live, open_source
from fer_ros.errors import SourceError
import numpy as np
import pytest


def read_all(source):
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    return frames


def test_a_video_yields_its_frames_ends_and_restarts(video):
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


@pytest.mark.parametrize('source, live', [
    ('0', True), ('/dev/video2', True), ('rtsp://camera/1', True), ('clip.mp4', False),
    ('images', False)])
def test_what_can_come_back(source, live):
    assert is_live(source) is live


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
