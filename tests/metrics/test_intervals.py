"""Intervals against scipy, and the laws of intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Bool
from scipy import stats

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.distributions import beta_cdf, beta_quantile, binomial_at_most, student_quantile
from twinlens.metrics.intervals import Interval, clopper_pearson, mcnemar, over_folds, wilson

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.sampled_from([0.5, 0.9, 0.95, 0.999])


@given(counts, confidences)
@settings(max_examples=30)
def test_wilson_and_clopper_pearson_equal_scipy(count: tuple[int, int], confidence: float) -> None:
    reference = stats.binomtest(*count)
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        wanted = reference.proportion_ci(confidence, method=method)
        got = ours(*count, confidence=confidence)
        assert (got.low, got.high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


@given(counts, confidences)
@settings(max_examples=30)
def test_intervals_hold_their_estimate_and_grow_with_confidence(count: tuple[int, int], confidence: float) -> None:
    for method in (wilson, clopper_pearson):
        narrow = method(*count, confidence=confidence)
        wide = method(*count, confidence=(1 + confidence) / 2)
        assert 0 <= wide.low <= narrow.low <= count[0] / count[1] <= narrow.high <= wide.high <= 1
        mirrored = method(count[1] - count[0], count[1], confidence=confidence)
        assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((narrow.low, narrow.high), abs=1e-9)


def test_the_exact_interval_of_no_error_is_the_rule_of_three() -> None:
    assert clopper_pearson(0, 1000, confidence=0.9).high == pytest.approx(3 / 1000, rel=0.01)


def test_large_counts_stay_exact() -> None:
    wanted = stats.binomtest(40_000, 40_000_000).proportion_ci(0.95, method="exact")
    got = clopper_pearson(40_000, 40_000_000)
    assert (got.low, got.high) == pytest.approx((wanted.low, wanted.high), rel=1e-6)


@pytest.mark.parametrize("method", [wilson, clopper_pearson])
def test_impossible_counts_are_refused(method: object) -> None:
    assert callable(method)
    with pytest.raises(CalibrationError, match="at least one trial"):
        method(0, 0)
    with pytest.raises(OptionError, match="between 0 and the 3 trials"):
        method(4, 3)
    with pytest.raises(OptionError, match="confidence"):
        method(1, 3, confidence=95.0)


def test_an_interval_without_its_estimate_is_refused() -> None:
    with pytest.raises(OptionError, match="holds its estimate"):
        Interval(0.5, 0.6, 0.7, 0.95, "wrong")
    assert Interval(0.5, 0.4, 0.6, 0.95, "right").holds(0.6)
    assert not Interval(0.5, 0.4, 0.6, 0.95, "right").holds(0.61)


@given(st.floats(0, 1), st.floats(0.1, 500), st.floats(0.1, 500))
def test_the_beta_distribution_equals_scipy(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-10)


@given(st.floats(0.001, 0.999), st.floats(0.5, 500), st.floats(0.5, 500))
def test_the_beta_quantile_equals_scipy(probability: float, a: float, b: float) -> None:
    assert beta_quantile(probability, a, b) == pytest.approx(stats.beta.ppf(probability, a, b), abs=1e-9)


@given(st.integers(0, 300), st.integers(1, 300), st.floats(0.01, 0.99))
def test_the_binomial_tail_equals_scipy(successes: int, trials: int, probability: float) -> None:
    wanted = stats.binom.cdf(successes, trials, probability)
    assert binomial_at_most(successes, trials, probability) == pytest.approx(wanted, abs=1e-10)


@given(st.floats(0.6, 0.999), st.integers(1, 200))
def test_the_student_quantile_equals_scipy(probability: float, freedom: int) -> None:
    wanted = stats.t.ppf(probability, freedom)
    assert student_quantile(probability, freedom) == pytest.approx(wanted, rel=1e-7)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12))
def test_the_mean_over_folds_equals_scipy(values: list[float]) -> None:
    got = over_folds(values)
    assert got.standard_error == pytest.approx(stats.sem(values), abs=1e-12)
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    assert got.mean == pytest.approx(np.mean(values))
    assert (got.interval.low, got.interval.high) == pytest.approx((got.mean - half, got.mean + half), abs=1e-9)


@pytest.mark.parametrize("values", [[], [0.9], [0.9, math.nan]])
def test_folds_that_say_nothing_are_refused(values: list[float]) -> None:
    with pytest.raises(CalibrationError, match="at least two finite values"):
        over_folds(values)


answers = st.integers(1, 200).flatmap(
    lambda n: st.tuples(arrays(np.bool_, n), arrays(np.bool_, n)),
)


@given(answers)
def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(
    answers: tuple[Bool[np.ndarray, "n"], Bool[np.ndarray, "n"]],
) -> None:
    first, second = answers
    got = mcnemar(first, second)
    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    assert (got.only_first, got.only_second) == (only_first, only_second)
    wanted = stats.binomtest(only_first, only_first + only_second).pvalue if only_first + only_second else 1.0
    assert got.p_value == pytest.approx(wanted, abs=1e-9)
    assert mcnemar(second, first).p_value == got.p_value


def test_mcnemar_refuses_answers_to_different_questions() -> None:
    with pytest.raises(CalibrationError, match="same pairs, got 3 and 2"):
        mcnemar(np.ones(3, bool), np.ones(2, bool))
