"""The bootstrap by person: against a naive draw, and whether its intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.people import (
    PeopleCounts,
    PeopleScores,
    PhotoCounts,
    bootstrap,
    bootstrap_all_pairs,
    bootstrap_rate,
)
from twinlens.metrics.verification import auc, fmr, fnmr


def made_up(seed: int, people: int = 12) -> PeopleScores:
    """Every person has an own level: his pairs err together."""
    rng = np.random.default_rng(seed)
    level = rng.normal(0, 0.2, people)
    genuine_people = np.repeat(np.arange(people), 4)
    impostor_people = np.array([(a, b) for a in range(people) for b in range(a)])
    genuine = 0.6 + level[genuine_people] + rng.normal(0, 0.05, genuine_people.size)
    impostor = 0.2 + level[impostor_people].sum(axis=1) + rng.normal(0, 0.05, len(impostor_people))
    return PeopleScores(genuine, impostor, genuine_people, impostor_people)


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_the_interval_holds_the_estimate(seed: int) -> None:
    scores = made_up(seed)
    rng = np.random.default_rng(seed)
    interval = bootstrap(scores, lambda g, i: fnmr(g, 0.5), rng=rng, resamples=40)
    assert interval.estimate == fnmr(scores.genuine, 0.5)
    assert interval.low <= interval.estimate <= interval.high


def test_a_resample_weighs_pairs_as_a_naive_draw_does() -> None:
    """Draw people one by one, list the pairs of the draw, and compare the very same resamples."""
    scores = made_up(1, people=5)
    naive_rng, seen = np.random.default_rng(7), []
    for _ in range(30):
        drawn = naive_rng.integers(5, size=5).tolist()
        g = [s for p in drawn for s, q in zip(scores.genuine, scores.genuine_people, strict=True) if p == q]
        i = [
            s
            for a in drawn
            for b in drawn
            for s, (p, q) in zip(scores.impostor, scores.impostor_people, strict=True)
            if (a, b) == (p, q)
        ]
        seen.append((sum(g), len(g), sum(i), len(i)))
    got: list[tuple[float, int, float, int]] = []

    def statistic(g: np.ndarray, i: np.ndarray) -> float:
        got.append((float(g.sum()), g.size, float(i.sum()), i.size))
        return 0.0

    bootstrap(scores, statistic, rng=np.random.default_rng(7), resamples=20)
    wanted = [values for values in seen if values[1] and values[3]][:20]
    assert got[:-1] == [pytest.approx(values) for values in wanted]  # the last call is the estimate's


def test_names_serve_as_well_as_numbers_and_a_seed_repeats_itself() -> None:
    scores = made_up(2)
    named = PeopleScores(
        scores.genuine,
        scores.impostor,
        np.array([f"p{number:02d}" for number in scores.genuine_people]),
        np.array([[f"p{a:02d}", f"p{b:02d}"] for a, b in scores.impostor_people]),
    )
    first, second = (bootstrap(s, auc, rng=np.random.default_rng(3), resamples=50) for s in (scores, named))
    assert first == second


def test_rates_by_counts_equal_the_general_bootstrap() -> None:
    scores = made_up(4)
    wrong = scores.impostor >= 0.3
    counts = PeopleCounts(wrong.astype(int), np.ones(wrong.size, dtype=int), scores.impostor_people)
    by_counts = bootstrap_rate(counts, rng=np.random.default_rng(5), resamples=200)
    general = bootstrap(scores, lambda g, i: fmr(i, 0.3), rng=np.random.default_rng(5), resamples=200)
    assert (by_counts.estimate, by_counts.low, by_counts.high) == pytest.approx(
        (general.estimate, general.low, general.high)
    )


def test_all_pairs_by_formula_equal_all_pairs_by_list() -> None:
    rng = np.random.default_rng(8)
    photos = rng.integers(1, 5, size=15)
    owner = np.repeat(np.arange(15), photos)
    pairs = np.array([(owner[a], owner[b]) for a in range(owner.size) for b in range(a) if owner[a] != owner[b]])
    wrong = rng.random(len(pairs)) < 0.1
    listed = PeopleCounts(wrong.astype(int), np.ones(wrong.size, dtype=int), pairs)
    wanted = bootstrap_rate(listed, rng=np.random.default_rng(9), resamples=100)
    got = bootstrap_all_pairs(PhotoCounts(pairs[wrong], photos), rng=np.random.default_rng(9), resamples=100)
    assert (got.estimate, got.low, got.high) == pytest.approx((wanted.estimate, wanted.low, wanted.high))
    none = bootstrap_all_pairs(PhotoCounts(np.empty((0, 2), dtype=int), photos), rng=rng, resamples=50)
    assert (none.estimate, none.low, none.high) == (0, 0, 0)


def test_genuine_counts_are_weighted_once() -> None:
    people = np.array([[0, 0], [1, 1], [2, 2]])
    counts = PeopleCounts(np.array([0, 5, 10]), np.array([10, 10, 10]), people)
    interval = bootstrap_rate(counts, rng=np.random.default_rng(0), resamples=2000, confidence=0.5)
    # A mean of three draws from (0, 0.5, 1): the quartiles of the exact distribution are 1/3 and 2/3.
    assert (interval.low, interval.high) == pytest.approx((1 / 3, 2 / 3))


def test_people_that_err_together_widen_the_interval() -> None:
    people = np.repeat(np.arange(20), 2).reshape(-1, 2)
    alone = PeopleCounts(np.tile([0, 100], 10), np.full(20, 100), people)
    together = bootstrap_rate(alone, rng=np.random.default_rng(0), resamples=500)
    spread = PeopleCounts(np.full(20, 50), np.full(20, 100), people)
    assert together.estimate == 0.5
    assert together.high - together.low > 0.3
    assert bootstrap_rate(spread, rng=np.random.default_rng(0), resamples=500).high == 0.5


def test_coverage_is_near_its_promise() -> None:
    """Of 95 % intervals on correlated data, clearly more hold the truth than pairs taken as independent would."""
    rng, hits = np.random.default_rng(11), 0
    truth, people, pairs = 0.3, 60, 10
    for _ in range(150):
        rates = rng.beta(1.5, 3.5, people)  # mean 0.3
        wrong = rng.binomial(pairs, rates)
        both = np.repeat(np.arange(people), 2).reshape(-1, 2)
        counts = PeopleCounts(wrong, np.full(people, pairs), both)
        hits += bootstrap_rate(counts, rng=rng, resamples=200).holds(truth)
    assert 0.88 <= hits / 150 <= 0.99


def test_what_cannot_be_resampled_is_refused() -> None:
    scores = made_up(6)
    rng = np.random.default_rng(0)
    with pytest.raises(OptionError, match="at least 20 resamples, got 5"):
        bootstrap(scores, auc, rng=rng, resamples=5)
    with pytest.raises(OptionError, match="one person for each of 48 genuine pairs"):
        PeopleScores(scores.genuine, scores.impostor, scores.genuine_people[1:], scores.impostor_people)
    single = PeopleCounts(np.array([1]), np.array([2]), np.array([[0, 0]]))
    with pytest.raises(CalibrationError, match="at least two of them, got 1"):
        bootstrap_rate(single, rng=rng)
    with pytest.raises(OptionError, match="more successes than trials: number 1"):
        PeopleCounts(np.array([0, 3]), np.array([2, 2]), np.array([[0, 0], [1, 1]]))
