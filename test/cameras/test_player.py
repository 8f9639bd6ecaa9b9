# SPDX-License-Identifier: Apache-2.0
"""Frames of a source at their pace, over and over, and again after a failure."""

from functools import partial

from camera_support import Clock, number_of
from fer_ros.backoff import Backoff
from fer_ros.cameras.player import Player
from fer_ros.cameras.sources import open_source
from fer_ros.errors import SourceError
import numpy as np
import pytest


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
    assert clock.waits == [0.5]  # one success: the pauses restart


def test_a_broken_file_is_not_tried_again(tmp_path):
    player = Player(partial(open_source, str(tmp_path / 'none.avi')), retry=False)
    with pytest.raises(SourceError):
        list(player.frames())
    assert player.state == 'failed'


def test_backoff_restarts_after_a_success():
    backoff = Backoff(1, 5)
    assert [backoff.pause_s() for _ in range(4)] == [1, 2, 4, 5]
    backoff.reset()
    assert backoff.pause_s() == 1


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
    # A requested rate takes precedence.
    now[0] = 0.0
    player = Player(lambda: open_source(str(path)), retry=False, wait=wait, now_s=lambda: now[0],
                    rate_hz=100.0)
    assert [now[0] for _ in player.frames()][-1] == pytest.approx(1.79)
