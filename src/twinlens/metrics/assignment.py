"""Weights between two sides -> the one-to-one matching of highest total weight.

Source: the Hungarian method in its shortest-path form (Kuhn 1955; Jonker and Volgenant 1987), O(rows^2 x columns).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64


def assign(weights: Float64[np.ndarray, "rows columns"]) -> list[tuple[int, int]]:
    """Return (row, column) of each match, by row; pairs of weight 0 or less are left unmatched.

    Args:
        weights: finite.
    """
    rows, columns = weights.shape
    if rows > columns:
        return sorted((row, column) for column, row in assign(weights.T))
    if rows == 0:
        return []
    cost = -np.maximum(weights, 0)
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    owner = np.full(columns, -1)  # the row that each column is given to
    for row in range(rows):
        _augment(row, cost, (row_price, column_price), owner)
    return sorted((int(owner[c]), c) for c in range(columns) if owner[c] >= 0 and weights[owner[c], c] > 0)


def _augment(
    start: int,
    cost: Float64[np.ndarray, "rows columns"],
    prices: tuple[np.ndarray, np.ndarray],
    owner: np.ndarray,
) -> None:
    """Give the row ``start`` a column along the cheapest alternating path (Dijkstra on reduced costs)."""
    row_price, column_price = prices
    columns = cost.shape[1]
    distance, came_from = np.full(columns, np.inf), np.full(columns, -1)
    done = np.zeros(columns, dtype=bool)
    row, last, reached = start, -1, 0.0
    while True:
        through = reached + cost[row] - row_price[row] - column_price
        better = ~done & (through < distance)
        distance[better], came_from[better] = through[better], last
        column = int(np.argmin(np.where(done, np.inf, distance)))
        reached = float(distance[column])
        done[column] = True
        last = column
        if owner[column] < 0:
            break
        row = int(owner[column])
    row_price[start] += reached
    settled = np.flatnonzero(done & (owner >= 0))
    row_price[owner[settled]] += reached - distance[settled]
    column_price[done] -= reached - distance[done]
    while last >= 0:
        before = int(came_from[last])
        owner[last] = owner[before] if before >= 0 else start
        last = before
