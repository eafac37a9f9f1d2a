"""The matching of highest weight against scipy and against trying everything."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given, strategies as st
from scipy.optimize import linear_sum_assignment

from twinlens.metrics.assignment import assign


@given(st.integers(0, 10_000), st.integers(0, 7), st.integers(0, 7))
def test_the_total_weight_equals_scipy(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(-2, 6, (rows, columns)) / 5  # ties and weights below 0 are likely
    got = assign(weights)
    assert len({row for row, _ in got}) == len({column for _, column in got}) == len(got)
    assert all(weights[pair] > 0 for pair in got)
    gains = np.maximum(weights, 0)
    wanted = gains[linear_sum_assignment(gains, maximize=True)].sum() if gains.size else 0
    np.testing.assert_allclose(sum(weights[pair] for pair in got), wanted, atol=1e-12)


def test_the_best_of_all_permutations_is_found() -> None:
    weights = np.random.default_rng(3).random((5, 6))
    best = max(sum(weights[row, column] for row, column in enumerate(order)) for order in permutations(range(6), 5))
    assert sum(weights[pair] for pair in assign(weights)) == np.float64(best)


def test_greedy_matching_would_be_worse() -> None:
    weights = np.array([[0.9, 0.8], [0.8, 0.1]])
    assert assign(weights) == [(0, 1), (1, 0)]
