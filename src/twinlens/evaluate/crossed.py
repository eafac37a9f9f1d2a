"""All pairs of the test people's photos against thresholds chosen elsewhere -> error rates with intervals.

Two passes over the similarities, a block of rows at a time: one keeps every score (`twinlens.metrics.all_pairs`), one
counts, for each person, the pairs at or above each of some 200 thresholds, from which every interval is made. 9,000
photos are 40 million pairs. A photo without a vector fails all its pairs, and they count as non-matches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64, Int

from twinlens.metrics.all_pairs import BLOCK
from twinlens.metrics.clustered import clustered_rate
from twinlens.metrics.intervals import Interval


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """Photos of many people, ordered so that each person's lie side by side.

    Attributes:
        rows: of the photos with a vector, in this order.
        people: whose each is, numbers from 0 that rise.
        vectors: theirs.
        photos: of each person, those without a vector included.
        found: of each person, those with one.
    """

    rows: Int[np.ndarray, " found"]
    people: Int[np.ndarray, " found"]
    vectors: Float32[np.ndarray, "found dim"]
    photos: Int[np.ndarray, " people"]
    found: Int[np.ndarray, " people"]

    @property
    def genuine(self) -> Int[np.ndarray, " people"]:
        """Pairs of each person's photos, failures included."""
        pairs: Int[np.ndarray, " people"] = self.photos * (self.photos - 1) // 2
        return pairs

    @property
    def impostors(self) -> Int[np.ndarray, " people"]:
        """Pairs of each person's photos with anybody else's, failures included; each pair counts at both people."""
        pairs: Int[np.ndarray, " people"] = self.photos * (self.photos.sum() - self.photos)
        return pairs

    @property
    def failed(self) -> tuple[int, int]:
        """Genuine and impostor pairs without a score."""
        compared = self.found * (self.found - 1) // 2
        other = self.found * (self.found.sum() - self.found)
        return int((self.genuine - compared).sum()), int((self.impostors - other).sum()) // 2


def cross(
    subjects: Sequence[str], rows: Int[np.ndarray, " photos"], vectors: Float32[np.ndarray, "all dim"], has: np.ndarray
) -> Crossed:
    """Order photos by person.

    Args:
        subjects: whom each photo shows.
        rows: each photo's row in ``vectors``.
        vectors: of all photos seen.
        has: which of those have a vector.
    """
    numbers = np.unique(np.asarray(subjects, dtype=np.str_), return_inverse=True)[1]
    order = np.argsort(numbers, kind="stable")
    order = order[has[rows[order]]]
    count = int(numbers.max()) + 1
    return Crossed(
        rows[order],
        numbers[order],
        np.ascontiguousarray(vectors[rows[order]]),
        np.bincount(numbers, minlength=count),
        np.bincount(numbers[order], minlength=count),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """For each threshold and person, how many pairs are at or above it.

    Attributes:
        thresholds: rising.
        genuine: pairs of the person's photos.
        impostor: pairs with anybody else's; each pair counts at both people.
    """

    thresholds: Float64[np.ndarray, " points"]
    genuine: Int[np.ndarray, "people points"]
    impostor: Int[np.ndarray, "people points"]

    def fmr(self, point: int, crossed: Crossed) -> Interval:
        """Return the FMR at a threshold with its interval; failures count as rejected."""
        return clustered_rate(self.impostor[:, point], crossed.impostors, ends=2)

    def fnmr(self, point: int, crossed: Crossed) -> Interval:
        """Return the FNMR at a threshold with its interval; failures count as rejected."""
        return clustered_rate(crossed.genuine - self.genuine[:, point], crossed.genuine, ends=1)

    def at(self, threshold: float) -> int:
        """Return the place of a threshold that was asked for."""
        return int(np.argmin(np.abs(self.thresholds - threshold)))


def count_by_person(crossed: Crossed, thresholds: Float[np.ndarray, " points"]) -> Counted:
    """Count the pairs at or above each threshold, by person; exact.

    Args:
        crossed: the photos.
        thresholds: in any order; repeats are counted once.
    """
    points = np.unique(thresholds.astype(np.float64))
    edges = points.astype(np.float32)
    edges = np.where(edges < points, np.nextafter(edges, np.float32(np.inf)), edges)  # never accept a score below
    people, photos = crossed.photos.size, crossed.people.size
    genuine = np.zeros((people, points.size + 1), dtype=np.int64)
    everything = np.zeros_like(genuine)
    starts = np.searchsorted(crossed.people, np.arange(people + 1))
    for start in range(0, photos, BLOCK):
        block = crossed.vectors[start : start + BLOCK] @ crossed.vectors.T
        own = crossed.people[start : start + BLOCK]
        bins = np.searchsorted(edges, block.ravel(), side="right").reshape(block.shape)
        index = bins + (np.arange(own.size) * (points.size + 1))[:, None]
        by_row = np.bincount(index.ravel(), minlength=own.size * (points.size + 1)).reshape(own.size, -1)
        np.add.at(everything, own, by_row)
        for offset, person in enumerate(own):
            mine = bins[offset, starts[person] : starts[person + 1]]
            genuine[person] += np.bincount(mine, minlength=points.size + 1)
            genuine[person, bins[offset, start + offset]] -= 1  # a photo with itself
            everything[person, bins[offset, start + offset]] -= 1
    impostor = everything - genuine
    return Counted(points, _at_or_above(genuine) // 2, _at_or_above(impostor))


def _at_or_above(bins: Int[np.ndarray, "people bins"]) -> Int[np.ndarray, "people points"]:
    """Turn counts between thresholds into counts at or above each."""
    above: Int[np.ndarray, "people points"] = bins[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return above


def resampled_rates(
    counted: Counted, crossed: Crossed, *, rng: np.random.Generator, resamples: int
) -> Mapping[str, Float64[np.ndarray, "resamples points"]]:
    """Return FMR and FNMR at every threshold for resampled people, to the first order.

    A person drawn m times weighs m; a pair of two weighs m1 + m2 - 1, which is m1 * m2 up to the product of two
    deviations from one.
    """
    count = crossed.photos.size
    times = np.stack([np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(resamples)])
    weights = times.astype(np.float64)
    impostors = weights @ crossed.impostors - crossed.impostors.sum() / 2
    matched = weights @ counted.impostor - counted.impostor.sum(axis=0) / 2
    genuine = weights @ crossed.genuine
    hit = weights @ counted.genuine
    usable = (impostors > 0) & (genuine > 0)
    return {
        "fmr": np.clip(matched[usable] / impostors[usable, None], 0, 1),
        "fnmr": np.clip(1 - hit[usable] / genuine[usable, None], 0, 1),
    }
