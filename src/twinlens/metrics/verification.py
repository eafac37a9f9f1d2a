"""Genuine and impostor scores -> FMR, FNMR, curves, EER, AUC, accuracy (1:1).

Terms: ISO/IEC 19795-1. A score is a similarity and is accepted when ``score >= threshold``. FMR is the share
of impostor scores accepted, FNMR the share of genuine scores rejected. AUC: Hanley and McNeil 1982 (ties
count one half). EER: the point where the straight lines between neighbouring points of the ROC cross FMR =
FNMR.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Float, Float64

from twinlens.errors import OptionError
from twinlens.metrics.scores import accepted, ascending, matches, next_above

EXACT_CURVE_POINTS = 4096


def fmr(impostor: Float[np.ndarray, "impostor"], threshold: float) -> float:
    """Return the false match rate: the share of impostor scores at or above the threshold.

    Raises:
        CalibrationError: no scores, or some that are not finite.
    """
    ordered = ascending(impostor, "impostor")
    return accepted(ordered, threshold) / ordered.size


def fnmr(genuine: Float[np.ndarray, "genuine"], threshold: float) -> float:
    """Return the false non-match rate: the share of genuine scores below the threshold.

    Raises:
        CalibrationError: no scores, or some that are not finite.
    """
    ordered = ascending(genuine, "genuine")
    return 1 - accepted(ordered, threshold) / ordered.size


@dataclass(frozen=True, slots=True)
class Curve:
    """Both error rates at rising thresholds: the ROC and the DET are two ways to draw it.

    Attributes:
        thresholds: rising; at the first everything is accepted, at the last (infinity) nothing.
        fmr: falls from 1 to 0.
        fnmr: rises from 0 to 1.
    """

    thresholds: Float64[np.ndarray, "points"]
    fmr: Float64[np.ndarray, "points"]
    fnmr: Float64[np.ndarray, "points"]

    @property
    def tmr(self) -> Float64[np.ndarray, "points"]:
        """The true match rate, ``1 - fnmr``: the vertical axis of a ROC."""
        return 1.0 - self.fnmr

    def deviates(self) -> tuple[Float64[np.ndarray, "points"], Float64[np.ndarray, "points"]]:
        """Return (fmr, fnmr) as normal deviates, the axes of a DET plot (Martin et al. 1997); 0 and 1 are infinite."""
        return normal_deviate(self.fmr), normal_deviate(self.fnmr)


def normal_deviate(rates: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    """Return the quantile of the standard normal distribution at each rate; -inf at 0, inf at 1."""
    normal = NormalDist()
    inner = [normal.inv_cdf(rate) if 0 < rate < 1 else (np.inf if rate >= 1 else -np.inf) for rate in rates]
    return np.array(inner, dtype=np.float64)


def error_curve(
    genuine: Float[np.ndarray, "genuine"],
    impostor: Float[np.ndarray, "impostor"],
    *,
    points: int = EXACT_CURVE_POINTS,
) -> Curve:
    """Return both error rates over all thresholds.

    With at most ``points`` distinct scores the curve has a point at each of them and is complete. With more,
    half of the thresholds are chosen at evenly spaced FNMR and half at FMR evenly spaced in the logarithm,
    down to a single impostor; the rates at each threshold are exact all the same.

    Raises:
        CalibrationError: no scores of one kind, or some that are not finite.
        OptionError: fewer than 16 points.
    """
    if points < 16:
        msg = f"a curve needs at least 16 points, got {points}"
        raise OptionError(msg)
    g, i = ascending(genuine, "genuine"), ascending(impostor, "impostor")
    thresholds = _distinct(g, i, points)
    return Curve(thresholds, matches(i, thresholds) / i.size, 1 - matches(g, thresholds) / g.size)


def _distinct(
    g: Float[np.ndarray, "genuine"], i: Float[np.ndarray, "impostor"], points: int
) -> Float64[np.ndarray, "points"]:
    """Return the thresholds of a curve, infinity last."""
    if g.size + i.size > points:
        tail = np.geomspace(1, i.size, points // 2)
        i = i[i.size - np.unique(tail.astype(np.int64))]
        g = g[np.unique(np.linspace(0, g.size - 1, points // 2).astype(np.int64))]
    both = np.union1d(g.astype(np.float64), i.astype(np.float64))
    return np.append(both, np.inf)


@dataclass(frozen=True, slots=True)
class EqualError:
    """Where both errors are equally likely.

    Attributes:
        rate: the equal error rate.
        threshold: the observed score at which the two rates come closest.
    """

    rate: float
    threshold: float


def eer(genuine: Float[np.ndarray, "genuine"], impostor: Float[np.ndarray, "impostor"]) -> EqualError:
    """Return the equal error rate, interpolated on the ROC where FMR - FNMR changes sign.

    Raises:
        CalibrationError: no scores of one kind, or some that are not finite.
    """
    g, i = ascending(genuine, "genuine"), ascending(impostor, "impostor")

    def rates(threshold: float) -> tuple[float, float]:
        return accepted(i, threshold) / i.size, 1 - accepted(g, threshold) / g.size

    def first_crossing(scores: Float[np.ndarray, "n"]) -> int:
        """Return the index of the lowest score at which FMR <= FNMR (bisection: FMR - FNMR never rises)."""
        low, high = 0, scores.size
        while low < high:
            middle = (low + high) // 2
            fmr_, fnmr_ = rates(float(scores[middle]))
            low, high = (low, middle) if fmr_ <= fnmr_ else (middle + 1, high)
        return low

    at_g, at_i = first_crossing(g), first_crossing(i)
    above = [float(scores[at]) for scores, at in ((g, at_g), (i, at_i)) if at < scores.size]
    after = min(above, default=np.inf)
    # The lowest score of all accepts everything, so something always lies before the crossing.
    before = max(float(scores[at - 1]) for scores, at in ((g, at_g), (i, at_i)) if at > 0)
    (fmr_before, fnmr_before), (fmr_after, fnmr_after) = rates(before), rates(after)
    gap_before, gap_after = fmr_before - fnmr_before, fnmr_after - fmr_after
    share = gap_before / (gap_before + gap_after)
    rate = fmr_before + share * (fmr_after - fmr_before)
    threshold = after if gap_after <= gap_before and np.isfinite(after) else before
    return EqualError(rate, threshold)


def auc(genuine: Float[np.ndarray, "genuine"], impostor: Float[np.ndarray, "impostor"]) -> float:
    """Return the probability that a genuine score is higher than an impostor score, ties counting one half.

    Raises:
        CalibrationError: no scores of one kind, or some that are not finite.
    """
    g, i = ascending(genuine, "genuine"), ascending(impostor, "impostor")
    few, many = (g, i) if g.size <= i.size else (i, g)
    below = int(np.searchsorted(many, few, side="left").sum(dtype=np.int64))
    up_to = int(np.searchsorted(many, few, side="right").sum(dtype=np.int64))
    higher = (below + up_to) / 2 / (g.size * i.size)
    return higher if few is g else 1 - higher


def accuracy(genuine: Float[np.ndarray, "genuine"], impostor: Float[np.ndarray, "impostor"], threshold: float) -> float:
    """Return the share of right answers at a threshold that was chosen on other pairs.

    Raises:
        CalibrationError: no scores of one kind, or some that are not finite.
    """
    g, i = ascending(genuine, "genuine"), ascending(impostor, "impostor")
    right = accepted(g, threshold) + i.size - accepted(i, threshold)
    return right / (g.size + i.size)


def best_accuracy_threshold(
    genuine: Float[np.ndarray, "genuine"], impostor: Float[np.ndarray, "impostor"], *, balanced: bool = False
) -> float:
    """Return the threshold with the highest accuracy on these pairs: training pairs, never those reported.

    With ``balanced``, that of as many pairs of either kind, however many there are of each.

    It lies half-way between the lowest genuine score accepted and the next score below. Where several are
    equally good, the middle one is returned (the lower middle of an even number).

    Raises:
        CalibrationError: no scores of one kind, or some that are not finite.
    """
    g, i = ascending(genuine, "genuine"), ascending(impostor, "impostor")
    # Raising a threshold to the next genuine score loses no genuine pair, so only those (and "reject all") compete.
    candidates = np.append(np.unique(g).astype(np.float64), next_above(max(g[-1], i[-1], key=float)))
    right = matches(g, candidates) + i.size - matches(i, candidates)
    if balanced:
        right = matches(g, candidates) * i.size + (i.size - matches(i, candidates)) * g.size
    best = np.flatnonzero(right == right.max())
    chosen = float(candidates[best[(best.size - 1) // 2]])
    below = [float(scores[at - 1]) for scores in (g, i) if (at := int(np.searchsorted(scores, chosen))) > 0]
    middle = (chosen + max(below)) / 2 if below else chosen
    # Half-way between neighbouring numbers, rounding may fall onto the lower one and accept it.
    return middle if not below or middle > max(below) else chosen
