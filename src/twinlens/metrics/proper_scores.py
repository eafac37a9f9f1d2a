"""Log-likelihood ratios of genuine and impostor pairs -> how far they can be believed: Cllr, Brier, log loss, ECE.

Sources: Bruemmer and du Preez 2006, "Application-independent evaluation of speaker detection" (Cllr, and its least
value by PAV); Brier 1950; Naeini, Cooper and Hauskrecht 2015 (ECE); Nguyen and O'Connor 2015 and Roelofs et al. 2022
(bins of equal mass are less biased than bins of equal width).

A likelihood ratio (here: its natural logarithm, LLR) becomes a probability only with a *prior*, the probability before
looking. Genuine pairs therefore weigh ``prior`` together and impostor pairs ``1 - prior``, whatever their numbers:
how many pairs of each kind a protocol lists says nothing about the world.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64

from twinlens.errors import OptionError
from twinlens.metrics.intervals import wilson
from twinlens.metrics.isotonic import pool
from twinlens.metrics.weighted import Scores, Weighted, weighted
from twinlens.zoo.calibration import EVEN, log_odds

BINS = 15
Width = Literal["mass", "probability"]


def cllr(genuine: Scores, impostor: Scores) -> float:
    """Return the cost of log-likelihood ratios, in bits: 0 is perfect, 1 is what "I do not know" (LLR 0) costs.

    Args:
        genuine: LLRs (natural logarithm) of pairs of one person.
        impostor: LLRs of pairs of two people.

    Raises:
        CalibrationError: no pair of one kind, or LLRs that are not finite.
    """
    return log_loss(genuine, impostor, prior=EVEN) / math.log(2)


def log_loss(genuine: Scores, impostor: Scores, *, prior: float = EVEN) -> float:
    """Return the mean negative logarithm (nats) of the probability given to the truth.

    Raises:
        CalibrationError: as `cllr`.
        OptionError: a prior that is not between 0 and 1.
    """
    g, i, shift = weighted(genuine, "genuine"), weighted(impostor, "impostor"), log_odds(prior)
    missed = g.shares @ np.logaddexp(0, -g.scores - shift)
    taken = i.shares @ np.logaddexp(0, i.scores + shift)
    return float(prior * missed + (1 - prior) * taken)


def brier(genuine: Scores, impostor: Scores, *, prior: float = EVEN) -> float:
    """Return the mean square of (probability given - truth): 0 is perfect, 0.25 is "I do not know" at an even prior.

    Raises:
        CalibrationError: as `cllr`.
        OptionError: a prior that is not between 0 and 1.
    """
    g, i, shift = weighted(genuine, "genuine"), weighted(impostor, "impostor"), log_odds(prior)
    missed = g.shares @ _logistic(-g.scores - shift) ** 2
    taken = i.shares @ _logistic(i.scores + shift) ** 2
    return float(prior * missed + (1 - prior) * taken)


def min_cllr(genuine: Scores, impostor: Scores) -> float:
    """Return the least Cllr that any increasing map of these scores can have *on these very pairs*, in bits.

    It does not change under an increasing map of the scores. On few pairs it is too low: the map also fits their chance
    (a thousand pairs make it a fifth too low), so no map fitted elsewhere can be expected to reach it.

    Args:
        genuine: similarities or LLRs of pairs of one person.
        impostor: likewise of two people.

    Raises:
        CalibrationError: as `cllr`.
    """
    blocks = pool(weighted(genuine, "genuine"), weighted(impostor, "impostor"))
    llr = blocks.llr
    g, i = blocks.genuine > 0, blocks.impostor > 0  # what does not occur costs nothing, however infinite
    missed = blocks.genuine[g] @ np.logaddexp(0, -llr[g])
    taken = blocks.impostor[i] @ np.logaddexp(0, llr[i])
    return float(EVEN * (missed + taken) / math.log(2))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pairs that were given about the same probability.

    Attributes:
        low: lowest probability in the bin (or the bin's lower end, for bins of equal width).
        high: highest probability in the bin (or its upper end).
        mean: mean probability given.
        share: share of them that show one person, at the prior.
        share_low: lower end of Wilson's 95 % interval of the share, taking pairs as independent.
        share_high: upper end.
        mass: share of all pairs, at the prior.
        pairs: how many pairs.
    """

    low: float
    high: float
    mean: float
    share: float
    share_low: float
    share_high: float
    mass: float
    pairs: int


def ece(genuine: Scores, impostor: Scores, *, prior: float = EVEN, bins: int = BINS, width: Width = "mass") -> float:
    """Return the expected calibration error: mean distance between probability given and share of one person, 0 to 1.

    *The* ECE of Twinlens has 15 bins of equal mass; ``width="probability"`` gives the one with bins of equal width.

    Args:
        genuine: LLRs of pairs of one person.
        impostor: LLRs of pairs of two people.
        prior: probability of one person before looking.
        bins: how many.
        width: what the bins have in equal parts: mass, or probability.

    Raises:
        CalibrationError: as `cllr`.
        OptionError: a prior that is not between 0 and 1, or fewer than 2 bins.
    """
    found = reliability(genuine, impostor, prior=prior, bins=bins, width=width)
    return math.fsum(one.mass * abs(one.mean - one.share) for one in found)


def reliability(
    genuine: Scores, impostor: Scores, *, prior: float = EVEN, bins: int = BINS, width: Width = "mass"
) -> tuple[ReliabilityBin, ...]:
    """Return the bins of the reliability diagram, lowest probability first; empty ones are left out.

    Equal probabilities are never parted, so that bins of equal mass may be fewer and uneven where many pairs got one
    probability.

    Raises:
        CalibrationError: as `cllr`.
        OptionError: a prior that is not between 0 and 1, or fewer than 2 bins.
    """
    if bins < 2:
        msg = f"a reliability diagram needs at least 2 bins, got {bins}"
        raise OptionError(msg)
    g, i = weighted(genuine, "genuine"), weighted(impostor, "impostor")
    table = _Table.of(g, i, prior)
    if width == "mass":
        before = np.cumsum(table.mass) - table.mass / 2
        number = np.minimum((before * bins).astype(np.int64), bins - 1)
    else:
        number = np.minimum((table.probability * bins).astype(np.int64), bins - 1)
    ends = (lambda n, p: (float(p[0]), float(p[-1]))) if width == "mass" else (lambda n, p: (n / bins, (n + 1) / bins))
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    parts = [slice(a, b) for a, b in zip(starts, [*starts[1:], number.size], strict=True)]
    return tuple(
        table.bin(part, ends(int(number[part.start]), table.probability[part]))
        for part in parts
        if table.mass[part].sum() > 0
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Both kinds on common, rising probabilities."""

    probability: Float64[np.ndarray, "n"]
    genuine: Float64[np.ndarray, "n"]  # share of genuine weight times prior
    impostor: Float64[np.ndarray, "n"]
    pairs: Int64[np.ndarray, "2 n"]  # genuine, impostor

    @classmethod
    def of(cls, genuine: Weighted, impostor: Weighted, prior: float) -> _Table:
        places = np.union1d(genuine.scores, impostor.scores)
        shares = np.zeros((2, places.size))
        pairs = np.zeros((2, places.size), dtype=np.int64)
        for row, scores, part in ((0, genuine, prior), (1, impostor, 1 - prior)):
            at = np.searchsorted(places, scores.scores)
            shares[row, at], pairs[row, at] = scores.shares * part, scores.pairs
        return cls(_logistic(places + log_odds(prior)), shares[0], shares[1], pairs)

    @property
    def mass(self) -> Float64[np.ndarray, "n"]:
        total: Float64[np.ndarray, "n"] = self.genuine + self.impostor
        return total

    def bin(self, part: slice, ends: tuple[float, float]) -> ReliabilityBin:
        g, i = float(self.genuine[part].sum()), float(self.impostor[part].sum())
        share = g / (g + i)
        matched, others = (int(n) for n in self.pairs[:, part].sum(axis=1))
        low, high = _interval(share, (matched, others), self._scale(share, matched, others))
        mean = float(self.probability[part] @ self.mass[part]) / (g + i)
        return ReliabilityBin(*ends, mean, share, low, high, g + i, matched + others)

    def _scale(self, share: float, matched: int, others: int) -> float:
        """Return by how much prior and weights scale a bin's counted odds; overall, where one kind is absent."""
        if matched and others and 0 < share < 1:
            return share / (1 - share) * others / matched
        per_genuine, per_impostor = (self.genuine.sum(), self.impostor.sum()) / self.pairs.sum(axis=1)
        return float(per_genuine / per_impostor)


def _interval(share: float, counts: tuple[int, int], scale: float) -> tuple[float, float]:
    """Return Wilson's interval of the counted share, its odds scaled as the share's are."""
    raw = wilson(counts[0], sum(counts))
    low, high = (end * scale / (end * scale + 1 - end) for end in (raw.low, raw.high))
    return min(low, share), min(1.0, max(high, share))  # rounding must not leave 0 to 1


def _logistic(odds: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    """Return the probability of each log odds, without overflow."""
    small = np.exp(-np.abs(odds))
    chances: Float64[np.ndarray, "n"] = np.where(odds >= 0, 1 / (1 + small), small / (1 + small))
    return chances
