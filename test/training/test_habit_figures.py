# SPDX-License-Identifier: Apache-2.0
"""The figures of the trial agree with its table; a year's costs are measured and reported."""

from fer_ros.habits.trial import TrialResult
import pytest
from training.costs import costs
from training.habits import _seeds
from training.trials import describe, Home, live_all, picture, table

#: Two people who override the policy four times a day, before and after the drift on day 30.
ALONE = TrialResult([4] * 60)
HABITS = TrialResult([4] * 7 + [1] * 23 + [4] * 3 + [1] * 27, [
    (4, 'a', True), (8, 'b', False), (12, 'c', False), (30, 'd', False)],
    {'sad': 5, 'reading': 8})


def test_figures_of_a_home():
    home = Home(7, ALONE, HABITS)
    assert home.share(14, 30) == 0.25 and home.share(30, 35) == pytest.approx(14 / 20)
    assert home.worst_week == 1.0 and home.before == 8
    # Days 33 to 37 hold one bad day; days 32 to 36 two, which is a share of a half and over.
    assert home.recovery == 3
    assert home.false_in_a_week == 2
    assert 'seed 7: 4.00 overrides per day' in describe(home)


def test_a_home_that_never_recovers_is_reported_by_a_day_past_the_end():
    assert Home(0, ALONE, TrialResult([4] * 60)).recovery == 27


def test_the_table_has_the_mean_and_the_worst_and_the_picture_all_days():
    homes = [Home(7, ALONE, HABITS), Home(8, ALONE, TrialResult([2] * 60))]
    lines = table(homes).splitlines()
    assert lines[2].endswith('| at most 50 % | 38 % | 50 % (seed 8) |')
    assert lines[-1].endswith('| at most 1 | 1.0 | 2 (seed 7) |')
    svg = picture(homes)
    assert svg.startswith('<svg') and svg.endswith('</svg>') and 'in 2 simulated homes' in svg


def test_homes_are_lived_in_by_their_seeds():
    (home,) = live_all([3], 1, jobs=1)
    assert home.seed == 3 and len(home.habits.overrides) == 1
    assert home.alone.overrides == home.habits.overrides and sum(home.alone.overrides) > 0


def test_a_range_of_seeds():
    assert list(_seeds('5')) == [5] and list(_seeds('100-102')) == [100, 101, 102]


def test_what_a_log_of_some_days_costs():
    lines = list(costs(10))
    assert 'load' in lines[0] and lines[1].startswith('log of 10 days: ')
    assert lines[2].startswith('learned in ')
    assert [line.partition(':')[0] for line in lines[3:]] == [
        'model', 'what comes next, and when', 'how a lamp is wanted',
        'a decision with habits', 'a decision with habits', 'an event learned',
        'habits of a lamp and an emotion, when a person has set it']
