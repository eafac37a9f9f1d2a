"""Scores and failures -> error rates that do not forget whom the system could not see.

Source: ISO/IEC 19795-1, failure to enrol (FTE), failure to acquire (FTA), generalised false reject and accept rates. A
pair without a score is answered "no": a genuine one is an error, an impostor one is not. Leaving such pairs out
flatters a system that finds only the easy faces.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from twinlens.errors import OptionError
from twinlens.metrics.intervals import CONFIDENCE, Interval, wilson
from twinlens.metrics.scores import accepted, ascending


def failure_rate(failures: int, attempts: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return FTA (of captures) or FTE (of enrolments): the share of attempts that gave no template.

    Raises:
        CalibrationError: no attempts.
        OptionError: more failures than attempts.
    """
    return wilson(failures, attempts, confidence=confidence)


def fnmr_with_failures(
    genuine: Float[np.ndarray, "genuine"], threshold: float, failures: int, *, confidence: float = CONFIDENCE
) -> Interval:
    """Return the share of genuine pairs that are rejected or could not be compared.

    Args:
        genuine: scores of the pairs that could be compared.
        threshold: similarity from which on a pair is accepted.
        failures: genuine pairs without a score.
        confidence: of the interval (Wilson).

    Raises:
        CalibrationError: no scores, or some that are not finite.
        OptionError: fewer than no failures.
    """
    _check(failures)
    ordered = ascending(genuine, "genuine")
    wrong = ordered.size - accepted(ordered, threshold) + failures
    return wilson(wrong, ordered.size + failures, confidence=confidence)


def fmr_with_failures(
    impostor: Float[np.ndarray, "impostor"], threshold: float, failures: int, *, confidence: float = CONFIDENCE
) -> Interval:
    """Return the share of impostor pairs that are accepted, those without a score counting as rejected.

    Raises:
        CalibrationError: no scores, or some that are not finite.
        OptionError: fewer than no failures.
    """
    _check(failures)
    ordered = ascending(impostor, "impostor")
    return wilson(accepted(ordered, threshold), ordered.size + failures, confidence=confidence)


def accuracy_with_failures(
    genuine: Float[np.ndarray, "genuine"],
    impostor: Float[np.ndarray, "impostor"],
    threshold: float,
    *,
    failures: tuple[int, int],
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the share of right answers over all pairs, those without a score being answered "no".

    Args:
        genuine: scores of genuine pairs.
        impostor: scores of impostor pairs.
        threshold: chosen on other pairs.
        failures: genuine and impostor pairs without a score.
        confidence: of the interval (Wilson).

    Raises:
        CalibrationError: no scores of one kind, or some that are not finite.
        OptionError: fewer than no failures.
    """
    for count in failures:
        _check(count)
    g, i = ascending(genuine, "genuine"), ascending(impostor, "impostor")
    right = accepted(g, threshold) + i.size - accepted(i, threshold) + failures[1]
    return wilson(right, g.size + i.size + sum(failures), confidence=confidence)


def generalised_fnmr(fnmr: float, *, fta: float, fte: float = 0.0) -> float:
    """Return the generalised false reject rate of a transaction: not enrolled, not acquired, or not matched."""
    return fte + (1 - fte) * fta + (1 - fte) * (1 - fta) * fnmr


def generalised_fmr(fmr: float, *, fta: float, fte: float = 0.0) -> float:
    """Return the generalised false accept rate: an impostor must be enrolled against, acquired and matched."""
    return (1 - fte) * (1 - fta) * fmr


def _check(failures: int) -> None:
    if failures < 0:
        msg = f"failures are counted from 0, got {failures}"
        raise OptionError(msg)
