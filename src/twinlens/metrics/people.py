"""Scores of pairs that share people -> confidence intervals by resampling people.

Pairs of one person, or with one person in common, err together; intervals that take pairs as independent are
too narrow. Here people are drawn with replacement; a person drawn m times gives each of his genuine pairs
weight m, and an impostor pair of two people weight m1 * m2 (the vertex bootstrap: Snijders and Borgatti
1999, "Non-parametric standard errors and tests for network statistics"; for 1:1 matching: Fogliato, Patil
and Perona 2024, "Confidence intervals for error rates in 1:1 matching tasks"). The interval is the
percentile one. For errors so rare that few people show any, it is too narrow there as well: compare with
Wilson's and report the wider.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int, Shaped

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.intervals import CONFIDENCE, Interval, check_confidence
from twinlens.metrics.scores import ascending

RESAMPLES = 1000
METHOD = "bootstrap by person"

Statistic = Callable[[Float[np.ndarray, "genuine"], Float[np.ndarray, "impostor"]], float]


@dataclass(frozen=True, slots=True)
class PeopleScores:
    """Scores and who they compare.

    Attributes:
        genuine: similarities of pairs of one person.
        impostor: similarities of pairs of two people.
        genuine_people: the person of each genuine pair (names or numbers).
        impostor_people: the two people of each impostor pair.
    """

    genuine: Float[np.ndarray, "genuine"]
    impostor: Float[np.ndarray, "impostor"]
    genuine_people: Shaped[np.ndarray, "genuine_pairs"]
    impostor_people: Shaped[np.ndarray, "impostor_pairs 2"]

    def __post_init__(self) -> None:
        ascending(self.genuine, "genuine")
        ascending(self.impostor, "impostor")
        if self.genuine_people.shape != self.genuine.shape or self.impostor_people.shape != (*self.impostor.shape, 2):
            msg = (
                f"wanted one person for each of {self.genuine.size} genuine pairs and two for each of "
                f"{self.impostor.size} impostor pairs, got {self.genuine_people.shape} and "
                f"{self.impostor_people.shape}"
            )
            raise OptionError(msg)

    @property
    def numbered(self) -> tuple[int, Int[np.ndarray, "genuine"], Int[np.ndarray, "impostor 2"]]:
        """How many people there are, and everyone as a number below that."""
        everyone = np.concatenate((self.genuine_people, self.impostor_people.ravel()))
        names, numbers = np.unique(everyone, return_inverse=True)
        split = self.genuine.size
        return names.size, numbers[:split], numbers[split:].reshape(-1, 2)


def bootstrap(
    scores: PeopleScores,
    statistic: Statistic,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return a statistic of (genuine, impostor) with its interval.

    Args:
        scores: at least two people.
        statistic: any metric of two arrays that gives a number; it is called once a resample.
        rng: draws the people.
        resamples: how many times.
        confidence: 0 to 1.

    Raises:
        CalibrationError: fewer than two people.
        OptionError: fewer than 20 resamples, or a confidence outside 0 to 1.
    """
    people, genuine, impostor = scores.numbered
    _check(people, resamples, confidence)
    values: list[float] = []
    while len(values) < resamples:  # the rarest pairs, of three people, are in a quarter of all draws
        times = _draw(people, rng)
        g = np.repeat(scores.genuine, times[genuine])
        i = np.repeat(scores.impostor, times[impostor].prod(axis=1))
        if g.size and i.size:
            values.append(statistic(g, i))
    return _percentiles(statistic(scores.genuine, scores.impostor), values, confidence)


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    """Trials and how many of them succeeded (erred, matched...), grouped by the people they concern.

    Attributes:
        successes: for each group.
        trials: for each group, at least 1.
        people: the two people of each group, as numbers from 0; twice the same for genuine pairs.
    """

    successes: Int[np.ndarray, "successes"]
    trials: Int[np.ndarray, "trials"]
    people: Int[np.ndarray, "people 2"]

    def __post_init__(self) -> None:
        if self.trials.size == 0:
            msg = "a rate needs at least one group of trials, got none"
            raise CalibrationError(msg)
        sound = self.successes.shape == self.trials.shape and self.people.shape == (self.trials.size, 2)
        if not sound or np.any(self.trials < 1) or np.any(self.successes < 0):
            msg = "wanted, for each group, two people, at least one trial and 0 or more successes"
            raise OptionError(msg)
        if np.any(self.successes > self.trials):
            msg = f"a group has more successes than trials: number {int(np.argmax(self.successes > self.trials))}"
            raise OptionError(msg)


def bootstrap_rate(
    counts: PeopleCounts,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return a share (of errors at a fixed threshold, say) with its interval.

    Genuine trials of a person drawn m times weigh m, impostor trials of two people m1 * m2. Counts by pair
    of people stand for any number of scores, so this also serves all pairs of thousands of photos.

    Raises:
        CalibrationError: fewer than two people.
        OptionError: fewer than 20 resamples, or a confidence outside 0 to 1.
    """
    everyone, numbers = np.unique(counts.people, return_inverse=True)
    first, second = numbers.reshape(-1, 2).T
    one_person = first == second
    _check(everyone.size, resamples, confidence)
    values: list[float] = []
    while len(values) < resamples:
        times = _draw(everyone.size, rng)
        weights: Float64[np.ndarray, "groups"] = times[first] * np.where(one_person, 1.0, times[second])
        if (total := float(weights @ counts.trials)) > 0:
            values.append(float(weights @ counts.successes) / total)
    estimate = int(counts.successes.sum()) / int(counts.trials.sum())
    return _percentiles(estimate, values, confidence)


@dataclass(frozen=True, slots=True)
class PhotoCounts:
    """The false matches among all pairs of photos, which are few, and how many photos everybody has.

    Attributes:
        people: the two people of each false match, as numbers from 0.
        photos: of each person.
    """

    people: Int[np.ndarray, "false_matches 2"]
    photos: Int[np.ndarray, "people"]


def bootstrap_all_pairs(
    counts: PhotoCounts,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the FMR over all impostor pairs of photos with its interval.

    As `bootstrap_rate`, but the trials are counted by formula (all pairs less those of one person), so that millions
    of pairs cost no more than their false matches.

    Raises:
        CalibrationError: fewer than two people.
        OptionError: fewer than 20 resamples, or a confidence outside 0 to 1.
    """
    _check(counts.photos.size, resamples, confidence)
    first, second = counts.people.T

    def rate(times: Int[np.ndarray, "people"]) -> float | None:
        photos = (times * counts.photos).astype(np.float64)
        trials = (photos.sum() ** 2 - (photos**2).sum()) / 2
        return float(times[first] @ times[second]) / trials if trials else None

    estimate = rate(np.ones(counts.photos.size, dtype=np.int64)) or 0.0
    values: list[float] = []
    while len(values) < resamples:
        value = rate(_draw(counts.photos.size, rng))
        if value is not None:
            values.append(value)
    return _percentiles(estimate, values, confidence)


def _check(people: int, resamples: int, confidence: float) -> None:
    check_confidence(confidence)
    if resamples < 20:
        msg = f"a bootstrap needs at least 20 resamples, got {resamples}"
        raise OptionError(msg)
    if people < 2:
        msg = f"resampling people needs at least two of them, got {people}"
        raise CalibrationError(msg)


def _draw(people: int, rng: np.random.Generator) -> Int[np.ndarray, "people"]:
    return np.bincount(rng.integers(people, size=people), minlength=people)


def _percentiles(estimate: float, values: list[float], confidence: float) -> Interval:
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    # With few people the percentiles can leave the estimate outside; an interval always holds it.
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate), confidence, METHOD)
