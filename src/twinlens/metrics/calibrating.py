"""Similarities of known pairs -> Calibration: three families of maps, and people left out decide which is kept.

Logistic, beta and isotonic maps (`twinlens.metrics.maps`) are each fitted on all folds of people but one and scored on
the people left out, five times over; the lowest Cllr wins, and of those within `MARGIN` of it the one with the fewest
numbers.

No likelihood ratio beyond what the number of comparisons supports is ever given. As in the empirical bounds of Vergeer,
van Es, de Jongh, Alberink and Stoel 2016 ("Numerical likelihood ratios outputted by LR systems are often based on
extrapolation: when to stop extrapolating?"), one more comparison is imagined that contradicts the map where it is most
certain: after n people of whom nobody scored so low the next one may be the first, so "different" is never said with
more than n + 1 to 1, and "the same" never with more than m + 1 to 1 after m pairs of people.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from twinlens.errors import CalibrationError
from twinlens.metrics.folded import Behind, Folded
from twinlens.metrics.maps import Bounds, beta_weights, isotonic_knots, logistic_weights
from twinlens.metrics.proper_scores import ReliabilityBin, brier, cllr, ece, min_cllr, reliability
from twinlens.metrics.weighted import Weighted, joined
from twinlens.zoo.calibration import EVEN, Calibration, Method

METHODS: tuple[Method, ...] = get_args(Method)  # the fewest numbers first
MARGIN = 0.01  # a map with more numbers must be better by this part of the Cllr
MIN_PEOPLE = 10  # with two photos or more: two in each of five folds
MIN_UNNAMED = 50  # pairs of each kind, where nobody is named
NOTHING = 0.99  # bits, on people left out: as much as no answer costs
FEW_PEOPLE = 100  # below this, whoever calibrates is told how rough it is


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How one family did on people left out.

    Attributes:
        method: logistic, beta or isotonic.
        cllr: bits; 0 is perfect, 1 says nothing.
        min_cllr: the least that any increasing map could have on the same pairs.
        ece: expected calibration error at an even prior.
        brier: Brier score at an even prior.
        bins: the reliability diagram at an even prior.
    """

    method: Method
    cllr: float
    min_cllr: float
    ece: float
    brier: float
    bins: tuple[ReliabilityBin, ...] = ()


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration and how it was chosen.

    Attributes:
        calibration: fitted on everybody.
        candidates: each family on people left out, in the order of `METHODS`.
        notes: what its user must know.
    """

    calibration: Calibration
    candidates: tuple[HeldOut, ...]
    notes: tuple[str, ...] = ()

    @property
    def held_out(self) -> HeldOut:
        """How the chosen family did."""
        return next(one for one in self.candidates if one.method == self.calibration.method)


def fit_calibration(data: Folded, *, protocol: str, command: str, methods: tuple[Method, ...] = METHODS) -> Fitted:
    """Fit each family, choose one on people left out, and fit it on everybody.

    Args:
        data: scores by fold of people.
        protocol: whose pairs these are, for the card.
        command: what makes it, for the card.
        methods: the families that may be chosen.

    Raises:
        CalibrationError: too few people or pairs.
    """
    _enough(data)
    candidates = tuple(_held_out(data, method) for method in methods)
    bar = min(one.cllr for one in candidates) * (1 + MARGIN)
    chosen = next(one for one in candidates if one.cllr <= bar)
    calibration = fitted(
        chosen.method, data.whole(), data.behind, about=(protocol, command), measured=(chosen.cllr, chosen.ece)
    )
    return Fitted(calibration, candidates, (*_notes(data), *_nothing_told(chosen.cllr)))


def llr_bounds(behind: Behind) -> Bounds:
    """Return the lowest and the highest log-likelihood ratio that so many comparisons support."""
    return -math.log(behind.mated + 1), math.log(behind.met + 1)


def fitted(
    method: Method,
    pairs: tuple[Weighted, Weighted],
    behind: Behind,
    *,
    about: tuple[str, str] = ("", ""),
    measured: tuple[float, float] = (math.nan, math.nan),
) -> Calibration:
    """Fit one family.

    Args:
        method: the family.
        pairs: genuine, impostor.
        behind: how much stands behind them; gives the bounds.
        about: protocol and command.
        measured: Cllr and ECE on people left out.
    """
    genuine, impostor = pairs
    bounds = llr_bounds(behind)
    weights: tuple[float, ...] = ()
    knots: tuple[tuple[float, float], ...] = ()
    if method == "logistic":
        weights = logistic_weights(genuine, impostor)
    elif method == "beta":
        weights = beta_weights(genuine, impostor)
    else:
        knots = isotonic_knots(genuine, impostor, bounds)
    return Calibration(
        method=method,
        lowest=bounds[0],
        highest=bounds[1],
        protocol=about[0],
        command=about[1],
        genuine=behind.genuine,
        impostors=behind.impostors,
        people=behind.people,
        cllr=measured[0],
        ece=measured[1],
        weights=weights,
        knots=knots,
    )


def _held_out(data: Folded, method: Method) -> HeldOut:
    genuine, impostor = [], []
    for fold in range(data.folds):
        train, test = data.outside(fold), data.inside(fold)
        if train is None or test is None:
            continue
        llr = fitted(method, train, data.behind).llr
        genuine.append(test[0].mapped(llr))
        impostor.append(test[1].mapped(llr))
    if not genuine:
        msg = (
            "nobody could be left out: no fold of people holds pairs of both kinds. Calibrate on a folder with one "
            "folder a person, which compares everybody with everybody"
        )
        raise CalibrationError(msg)
    g, i = joined(genuine), joined(impostor)
    bins = reliability(g, i, prior=EVEN)
    return HeldOut(method, cllr(g, i), min_cllr(g, i), ece(g, i, prior=EVEN), brier(g, i, prior=EVEN), bins)


def _enough(data: Folded) -> None:
    behind = data.behind
    if data.named and behind.mated < MIN_PEOPLE:
        msg = (
            f"{behind.mated} people with two photos or more cannot support a calibration: wanted at least "
            f"{MIN_PEOPLE}, so that some can be left out to test it on (with {FEW_PEOPLE} it becomes reliable). Add "
            "people, or keep the model's own calibration"
        )
        raise CalibrationError(msg)
    if not data.named and min(behind.genuine, behind.impostors) < MIN_UNNAMED:
        msg = (
            f"{behind.genuine} genuine and {behind.impostors} impostor pairs of unnamed people cannot support a "
            f"calibration: wanted at least {MIN_UNNAMED} of each"
        )
        raise CalibrationError(msg)


def _nothing_told(cost: float) -> tuple[str, ...]:
    if cost < NOTHING:
        return ()
    return (
        f"these similarities tell nothing of who is who (Cllr {cost:.3f} bits; no answer costs 1): are they distances, "
        "or labels turned round (higher must be more alike, and 1 or yes one person)? Or has the network learned "
        "nothing yet?",
    )


def _notes(data: Folded) -> tuple[str, ...]:
    behind, notes = data.behind, []
    if not data.named:
        notes.append(
            "nobody says who is compared: pairs were taken as independent, so that all figures look surer than they are"
        )
    elif behind.mated < FEW_PEOPLE:
        notes.append(
            f"only {behind.mated} people have two photos or more: the calibration is rough, and no answer is given "
            f"more than {behind.mated + 1} to 1 against or {behind.met + 1} to 1 for the same person"
        )
    return tuple(notes)
