"""Means and intervals of few seeds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from twinlens.errors import CalibrationError
from twinlens.lab.tally import Reading, Spread, agrees, pooled_spread, tally
from twinlens.metrics.intervals import wilson

NOTHING = Spread(math.nan, 0)


def reading(right: int, trials: int = 1000) -> Reading:
    found = wilson(right, trials)
    return Reading(found.estimate, found.low, found.high, trials)


def test_one_run_has_the_interval_of_its_pairs() -> None:
    ours = tally([reading(670)], NOTHING)
    assert ours.mean == 0.67
    assert ours.high - ours.low == pytest.approx(2 * 0.0291, abs=3e-4)  # 2.9 points at 67 %
    assert not ours.pooled


def test_one_runs_interval_keeps_its_ends() -> None:
    """Near an end of the scale an interval is lopsided; it is not made even."""
    ours = tally([reading(98, 100)], NOTHING)
    found = wilson(98, 100)
    assert (ours.low, ours.high) == pytest.approx((found.low, found.high))
    assert ours.mean - ours.low > 1.5 * (ours.high - ours.mean)
    assert agrees(ours.low - 0.001, ours) == "lower"
    assert agrees(ours.high + 0.001, ours) == "higher"


def test_seeds_widen_the_interval_and_their_number_narrows_it() -> None:
    spread = Spread(0.015, 20)
    one, three = tally([reading(670)], spread), tally([reading(655), reading(670), reading(685)], spread)
    bare = tally([reading(670)], NOTHING)
    assert bare.high - bare.low < three.high - three.low < one.high - one.low
    seeds = 2.086 * 0.015  # Student's t of 20 degrees
    assert one.high - one.mean == pytest.approx(math.hypot(0.0284, seeds), abs=3e-4)
    assert one.above == pytest.approx(math.hypot(0.0284, seeds * math.sqrt(2)), abs=3e-4)
    assert one.below == pytest.approx(math.hypot(0.0298, seeds * math.sqrt(2)), abs=3e-4)


def test_pooled_spread_is_that_of_the_groups() -> None:
    spread = pooled_spread([[0.60, 0.62], [0.70, 0.70, 0.73], [0.5]])
    assert spread.freedom == 3
    assert spread.deviation == pytest.approx(math.sqrt((0.0002 + 0.0006) / 3))
    assert pooled_spread([[0.5], []]).freedom == 0


def test_a_published_figure_agrees_within_reach_of_a_further_run() -> None:
    ours = tally([reading(670)], NOTHING)
    assert agrees(0.67 + 0.028, ours) == agrees(0.67 - 0.029, ours) == "agrees"
    assert agrees(0.70, ours) == "higher"
    assert agrees(0.60, ours) == "lower"


def test_no_runs_have_no_mean() -> None:
    with pytest.raises(CalibrationError, match="at least one run"):
        tally([], NOTHING)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=5), st.floats(0.0, 0.1), st.integers(1, 50))
def test_the_interval_holds_the_mean_and_stays_a_share(counts: list[int], deviation: float, freedom: int) -> None:
    ours = tally([reading(count) for count in counts], Spread(deviation, freedom))
    assert 0 <= ours.low <= ours.mean + 1e-12
    assert ours.mean - 1e-12 <= ours.high <= 1
    assert ours.above >= ours.high - ours.mean - 1e-12
    assert ours.below >= ours.mean - ours.low - 1e-12
