from __future__ import annotations

import numpy as np
import pytest

from twinlens.lab.collapse import collapse_of
from twinlens.lab.scoring import Scores

SAME = np.arange(400) % 2 == 0
NOISE = np.random.default_rng(0).normal(size=400)


def scores(values: np.ndarray, *, finite: bool = True) -> Scores:
    return Scores(values.astype(np.float64), SAME, finite, None)


@pytest.mark.parametrize(
    ("values", "threshold", "said"),
    [
        (np.full(400, 0.475), 0.5, "constant output: nine of ten similarities lie between 0.475 and 0.475"),
        (np.where(np.arange(400) % 50 < 2, 0.5 + 0.05 * NOISE, 0.518), 0.5, "constant output"),  # but for a few
        (0.6 + 1e-6 * NOISE, 0.5, "constant output"),
        (0.7 + 0.01 * NOISE + 0.01 * SAME, 0.5, "one answer: 'same' to all 400 pairs"),
        (0.3 + 0.01 * NOISE + 0.01 * SAME, 0.5, "one answer: 'different'"),
        (0.5 + 0.1 * NOISE + 0.1 * SAME, 0.55, ""),
        (0.999 + 1e-5 * NOISE + 1e-4 * SAME, 0.99905, ""),  # a narrow range that tells people apart all the same
    ],
)
def test_collapses_are_named(values: np.ndarray, threshold: float, said: str) -> None:
    found = collapse_of(scores(values), threshold)
    assert said in found
    assert bool(said) == bool(found)


def test_no_number_is_named() -> None:
    assert "not a number" in collapse_of(scores(NOISE, finite=False), 0.5)
