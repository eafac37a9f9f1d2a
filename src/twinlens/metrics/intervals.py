"""Counts, folds, paired answers -> estimates with confidence intervals.

Sources: Wilson 1927; Clopper and Pearson 1934; McNemar 1947 in its exact form (a binomial test of the
discordant pairs). These take trials as independent; where pairs share people, use `twinlens.metrics.people`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import numpy as np
from jaxtyping import Bool

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.distributions import beta_quantile, binomial_at_most, student_quantile

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and where the truth is likely to lie.

    Attributes:
        estimate: what was measured.
        low: lower end.
        high: upper end.
        confidence: in how many of many such experiments the interval holds the truth, 0 to 1.
        method: how it was made.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    method: str

    def __post_init__(self) -> None:
        if not self.low <= self.estimate <= self.high:
            msg = f"an interval holds its estimate; got {self.low} <= {self.estimate} <= {self.high}"
            raise OptionError(msg)

    def holds(self, value: float) -> bool:
        """Return whether a value lies within, ends included."""
        return self.low <= value <= self.high


def check_confidence(confidence: float) -> None:
    """Refuse a confidence outside 0 to 1.

    Raises:
        OptionError: it is.
    """
    if not 0 < confidence < 1:
        msg = f"a confidence lies between 0 and 1 (both excluded; 0.95 is usual), got {confidence}"
        raise OptionError(msg)


def _check_counts(successes: int, trials: int) -> None:
    if trials < 1:
        msg = f"an interval needs at least one trial, got {trials}"
        raise CalibrationError(msg)
    if not 0 <= successes <= trials:
        msg = f"successes lie between 0 and the {trials} trials, got {successes}"
        raise OptionError(msg)


def wilson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of a share: right on average, also for shares near 0 and 1.

    Raises:
        CalibrationError: no trials.
        OptionError: more successes than trials, or a confidence outside 0 to 1.
    """
    _check_counts(successes, trials)
    check_confidence(confidence)
    share = successes / trials
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # Rounding must not push an end past the estimate it touches at 0 and 1.
    low = 0.0 if successes == 0 else min(share, (centre - spread) / scale)
    high = 1.0 if successes == trials else max(share, (centre + spread) / scale)
    return Interval(share, low, high, confidence, "Wilson")


def clopper_pearson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the exact interval of a share: never too narrow, often too wide.

    Raises:
        CalibrationError: no trials.
        OptionError: more successes than trials, or a confidence outside 0 to 1.
    """
    _check_counts(successes, trials)
    check_confidence(confidence)
    tail = (1 - confidence) / 2
    failures = trials - successes
    low = 0.0 if successes == 0 else beta_quantile(tail, float(successes), failures + 1.0)
    high = 1.0 if failures == 0 else beta_quantile(1 - tail, successes + 1.0, float(failures))
    return Interval(successes / trials, low, high, confidence, "Clopper-Pearson")


@dataclass(frozen=True, slots=True)
class FoldMean:
    """What ten folds say together, as LFW reports it.

    Attributes:
        interval: the mean with Student's interval.
        standard_error: the standard deviation over folds (n - 1) divided by the square root of their number.
        values: each fold's own.
    """

    interval: Interval
    standard_error: float
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over folds."""
        return self.interval.estimate


def over_folds(values: Sequence[float], *, confidence: float = CONFIDENCE) -> FoldMean:
    """Return the mean over folds, its standard error and its interval.

    Folds share training pairs, so the interval is approximate (Bengio and Grandvalet 2004).

    Raises:
        CalibrationError: fewer than two folds, or a value that is not finite.
        OptionError: a confidence outside 0 to 1.
    """
    check_confidence(confidence)
    if len(values) < 2 or not all(math.isfinite(value) for value in values):
        msg = f"a mean over folds needs at least two finite values, got {list(values)}"
        raise CalibrationError(msg)
    mean, error = fmean(values), stdev(values) / math.sqrt(len(values))
    half = student_quantile((1 + confidence) / 2, len(values) - 1) * error
    interval = Interval(mean, mean - half, mean + half, confidence, "mean over folds, Student")
    return FoldMean(interval, error, tuple(values))


@dataclass(frozen=True, slots=True)
class McNemar:
    """Whether two systems differ on the same pairs.

    Attributes:
        only_first: pairs that only the first system answers rightly.
        only_second: pairs that only the second does.
        p_value: how likely so uneven a count would be if both were equally good; two-sided, exact.
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first_right: Bool[np.ndarray, "first"], second_right: Bool[np.ndarray, "second"]) -> McNemar:
    """Compare two systems on the same pairs, in the same order.

    The exact test is used for every number of discordant pairs: it is right for few of them and costs
    nothing more for many.

    Raises:
        CalibrationError: no pairs, or lists of different lengths.
    """
    if first_right.shape != second_right.shape or first_right.size == 0:
        msg = f"wanted the answers of both systems on the same pairs, got {first_right.size} and {second_right.size}"
        raise CalibrationError(msg)
    only_first = int(np.count_nonzero(first_right & ~second_right))
    only_second = int(np.count_nonzero(second_right & ~first_right))
    discordant = only_first + only_second
    tail = binomial_at_most(min(only_first, only_second), discordant, 0.5)
    return McNemar(only_first, only_second, min(1.0, 2 * tail))
