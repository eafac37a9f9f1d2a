"""Arrays of similarities -> the same, checked and in ascending order: what every metric starts with.

Sorting comes first because every error rate is then a binary search: 40 million float32 scores sort in
seconds and in place of one copy (160 MB). Whoever asks several metrics of many scores sorts once and passes
the sorted arrays: sorted input is recognised and never copied.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int

from twinlens.errors import CalibrationError


def ascending(scores: Float[np.ndarray, "n"], kind: str) -> Float[np.ndarray, "n"]:
    """Return scores in ascending order, the array itself where it already is.

    Args:
        scores: similarities, higher is more alike.
        kind: ``genuine`` or ``impostor``, for the message.

    Raises:
        CalibrationError: no score, a score that is not a finite number, or not a list of numbers.
    """
    if scores.ndim != 1 or not np.issubdtype(scores.dtype, np.floating):
        msg = f"wanted {kind} scores as a list of floats, got {scores.dtype} of shape {scores.shape}"
        raise CalibrationError(msg)
    if scores.size == 0:
        msg = f"wanted at least one {kind} score, got none: error rates need pairs of both kinds"
        raise CalibrationError(msg)
    ordered = scores if _is_ascending(scores) else np.sort(scores)
    if not (np.isfinite(ordered[0]) and np.isfinite(ordered[-1])):  # NaN is sorted to the end
        place = int(np.flatnonzero(~np.isfinite(scores))[0])
        count = int(np.count_nonzero(~np.isfinite(scores)))
        msg = (
            f"{count} of {scores.size} {kind} scores are not finite numbers (the first is number {place}: "
            f"{scores[place]}); count failed comparisons as failures to acquire instead"
        )
        raise CalibrationError(msg)
    return ordered


def _is_ascending(scores: Float[np.ndarray, "n"]) -> bool:
    return bool(np.all(scores[:-1] <= scores[1:]))  # False as soon as a NaN takes part


def matches(ordered: Float[np.ndarray, "n"], thresholds: Float64[np.ndarray, "k"]) -> Int[np.ndarray, "k"]:
    """Return how many of the ascending scores are accepted (``>=``) at each threshold."""
    own = thresholds.astype(ordered.dtype)  # without it, numpy would copy every score to float64 on each call
    own = np.where(own < thresholds, np.nextafter(own, np.array(np.inf, dtype=own.dtype)), own)
    return ordered.size - np.searchsorted(ordered, own, side="left")


def accepted(ordered: Float[np.ndarray, "n"], threshold: float) -> int:
    """Return how many of the ascending scores are at or above one threshold."""
    return int(matches(ordered, np.array([threshold], dtype=np.float64))[0])


def next_above(score: np.floating) -> float:
    """Return the smallest number of the score's own type that is higher.

    A threshold just above a float32 score must itself be a float32: rounded to float32, a float64 neighbour
    would fall back onto the score.
    """
    return float(np.nextafter(score, np.array(np.inf, dtype=score.dtype)))
