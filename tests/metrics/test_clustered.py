"""Intervals by person, linearised: against drawing people, and against how often they hold the truth."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.clustered import clustered_rate, listed_rate, variance
from twinlens.metrics.intervals import wilson
from twinlens.metrics.people import PeopleCounts, bootstrap_rate


def both_ends(pairs: list[tuple[int, int]], errors: list[int], people: int) -> tuple[np.ndarray, np.ndarray]:
    """Count errors and trials at both people of each pair."""
    wrong, trials = np.zeros(people), np.zeros(people)
    for (one, other), error in zip(pairs, errors, strict=True):
        for person in (one, other):
            wrong[person] += error
            trials[person] += 1
    return wrong, trials


def test_genuine_pairs_as_drawing_people() -> None:
    rng = np.random.default_rng(0)
    trials = rng.integers(1, 40, 200)
    errors = rng.binomial(trials, rng.beta(0.5, 8, 200))
    people = np.stack([np.arange(200)] * 2, axis=1)
    drawn = bootstrap_rate(PeopleCounts(errors, trials, people), rng=rng, resamples=3000)
    quick = clustered_rate(errors, trials, ends=1)
    assert quick.estimate == pytest.approx(drawn.estimate)
    assert quick.high - quick.low == pytest.approx(drawn.high - drawn.low, rel=0.12)


def test_impostor_pairs_as_drawing_people() -> None:
    rng = np.random.default_rng(1)
    lamb = rng.beta(0.4, 6, 60)  # how easily each person is taken for another
    pairs = list(combinations(range(60), 2))
    errors = [int(rng.random() < (lamb[a] + lamb[b]) / 2) for a, b in pairs]
    drawn = bootstrap_rate(
        PeopleCounts(np.array(errors), np.ones(len(pairs), int), np.array(pairs)), rng=rng, resamples=3000
    )
    quick = clustered_rate(*both_ends(pairs, errors, 60), ends=2)
    assert quick.estimate == pytest.approx(drawn.estimate)
    assert quick.high - quick.low == pytest.approx(drawn.high - drawn.low, rel=0.12)


@pytest.mark.slow
def test_it_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    pairs = list(combinations(range(80), 2))
    first, second = np.array(pairs).T
    held = 0
    for _ in range(400):
        lamb = rng.beta(0.5, 10, 80)
        errors = (rng.random(len(pairs)) < (lamb[first] + lamb[second]) / 2).astype(int)
        wrong = np.bincount(first, errors, 80) + np.bincount(second, errors, 80)
        held += clustered_rate(wrong, np.full(80, 79), ends=2).holds(0.5 / 10.5)
    assert 0.90 <= held / 400 <= 0.99


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.sampled_from([1, 2]))
def test_it_holds_its_estimate_and_is_never_narrower_than_wilsons(errors: list[int], ends: int) -> None:
    wrong = np.array(errors) * ends
    trials = np.full(len(errors), 5 * ends)
    found = clustered_rate(wrong, trials, ends=ends)
    plain = wilson(round(wrong.sum() / ends), round(trials.sum() / ends))
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert found.high - found.low >= plain.high - plain.low - 1e-12


def test_no_error_among_thousands_of_pairs_of_few_people_is_no_proof() -> None:
    found = clustered_rate(np.zeros(20), np.full(20, 9500.0), ends=2)
    assert found.high > 0.019  # 190 pairs of people, not 95,000 of photos


def test_rare_errors_are_not_taken_for_sure() -> None:
    wrong, trials = np.zeros(50), np.full(50, 49.0)
    wrong[[3, 7]] = 1
    assert variance(wrong, trials, ends=2) >= (1 / trials.sum() * 2) ** 2


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(CalibrationError, match="no"):
        clustered_rate(np.zeros(3), np.zeros(3), ends=1)
    with pytest.raises(OptionError):
        clustered_rate(np.array([2]), np.array([1]), ends=1)
    with pytest.raises(OptionError):
        clustered_rate(np.array([1]), np.array([1]), ends=3)


def test_listed_pairs_vary_together_where_they_share_a_person() -> None:
    """The variance is the sum over all pairs of pairs that share somebody."""
    rng = np.random.default_rng(3)
    ends = rng.integers(0, 25, (160, 2))
    hard = rng.beta(0.5, 3, 25)
    wrong = rng.random(160) < hard[ends].max(axis=1)
    surplus = wrong - wrong.mean()
    total = sum(surplus[i] * surplus[j] for i in range(160) for j in range(160) if set(ends[i]) & set(ends[j]))
    rate = listed_rate(wrong, ends)
    odds = np.log(np.array([rate.low, rate.high]) / (1 - np.array([rate.low, rate.high])))
    spread = np.sqrt(total * 25 / 24) / 160 / (wrong.mean() * (1 - wrong.mean()))
    assert (odds[1] - odds[0]) / (2 * 1.959964) == pytest.approx(spread, rel=1e-6)


def test_listed_pairs_of_people_who_come_once_are_independent() -> None:
    """500 genuine and 500 impostor pairs, nobody twice: Wilson's interval, a genuine pair is no two trials."""
    genuine, impostor = np.repeat(np.arange(500), 2).reshape(500, 2), np.arange(500, 1500).reshape(500, 2)
    wrong = np.random.default_rng(4).random(1000) < 0.3
    rate, plain = listed_rate(wrong, np.concatenate([genuine, impostor])), wilson(int(wrong.sum()), 1000)
    assert rate.high - rate.low == pytest.approx(plain.high - plain.low, rel=0.02)


def test_listed_pairs_without_an_error_count_pairs_of_people() -> None:
    ends = np.array([[0, 0]] * 50 + [[1, 2]] * 50)
    assert listed_rate(np.zeros(100, bool), ends).high == pytest.approx(wilson(0, 2).high)
    with pytest.raises(CalibrationError, match="at least one pair"):
        listed_rate(np.zeros(0, bool), np.zeros((0, 2), int))
