"""Counts by person -> figures with the wider of two intervals: Wilson's, and that of resampling people.

Pairs that share people err together, so Wilson's interval alone is too narrow; where errors are so rare that few people
show any, resampled people say too little and Wilson's is the wider (`twinlens.metrics.people`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int

from twinlens.evaluate.score_records import Figure
from twinlens.metrics.intervals import CONFIDENCE, Interval, wilson
from twinlens.metrics.people import METHOD, RESAMPLES, PeopleCounts, bootstrap_rate

People = Int[np.ndarray, "pairs 2"]


@dataclass(frozen=True, slots=True)
class Chance:
    """What intervals are drawn with.

    Attributes:
        rng: draws people.
        resamples: how many times.
    """

    rng: np.random.Generator
    resamples: int = RESAMPLES


def figure_of(name: str, interval: Interval, *, note: str = "") -> Figure:
    """Return a figure with the ends of an interval."""
    return Figure(name, interval.estimate, interval.low, interval.high, interval.method, note=note)


def share(
    name: str, hits: Bool[np.ndarray, " pairs"], people: People, *, chance: Chance, note: str = ""
) -> Figure | None:
    """Return the share of pairs that are hits, None without pairs.

    Args:
        name: what a hit is: ``FNMR``, ``accuracy``.
        hits: one a pair.
        people: the two people of each pair; twice the same for genuine pairs.
        chance: draws people.
        note: what a reader must know; the counts are added.
    """
    if not hits.size:
        return None
    counts = f"{int(hits.sum()):,} of {hits.size:,}"
    interval = by_person_or_wilson(hits.astype(np.int64), np.ones(hits.size, dtype=np.int64), people, chance=chance)
    return figure_of(name, interval, note=f"{counts}; {note}" if note else counts)


def by_person_or_wilson(
    successes: Int[np.ndarray, " groups"],
    trials: Int[np.ndarray, " groups"],
    people: Int[np.ndarray, "groups 2"],
    *,
    chance: Chance,
) -> Interval:
    """Return a share with the wider of Wilson's interval and that of resampling people.

    Where all trials ended alike, people (or pairs of two people) are counted as trials, not their photos.
    """
    total, hits = int(trials.sum()), int(successes.sum())
    if hits in {0, total}:
        units = min(total, len(np.unique(np.sort(people, axis=1), axis=0)))
        return wilson(units if hits else 0, units)
    narrow = wilson(hits, total)
    if np.unique(people).size < 2:
        return narrow
    return wider(narrow, _drawn(PeopleCounts(successes, trials, people), chance))


def mean_by_person(
    values: Float64[np.ndarray, " probes"], people: Int[np.ndarray, " probes"], *, chance: Chance
) -> Interval:
    """Return the mean of values between 0 and 1 with its interval by resampling people.

    Where all values are 1 the people could still hide what Wilson's interval leaves them.
    """
    names, numbers = np.unique(people, return_inverse=True)
    sums, counts = np.bincount(numbers, values), np.bincount(numbers)
    times = chance.rng.multinomial(names.size, np.full(names.size, 1 / names.size), size=chance.resamples)
    mean = float(values.mean())
    low, high = np.quantile((times @ sums) / (times @ counts), [0.025, 0.975])
    if low == high == 1.0:
        return wilson(names.size, names.size)
    return Interval(mean, min(float(low), mean), max(float(high), mean), CONFIDENCE, METHOD)


def _drawn(counts: PeopleCounts, chance: Chance) -> Interval:
    return bootstrap_rate(counts, rng=chance.rng, resamples=chance.resamples)


def wider(one: Interval, other: Interval) -> Interval:
    """Return the interval that spans more."""
    return max(one, other, key=lambda interval: interval.high - interval.low)


def renamed(figure: Figure, name: str) -> Figure:
    """Return the figure under another name."""
    return replace(figure, name=name)
