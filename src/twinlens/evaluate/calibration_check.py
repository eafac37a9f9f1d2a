"""Calibration, scores of other people's pairs -> CalibrationCheck: how far its probabilities can be believed there.

Intervals are by person: people are drawn with replacement, a genuine pair weighs as often as its person was drawn and
an impostor pair m1 + m2 - 1 for its two people (to the first order what `twinlens.metrics.people` does, from sums by
person, so that millions of pairs cost no more than thousands). The bins of the ECE stay those of the whole sample; an
ECE of few pairs is biased upwards, and so is its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int, Shaped

from twinlens.evaluate.figures import Chance
from twinlens.evaluate.score_records import CalibrationCheck, Figure, ReliabilityBin
from twinlens.metrics.all_pairs import Vectors, numbered_people
from twinlens.metrics.folded import chunks_of_pairs, fold_vectors
from twinlens.metrics.people import PeopleScores
from twinlens.metrics.proper_scores import ReliabilityBin as Bin, brier, cllr, ece, min_cllr, reliability
from twinlens.metrics.weighted import Weighted, condense
from twinlens.zoo.calibration import EVEN, Calibration, log_odds

BELIEVABLE_ECE = 0.02  # two points of a hundred
METHOD = "bootstrap by person"


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """A part of the pairs, all of one kind.

    Attributes:
        scores: similarities.
        weights: of each pair.
        people: one row for genuine pairs, two for impostors: whom they concern, numbers from 0.
    """

    scores: Float[np.ndarray, " n"]
    weights: Float64[np.ndarray, " n"]
    people: Int[np.ndarray, "ends n"]


def check_calibration(
    calibration: Calibration,
    genuine: Float[np.ndarray, " genuine"],
    impostor: Float[np.ndarray, " impostor"],
    *,
    name: str,
    prior: float = EVEN,
    people: tuple[Shaped[np.ndarray, " genuine"], Shaped[np.ndarray, "impostor 2"]] | None = None,
    chance: Chance | None = None,
) -> CalibrationCheck:
    """Hold a calibration against listed pairs of other people, each pair alike.

    Args:
        calibration: fitted without these people.
        genuine: similarities of pairs of one person.
        impostor: of two people.
        name: ``of the model's card``, ``fitted on train``...
        prior: at which ECE and Brier are taken.
        people: the person of each genuine pair and the two of each impostor pair, for the intervals; None for none.
        chance: draws people; None for no intervals.

    Raises:
        CalibrationError: no pair of one kind, or scores that are not finite.
        OptionError: a prior outside of 0 to 1, or people that do not fit.
    """
    whole = condense(genuine, "genuine"), condense(impostor, "impostor")
    if people is None or chance is None:
        return _checked(calibration, whole, name, prior, draws=None)
    count, own, others = PeopleScores(genuine, impostor, *people).numbered
    parts = (
        _Pairs(genuine, np.ones(genuine.size), own[None, :]),
        _Pairs(impostor, np.ones(impostor.size), others.T),
    )
    return _checked(calibration, whole, name, prior, draws=lambda read: _draws(read, parts, count, chance))


def check_all_pairs(
    calibration: Calibration,
    vectors: Vectors,
    subjects: Sequence[str],
    *,
    name: str,
    prior: float = EVEN,
    chance: Chance | None = None,
) -> CalibrationCheck:
    """Hold a calibration against all pairs of other people's photos, each person alike.

    Raises:
        CalibrationError: no pair of one kind, labels that do not fit, or vectors that are not finite.
        OptionError: too many pairs, or a prior outside of 0 to 1.
    """
    whole = fold_vectors(vectors, subjects, rng=np.random.default_rng(0)).whole()  # folds are not used here
    if chance is None:
        return _checked(calibration, whole, name, prior, draws=None)
    people = numbered_people(vectors, subjects)
    parts = _all_parts(vectors, people)
    count = int(people.max()) + 1
    return _checked(calibration, whole, name, prior, draws=lambda read: _draws(read, parts, count, chance))


def _all_parts(vectors: Vectors, people: Int[np.ndarray, " photos"]) -> Iterable[_Pairs]:
    photos = np.bincount(people)
    for scores, rows, columns in chunks_of_pairs(vectors, None):
        both = np.stack((people[rows], people[columns]))
        same = both[0] == both[1]
        own = both[:1, same]
        yield _Pairs(scores[same], 2 / (photos[own[0]] * (photos[own[0]] - 1.0)), own)
        others = both[:, ~same]
        yield _Pairs(scores[~same], 1.0 / photos[others].prod(axis=0), others)


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """What a resample needs to know of the whole sample.

    Attributes:
        calibration: similarity to LLR.
        prior: of the same person.
        edges: lower ends of all bins of the ECE but the first, as probabilities.
    """

    calibration: Calibration
    prior: float
    edges: Float64[np.ndarray, " inner"]


_Values = tuple[Float64[np.ndarray, " resamples"], ...]  # ECE, Brier, Cllr


def _checked(
    calibration: Calibration,
    whole: tuple[Weighted, Weighted],
    name: str,
    prior: float,
    *,
    draws: Callable[[_Reader], _Values] | None,
) -> CalibrationCheck:
    g, i = (kind.mapped(calibration.llr) for kind in whole)
    bins = reliability(g, i, prior=prior)
    values: Sequence[Float64[np.ndarray, " resamples"] | None] = (None, None, None)
    if draws is not None:
        values = draws(_Reader(calibration, prior, np.array([one.low for one in bins[1:]], dtype=np.float64)))
    cost, least = cllr(g, i), min_cllr(*whole)
    error = ece(g, i, prior=prior)
    mean = sum(one.mass * one.mean for one in bins)
    return CalibrationCheck(
        name=name,
        method=calibration.method,
        fitted_on=calibration.protocol,
        prior=prior,
        ece=_figure("ECE", error, values[0]),
        brier=_figure("Brier", brier(g, i, prior=prior), values[1]),
        cllr=_figure("Cllr", cost, values[2]),
        min_cllr=least,
        bins=tuple(map(_bin, bins)),
        verdict=verdict(error, cost, least, mean - prior),
    )


def verdict(error: float, cost: float, least: float, surplus: float) -> str:
    """Say in words whether probabilities may be used.

    Args:
        error: ECE.
        cost: Cllr.
        least: the least possible Cllr.
        surplus: mean probability given, less the prior.
    """
    of_which = f"{cost - least:.3f} of its {cost:.3f} bits are calibration's, the rest is the network's"
    if cost >= 1:
        return f"worse than no answer on such photos ({cost:.2f} bits; no answer costs 1): calibrate on such photos"
    if error <= BELIEVABLE_ECE:
        return f"may be believed on such photos: off by {100 * error:.1f} points of 100 on average; {of_which}"
    side = "takes too many pairs for different people" if surplus < 0 else "takes too many pairs for the same person"
    return (
        f"not to be believed on such photos: off by {100 * error:.1f} points of 100 on average, it {side}; {of_which}; "
        "calibrate on such photos"
    )


def _bin(one: Bin) -> ReliabilityBin:
    return ReliabilityBin(one.low, one.high, one.mean, one.share, one.share_low, one.share_high, one.pairs)


def _figure(name: str, value: float, drawn: Float64[np.ndarray, " resamples"] | None) -> Figure:
    if drawn is None:
        return Figure(name, value, format="number")
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Figure(name, value, min(float(low), value), max(float(high), value), METHOD, "number")


def _draws(read: _Reader, parts: Iterable[_Pairs], people: int, chance: Chance) -> _Values:
    """Return ECE, Brier and Cllr of resampled people."""
    bins = read.edges.size + 1
    genuine, impostor = (np.zeros((people, 3 + 2 * bins)) for _ in range(2))
    for part in parts:
        total = genuine if part.people.shape[0] == 1 else impostor
        total += _sums(part, read, people)
    times = chance.rng.multinomial(people, np.full(people, 1 / people), size=chance.resamples).astype(np.float64)
    g = times @ genuine
    i = np.maximum(times @ impostor - impostor.sum(axis=0) / 2, 0.0)  # both people hold each pair's sums
    sound = (g[:, 0] > 0) & (i[:, 0] > 0)
    g, i = (kind[sound, 1:] / kind[sound, :1] for kind in (g, i))
    mixed = read.prior * g + (1 - read.prior) * i
    gaps = np.abs(mixed[:, 2 + bins :] - read.prior * g[:, 2 : 2 + bins]).sum(axis=1)
    return gaps, mixed[:, 0], (g[:, 1] + i[:, 1]) / 2


def _sums(part: _Pairs, read: _Reader, people: int) -> Float64[np.ndarray, "people columns"]:
    """Return by person: weight, Brier cost, cost in bits, and by bin of the ECE weight and probability given."""
    bins = read.edges.size + 1
    llr = read.calibration.llr(part.scores)
    truth = -1.0 if part.people.shape[0] == 1 else 1.0  # the sign of odds that cost
    p = 1 / (1 + np.exp(-llr - log_odds(read.prior)))
    wrong = p if truth > 0 else 1 - p
    number = np.searchsorted(read.edges, p, side="right")
    total = np.zeros((people, 3 + 2 * bins))
    for owner in part.people:
        for column, values in enumerate((1.0, wrong**2, np.logaddexp(0, truth * llr) / np.log(2))):
            total[:, column] += np.bincount(owner, part.weights * values, people)
        cell = owner * bins + number
        for start, values in ((3, 1.0), (3 + bins, p)):
            total[:, start : start + bins] += np.bincount(cell, part.weights * values, people * bins).reshape(-1, bins)
    return total
