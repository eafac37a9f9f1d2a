"""Embedding, Embedding -> Decision: similarity, the threshold for a chosen false match rate, and what it stands for.

Terms of ISO/IEC 19795-1: FMR is a rate of one-to-one comparisons; FPIR is a rate of searches, and grows with the
gallery: among N templates of other people FPIR = 1 - (1 - FMR)^N if the comparisons are independent. They are not
quite, so the figure is an expectation, not a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from twinlens.errors import CalibrationError, OptionError
from twinlens.types import Decision, Embedding, Match
from twinlens.zoo import EVEN, Calibration, Measurement, ModelCard
from twinlens.zoo.calibration import log_odds

DEFAULT_FMR = 0.001  # one stranger in a thousand
UNLIKE_FMR = 0.01  # a photo below its threshold is hardly the same person: 1 in 700 on LFW's training people
CLUSTER_FMR = 0.0001  # best B-cubed F on LFW's training people (benchmarks/clustering.py)
OWN_FMRS = (
    DEFAULT_FMR,
    UNLIKE_FMR,
    CLUSTER_FMR,
)  # which nobody asked for: a narrower calibration's loosest point serves
DEFAULT_FPIR = 0.01  # one search in a hundred names a stranger


@dataclass(frozen=True, slots=True)
class Policy:
    """When the answer is yes.

    Attributes:
        target_fmr: for verification: the share of comparisons of strangers that may be accepted, 0 to 1.
        target_fpir: for identification: the share of searches by strangers that may be given a name, 0 to 1.
        threshold: a similarity to use as it is, instead of both; what it stands for is then read from the card.
        prior: how likely it was before looking that it is the same person (verification), or that the person is
            enrolled (identification), 0 to 1; it moves the probability, never the answer.
    """

    target_fmr: float = DEFAULT_FMR
    target_fpir: float = DEFAULT_FPIR
    threshold: float | None = None
    prior: float = EVEN

    def __post_init__(self) -> None:
        rates = {"target_fmr": self.target_fmr, "target_fpir": self.target_fpir, "prior": self.prior}
        for name, value in rates.items():
            if not 0.0 < value < 1.0:
                msg = f"{name} must lie between 0 and 1, got {value}"
                raise OptionError(msg)
        if self.threshold is not None and not -1.0 <= self.threshold <= 1.0:
            msg = f"threshold is a similarity from -1 to 1, got {self.threshold}"
            raise OptionError(msg)


@dataclass(frozen=True, slots=True)
class Bar:
    """A threshold and what it stands for.

    Attributes:
        threshold: similarity from which on the answer is yes.
        fmr: false match rate of one comparison; None where the card holds no measurement.
        fpir: expected false positive identification rate of a search; None for verification or unmeasured.
        reached: False where the measurement does not reach as far as the target, so that ``fpir`` is above it.
    """

    threshold: float
    fmr: float | None
    fpir: float | None = None
    reached: bool = True


def fmr_at(measured: Measurement, score: float) -> float:
    """Return the share of strangers that score this high or higher, by the card's measurement.

    Straight lines between the measured points in log10 FMR; beyond the last point its FMR is the bound.
    """
    thresholds = [p.threshold for p in measured.points]
    logs = [math.log10(p.fmr) for p in measured.points]
    if score < thresholds[0]:
        return 1.0 if score <= -1.0 else max(measured.points[0].fmr, _below(measured, score))
    return float(10.0 ** np.interp(score, thresholds, logs))


def _below(measured: Measurement, score: float) -> float:
    """Interpolate between everything accepted at -1 and the loosest measured point."""
    first = measured.points[0]
    return float(10.0 ** np.interp(score, [-1.0, first.threshold], [0.0, math.log10(first.fmr)]))


def threshold_at(measured: Measurement, target_fmr: float) -> float:
    """Return the similarity above which at most ``target_fmr`` of strangers score.

    Raises:
        CalibrationError: the target lies below what was measured.
    """
    strictest, loosest = measured.points[-1], measured.points[0]
    if target_fmr < strictest.fmr * (1 - 1e-9):
        needed = 3 / target_fmr  # the rule of three; infinite for the smallest numbers there are
        more = f", or calibrate on at least {math.ceil(needed):,} such comparisons" if math.isfinite(needed) else ""
        msg = (
            f"no threshold for FMR {target_fmr:g}: the model was measured down to {strictest.fmr:g} "
            f"({measured.impostors:,} comparisons of strangers). Ask for {strictest.fmr:g} or more{more}"
        )
        raise CalibrationError(msg)
    if target_fmr >= loosest.fmr:
        return loosest.threshold
    logs = [math.log10(p.fmr) for p in reversed(measured.points)]
    return float(np.interp(math.log10(target_fmr), logs, [p.threshold for p in reversed(measured.points)]))


def verification_bar(card: ModelCard, policy: Policy) -> Bar:
    """Return the threshold for one-to-one comparison.

    Raises:
        CalibrationError: the card holds no measurement, or the target lies below or above it.
    """
    measured = card.measured
    if policy.threshold is not None:
        return Bar(policy.threshold, fmr_at(measured, policy.threshold) if measured else None)
    if measured is None:
        raise _unmeasured(card)
    loosest = measured.points[0].fmr
    if policy.target_fmr > loosest * (1 + 1e-9) and policy.target_fmr not in OWN_FMRS:
        msg = (
            f"no threshold for FMR {policy.target_fmr:g}: the model was measured up to {loosest:g}, and a looser "
            f"threshold stands for no rate. Ask for {loosest:g} or less"
        )
        raise CalibrationError(msg)
    threshold = threshold_at(measured, policy.target_fmr)
    return Bar(threshold, fmr_at(measured, threshold))


def identification_bar(card: ModelCard, policy: Policy, templates: int) -> Bar:
    """Return the threshold for a search among ``templates`` enrolled vectors.

    Where the measurement does not reach far enough for a gallery of this size, its strictest point is used, and the
    bar says so (``reached`` False) with the FPIR to expect.

    Raises:
        CalibrationError: the card holds no measurement and the policy no threshold.
    """
    measured = card.measured
    count = max(templates, 1)
    if policy.threshold is not None:
        fmr = fmr_at(measured, policy.threshold) if measured else None
        return Bar(policy.threshold, fmr, None if fmr is None else fpir(fmr, count))
    if measured is None:
        raise _unmeasured(card)
    wanted = -math.expm1(math.log1p(-policy.target_fpir) / count)  # the FMR that solves FPIR = 1 - (1 - FMR)^N
    strictest = measured.points[-1]
    reached = wanted >= strictest.fmr
    threshold = threshold_at(measured, wanted) if reached else strictest.threshold
    fmr = fmr_at(measured, threshold)
    return Bar(threshold, fmr, fpir(fmr, count), reached)


def fpir(fmr: float, templates: int) -> float:
    """Return the share of searches by strangers that find somebody: 1 - (1 - FMR)^N."""
    return 1.0 if fmr >= 1.0 else -math.expm1(templates * math.log1p(-fmr))


def decide(
    left: Embedding, right: Embedding, bar: Bar, *, calibration: Calibration | None = None, prior: float = EVEN
) -> Decision:
    """Compare two embeddings.

    Args:
        left: one.
        right: the other.
        bar: the threshold and what it stands for.
        calibration: reads the similarity as a probability; None for none.
        prior: how likely the same person was before looking, 0 to 1.

    Raises:
        ModelMismatchError: they come from different models.
    """
    score = left.similarity(right)
    return Decision(
        score=score,
        probability=None if calibration is None else calibration.probability(score, prior=prior),
        threshold=bar.threshold,
        fmr=bar.fmr,
        accepted=score >= bar.threshold,
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """How the scores of a search become probabilities.

    Before looking, the probe is enrolled with probability ``prior``, and then each of the N subjects alike. By Bayes

        P(subject i) = (prior / N) LR_i / ((1 - prior) + sum over candidates j of (prior / N) LR_j)

    is the probability that the probe is subject i, rather than another or nobody enrolled; those of all candidates and
    of "nobody" sum to 1. Subjects beyond the candidates are left out: their likelihood ratios are lower than all of
    these. A subject's best template is read like a single comparison.

    Attributes:
        calibration: None where the model has none; then nothing has a probability.
        subjects: how many the search could have named.
        prior: how likely it was before looking that the probe is one of them, 0 to 1.
    """

    calibration: Calibration | None
    subjects: int
    prior: float = EVEN

    def read(self, matches: Sequence[Match]) -> list[Match]:
        """Return the candidates of one probe with their probabilities."""
        if self.calibration is None or not matches:
            return list(matches)
        llr = self.calibration.llr(np.array([match.score for match in matches]))
        odds = llr + log_odds(self.prior) - math.log(max(self.subjects, len(matches)))  # of each against nobody
        top = max(0.0, float(odds.max()))
        shares = np.exp(odds - top)
        total = math.exp(-top) + float(shares.sum())
        return [replace(m, probability=float(share) / total) for m, share in zip(matches, shares, strict=True)]


def _unmeasured(card: ModelCard) -> CalibrationError:
    return CalibrationError(
        f"nobody measured the error rates of model {card.name!r}, so no threshold stands for a rate: "
        "give a threshold of your own (--threshold, a similarity from -1 to 1), or use a measured model"
    )
