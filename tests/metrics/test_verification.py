"""Error rates against naive loops, scikit-learn and the laws they obey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Float
from sklearn.metrics import roc_auc_score, roc_curve

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.verification import (
    accuracy,
    auc,
    best_accuracy_threshold,
    eer,
    error_curve,
    fmr,
    fnmr,
    normal_deviate,
)

Scores = Float[np.ndarray, "n"]

# Multiples of 1/16 make ties likely and every increasing map below exact.
scores = arrays(np.float64, st.integers(1, 40), elements=st.integers(-16, 16).map(lambda k: k / 16))


def drawn(seed: int, *, genuine: int = 300, impostor: int = 700) -> tuple[Scores, Scores]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.5, 0.2, genuine), rng.normal(0.1, 0.2, impostor)


def naive_rates(genuine: Scores, impostor: Scores, threshold: float) -> tuple[float, float]:
    accepted = sum(1 for score in impostor if score >= threshold)
    rejected = sum(1 for score in genuine if not score >= threshold)
    return accepted / len(impostor), rejected / len(genuine)


def all_thresholds(genuine: Scores, impostor: Scores) -> list[float]:
    return [*sorted({*genuine.tolist(), *impostor.tolist()}), np.inf]


@given(scores, scores, st.floats(-1.2, 1.2))
def test_rates_equal_the_naive_loop(genuine: Scores, impostor: Scores, threshold: float) -> None:
    wanted = naive_rates(genuine, impostor, threshold)
    assert (fmr(impostor, threshold), fnmr(genuine, threshold)) == pytest.approx(wanted, abs=1e-12)


@given(scores, scores, st.floats(-1.2, 1.2), st.floats(0, 1))
def test_fmr_falls_and_fnmr_rises_with_the_threshold(
    genuine: Scores, impostor: Scores, threshold: float, step: float
) -> None:
    assert fmr(impostor, threshold + step) <= fmr(impostor, threshold)
    assert fnmr(genuine, threshold + step) >= fnmr(genuine, threshold)


def test_a_score_equal_to_the_threshold_is_accepted() -> None:
    at = np.array([0.25, 0.5])
    assert fmr(at, 0.5) == 0.5
    assert fnmr(at, 0.5) == 0.5


def test_float32_scores_meet_float64_thresholds_exactly() -> None:
    score = np.array([0.1], dtype=np.float32)  # 0.100000001490116...
    assert fmr(score, float(score[0])) == 1
    assert fmr(score, float(np.nextafter(float(score[0]), 1))) == 0
    assert fmr(score, 0.1) == 1


@given(scores, scores)
@settings(max_examples=40)
def test_the_curve_equals_the_naive_loop_at_every_threshold(genuine: Scores, impostor: Scores) -> None:
    curve = error_curve(genuine, impostor)
    assert curve.thresholds.tolist() == all_thresholds(genuine, impostor)
    for threshold, fmr_, fnmr_ in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True):
        assert (fmr_, fnmr_) == pytest.approx(naive_rates(genuine, impostor, threshold), abs=1e-12)
    assert (curve.fmr[0], curve.fnmr[0], curve.fmr[-1], curve.fnmr[-1]) == (1, 0, 0, 1)
    assert np.all(np.diff(curve.fmr) <= 0)
    assert np.all(np.diff(curve.fnmr) >= 0)


def test_the_curve_equals_scikit_learn() -> None:
    genuine, impostor = drawn(0)
    labels = np.concatenate((np.ones(300), np.zeros(700)))
    wanted_fmr, wanted_tmr, thresholds = roc_curve(labels, np.concatenate((genuine, impostor)), drop_intermediate=False)
    curve = error_curve(genuine, impostor)
    np.testing.assert_allclose(curve.thresholds[::-1], thresholds)
    np.testing.assert_allclose(curve.fmr[::-1], wanted_fmr)
    np.testing.assert_allclose(curve.tmr[::-1], wanted_tmr)


def test_a_thinned_curve_lies_on_the_full_one_and_reaches_one_impostor() -> None:
    genuine, impostor = drawn(1, genuine=3000, impostor=60000)
    thin = error_curve(genuine, impostor, points=500)
    assert thin.thresholds.size <= 501
    for threshold, fmr_, fnmr_ in list(zip(thin.thresholds, thin.fmr, thin.fnmr, strict=True))[::20]:
        assert (fmr_, fnmr_) == (fmr(impostor, threshold), fnmr(genuine, threshold))
    assert 1 / 60000 in thin.fmr
    assert thin.fmr[0] == 1
    assert thin.fnmr[-1] == 1


def test_deviates_are_those_of_the_normal_distribution() -> None:
    got = normal_deviate(np.array([0.0, 0.025, 0.5, 0.975, 1.0]))
    np.testing.assert_allclose(got, [-np.inf, -1.959963984540054, 0, 1.959963984540054, np.inf])
    genuine, impostor = drawn(2)
    x, y = error_curve(genuine, impostor).deviates()
    assert np.all(x[1:] <= x[:-1])  # a difference of two infinities would be no number
    assert np.all(y[1:] >= y[:-1])


def naive_eer(genuine: Scores, impostor: Scores) -> float:
    """Walk the ROC from "accept all" and interpolate where FMR - FNMR changes sign."""
    before = (1.0, 0.0)
    for threshold in all_thresholds(genuine, impostor):
        after = naive_rates(genuine, impostor, threshold)
        if after[0] <= after[1]:
            break
        before = after
    gap = before[0] - before[1]
    share = gap / (gap + after[1] - after[0])
    return before[0] + share * (after[0] - before[0])


@given(scores, scores)
@settings(max_examples=40)
def test_eer_equals_the_naive_walk(genuine: Scores, impostor: Scores) -> None:
    assert eer(genuine, impostor).rate == pytest.approx(naive_eer(genuine, impostor), abs=1e-12)


@given(scores, scores)
@settings(max_examples=40)
def test_no_observed_threshold_balances_the_errors_better(genuine: Scores, impostor: Scores) -> None:
    def gap(threshold: float) -> float:
        fmr_, fnmr_ = naive_rates(genuine, impostor, threshold)
        return abs(fmr_ - fnmr_)

    found = eer(genuine, impostor).threshold
    finite = all_thresholds(genuine, impostor)[:-1]
    assert gap(found) <= min(map(gap, finite)) + 1e-12


@given(scores, scores)
@settings(max_examples=40)
def test_eer_and_auc_do_not_change_under_increasing_maps(genuine: Scores, impostor: Scores) -> None:
    for increasing in (lambda s: 3 * s + 1, np.exp, lambda s: s**3 + s):
        mapped = increasing(genuine), increasing(impostor)
        assert eer(*mapped).rate == pytest.approx(eer(genuine, impostor).rate, abs=1e-12)
        assert auc(*mapped) == pytest.approx(auc(genuine, impostor), abs=1e-12)


@pytest.mark.slow
@given(scores, scores)
@settings(max_examples=40)
def test_turning_scores_around_turns_auc_and_eer_around(genuine: Scores, impostor: Scores) -> None:
    assert auc(-genuine, -impostor) == pytest.approx(1 - auc(genuine, impostor), abs=1e-12)
    assert auc(impostor, genuine) == pytest.approx(1 - auc(genuine, impostor), abs=1e-12)
    assert eer(-impostor, -genuine).rate == pytest.approx(eer(genuine, impostor).rate, abs=1e-12)


@given(scores, scores)
@settings(max_examples=40)
def test_auc_equals_the_naive_loop_and_scikit_learn(genuine: Scores, impostor: Scores) -> None:
    won = sum((g > i) + (g == i) / 2 for g in genuine for i in impostor)
    assert auc(genuine, impostor) == pytest.approx(won / (genuine.size * impostor.size), abs=1e-12)
    labels = np.concatenate((np.ones(genuine.size), np.zeros(impostor.size)))
    wanted = roc_auc_score(labels, np.concatenate((genuine, impostor)))
    assert auc(genuine, impostor) == pytest.approx(wanted, abs=1e-12)


@given(scores, scores, st.floats(-1.2, 1.2))
def test_accuracy_equals_the_naive_loop(genuine: Scores, impostor: Scores, threshold: float) -> None:
    right = sum(g >= threshold for g in genuine) + sum(i < threshold for i in impostor)
    assert accuracy(genuine, impostor, threshold) == pytest.approx(right / (genuine.size + impostor.size))


@given(scores, scores)
@settings(max_examples=40)
def test_no_threshold_is_more_accurate_than_the_best(genuine: Scores, impostor: Scores) -> None:
    best = best_accuracy_threshold(genuine, impostor)
    highest = max(accuracy(genuine, impostor, t) for t in all_thresholds(genuine, impostor))
    assert accuracy(genuine, impostor, best) == highest
    assert np.isfinite(best)


def test_a_balanced_threshold_does_not_ask_how_many_pairs_there_are() -> None:
    genuine, impostor = np.array([0.3, 0.7, 0.8]), np.array([0.1, 0.2, 0.4, 0.5])
    often = np.repeat(impostor, 50)
    assert best_accuracy_threshold(genuine, often, balanced=True) == best_accuracy_threshold(genuine, impostor)
    assert best_accuracy_threshold(genuine, np.repeat(impostor, 2)) == pytest.approx(0.6)
    assert best_accuracy_threshold(np.repeat(genuine, 9), impostor) == pytest.approx(0.25)
    assert best_accuracy_threshold(np.repeat(genuine, 9), impostor, balanced=True) == pytest.approx(0.6)


def test_the_best_threshold_lies_half_way() -> None:
    assert best_accuracy_threshold(np.array([0.6, 0.9]), np.array([0.1, 0.2])) == pytest.approx(0.4)


def test_neighbouring_floats_are_still_separated() -> None:
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    genuine, impostor = np.array([high]), np.array([low])
    assert accuracy(genuine, impostor, best_accuracy_threshold(genuine, impostor)) == 1


@pytest.mark.parametrize(
    ("genuine", "impostor", "message"),
    [
        ([], [0.1], "genuine score, got none"),
        ([0.1], [], "impostor score, got none"),
        ([0.1, np.nan], [0.1], "1 of 2 genuine scores are not finite"),
        ([0.1], [np.inf, 0.1], "number 0: inf"),
    ],
)
def test_scores_that_say_nothing_are_refused(genuine: list[float], impostor: list[float], message: str) -> None:
    pair = np.array(genuine, dtype=np.float64), np.array(impostor, dtype=np.float64)
    for metric in (eer, auc, error_curve, best_accuracy_threshold):
        with pytest.raises(CalibrationError, match=message):
            metric(*pair)
    with pytest.raises(CalibrationError, match=message):
        accuracy(*pair, 0.5)


def test_a_curve_of_a_few_points_is_refused() -> None:
    with pytest.raises(OptionError, match="at least 16 points"):
        error_curve(*drawn(3), points=2)


def test_scores_are_not_changed_and_order_does_not_matter() -> None:
    genuine, impostor = drawn(4)
    kept = genuine.copy(), impostor.copy()
    rate = eer(genuine, impostor)
    assert eer(np.sort(genuine), np.sort(impostor)) == rate
    np.testing.assert_array_equal(genuine, kept[0])
    np.testing.assert_array_equal(impostor, kept[1])
