# SPDX-License-Identifier: Apache-2.0
import pytest

pytest.importorskip('std_msgs', reason='the messages of ROS are absent')
from fer_ros.nodes.synchronizer import Synchronizer  # noqa: E402
from std_msgs.msg import Header  # noqa: E402


def header(number):
    stamped = Header()
    stamped.stamp.sec, stamped.stamp.nanosec = divmod(number, 1000)
    return stamped


@pytest.fixture
def pairs():
    found = []
    synchronizer = Synchronizer(2, 3, lambda *items: found.append(items))
    synchronizer.found = found
    return synchronizer


@pytest.mark.parametrize('order', [
    [(0, 1), (1, 1)], [(1, 1), (0, 1)],                      # whichever comes first
    [(0, 1), (0, 2), (1, 2), (1, 1)],                        # late, and out of order
    [(0, 2), (1, 1), (0, 1), (1, 3)]])
def test_items_of_one_stamp_come_together(pairs, order):
    for index, number in order:
        pairs.add(index, header(number), f'{"ab"[index]}{number}')
    assert ('a1', 'b1') in pairs.found
    assert all(first[1:] == second[1:] for first, second in pairs.found)


def test_equal_seconds_are_not_equal_stamps(pairs):
    pairs.add(0, header(5000), 'a')
    pairs.add(1, header(5001), 'b')
    assert not pairs.found


def test_an_item_matches_once(pairs):
    for index in (0, 1, 1):
        pairs.add(index, header(1), index)
    assert pairs.found == [(0, 1)]


def test_three_inputs_wait_for_the_last():
    found = []
    synchronizer = Synchronizer(3, 2, lambda *items: found.append(items))
    for index in (2, 0):
        synchronizer.add(index, header(1), index)
    assert not found
    synchronizer.add(1, header(1), 1)
    assert found == [(0, 1, 2)]


def test_a_full_input_drops_what_came_first_and_counts_it(pairs):
    for number in range(1, 6):
        pairs.add(0, header(number), f'a{number}')
    assert (pairs.dropped(0), pairs.dropped(1)) == (2, 0)
    for number in range(1, 6):
        pairs.add(1, header(number), f'b{number}')
    assert pairs.found == [('a3', 'b3'), ('a4', 'b4'), ('a5', 'b5')]


def test_a_clock_that_was_set_back_keeps_nothing_out(pairs):
    for number in (901, 902, 903, 1, 2, 3):
        pairs.add(0, header(number), f'a{number}')
    pairs.add(1, header(3), 'b3')
    assert pairs.found == [('a3', 'b3')]


def test_a_match_takes_no_place_in_a_full_queue(pairs):
    for number in (1, 2, 3):
        pairs.add(0, header(number), f'a{number}')
    pairs.add(1, header(4), 'b4')
    pairs.add(0, header(4), 'a4')
    assert pairs.found == [('a4', 'b4')] and pairs.dropped(0) == 0


def test_what_is_forgotten_matches_no_more(pairs):
    pairs.add(0, header(1), 'a1')
    pairs.clear()
    pairs.add(1, header(1), 'b1')
    assert not pairs.found
