"""A calibration held against other people: figures, intervals by person, words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from jaxtyping import Float64

from twinlens.errors import CalibrationError, OptionError
from twinlens.evaluate.calibration_check import check_all_pairs, check_calibration, verdict
from twinlens.evaluate.figures import Chance
from twinlens.metrics.people import PeopleScores, bootstrap
from twinlens.metrics.proper_scores import brier, cllr, ece, min_cllr
from twinlens.zoo.calibration import Calibration

Numbers = Float64[np.ndarray, " n"]
FIT = Calibration("logistic", -5.0, 8.0, "made up people", "pytest", 100, 1000, 50, 0.1, 0.01, weights=(20.0, -7.0))


def vectors_of(people: int, photos: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(people, 12)), photos, axis=0) + rng.normal(0, 0.8, (people * photos, 12))
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit, [f"p{n // photos:03d}" for n in range(people * photos)]


def listed(vectors: np.ndarray, names: list[str]) -> PeopleScores:
    pairs = np.array([(a, b) for a in range(len(names)) for b in range(a)])
    scores = (vectors[pairs[:, 0]].astype(np.float64) * vectors[pairs[:, 1]]).sum(axis=1)
    people = np.array(names)[pairs]
    same = people[:, 0] == people[:, 1]
    return PeopleScores(scores[same], scores[~same], people[same][:, 0], people[~same])


@pytest.mark.parametrize("prior", [0.5, 0.1])
def test_its_figures_are_the_metrics_and_lie_in_their_intervals(prior: float) -> None:
    pairs = listed(*vectors_of(40, 3))
    found = check_calibration(
        FIT,
        pairs.genuine,
        pairs.impostor,
        name="of the card",
        prior=prior,
        people=(pairs.genuine_people, pairs.impostor_people),
        chance=Chance(np.random.default_rng(0), 200),
    )
    g, i = FIT.llr(pairs.genuine), FIT.llr(pairs.impostor)
    wanted = (ece(g, i, prior=prior), brier(g, i, prior=prior), cllr(g, i))
    for figure, value in zip((found.ece, found.brier, found.cllr), wanted, strict=True):
        assert figure.value == pytest.approx(value)
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= value <= figure.high
        assert figure.low < figure.high
    assert found.min_cllr == pytest.approx(min_cllr(pairs.genuine, pairs.impostor))
    assert sum(one.pairs for one in found.bins) == pairs.genuine.size + pairs.impostor.size
    assert (found.method, found.fitted_on, found.prior) == ("logistic", "made up people", prior)


def test_the_interval_is_that_of_the_bootstrap_by_person() -> None:
    pairs = listed(*vectors_of(60, 3, seed=1))
    people = (pairs.genuine_people, pairs.impostor_people)
    found = check_calibration(
        FIT,
        pairs.genuine,
        pairs.impostor,
        name="x",
        people=people,
        chance=Chance(np.random.default_rng(0), 2000),
    )
    wanted = bootstrap(pairs, lambda g, i: cllr(FIT.llr(g), FIT.llr(i)), rng=np.random.default_rng(1), resamples=400)
    assert found.cllr.low is not None
    assert found.cllr.high is not None
    assert found.cllr.low == pytest.approx(wanted.low, rel=0.1)
    assert found.cllr.high == pytest.approx(wanted.high, rel=0.1)


def test_all_pairs_are_the_listed_ones_where_everybody_has_as_many_photos() -> None:
    vectors, names = vectors_of(30, 3)
    pairs = listed(vectors, names)
    one = check_all_pairs(FIT, vectors, names, name="x", chance=Chance(np.random.default_rng(3), 100))
    other = check_calibration(
        FIT,
        pairs.genuine,
        pairs.impostor,
        name="x",
        people=(pairs.genuine_people, pairs.impostor_people),
        chance=Chance(np.random.default_rng(3), 100),
    )
    for mine, theirs in ((one.ece, other.ece), (one.brier, other.brier), (one.cllr, other.cllr)):
        assert mine.value == pytest.approx(theirs.value, rel=0.01)
        assert mine.low == pytest.approx(theirs.low, rel=0.02)
        assert mine.high == pytest.approx(theirs.high, rel=0.02)
    assert one.min_cllr == pytest.approx(other.min_cllr, rel=1e-3)


def test_in_all_pairs_each_person_counts_once() -> None:
    vectors, names = vectors_of(20, 2)
    again = np.concatenate([vectors, *[vectors[:2]] * 20])  # one person has 42 photos
    heavy = check_all_pairs(FIT, again, [*names, *names[:2] * 20], name="x")
    light = check_all_pairs(FIT, vectors, names, name="x")
    assert heavy.cllr.value == pytest.approx(light.cllr.value, rel=0.25)
    assert heavy.cllr.low is None  # without chance, no interval


def test_words_follow_the_figures() -> None:
    assert verdict(0.005, 0.03, 0.025, 0.0).startswith("may be believed")
    assert "too many pairs for different people" in verdict(0.12, 0.5, 0.2, -0.1)
    assert "too many pairs for the same person" in verdict(0.12, 0.5, 0.2, 0.1)
    assert "0.300 of its 0.500 bits" in verdict(0.12, 0.5, 0.2, 0.1)
    assert verdict(0.3, 1.2, 0.2, 0.1).startswith("worse than no answer")


def test_what_cannot_be_checked_is_refused() -> None:
    one = np.array([0.5])
    with pytest.raises(CalibrationError, match="at least one impostor"):
        check_calibration(FIT, one, np.empty(0), name="x")
    with pytest.raises(CalibrationError, match="not finite"):
        check_calibration(FIT, np.array([math.nan]), one, name="x")
    with pytest.raises(OptionError, match="prior"):
        check_calibration(FIT, one, one, name="x", prior=0.0)
