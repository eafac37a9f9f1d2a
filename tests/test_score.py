"""Thresholds stand for rates, and say so."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from twinlens.errors import CalibrationError, OptionError
from twinlens.score import (
    OWN_FMRS,
    Bar,
    Policy,
    decide,
    fmr_at,
    fpir,
    identification_bar,
    threshold_at,
    verification_bar,
)
from twinlens.types import Embedding
from twinlens.zoo import Measurement, ModelCard, OperatingPoint, find_card

POINTS = (OperatingPoint(0.1, 0.1, 0.0), OperatingPoint(0.01, 0.3, 0.01), OperatingPoint(0.0001, 0.5, 0.1))
MEASURED = Measurement("made up", "none", impostors=1_000_000, genuine=1000, people=100, points=POINTS)


@pytest.fixture
def card() -> ModelCard:
    return dataclasses.replace(find_card("sface"), measured=MEASURED)


def test_measured_points_are_met_exactly() -> None:
    for point in POINTS:
        assert threshold_at(MEASURED, point.fmr) == pytest.approx(point.threshold)
        assert fmr_at(MEASURED, point.threshold) == pytest.approx(point.fmr)


def test_between_points_log_fmr_is_a_straight_line() -> None:
    assert threshold_at(MEASURED, 0.001) == pytest.approx(0.4)
    assert fmr_at(MEASURED, 0.4) == pytest.approx(0.001)


def test_beyond_the_measurement_is_refused_with_the_number_needed() -> None:
    with pytest.raises(CalibrationError, match=r"measured down to 0.0001.*at least 300,000"):
        threshold_at(MEASURED, 0.00001)
    assert fmr_at(MEASURED, 0.99) == pytest.approx(0.0001)  # a bound, never an extrapolation


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_fmr_falls_as_the_score_rises(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 1.0 >= fmr_at(MEASURED, low) >= fmr_at(MEASURED, high) >= 0.0001 * (1 - 1e-9)


@given(st.floats(1e-7, 0.5), st.integers(1, 10**7))
def test_fpir_agrees_with_its_definition(fmr: float, count: int) -> None:
    assert fpir(fmr, count) == pytest.approx(-np.expm1(count * np.log1p(-fmr)))
    assert fpir(fmr, count) >= fmr * (1 - 1e-9)


def test_the_identification_threshold_rises_with_the_gallery(card: ModelCard) -> None:
    policy = Policy(target_fpir=0.01)
    bars = [identification_bar(card, policy, count) for count in (0, 1, 10, 50)]
    assert [b.threshold for b in bars] == sorted(b.threshold for b in bars)
    assert bars[0].threshold == bars[1].threshold
    for bar in bars:
        assert bar.reached
        assert bar.fpir is not None
        assert bar.fpir <= 0.01 * (1 + 1e-6)


def test_a_gallery_too_large_for_the_measurement_is_said(card: ModelCard) -> None:
    bar = identification_bar(card, Policy(target_fpir=0.01), 10_000)
    assert not bar.reached
    assert bar.threshold == POINTS[-1].threshold
    assert bar.fpir == pytest.approx(1 - (1 - 0.0001) ** 10_000)


def test_an_unmeasured_model_gives_no_threshold_but_takes_one(card: ModelCard) -> None:
    bare = dataclasses.replace(card, measured=None)
    with pytest.raises(CalibrationError, match="nobody measured"):
        verification_bar(bare, Policy())
    with pytest.raises(CalibrationError, match="nobody measured"):
        identification_bar(bare, Policy(), 10)
    assert verification_bar(bare, Policy(threshold=0.4)) == Bar(0.4, None)
    assert identification_bar(bare, Policy(threshold=0.4), 10) == Bar(0.4, None, None)


def test_a_threshold_of_ones_own_says_what_it_stands_for(card: ModelCard) -> None:
    assert verification_bar(card, Policy(threshold=0.3)).fmr == pytest.approx(0.01)


def test_a_rate_looser_than_was_measured_is_refused_not_cut(card: ModelCard) -> None:
    assert verification_bar(card, Policy(target_fmr=0.1)).threshold == POINTS[0].threshold
    with pytest.raises(CalibrationError, match=r"for FMR 0\.2: .* measured up to 0\.1,.* Ask for 0\.1 or less"):
        verification_bar(card, Policy(target_fmr=0.2))
    assert verification_bar(card, Policy(target_fmr=0.2, threshold=0.15)).threshold == 0.15
    narrow = dataclasses.replace(card, measured=dataclasses.replace(MEASURED, points=POINTS[-1:]))
    for ours in OWN_FMRS:  # nobody asked for these
        assert verification_bar(narrow, Policy(target_fmr=ours)).threshold == POINTS[-1].threshold


@pytest.mark.parametrize(
    "values", [{"target_fmr": 0.0}, {"target_fpir": 1.0}, {"threshold": 1.5}, {"target_fmr": math.nan}]
)
def test_policies_refuse(values: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        Policy(**values)


def test_a_decision_is_a_comparison_with_the_threshold() -> None:
    left = Embedding(np.array([1, 0], np.float32), "m")
    right = Embedding(np.array([0.6, 0.8], np.float32), "m")
    yes, no = decide(left, right, Bar(0.6, 0.01)), decide(left, right, Bar(0.61, 0.01))
    assert (yes.accepted, no.accepted) == (True, False)
    assert yes.score == pytest.approx(0.6)
    assert yes.probability is None  # no calibration, no probability
