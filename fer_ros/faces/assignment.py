# SPDX-License-Identifier: Apache-2.0
"""Assign rows to columns at minimum total cost.

Same result as ``scipy.optimize.linear_sum_assignment``, whose import alone would take 48 MiB in
every process that tracks faces.
"""

import numpy as np


def assign(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve the linear sum assignment problem by shortest augmenting paths.

    D. F. Crouse, "On implementing 2D rectangular assignment algorithms", IEEE Transactions on
    Aerospace and Electronic Systems 52(4), 2016, algorithm 1.

    :param cost: finite, ``(n, m)``.
    :returns: int ``(min(n, m),)`` rows in ascending order, and the column of each.
    """
    cost = np.asarray(cost, np.float64)
    if cost.shape[0] > cost.shape[1]:
        columns, rows = assign(cost.T)
        order = np.argsort(rows)
        return rows[order], columns[order]
    count, width = cost.shape
    of_row, of_column = np.full(count, -1), np.full(width, -1)
    row_price, column_price = np.zeros(count), np.zeros(width)
    for start in range(count):
        # Dijkstra from the free row to the nearest free column, over reduced costs.
        length = np.full(width, np.inf)
        came_from = np.full(width, -1)
        open_columns = np.ones(width, bool)
        rows, row, reached = [start], start, 0.0
        while True:
            through = reached + cost[row] - row_price[row] - column_price
            shorter = open_columns & (through < length)
            length[shorter], came_from[shorter] = through[shorter], row
            sink = int(np.argmin(np.where(open_columns, length, np.inf)))
            reached = length[sink]
            open_columns[sink] = False
            if of_column[sink] < 0:
                break
            row = int(of_column[sink])
            rows.append(row)
        row_price[start] += reached
        for row in rows[1:]:
            row_price[row] += reached - length[of_row[row]]
        closed = ~open_columns
        column_price[closed] -= reached - length[closed]
        while True:
            row = int(came_from[sink])
            of_column[sink] = row
            of_row[row], sink = sink, of_row[row]
            if row == start:
                break
    return np.arange(count), of_row
