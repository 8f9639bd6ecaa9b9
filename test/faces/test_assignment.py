# SPDX-License-Identifier: Apache-2.0
"""The assignment is the one that SciPy finds."""

from fer_ros.faces.assignment import assign
import numpy as np
import pytest

optimize = pytest.importorskip('scipy.optimize')


@pytest.mark.parametrize('shape', [(1, 1), (1, 5), (5, 1), (3, 3), (4, 7), (7, 4), (32, 32)])
@pytest.mark.parametrize('forbidden', [0.0, 0.5, 0.95])
def test_as_scipy(shape, forbidden):
    generator = np.random.default_rng(5)
    for _ in range(40):
        cost = generator.normal(0, 10, shape)
        cost[generator.random(shape) < forbidden] = 1e6
        rows, columns = assign(cost)
        expected = optimize.linear_sum_assignment(cost)
        # Where sums tie, as between forbidden pairs, another choice is as good.
        assert list(rows) == sorted(set(rows)) and len(rows) == min(shape)
        assert len(set(columns)) == len(columns) == min(shape)
        assert cost[rows, columns].sum() == pytest.approx(cost[expected].sum(), rel=1e-9)


@pytest.mark.parametrize('shape', [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_assign(shape):
    rows, columns = assign(np.zeros(shape))
    assert len(rows) == len(columns) == 0


def test_equal_costs_are_all_assigned():
    rows, columns = assign(np.ones((6, 6)))
    assert sorted(columns) == list(range(6)) and list(rows) == list(range(6))
