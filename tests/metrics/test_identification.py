"""Search metrics against naive loops and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.metrics import average_precision_score

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.identification import (
    Outcomes,
    average_precisions,
    cmc,
    expected_fpir,
    join_outcomes,
    open_set,
    precision_at,
    rank_k,
    search_outcomes,
)

Search = tuple[np.ndarray, list[str], list[str]]


@st.composite
def searches(draw: st.DrawFn) -> Search:
    names = st.sampled_from("abcdef")
    probes = draw(st.lists(names, min_size=1, max_size=8))
    gallery = draw(st.lists(names, min_size=1, max_size=10))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return rng.integers(-4, 5, (len(probes), len(gallery))) / 4, probes, gallery  # ties are likely


def naive(search: Search) -> tuple[list[float], list[int], list[float]]:
    mated, ranks, nonmated = [], [], []
    scores, probes, gallery = search
    for row, probe in zip(scores, probes, strict=True):
        best = {name: max(s for s, n in zip(row, gallery, strict=True) if n == name) for name in gallery}
        if probe in best:
            mated.append(best[probe])
            ranks.append(1 + sum(1 for name, s in best.items() if name != probe and s >= best[probe]))
        else:
            nonmated.append(max(best.values()))
    return mated, ranks, nonmated


@given(searches())
def test_outcomes_equal_the_naive_loop(search: Search) -> None:
    got = search_outcomes(*search)
    assert (got.mated.tolist(), got.ranks.tolist(), got.nonmated.tolist()) == naive(search)
    assert got.gallery_size == len(set(search[2]))


@given(searches(), st.integers(1, 7))
def test_blocks_of_probes_join_to_the_same(search: Search, cut: int) -> None:
    scores, probes, gallery = search
    blocks = [(scores[:cut], probes[:cut]), (scores[cut:], probes[cut:])]
    parts = [search_outcomes(rows, names, gallery) for rows, names in blocks if names]
    joined, whole = join_outcomes(parts), search_outcomes(*search)
    np.testing.assert_array_equal(joined.ranks, whole.ranks)
    np.testing.assert_array_equal(joined.nonmated, whole.nonmated)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 12))
def test_cmc_equals_the_naive_loop_and_never_falls(ranks: list[int], top: int) -> None:
    curve = cmc(np.array(ranks), top)
    assert curve.tolist() == pytest.approx([sum(r <= k for r in ranks) / len(ranks) for k in range(1, top + 1)])
    assert np.all(np.diff(curve) >= 0)
    assert rank_k(np.array(ranks), top) == curve[-1]


@given(searches(), st.floats(-1.1, 1.1), st.integers(1, 4))
def test_open_set_errors_equal_the_naive_loop(search: Search, threshold: float, rank: int) -> None:
    mated, ranks, nonmated = naive(search)
    point = open_set(search_outcomes(*search), threshold, rank=rank)
    assert point.false_positives == sum(s >= threshold for s in nonmated)
    assert point.misses == sum(not (s >= threshold and r <= rank) for s, r in zip(mated, ranks, strict=True))
    assert point.fpir == (pytest.approx(point.false_positives / len(nonmated)) if nonmated else None)
    assert point.fnir == (pytest.approx(point.misses / len(mated)) if mated else None)
    higher = open_set(search_outcomes(*search), threshold + 0.3, rank=rank)
    assert higher.false_positives <= point.false_positives
    assert higher.misses >= point.misses


@given(st.floats(0, 1), st.integers(0, 1000))
def test_expected_fpir_is_one_minus_no_match_at_all(fmr: float, size: int) -> None:
    assert expected_fpir(fmr, size) == pytest.approx(1 - (1 - fmr) ** size, abs=1e-12)


def test_expected_fpir_keeps_small_rates() -> None:
    assert expected_fpir(1e-18, 1000) == pytest.approx(1e-15)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(2, 12))
@settings(max_examples=30)
def test_average_precision_equals_scikit_learn_without_ties(seed: int, probes: int, photos: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.permutation(probes * photos).reshape(probes, photos).astype(float)
    mates = rng.random((probes, photos)) < 0.4
    mates[:, 0] = True
    wanted = [average_precision_score(m, s) for m, s in zip(mates, scores, strict=True)]
    np.testing.assert_allclose(average_precisions(scores, mates), wanted)
    for k in range(1, photos + 1):
        best = np.argsort(-scores, axis=1)[:, :k]
        naive_precision = np.mean([mates[row, best[row]].mean() for row in range(probes)])
        assert precision_at(scores, mates, k) == pytest.approx(naive_precision)


def test_ties_count_against_the_system() -> None:
    scores, mates = np.zeros((1, 4)), np.array([[True, False, False, False]])
    assert average_precisions(scores, mates).tolist() == [0.25]
    assert precision_at(scores, mates, 1) == 0
    assert search_outcomes(np.zeros((1, 3)), ["a"], ["a", "b", "c"]).ranks.tolist() == [3]


def test_what_says_nothing_is_refused() -> None:
    scores = np.zeros((2, 2))
    with pytest.raises(CalibrationError, match="shape \\(2, 2\\) for 1 probes"):
        search_outcomes(scores, ["a"], ["a", "b"])
    with pytest.raises(CalibrationError, match="1 scores are not finite"):
        search_outcomes(np.array([[0.0, np.nan]]), ["a"], ["a", "b"])
    with pytest.raises(CalibrationError, match="got none"):
        cmc(np.array([], dtype=int), 5)
    with pytest.raises(OptionError, match="ranks count from 1"):
        cmc(np.array([1]), 0)
    with pytest.raises(CalibrationError, match="probe number 1 has no mate"):
        average_precisions(scores, np.array([[True, False], [False, False]]))
    with pytest.raises(OptionError, match="between 1 and the 2 photos"):
        precision_at(scores, scores == 0, 3)
    with pytest.raises(OptionError, match="one gallery"):
        join_outcomes([])
    with pytest.raises(OptionError, match="FMR from 0 to 1"):
        expected_fpir(1.5, 3)
    nobody = Outcomes(np.empty(0), np.empty(0, dtype=int), np.empty(0), 3)
    with pytest.raises(OptionError, match="ranks count from 1"):
        open_set(nobody, 0.5, rank=0)
    assert open_set(nobody, 0.5).fpir is None
