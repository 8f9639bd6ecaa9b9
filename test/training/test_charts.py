# SPDX-License-Identifier: Apache-2.0
"""Charts: round numbers on the axes, whole ones for epochs."""

import re

import pytest
from training.charts import lines, ticks


@pytest.mark.parametrize('low, high, whole, expected', [
    (1, 4, True, [1, 2, 3, 4]), (1, 10, True, [2, 4, 6, 8, 10]), (1, 2, True, [1, 2]),
    (1, 112, True, [20, 40, 60, 80, 100]), (0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1]),
    (0, 0.3, False, [0, 0.1, 0.2, 0.3]), (0.4123, 0.688, False, [0.45, 0.5, 0.55, 0.6, 0.65]),
    (-3, 900, False, [0, 200, 400, 600, 800]), (1, 2, False, [1, 1.2, 1.4, 1.6, 1.8, 2])])
def test_ticks_are_round_numbers_inside_the_range(low, high, whole, expected):
    assert ticks(low, high, whole=whole) == expected


@pytest.mark.parametrize('high', [1 + 10 ** (i / 7) for i in range(-20, 40)])
def test_there_are_neither_too_many_nor_too_few(high):
    assert 2 <= len(ticks(1, high)) <= 6
    found = ticks(1, high + 1, whole=True)
    assert 1 <= len(found) <= 6 and all(tick == int(tick) for tick in found)


def test_epochs_are_whole_on_a_chart():
    text = lines('loss', {'training': ([1, 2, 3, 4, 5], [2, 1.5, 1.2, 1.1, 1.05])},
                 x_label='epoch', y_label='loss')
    labels = re.findall(r'text-anchor="middle">([\d.]+)<', text)
    assert labels == ['1', '2', '3', '4', '5']
    assert re.findall(r'text-anchor="end">([\d.]+)<', text) == ['1.2', '1.4', '1.6', '1.8', '2']
