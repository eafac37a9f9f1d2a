"""Cllr, Brier, log loss and ECE: against scikit-learn, naive loops, and what must hold for all scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from jaxtyping import Float64
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss as sklearn_log_loss

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.isotonic import pool
from twinlens.metrics.proper_scores import brier, cllr, ece, log_loss, min_cllr, reliability
from twinlens.metrics.weighted import Weighted, condense, weighted

Llrs = Float64[np.ndarray, " n"]
few = st.lists(st.integers(-12, 12), min_size=1, max_size=30).map(lambda v: np.array(v, dtype=np.float64) / 3)


def drawn(seed: int, genuine: int = 300, impostors: int = 500) -> tuple[Llrs, Llrs]:
    """LLRs that are right by construction: normal scores of equal spread (their LLR is normal, with mean +- d*d/2)."""
    rng = np.random.default_rng(seed)
    d = 2.0
    return rng.normal(d * d / 2, d, genuine), rng.normal(-d * d / 2, d, impostors)


def probabilities(g: Llrs, i: Llrs, prior: float) -> tuple[Llrs, Llrs, Llrs]:
    """Probabilities, labels, and weights that give genuine pairs the prior together."""
    odds = np.concatenate((g, i)) + math.log(prior / (1 - prior))
    y = np.concatenate((np.ones(g.size), np.zeros(i.size)))
    w = np.concatenate((np.full(g.size, prior / g.size), np.full(i.size, (1 - prior) / i.size)))
    return 1 / (1 + np.exp(-odds)), y, w


def test_llr_zero_costs_one_bit_and_the_truth_nothing() -> None:
    assert cllr(np.zeros(3), np.zeros(5)) == pytest.approx(1.0)
    assert cllr(np.full(3, 800.0), np.full(5, -800.0)) == pytest.approx(0.0)
    assert cllr(np.full(1, -20.0), np.full(1, -20.0)) == pytest.approx(10 / math.log(2), rel=1e-6)
    assert brier(np.zeros(3), np.zeros(5)) == pytest.approx(0.25)


@pytest.mark.parametrize("prior", [0.5, 0.01, 0.9])
def test_brier_and_log_loss_equal_scikit_learn(prior: float) -> None:
    g, i = drawn(1)
    p, y, w = probabilities(g, i, prior)
    assert brier(g, i, prior=prior) == pytest.approx(brier_score_loss(y, p, sample_weight=w))
    assert log_loss(g, i, prior=prior) == pytest.approx(sklearn_log_loss(y, p, sample_weight=w))
    if prior == 0.5:
        assert cllr(g, i) == pytest.approx(log_loss(g, i) / math.log(2))


@given(few, few)
def test_min_cllr_is_what_scikit_learns_isotonic_map_costs(g: Llrs, i: Llrs) -> None:
    _, y, w = probabilities(g, i, 0.5)
    scores = np.concatenate((g, i))
    p = IsotonicRegression(y_min=0, y_max=1).fit(scores, y, sample_weight=w).predict(scores)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(y == 1, -np.log2(p), -np.log2(1 - p))
    assert min_cllr(g, i) == pytest.approx(float(w @ each), abs=1e-9)


@given(few, few)
def test_no_calibration_beats_min_cllr(g: Llrs, i: Llrs) -> None:
    assert min_cllr(g, i) <= min(1.0, cllr(g, i)) + 1e-9


@given(few, few)
def test_an_increasing_map_leaves_min_cllr_as_it_is(g: Llrs, i: Llrs) -> None:
    assert min_cllr(np.tanh(g) * 3 + g, np.tanh(i) * 3 + i) == pytest.approx(min_cllr(g, i), abs=1e-12)
    assert min_cllr(g, g) == pytest.approx(1.0)


@given(few, few)
def test_the_blocks_rise_and_hold_everything_once(g: Llrs, i: Llrs) -> None:
    blocks = pool(weighted(g, "genuine"), weighted(i, "impostor"))
    assert blocks.genuine.sum() == pytest.approx(1)
    assert blocks.impostor.sum() == pytest.approx(1)
    with np.errstate(invalid="ignore"):
        assert (np.diff(blocks.llr) > -1e-12).all()
    assert (blocks.first <= blocks.last).all()
    assert (blocks.last[:-1] < blocks.first[1:]).all()


def naive_ece(parts: tuple[Llrs, Llrs, Llrs], bins: int) -> float:
    """Bins of equal width, by a loop."""
    p, y, w = parts
    total = 0.0
    for k in range(bins):
        inside = [n for n in range(p.size) if min(int(p[n] * bins), bins - 1) == k]
        if inside:
            mass = sum(w[n] for n in inside)
            total += abs(sum(w[n] * (p[n] - y[n]) for n in inside)) if mass else 0.0
    return total


@given(few, few, st.sampled_from([0.5, 0.1, 0.99]))
def test_ece_of_equal_width_is_the_naive_loop(g: Llrs, i: Llrs, prior: float) -> None:
    found = ece(g, i, prior=prior, bins=10, width="probability")
    assert found == pytest.approx(naive_ece(probabilities(g, i, prior), 10), abs=1e-9)


def test_ece_of_equal_mass_is_the_naive_loop_where_no_score_repeats() -> None:
    g, i = drawn(2, 150, 150)
    p, y, _ = probabilities(g, i, 0.5)
    order = np.argsort(p)
    naive = sum(abs(np.mean(p[part]) - np.mean(y[part])) * part.size / 300 for part in np.split(order, 15))
    assert ece(g, i) == pytest.approx(naive)
    assert [one.pairs for one in reliability(g, i)] == [20] * 15


@pytest.mark.parametrize("prior", [0.5, 0.05])
def test_ece_of_a_perfect_calibration_is_near_zero(prior: float) -> None:
    g, i = drawn(3, 200_000, 300_000)
    assert ece(g, i, prior=prior) < 0.003
    assert ece(g + 2, i + 2, prior=prior) > 0.02  # and of one that is off, not


@given(few, few, st.sampled_from([0.5, 0.1]), st.sampled_from(["mass", "probability"]))
def test_bins_hold_all_pairs_and_their_intervals_the_share(g: Llrs, i: Llrs, prior: float, width: str) -> None:
    bins = reliability(g, i, prior=prior, width="mass" if width == "mass" else "probability")
    assert sum(one.pairs for one in bins) == g.size + i.size
    assert sum(one.mass for one in bins) == pytest.approx(1)
    for one in bins:
        assert 0 <= one.share_low <= one.share <= one.share_high <= 1
        assert one.low - 1e-9 <= one.mean <= one.high + 1e-9


def test_a_bins_interval_is_wilsons_at_the_even_prior_of_even_numbers() -> None:
    g, i = np.array([0.0] * 30), np.array([0.0] * 30)
    (only,) = reliability(g, i)
    assert (only.share_low, only.share, only.share_high) == pytest.approx((0.3773502, 0.5, 0.6226498), abs=1e-6)


def test_weights_stand_for_repeats() -> None:
    scores, others = np.array([0.1, 0.4, 0.7]), np.array([-0.2, 0.2, 0.5])
    repeated = np.repeat(scores, [1, 2, 3])
    heavy = condense(scores, "genuine", np.array([1.0, 2.0, 3.0]))
    for metric in (cllr, brier, min_cllr, ece):
        assert metric(heavy, others) == pytest.approx(metric(repeated, others))


def test_many_scores_in_cells_give_the_same_figures() -> None:
    rng = np.random.default_rng(5)
    g, i = rng.normal(0.6, 0.1, 30_000).clip(-1, 1), rng.normal(0.1, 0.1, 60_000).clip(-1, 1)
    thin_g, thin_i = condense(g, "genuine"), condense(i, "impostor")
    assert max(thin_g.scores.size, thin_i.scores.size) <= 16_384
    assert (thin_g.total, thin_i.total) == (30_000, 60_000)
    exact_g = Weighted(np.sort(g), np.ones(g.size), np.ones(g.size, dtype=np.int64))
    exact_i = Weighted(np.sort(i), np.ones(i.size), np.ones(i.size, dtype=np.int64))

    def odds(s: Llrs) -> Llrs:
        return 30 * s - 10

    assert cllr(thin_g.mapped(odds), thin_i.mapped(odds)) == pytest.approx(
        cllr(exact_g.mapped(odds), exact_i.mapped(odds)), rel=1e-4
    )
    assert min_cllr(thin_g, thin_i) == pytest.approx(min_cllr(exact_g, exact_i), rel=1e-3)


def test_what_cannot_be_scored_is_refused() -> None:
    one = np.ones(1)
    with pytest.raises(CalibrationError, match="at least one impostor"):
        cllr(one, np.empty(0))
    with pytest.raises(CalibrationError, match="not finite"):
        brier(np.array([np.nan]), one)
    with pytest.raises(OptionError, match="prior"):
        brier(one, one, prior=1.0)
    with pytest.raises(OptionError, match="2 bins"):
        ece(one, one, bins=1)
    for weights in (np.ones(2), -one, np.zeros(1), np.array([np.inf])):
        with pytest.raises(OptionError, match="weight"):
            condense(one, "genuine", weights)
