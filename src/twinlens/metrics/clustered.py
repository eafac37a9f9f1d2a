"""Errors counted by person -> intervals of a share by linearisation: what a bootstrap of people converges to.

For millions of pairs, where drawing people a thousand times takes minutes. A share is a ratio of sums over people (a
genuine pair has one, an impostor pair two); its variance is that of the sum of everybody's surplus of errors (Cochran
1977, section 6; for pairs: Snijders and Borgatti 1999). For pairs of two people the variance of the pairs themselves is
added (at least one count each), so that rare errors are not taken for sure. Where nothing went wrong, people or pairs
of people are counted as trials, not their photos.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float64, Int64, Num

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.intervals import CONFIDENCE, Interval, check_confidence, wilson

METHOD = "by person, linearised"

Counts = Num[np.ndarray, " people"]
People = Int64[np.ndarray, "pairs 2"]


def clustered_rate(errors: Counts, trials: Counts, *, ends: int, confidence: float = CONFIDENCE) -> Interval:
    """Return a share with the wider of the interval by person and Wilson's.

    Args:
        errors: of each person.
        trials: of each person.
        ends: 1 where each trial concerns one person (genuine pairs), 2 where it is counted at both of its two.
        confidence: 0 to 1.

    Raises:
        CalibrationError: no trials.
        OptionError: counts that cannot be, or ends other than 1 and 2.
    """
    check_confidence(confidence)
    if ends not in {1, 2} or errors.shape != trials.shape or np.any(errors < 0) or np.any(errors > trials):
        msg = f"wanted 0 <= errors <= trials for each person, and 1 or 2 ends, got ends={ends}"
        raise OptionError(msg)
    total, wrong = float(trials.sum()) / ends, float(errors.sum()) / ends
    if total < 1:
        msg = "a rate needs at least one trial, got none"
        raise CalibrationError(msg)
    rate = wrong / total
    if not 0 < rate < 1:  # nobody differs from anybody: count people (or pairs of them), not photos
        people = int(np.count_nonzero(trials))
        units = max(min(round(total), people if ends == 1 else people * (people - 1) // 2), 1)
        return wilson(round(rate * units), units, confidence=confidence)
    return _wider(wrong, total, variance(errors, trials, ends=ends), confidence)


def listed_rate(wrong: Bool[np.ndarray, " pairs"], ends: People, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the share of wrong answers among listed pairs, genuine and impostor together.

    Two pairs are taken to vary together where they share a person (dyadic-robust variance: Fafchamps and Gubert 2007,
    equation 2.9). A genuine pair has one person.

    Args:
        wrong: the answer to each pair.
        ends: who is on its two photos, numbers 0 and up.
        confidence: 0 to 1.

    Raises:
        CalibrationError: no pairs.
    """
    check_confidence(confidence)
    if not len(wrong):
        msg = "a rate needs at least one pair, got none"
        raise CalibrationError(msg)
    count = int(wrong.sum())
    if count in {0, len(wrong)}:
        dyads = len(np.unique(np.sort(ends, axis=1), axis=0))
        return wilson(dyads if count else 0, dyads, confidence=confidence)
    surplus = wrong - wrong.mean()
    two = ends[:, 0] != ends[:, 1]
    by_person = np.bincount(ends[:, 0], surplus, ends.max() + 1)
    by_person += np.bincount(ends[two, 1], surplus[two], ends.max() + 1)
    _, dyad = np.unique(np.sort(ends[two], axis=1), axis=0, return_inverse=True)
    twice = np.bincount(dyad.ravel(), surplus[two]) if two.any() else np.zeros(1)  # both ends of one dyad counted it
    people = max(len(np.unique(ends)), 2)
    spread = float(by_person @ by_person - twice @ twice) * people / (people - 1)
    return _wider(count, len(wrong), max(spread, 0.0) / len(wrong) ** 2, confidence)


def _wider(wrong: float, total: float, spread: float, confidence: float) -> Interval:
    """Return the wider of Wilson's interval and the one by a variance, taken on the log odds."""
    rate = wrong / total
    narrow = wilson(round(wrong), round(total), confidence=confidence)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(spread) / (rate * (1 - rate))
    odds = math.log(rate) - math.log1p(-rate)
    low, high = (_share(odds + side * reach) for side in (-1, 1))
    if high - low < narrow.high - narrow.low:
        return Interval(rate, min(narrow.low, rate), max(narrow.high, rate), confidence, narrow.method)
    return Interval(rate, min(low, rate), max(high, rate), confidence, METHOD)


def variance(errors: Counts, trials: Counts, *, ends: int) -> float:
    """Return the variance of the share ``sum(errors) / sum(trials)``."""
    total = float(trials.sum()) / ends
    rate = float(errors.sum()) / ends / total
    surplus: Float64[np.ndarray, " people"] = errors - rate * trials
    people = max(int(np.count_nonzero(trials)), 2)
    between = float(surplus @ surplus) * people / (people - 1)
    pairs = float(errors.sum()) / ends if ends == 2 else 0.0
    return (between + pairs) / total**2


def _share(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
