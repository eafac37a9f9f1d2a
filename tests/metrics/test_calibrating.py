"""The three maps against scikit-learn; the choice among them; folds that share nobody; bounds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from jaxtyping import Float64
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from twinlens.errors import CalibrationError
from twinlens.metrics.calibrating import METHODS, fit_calibration, fitted, llr_bounds
from twinlens.metrics.folded import Folded, fold_pairs, fold_unnamed, fold_vectors
from twinlens.metrics.maps import beta_weights, isotonic_knots, logistic_weights
from twinlens.metrics.people import PeopleScores
from twinlens.metrics.proper_scores import cllr, min_cllr
from twinlens.metrics.weighted import Weighted, condense, weighted
from twinlens.zoo.calibration import Calibration

Numbers = Float64[np.ndarray, " n"]
similarities = st.lists(st.integers(-100, 100), min_size=1, max_size=40).map(lambda v: np.array(v, np.float64) / 100)


def drawn(seed: int, genuine: int = 400, impostors: int = 700) -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.5, 0.15, genuine).clip(-1, 1), rng.normal(0.1, 0.12, impostors).clip(-1, 1)


def scikit_learn(columns: Numbers, g: Weighted, i: Weighted) -> Numbers:
    """Coefficients and intercept without regularisation, both kinds weighing the same."""
    y = np.concatenate((np.ones(g.scores.size), np.zeros(i.scores.size)))
    w = np.concatenate((g.shares, i.shares)) * 1000
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(columns, y, sample_weight=w)
    return np.append(model.coef_[0], model.intercept_)


def made_up_vectors(people: int, photos: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(people, 16))
    rows = np.repeat(centre, photos, axis=0) + rng.normal(0, 0.9, (people * photos, 16))
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit, [f"p{n // photos}" for n in range(people * photos)]


def test_the_logistic_map_is_scikit_learns() -> None:
    g, i = drawn(1)
    rng = np.random.default_rng(0)
    heavy = condense(g, "genuine", rng.uniform(0.1, 3, g.size))
    for own in (weighted(g, "genuine"), heavy):
        other = weighted(i, "impostor")
        wanted = scikit_learn(np.concatenate((own.scores, other.scores))[:, None], own, other)
        assert logistic_weights(own, other, ridge=0.0) == pytest.approx(wanted, rel=1e-4)
        assert logistic_weights(own, other) == pytest.approx(wanted, rel=0.01)  # the ridge hardly moves it


def test_the_beta_map_is_scikit_learns_on_logarithms() -> None:
    rng = np.random.default_rng(2)
    g = weighted(2 * rng.beta(9, 2, 500) - 1, "genuine")
    i = weighted(2 * rng.beta(5, 4, 500) - 1, "impostor")
    p = (1 + np.concatenate((g.scores, i.scores))) / 2
    a, b, c = scikit_learn(np.stack((np.log(p), -np.log1p(-p)), axis=1), g, i)
    assert min(a, b) >= 0, "the example must not need the constraint"
    assert beta_weights(g, i, ridge=0.0) == pytest.approx((a, b, c), rel=1e-3)


def test_a_beta_slope_that_would_fall_is_zero_and_the_other_is_fitted_alone() -> None:
    rng = np.random.default_rng(3)
    g, i = (weighted(np.tanh(rng.normal(m, 0.6, 500)), k) for m, k in ((1.6, "genuine"), (0.6, "impostor")))
    flipped_g, flipped_i = (Weighted(-w.scores[::-1], w.weights[::-1], w.pairs[::-1]) for w in (i, g))
    for one, other in ((g, i), (flipped_g, flipped_i)):
        a, b, _ = beta_weights(one, other)
        assert min(a, b) >= 0
    a, b, c = beta_weights(i, g)  # labels the wrong way round: nothing rises
    assert (a, b, c) == pytest.approx((0, 0, 0), abs=1e-6)
    assert logistic_weights(i, g) == pytest.approx((0, 0), abs=1e-6)


@given(similarities, similarities)
def test_the_isotonic_knots_are_scikit_learns_map(g: Numbers, i: Numbers) -> None:
    own, other = weighted(g, "genuine"), weighted(i, "impostor")
    knots = np.array(isotonic_knots(own, other, (-3.0, 3.0)))
    y = np.concatenate((np.ones(own.scores.size), np.zeros(other.scores.size)))
    w = np.concatenate((own.shares, other.shares))
    model = IsotonicRegression(y_min=0, y_max=1).fit(np.concatenate((own.scores, other.scores)), y, sample_weight=w)
    p = model.predict(knots[:, 0]).clip(1e-12, 1 - 1e-12)
    assert knots[:, 1] == pytest.approx(np.clip(np.log(p / (1 - p)), -3, 3), abs=1e-6)
    assert (np.diff(knots[:, 0]) > 0).all()


@given(similarities, similarities, st.sampled_from(METHODS))
@settings(max_examples=60)
def test_every_map_rises_and_stays_within_its_bounds(g: Numbers, i: Numbers, method: str) -> None:
    data = fold_unnamed(g, i, rng=np.random.default_rng(0))
    calibration = fitted(next(m for m in METHODS if m == method), data.whole(), data.behind)
    llr = calibration.llr(np.linspace(-1, 1, 201))
    assert (np.diff(llr) >= -1e-12).all()
    assert llr.min() >= calibration.lowest
    assert llr.max() <= calibration.highest


def test_separated_scores_give_a_finite_map_within_what_the_numbers_support() -> None:
    data = fold_unnamed(np.linspace(0.7, 0.9, 60), np.linspace(-0.1, 0.2, 80), rng=np.random.default_rng(0))
    assert llr_bounds(data.behind) == pytest.approx((-math.log(61), math.log(81)))
    for method in METHODS:
        found = fitted(method, data.whole(), data.behind)
        assert found.probability(0.95) <= 81 / 82 + 1e-12
        assert found.probability(-0.5) >= 1 / 62 - 1e-12


def naive_folds(data: PeopleScores, fold: dict[str, int], wanted: set[int]) -> tuple[list[float], list[float]]:
    g = [s for s, p in zip(data.genuine, data.genuine_people, strict=True) if fold[p] in wanted]
    i = [s for s, (a, b) in zip(data.impostor, data.impostor_people, strict=True) if {fold[a], fold[b]} <= wanted]
    return sorted(g), sorted(i)


def listed(vectors: np.ndarray, names: list[str]) -> PeopleScores:
    pairs = [(a, b) for a in range(len(names)) for b in range(a)]
    scores = np.array([float(vectors[a] @ vectors[b]) for a, b in pairs])
    same = np.array([names[a] == names[b] for a, b in pairs])
    people = np.array([(names[a], names[b]) for a, b in pairs])
    return PeopleScores(scores[same], scores[~same], people[same][:, 0], people[~same])


def test_folds_of_vectors_and_of_listed_pairs_are_the_same_and_share_nobody() -> None:
    vectors, names = made_up_vectors(12, 3)
    pairs = listed(vectors, names)
    one = fold_vectors(vectors, names, rng=np.random.default_rng(7), folds=3)
    other = fold_pairs(pairs, rng=np.random.default_rng(7), folds=3)
    assert one.behind == other.behind
    assert (one.behind.people, one.behind.mated, one.behind.met) == (12, 12, 66)
    for fold in range(3):
        for a, b in ((one.inside(fold), other.inside(fold)), (one.outside(fold), other.outside(fold))):
            assert a is not None
            assert b is not None
            for mine, theirs in zip(a, b, strict=True):
                assert mine.scores == pytest.approx(theirs.scores, abs=1e-6)
                assert mine.shares == pytest.approx(theirs.shares)
        inside = one.inside(fold)
        assert inside is not None
        assert (inside[0].total, inside[1].total) == (4 * 3, 6 * 9)  # four people's own pairs, and those between them
        outside = one.outside(fold)
        assert outside is not None
        assert (outside[0].total, outside[1].total) == (8 * 3, 28 * 9)


def test_each_person_weighs_the_same_whatever_the_number_of_photos() -> None:
    vectors, _ = made_up_vectors(3, 10)
    names = ["a"] * 20 + ["b"] * 2 + ["c"] * 8
    genuine, impostor = fold_vectors(vectors, names, rng=np.random.default_rng(0)).whole()
    assert genuine.weights.sum() == pytest.approx(3)
    assert impostor.weights.sum() == pytest.approx(3)
    pairs = fold_pairs(listed(vectors, names), rng=np.random.default_rng(0)).whole()
    assert pairs[0].weights.sum() == pytest.approx(3)
    own = float(vectors[20] @ vectors[21])  # the only pair of b weighs a third
    assert genuine.weights[np.argmin(np.abs(genuine.scores - own))] == pytest.approx(1.0, abs=0.1)


def test_the_choice_is_the_lowest_held_out_cllr_and_few_numbers_win_a_tie() -> None:
    vectors, names = made_up_vectors(60, 4)
    data = fold_vectors(vectors, names, rng=np.random.default_rng(1))
    found = fit_calibration(data, protocol="made up", command="pytest")
    best = min(one.cllr for one in found.candidates)
    chosen = found.held_out
    assert chosen.cllr <= best * 1.01
    assert all(one.cllr > best * 1.01 for one in found.candidates[: METHODS.index(chosen.method)])
    assert (found.calibration.cllr, found.calibration.ece) == (chosen.cllr, chosen.ece)
    assert all(one.min_cllr <= one.cllr for one in found.candidates)
    assert any("only 60 people" in note for note in found.notes)


@pytest.mark.slow
def test_the_held_out_cllr_foretells_that_of_new_people() -> None:
    vectors, names = made_up_vectors(300, 3, seed=2)
    half = 150 * 3
    data = fold_vectors(vectors[:half], names[:half], rng=np.random.default_rng(1))
    found = fit_calibration(data, protocol="made up", command="pytest")
    g, i = fold_vectors(vectors[half:], names[half:], rng=np.random.default_rng(1)).whole()
    new = cllr(g.mapped(found.calibration.llr), i.mapped(found.calibration.llr))
    assert new == pytest.approx(found.calibration.cllr, rel=0.15)
    assert new <= 1.1 * min_cllr(g, i)


def test_too_few_people_are_refused_with_what_is_needed() -> None:
    vectors, names = made_up_vectors(9, 3)
    data = fold_vectors(vectors, names, rng=np.random.default_rng(0))
    with pytest.raises(CalibrationError, match=r"9 people with two photos.*at least 10"):
        fit_calibration(data, protocol="", command="")
    g, i = drawn(1, 49, 100)
    with pytest.raises(CalibrationError, match="49 genuine and 100 impostor pairs"):
        fit_calibration(fold_unnamed(g, i, rng=np.random.default_rng(0)), protocol="", command="")


def test_what_is_no_similarity_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(CalibrationError, match="between -1 and 1, got one of 90"):
        fold_unnamed(np.array([90.0, 80.0]), np.array([10.0]), rng=rng)
    with pytest.raises(CalibrationError, match="not finite"):
        fold_unnamed(np.array([np.nan]), np.array([0.1]), rng=rng)
    vectors, names = made_up_vectors(4, 1)
    with pytest.raises(CalibrationError, match="one kind only"):
        fold_vectors(vectors, names, rng=rng).whole()


@pytest.mark.slow
def test_millions_of_pairs_are_folded_in_seconds(data_folder: Path) -> None:
    del data_folder  # heavy tests run where the data sets are
    vectors, names = made_up_vectors(900, 5)
    data: Folded = fold_vectors(vectors, names, rng=np.random.default_rng(0))
    assert data.behind.impostors == 4500 * 4499 // 2 - 900 * 10
    assert isinstance(fit_calibration(data, protocol="", command="").calibration, Calibration)


def test_distances_are_told_from_similarities() -> None:
    g, i = drawn(3)
    good = fit_calibration(fold_unnamed(g, i, rng=np.random.default_rng(0)), protocol="", command="")
    turned = fit_calibration(fold_unnamed(-g, -i, rng=np.random.default_rng(0)), protocol="", command="")
    assert not [note for note in good.notes if "distances" in note]
    assert [note for note in turned.notes if "are they distances" in note]
