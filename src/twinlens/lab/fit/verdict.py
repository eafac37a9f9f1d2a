"""A head against the model as it is, on people who trained neither -> is it better, beyond what chance would do?

The difference of two error rates on the same pairs, with its interval by resampling people (the vertex bootstrap of
`twinlens.metrics.people`): a person drawn m times counts m times, a pair of two people m1 * m2 times. Each person
counts alike whatever the number of photos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from twinlens.lab.fit.head import Head
from twinlens.lab.fit.material import Comparisons, Material
from twinlens.metrics.intervals import CONFIDENCE, Interval

RESAMPLES = 400
FMR = 0.01  # of the second figure
METHOD = "difference, bootstrap by person"


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure, before and after.

    Attributes:
        name: what it is.
        before: of the model as it is.
        after: with the head.
        difference: after less before; below 0 is better.
    """

    name: str
    before: float
    after: float
    difference: Interval


@dataclass(frozen=True, slots=True)
class Verdict:
    """A head on people who trained it not.

    Attributes:
        people: how many.
        genuine: pairs of one person.
        impostors: pairs of two.
        equal: the equal error rate.
        strict: FNMR at an FMR of 1 %.
    """

    people: int
    genuine: int
    impostors: int
    equal: Compared
    strict: Compared

    @property
    def better(self) -> bool:
        """Fewer errors than chance explains, and not more at the strict threshold than chance explains."""
        return self.equal.difference.high < 0 and self.strict.difference.low <= 0

    @property
    def text(self) -> str:
        """The verdict in a sentence."""
        how = "better beyond the interval" if self.better else "not better beyond the interval"
        figures = "; ".join(
            f"{c.name} {c.before:.4f} -> {c.after:.4f}, difference {c.difference.estimate:+.4f} "
            f"({c.difference.low:+.4f} to {c.difference.high:+.4f})"
            for c in (self.equal, self.strict)
        )
        return f"{how} on {self.people} held-out people: {figures}"


def judge(material: Material, head: Head, *, rng: np.random.Generator, resamples: int = RESAMPLES) -> Verdict:
    """Compare a head with the crop's vector alone.

    Args:
        material: of people who did not train the head.
        head: the head.
        rng: draws impostor pairs and people.
        resamples: how many times people are drawn.

    Raises:
        DatasetError: pairs of one kind only.
    """
    pairs = material.comparisons(rng)
    dim = material.vectors.shape[1] // 2
    both = [
        _Ranked.of(vectors, material, pairs)
        for vectors in (np.ascontiguousarray(material.vectors[:, :dim]), head.apply(material.vectors, material.lengths))
    ]
    count = len(material.names)
    whole = [ranked.errors(np.ones(count)) for ranked in both]
    drawn: list[Float64[np.ndarray, "2"]] = []
    while len(drawn) < resamples:
        times = np.bincount(rng.integers(count, size=count), minlength=count).astype(np.float64)
        rates = [ranked.errors(times) for ranked in both]
        if all(np.isfinite(rate).all() for rate in rates):
            drawn.append(rates[1] - rates[0])
    ends = np.quantile(np.array(drawn), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    figures = [
        Compared(name, float(whole[0][at]), float(whole[1][at]), _interval(whole[1][at] - whole[0][at], ends[:, at]))
        for at, name in enumerate(("EER", "FNMR at FMR 1 %"))
    ]
    genuine = int(pairs.same.sum())
    return Verdict(count, genuine, pairs.same.size - genuine, *figures)


def equal_error(material: Material, head: Head, *, rng: np.random.Generator) -> float:
    """Return a head's equal error rate alone: what plans are chosen by."""
    pairs = material.comparisons(rng)
    vectors = head.apply(material.vectors, material.lengths)
    return float(_Ranked.of(vectors, material, pairs).errors(np.ones(len(material.names)))[0])


def _interval(estimate: float, ends: np.ndarray) -> Interval:
    low, high = min(float(ends[0]), estimate), max(float(ends[1]), estimate)
    return Interval(float(estimate), low, high, CONFIDENCE, METHOD)


@dataclass(frozen=True, slots=True, eq=False)
class _Ranked:
    """Pairs by rising similarity, with what each counts when everybody counts once."""

    first: Int64[np.ndarray, " pairs"]
    second: Int64[np.ndarray, " pairs"]
    genuine: Float64[np.ndarray, " pairs"]
    impostor: Float64[np.ndarray, " pairs"]

    @classmethod
    def of(cls, vectors: Float32[np.ndarray, "photos dim"], material: Material, pairs: Comparisons) -> _Ranked:
        order = np.argsort(np.einsum("ij,ij->i", vectors[pairs.left], vectors[pairs.right]), kind="stable")
        left, right, same = pairs.left[order], pairs.right[order], pairs.same[order]
        first, second = material.people[left], material.people[right]
        mates = np.bincount(first[same], minlength=len(material.names))
        genuine = np.where(same, 1 / np.maximum(mates[first], 1), 0.0)
        return cls(first, second, genuine, (~same).astype(np.float64))

    def errors(self, times: Float64[np.ndarray, " people"]) -> Float64[np.ndarray, "2"]:
        """Return EER and FNMR at an FMR of 1 %, people counting so many times; NaN where one kind is missing."""
        weight = times[self.first]
        below = np.cumsum(self.genuine * weight)
        passed = np.cumsum(self.impostor * weight * times[self.second])
        if not below[-1] or not passed[-1]:
            return np.array([np.nan, np.nan])
        fnmr, fmr = below / below[-1], 1 - passed / passed[-1]
        equal = int(np.searchsorted(fnmr - fmr, 0.0))
        strict = int(np.searchsorted(-fmr, -FMR))
        return np.array([(fnmr[equal] + fmr[equal]) / 2, fnmr[min(strict, fnmr.size - 1)]])
