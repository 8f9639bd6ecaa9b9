# SPDX-License-Identifier: Apache-2.0
"""Time runs on whatever the stamps do."""

from fer_ros.stamps import FrameChoice, FrameClock
import pytest


@pytest.mark.parametrize('stamps, intervals', [
    ([5.0, 5.1, 5.3], [0, 0.1, 0.2]),
    # A stamp that stands still or goes back: the last good interval stands in.
    ([5.0, 5.1, 5.1, 5.1], [0, 0.1, 0.1, 0.1]),
    ([7.0, 7.0], [0, 1 / 30]),
    ([5.0, 5.1, 4.0, 4.1], [0, 0.1, 0.1, 0.1]),
    # A recording that is played again and again.
    ([0.0, 9.9, 10.0, 0.0, 0.2, 10.0, 0.1], [0, 9.9, 0.1, 0.1, 0.2, 0.2, 0.2]),
    # One wrong stamp in the past is no pause afterwards.
    ([5.0, 5.1, -1e9, 5.3], [0, 0.1, 0.1, 0.2]),
    # A clock that starts in 1970 and is put right.
    ([1e9, 0.0, 0.1, 1e9 + 0.25], [0, 1 / 30, 0.1, 0.25]),
    # A pause is reported once.
    ([0.0, 0.1, 60.0, 60.0], [0, 0.1, 59.9, 1 / 30]),
])
def test_intervals(stamps, intervals):
    clock = FrameClock(longest_s=20.0)
    assert [clock.advance(stamp_s) for stamp_s in stamps] == pytest.approx(intervals, abs=1e-6)


def test_after_reset_the_next_stamp_is_the_first():
    clock = FrameClock(longest_s=20.0)
    clock.advance(100.0)
    clock.reset()
    assert [clock.advance(1.0), clock.advance(1.5)] == [0, 0.5]


@pytest.mark.parametrize('rate_hz, expected', [(30, 8), (12, 8), (8.4, 7.85), (5, 5), (100, 8)])
def test_frames_are_chosen_at_the_rate_on_average(rate_hz, expected):
    choice = FrameChoice()
    chosen = sum(choice.choose(7 + i / rate_hz, 1 / 8) for i in range(int(20 * rate_hz)))
    assert chosen / 20 == pytest.approx(expected, rel=0.03)


def test_a_frame_is_due_without_being_counted_and_after_a_clock_that_went_back():
    choice = FrameChoice()
    assert choice.due(5.0, 1) and choice.due(5.0, 1)
    assert choice.choose(5.0, 1) and not choice.due(5.5, 1) and not choice.choose(5.5, 1)
    assert choice.due(5.9, 1), 'a little early'
    assert choice.due(3.0, 1) and choice.choose(3.0, 1) and not choice.due(3.5, 1)
