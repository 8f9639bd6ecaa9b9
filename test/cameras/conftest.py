# SPDX-License-Identifier: Apache-2.0
"""Sources of numbered pictures: a clip, and an HTTP stream."""

from functools import partial

from camera_support import picture, serving, StreamHandler
import cv2
import pytest


@pytest.fixture
def video(tmp_path):
    path = str(tmp_path / 'clip.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 20, (64, 48))
    assert writer.isOpened()
    for i in range(10):
        writer.write(picture(i))
    writer.release()
    return path


@pytest.fixture
def stream():
    images = [picture(i, 160, 120) for i in range(8)]
    with serving(partial(StreamHandler, images)) as address:
        yield f'http://{address}/stream'
