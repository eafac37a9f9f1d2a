"""Comparisons of known people -> a table: target FMR, threshold, FNMR, and what to expect of other people.

A threshold that keeps a target on these people will not keep it exactly on others: both groups are samples. What to
expect is found by repeating the whole procedure with people drawn with replacement: one draw chooses a threshold, a
second, independent one measures it (a bootstrap prediction interval). A person drawn m times counts m times, a pair of
people m1 * m2 times (the vertex bootstrap, `twinlens.metrics.people`).

How far down targets go is decided by *pairs of people*, not of photos: ten photos each of two people make a hundred
impostor comparisons and yet are one encounter of two faces. By the rule of three n of them support a target of 3 / n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from twinlens.errors import CalibrationError
from twinlens.metrics.clustered import clustered_rate, variance
from twinlens.metrics.encounters import Encounters, Nearest
from twinlens.metrics.intervals import CONFIDENCE, Interval, check_confidence, wilson
from twinlens.metrics.operating import RULE_OF_THREE, impostors_needed
from twinlens.zoo import Measurement, OperatingPoint

RESAMPLES = 400
REACH = 3.0  # thresholds of drawn people are looked for among so many times as many false matches as the target's
METHOD = "bootstrap prediction, by person"
LADDER = tuple(float(f"{step}e-{power}") for power in range(1, 8) for step in (1, 0.5, 0.2))  # 0.1, 0.05 ... 2e-8

Draws = Float64[np.ndarray, "resamples targets"]


@dataclass(frozen=True, slots=True)
class Row:
    """A target FMR and what can be said of it.

    Attributes:
        target: what was asked for.
        threshold: similarity from which on a pair is accepted.
        threshold_low: lower end of its 95 % interval.
        threshold_high: upper end.
        fmr: the share of these impostor pairs accepted; at most the target.
        fnmr: the share of these genuine pairs rejected.
        elsewhere: the FMR to expect among other people like these; the estimate is the one measured here.
        worth: how many independent impostor comparisons would be as sure as these, which share people.
    """

    target: float
    threshold: float
    threshold_low: float
    threshold_high: float
    fmr: Interval
    fnmr: Interval
    elsewhere: Interval
    worth: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A target FMR that the data cannot support.

    Attributes:
        target: what was asked for.
        reason: why, and what it would take.
        needed: pairs of two people.
    """

    target: float
    reason: str
    needed: int


def threshold_table(
    known: Encounters,
    targets: Sequence[float],
    *,
    rng: np.random.Generator,
    others: int | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> list[Row | Refusal]:
    """Return a row a target, the loosest first.

    Args:
        known: comparisons of known people.
        targets: false match rates, between 0 and 1.
        rng: draws people.
        others: for how many other people the rate ``elsewhere`` is foretold; None for as many as there are here.
        resamples: how many times people are drawn.
        confidence: of the intervals.

    Raises:
        OptionError: a target or confidence outside of 0 to 1.
    """
    check_confidence(confidence)
    ordered = sorted(set(targets), reverse=True)
    refused = {target: refusal for target in ordered if (refusal := unsupported(known, target)) is not None}
    kept = [target for target in ordered if target not in refused]
    if not kept:
        return [refused[target] for target in ordered]
    tail = known.nearest(min(REACH * kept[0], 1.0))
    drawn = _drawn(known, tail.drawn(rng), kept, rng=rng, others=others or known.people, resamples=resamples)
    rows = {
        target: _row(known, tail, target, tuple(part[:, at] for part in drawn), confidence)
        for at, target in enumerate(kept)
    }
    return [refused.get(target) or rows[target] for target in ordered]


def unsupported(known: Encounters, target: float) -> Refusal | None:
    """Return why these people cannot tell a target from zero; None where they can.

    Raises:
        OptionError: the target is not between 0 and 1.
    """
    needed = impostors_needed(target)
    if known.met >= needed:
        return None
    who = f"{known.people} people make {known.met:,} pairs of people, which" if known.named else f"{known.met:,} pairs"
    wanted = f"{needed:,} pairs of different people"
    if known.named:
        wanted += f" ({math.ceil((1 + math.sqrt(1 + 8 * needed)) / 2):,} people, all compared)"
    reason = (
        f"{who} cannot support a target FMR of {target:g}: without any error they would only show that it is below "
        f"{min(1.0, RULE_OF_THREE / known.met):.2g} (rule of three, 95 % confidence); wanted {wanted}"
    )
    return Refusal(target, reason, needed)


def measure(known: Encounters, *, protocol: str, command: str) -> Measurement:
    """Return thresholds for rates from 0.1 down to what is supported, as a card keeps them.

    Raises:
        CalibrationError: not even 0.1 is supported.
    """
    points: list[OperatingPoint] = []
    tail = known.nearest(LADDER[0])
    for target in LADDER:
        if unsupported(known, target) is not None:
            break
        threshold = known.threshold(target, tail)
        if not points or threshold > points[-1].threshold:
            points.append(OperatingPoint(target, min(threshold, 1.0), known.fnmr(threshold)))
    if not points:
        refusal = unsupported(known, LADDER[0])
        raise CalibrationError(refusal.reason if refusal else "nothing was measured")
    return Measurement(
        protocol=protocol,
        command=command,
        impostors=int(known.impostor.size),
        genuine=int(known.genuine.size),
        people=known.people if known.named else 0,
        points=tuple(points),
    )


def _row(
    known: Encounters,
    tail: Nearest,
    target: float,
    drawn: tuple[Float64[np.ndarray, " resamples"], ...],
    confidence: float,
) -> Row:
    threshold = known.threshold(target, tail)
    errors = tail.at_or_above(threshold).by_person(known.people)
    fmr = clustered_rate(errors, known.impostors, ends=2, confidence=confidence)
    spread = variance(errors, known.impostors, ends=2)
    worth = int(fmr.estimate * (1 - fmr.estimate) / spread) if spread else known.met
    rejected, trials = known.rejected(threshold)
    fnmr = clustered_rate(rejected, trials, ends=1, confidence=confidence)
    if not rejected.any():  # nobody was rejected: that is known of people, not of pairs
        fnmr = wilson(0, known.mated, confidence=confidence)
    places, rates = (np.quantile(part, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist() for part in drawn)
    return Row(
        target=target,
        threshold=threshold,
        threshold_low=min(places[0], threshold),
        threshold_high=max(places[1], threshold),
        fmr=fmr,
        fnmr=fnmr,
        elsewhere=Interval(fmr.estimate, min(rates[0], fmr.low), max(rates[1], fmr.high), confidence, METHOD),
        worth=min(worth, int(known.impostor.size)),
    )


def _drawn(
    known: Encounters,
    tail: Nearest,
    targets: Sequence[float],
    *,
    rng: np.random.Generator,
    others: int,
    resamples: int,
) -> tuple[Draws, Draws]:
    """Return the threshold chosen in each of many draws of people, and its FMR in a second draw."""
    thresholds, rates = np.empty((resamples, len(targets))), np.empty((resamples, len(targets)))
    for at in range(resamples):
        choosing, measuring = (_times(known.people, size, rng) for size in (known.people, others))
        chosen = np.cumsum(tail.weights * known.products(choosing, tail.people))
        allowed = np.array(targets) * known.trials(choosing)
        last = np.minimum(np.searchsorted(chosen, allowed, side="right"), tail.scores.size - 1)
        thresholds[at] = tail.scores[last]  # of the first pair too many: it is rejected, those before are accepted
        measured = np.concatenate(([0.0], np.cumsum(tail.weights * known.products(measuring, tail.people))))
        rates[at] = measured[last] / max(known.trials(measuring), 1.0)
    return thresholds, rates


def _times(people: int, drawn: int, rng: np.random.Generator) -> Int[np.ndarray, " people"]:
    """Return how often each of the people is among so many drawn."""
    return np.bincount(rng.integers(people, size=drawn), minlength=people)
