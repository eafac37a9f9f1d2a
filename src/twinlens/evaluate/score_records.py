"""What the scores of the test people say -> plain values: operating points, curves, histogram, calibration, search.

The other parts of a report, and the report itself, are in `twinlens.evaluate.records`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Format = Literal["rate", "number", "count", "p-value", "similarity"]  # rate: 0 to 1, shown in per cent


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its uncertainty.

    Attributes:
        name: what it is, in the field's terms.
        value: None where it cannot be had; ``note`` then says why.
        low: lower end of the 95 % interval; None where there is no interval.
        high: upper end.
        method: how the interval was made (Wilson, bootstrap by person, mean over folds...).
        format: how it is shown.
        note: what a reader must know: counts behind it, a target that the data cannot support.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    format: Format = "rate"
    note: str = ""


@dataclass(frozen=True, slots=True)
class OperatingRow:
    """A threshold chosen for a target on other people, and what it did on the test people.

    Attributes:
        source: who chose it: ``chosen on train``, ``of the model's card``.
        target_fmr: what was asked for.
        threshold: chosen without the test people; None where refused.
        chosen_on: impostor pairs the choice rests on.
        fmr: measured on the test people.
        fnmr: measured on the test people; failures count as non-matches.
        refused: why there is no threshold (rule of three); empty otherwise.
    """

    source: str
    target_fmr: float
    threshold: float | None
    chosen_on: int
    fmr: Figure | None
    fnmr: Figure | None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class ErrorCurve:
    """The test people's errors at falling strictness, thinned for drawing; failures count as non-matches.

    Attributes:
        thresholds: rising.
        fmr: falling.
        fnmr: rising.
        fmr_band: (low, high) ends of the 95 % interval of ``fmr`` at each threshold.
        fnmr_band: likewise.
    """

    thresholds: tuple[float, ...]
    fmr: tuple[float, ...]
    fnmr: tuple[float, ...]
    fmr_band: tuple[tuple[float, float], ...] = ()
    fnmr_band: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often each similarity occurs on the test people.

    Attributes:
        edges: one more than bins.
        genuine: pairs of one person in each bin.
        impostors: pairs of two people in each bin.
    """

    edges: tuple[float, ...]
    genuine: tuple[int, ...]
    impostors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pairs that were given about the same probability.

    Attributes:
        low: lower end of the bin.
        high: upper end.
        mean: mean probability given.
        share: share of them that show one person, at the calibration's prior.
        share_low: lower end of its 95 % interval.
        share_high: upper end.
        pairs: how many.
    """

    low: float
    high: float
    mean: float
    share: float
    share_low: float
    share_high: float
    pairs: int


@dataclass(frozen=True, slots=True)
class CalibrationCheck:
    """How far a probability can be believed on the test people.

    Attributes:
        name: ``of the model's card``, ``fitted on train``...
        method: logistic, beta or isotonic.
        fitted_on: whose pairs.
        prior: the prior at which ECE and Brier are taken.
        ece: expected calibration error.
        brier: Brier score.
        cllr: bits; 0 perfect, 1 says nothing.
        min_cllr: the least possible with these scores: isotonic fitted on the test pairs themselves.
        bins: the reliability diagram.
        verdict: in words: may it be used on such data, and by how much it is off.
    """

    name: str
    method: str
    fitted_on: str
    prior: float
    ece: Figure
    brier: Figure
    cllr: Figure
    min_cllr: float
    bins: tuple[ReliabilityBin, ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class Search:
    """One-to-many on the test people: one photo a person is enrolled, the others are probes.

    Attributes:
        gallery: subjects enrolled.
        mated: probes of enrolled people.
        nonmated: probes of people not enrolled.
        cmc: share found at rank 1, 2, ...
        figures: rank-1, rank-5, mAP, FNIR at FPIR..., 20-way one-shot.
    """

    gallery: int
    mated: int
    nonmated: int
    cmc: tuple[float, ...]
    figures: tuple[Figure, ...]
