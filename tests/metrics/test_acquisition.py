"""Failures to acquire: counted as "no" answers, by a naive loop over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from twinlens.errors import OptionError
from twinlens.metrics.acquisition import (
    accuracy_with_failures,
    failure_rate,
    fmr_with_failures,
    fnmr_with_failures,
    generalised_fmr,
    generalised_fnmr,
)

scores = arrays(np.float64, st.integers(1, 30), elements=st.integers(-8, 8).map(lambda k: k / 8))
failures = st.integers(0, 20)


@given(scores, scores, failures, failures, st.floats(-1, 1))
def test_pairs_without_a_score_are_answered_no(
    genuine: np.ndarray, impostor: np.ndarray, lost: int, missed: int, threshold: float
) -> None:
    pairs = [(score, True) for score in genuine] + [(None, True)] * lost
    pairs += [(score, False) for score in impostor] + [(None, False)] * missed
    answers = [(score is not None and score >= threshold, same) for score, same in pairs]
    right = sum(answer == same for answer, same in answers) / len(pairs)
    fnmr = sum(not answer for answer, same in answers if same) / (genuine.size + lost)
    fmr = sum(answer for answer, same in answers if not same) / (impostor.size + missed)
    assert accuracy_with_failures(genuine, impostor, threshold, failures=(lost, missed)).estimate == right
    assert fnmr_with_failures(genuine, threshold, lost).estimate == fnmr
    assert fmr_with_failures(impostor, threshold, missed).estimate == fmr


@given(scores, failures, st.floats(-1, 1))
def test_generalised_rates_are_the_counted_ones(genuine: np.ndarray, lost: int, threshold: float) -> None:
    fta = lost / (genuine.size + lost)
    alone = fnmr_with_failures(genuine, threshold, 0).estimate
    counted = fnmr_with_failures(genuine, threshold, lost).estimate
    assert generalised_fnmr(alone, fta=fta) == pytest.approx(counted)
    accepted = fmr_with_failures(genuine, threshold, 0).estimate
    assert generalised_fmr(accepted, fta=fta) == pytest.approx(fmr_with_failures(genuine, threshold, lost).estimate)


def test_failures_to_enrol_come_first() -> None:
    assert generalised_fnmr(0.1, fta=0.2, fte=0.5) == pytest.approx(0.5 + 0.5 * 0.2 + 0.5 * 0.8 * 0.1)
    assert generalised_fmr(0.1, fta=0.2, fte=0.5) == pytest.approx(0.5 * 0.8 * 0.1)
    assert failure_rate(7, 100).estimate == 0.07


def test_negative_failures_are_refused() -> None:
    with pytest.raises(OptionError, match="counted from 0, got -1"):
        fnmr_with_failures(np.array([0.5]), 0.5, -1)
