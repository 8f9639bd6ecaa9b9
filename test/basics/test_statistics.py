# SPDX-License-Identifier: Apache-2.0
from collections import deque
import copy
import math
import threading

from fer_ros.health import ERROR, WARN
from fer_ros.load import Lateness
from fer_ros.mailbox import LatestMailbox
from fer_ros.statistics import LatencyWindow, MissedMessages, RateMeter, ReadableShare
import pytest


@pytest.mark.parametrize('period_s', [0.01, 1 / 30, 0.5])
def test_rate_of_a_steady_stream(period_s):
    meter = RateMeter(window_s=5.0)
    for i in range(200):
        meter.tick(i * period_s)
    assert meter.rate_hz(199 * period_s) == pytest.approx(1 / period_s, rel=0.02)


def test_a_stream_that_stopped_slows_down_to_nothing():
    meter = RateMeter(window_s=5.0)
    for i in range(60):
        meter.tick(i / 30)
    assert meter.rate_hz(4.0) == pytest.approx(15, rel=0.05)  # 60 events in 4 s
    assert meter.rate_hz(10.0) == 0


def test_a_clock_that_jumps_back_starts_again():
    meter = RateMeter()
    for now_s in (100.0, 100.1, 3.0, 3.1, 3.2):
        meter.tick(now_s)
    assert meter.rate_hz(3.2) == pytest.approx(10)


def test_latency_quantiles():
    window = LatencyWindow(size=100)
    assert math.isnan(window.median_ms)
    for value in [1e6] * 50 + list(range(1, 101)) + [math.nan, math.inf]:
        window.add(value)
    assert (len(window), window.median_ms, window.p99_ms) == (100, 50, 99)


def test_the_newest_of_each_key_wins_and_drops_are_counted():
    newest = LatestMailbox()
    for item, key in [(1, 'a'), (2, 'a'), (3, 'b'), (4, 'a')]:
        newest.put(item, key)
    assert newest.take() == {'a': 4, 'b': 3}
    assert newest.replaced == 2


def test_close_wakes_the_taker_and_counts_what_waits():
    newest = LatestMailbox()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(newest.take()))
    thread.start()
    newest.close()
    thread.join(60)
    assert taken == [None]
    other = LatestMailbox()
    other.put(1)
    other.close()
    assert other.take() is None and other.replaced == 1


@pytest.mark.parametrize('statistic, add, read', [
    (RateMeter(), lambda one, now_s: one.tick(now_s), lambda one, now_s: one.rate_hz(now_s)),
    (ReadableShare('images'), lambda one, now_s: one.add(now_s, 'broken'),
     lambda one, now_s: one.problem(now_s)),
    (Lateness(), lambda one, now_s: one.add(now_s, 5.0), lambda one, now_s: one.late_ms(now_s))])
def test_reading_changes_nothing_for_the_thread_that_adds(statistic, add, read):
    for i in range(60):
        add(statistic, i / 30)
    before = copy.deepcopy(vars(statistic))
    assert read(statistic, 2.0) and not read(statistic, 100.0)
    assert vars(statistic) == before
    # What is old is let go of when the next is added.
    add(statistic, 100.0)
    kept = next(value for value in vars(statistic).values() if isinstance(value, deque))
    assert len(kept) <= 5


def test_the_share_that_can_be_used_decides_the_level_and_is_forgotten():
    share = ReadableShare('images')
    assert share.problem(0.0) is None
    for i in range(100):
        share.add(i / 30, 'broken' if i == 50 else '')
    assert share.problem(3.3) is None    # a cable loses as much
    for i in range(20):
        share.add(3.4, 'broken: mend it')
    level, text = share.problem(3.4)
    assert level == WARN and text == '21 of the last 120 images cannot be used: broken: mend it'
    for i in range(150):
        share.add(10 + i / 30, 'nothing fits')
    assert share.problem(14.9) == (ERROR, 'none of the last 150 images can be used: nothing fits')
    share.add(16.0, used=200)
    assert share.problem(20.5) is None
    # A slow source is judged by its last input, for a while.
    share.add(100.0, 'broken')
    assert share.problem(120.0)[0] == WARN and share.problem(131.0) is None


@pytest.mark.parametrize('numbers, missed', [
    ((5, 6, 7), 0),  # sent before it listened
    ((1, 2, 5, 6, 10), 5),
    ((7, 8, 1, 2, 4), 1),  # the sender was started again
    ((500, 3, 501, 4, 503, 5), 1)])  # two senders
def test_messages_that_did_not_arrive_are_counted(numbers, missed):
    messages = MissedMessages()
    for number in numbers:
        messages.add(number)
    assert messages.count == missed
