# SPDX-License-Identifier: Apache-2.0
"""Pictures: encoded once for all, only while somebody waits, never stale."""

import threading

import cv2
from fer_ros.dashboard.pictures import LINGER_S, Pictures, placeholder
import numpy as np


def image(value, width=64):
    return np.full((48, width, 3), value, np.uint8)


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_nothing_is_encoded_while_nobody_looks():
    pictures = Pictures(('hall',))
    for value in range(20):
        pictures.offer('hall', image(value), value)
    assert pictures.encoded == 0 and not pictures.wanted('hall')
    found = pictures.next('hall', 0, 1)
    assert pictures.encoded == 1 and pictures.wanted('hall')
    # The newest, not the oldest.
    assert found.stamp_s == 19 and abs(int(decoded(found.jpeg).mean()) - 19) <= 1


def test_many_viewers_cost_one_encoding():
    pictures = Pictures(('hall',), rate_hz=1000)
    after, got = 0, []
    for value in range(5):
        found = []
        threads = [threading.Thread(
            target=lambda: found.append(pictures.next('hall', after, 5))) for _ in range(6)]
        for thread in threads:
            thread.start()
        pictures.offer('hall', image(value), value)
        for thread in threads:
            thread.join()
        assert len({picture.number for picture in found}) == 1
        after = found[0].number
        got.append(after)
    assert pictures.encoded == 5 and len(set(got)) == 5


def test_no_more_pictures_are_encoded_than_the_rate_allows():
    now_s = [0.0]
    pictures = Pictures(('hall',), rate_hz=10, clock=lambda: now_s[0])
    pictures.offer('hall', image(1), 1)
    first = pictures.next('hall', 0, 0)
    pictures.offer('hall', image(2), 2)
    assert pictures.next('hall', first.number, 0) is None
    now_s[0] += 0.1
    assert pictures.next('hall', first.number, 0).stamp_s == 2
    assert pictures.encoded == 2


def test_an_old_picture_is_not_handed_out_and_a_viewer_who_left_is_forgotten():
    now_s = [0.0]
    pictures = Pictures(('hall',), clock=lambda: now_s[0])
    pictures.offer('hall', image(1), 1)
    assert pictures.next('hall', 0, 0) is not None
    now_s[0] += LINGER_S + 0.1
    assert not pictures.wanted('hall')
    assert pictures.next('hall', 0, 0) is None


def test_closing_ends_the_waiting():
    pictures = Pictures(('hall',))
    found = []
    thread = threading.Thread(target=lambda: found.append(pictures.next('hall', 0, 60)))
    thread.start()
    pictures.close()
    thread.join(60)
    assert found == [None]


def test_a_wide_image_is_made_smaller():
    pictures = Pictures(('hall',), width_px=100)
    pictures.offer('hall', image(1, width=400), 1)
    assert decoded(pictures.next('hall', 0, 0).jpeg).shape == (12, 100, 3)


def test_the_placeholder_is_a_picture_with_words():
    found = decoded(placeholder('Nobody publishes image_annotated: is it running? ' * 4))
    assert found.shape == (480, 640, 3) and found.max() > 200
