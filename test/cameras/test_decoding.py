# SPDX-License-Identifier: Apache-2.0
"""An encoded image that takes too long costs its time once; the stream goes on."""

import cv2
from fer_ros import MAXIMUM_PIXELS
from fer_ros.cameras.decoding import REFUSED_S, StreamDecoder
from fer_ros.cameras.encoded import work
from fer_ros.errors import ImageError
import numpy as np
import pytest


def png(side_px):
    return cv2.imencode('.png', np.zeros((side_px, side_px), np.uint8))[1].tobytes()


SMALL, LARGE, HUGE = png(64), png(1500), png(2000)


@pytest.fixture
def stream():
    """A decoder on a core that needs a microsecond per pixel, on a simulated clock."""
    class Clock:
        now_s = used_s = 0.0
    clock = Clock()

    def decode(data, stopped_s=0.0):
        clock.now_s += stopped_s
        decoder.spending = work(data) * 1e-6
        return decoder.decode(data)

    def used_s():
        # Asked before and after an image is decoded.
        clock.used_s += decoder.spending / 2
        return clock.used_s + decoder.spending / 2
    decoder = StreamDecoder(0.5, now_s=lambda: clock.now_s, used_s=used_s)
    decoder.spending = 0.0
    return clock, decode


def test_what_takes_too_long_is_refused_the_next_time(stream):
    clock, decode = stream
    assert decode(SMALL).shape == (64, 64, 3)
    assert decode(HUGE).shape == (2000, 2000, 3)    # not known in advance
    for _ in range(3):
        with pytest.raises(ImageError, match='would take about .* let the camera publish smaller'):
            decode(HUGE)
        assert decode(SMALL).shape == (64, 64, 3)
    clock.now_s += REFUSED_S - 1
    with pytest.raises(ImageError):
        decode(LARGE)
    clock.now_s += 2
    assert decode(LARGE).shape == (1500, 1500, 3)    # tried again


def test_a_process_that_was_stopped_takes_no_image_for_slow(stream):
    clock, decode = stream
    for _ in range(3):
        assert decode(SMALL, stopped_s=30.0).shape == (64, 64, 3)


def test_a_damaged_image_counts_by_its_time_too(stream):
    _, decode = stream
    damaged = HUGE[:-200] + bytes(200)
    with pytest.raises(ImageError, match='decoded'):
        decode(damaged)
    with pytest.raises(ImageError, match='would take'):
        decode(HUGE)


@pytest.mark.parametrize('data', [b'', b'\xff\xd8\xff', b'II*\0', SMALL])
def test_the_work_is_known_from_the_first_bytes(data):
    assert work(data) >= 0
    assert work(b'II*\0') == MAXIMUM_PIXELS + 4
    progressive = cv2.imencode('.jpg', np.zeros((64, 64, 3), np.uint8),
                               [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    scans = progressive.count(b'\xff\xda')
    assert scans > 1 and work(progressive) == 64 * 64 * scans + len(progressive)
