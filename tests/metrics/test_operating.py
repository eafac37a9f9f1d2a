"""Thresholds at a target FMR against a naive search; the rule of three."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Float

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.operating import (
    impostors_needed,
    measured_at,
    operating_point,
    threshold_at_fmr,
)

Scores = Float[np.ndarray, "n"]
scores = arrays(np.float32, st.integers(1, 60), elements=st.integers(-16, 16).map(lambda k: k / 16))


def share_accepted(impostor: Scores, threshold: float) -> float:
    return sum(1 for score in impostor if float(score) >= threshold) / len(impostor)


@given(scores, st.floats(0.001, 0.999))
def test_the_threshold_keeps_the_target_and_no_lower_one_does(impostor: Scores, target: float) -> None:
    threshold = threshold_at_fmr(impostor, target, unsupported=True)
    assert share_accepted(impostor, threshold) <= target
    just_below = float(np.nextafter(np.float32(threshold), np.float32(-2)))
    assert share_accepted(impostor, just_below) > target


@given(scores, st.floats(0.001, 0.999))
def test_a_target_is_refused_exactly_below_three_over_n(impostor: Scores, target: float) -> None:
    assume(abs(impostor.size * target - 3) > 1e-9)
    if impostor.size * target < 3:
        with pytest.raises(CalibrationError, match=f"needs at least {impostors_needed(target)} pairs"):
            threshold_at_fmr(impostor, target)
    else:
        assert threshold_at_fmr(impostor, target) == threshold_at_fmr(impostor, target, unsupported=True)


@pytest.mark.parametrize(("target", "needed"), [(0.001, 3000), (0.01, 300), (1e-6, 3_000_000), (0.07, 43)])
def test_pairs_needed(target: float, needed: int) -> None:
    assert impostors_needed(target) == needed


def test_the_refusal_says_what_the_pairs_can_show() -> None:
    with pytest.raises(CalibrationError, match=r"1000 impostor pairs.*1e-05.*below 0\.003.*300000 pairs"):
        threshold_at_fmr(np.linspace(0, 1, 1000), 1e-5)


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, float("nan")])
def test_impossible_targets_are_refused(target: float) -> None:
    with pytest.raises(OptionError, match="between 0 and 1"):
        threshold_at_fmr(np.linspace(0, 1, 1000), target)


def test_round_targets_are_not_lost_to_rounding() -> None:
    impostor = np.arange(3000.0)
    assert operating_point(impostor, impostor, 0.001).false_matches == 3
    assert operating_point(impostor[:100], impostor[:100], 0.29).false_matches == 29  # 0.29 * 100 is 28.99...


def test_an_operating_point_counts_both_kinds() -> None:
    genuine, impostor = np.array([0.2, 0.5, 0.6, 0.9]), np.linspace(0, 0.5, 101)
    point = operating_point(genuine, impostor, 0.05)
    assert (point.false_matches, point.impostors, point.genuines) == (5, 101, 4)
    assert point.fmr == 5 / 101
    assert point.false_non_matches == 1  # 0.2; five impostors from 0.48 to 0.5 are accepted
    assert point.tmr == 0.75
    assert measured_at(genuine, impostor, point.threshold, target_fmr=0.05) == point
