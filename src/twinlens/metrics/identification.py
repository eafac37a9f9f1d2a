"""Scores of probes against a gallery -> CMC, rank-k, mAP, precision@k, FPIR and FNIR (1:N).

Terms: ISO/IEC 19795-1; FPIR and FNIR as in NIST's FRTE 1:N reports. A subject's score is the highest over its
templates. Ties count against the system: among equal scores the right subject or photo comes last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.scores import accepted, ascending

Matrix = Float[np.ndarray, "probes gallery"]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What searches found.

    Attributes:
        mated: for each probe whose subject is enrolled, that subject's score.
        ranks: for each of these, the subject's rank, from 1.
        nonmated: for each probe whose subject is not enrolled, the highest score of any subject.
        gallery_size: subjects enrolled.
    """

    mated: Float[np.ndarray, "mated"]
    ranks: Int[np.ndarray, "ranks"]
    nonmated: Float[np.ndarray, "nonmated"]
    gallery_size: int


def search_outcomes(scores: Matrix, probe_subjects: Sequence[str], gallery_subjects: Sequence[str]) -> Outcomes:
    """Sort out what each probe's search gave; blocks of probes can be joined with `join_outcomes`.

    Args:
        scores: similarity of each probe to each template.
        probe_subjects: who each probe shows.
        gallery_subjects: whose template each column is.

    Raises:
        CalibrationError: no probes or no templates, labels that do not fit, or scores that are not finite.
    """
    _check(scores, probe_subjects, gallery_subjects)
    names, columns = np.unique(np.asarray(gallery_subjects, dtype=np.str_), return_inverse=True)
    order = np.argsort(columns, kind="stable")
    starts = np.searchsorted(columns[order], np.arange(names.size))
    by_subject = np.maximum.reduceat(scores[:, order], starts, axis=1)
    probes = np.asarray(probe_subjects, dtype=np.str_)
    place = np.minimum(np.searchsorted(names, probes), names.size - 1)
    enrolled = names[place] == probes
    own = by_subject[np.arange(probes.size), place]
    ranks = np.count_nonzero(by_subject >= own[:, None], axis=1)
    return Outcomes(own[enrolled], ranks[enrolled], by_subject.max(axis=1)[~enrolled], int(names.size))


def join_outcomes(parts: Sequence[Outcomes]) -> Outcomes:
    """Join the outcomes of several blocks of probes against one gallery.

    Raises:
        OptionError: no parts, or galleries of different sizes.
    """
    if len({part.gallery_size for part in parts}) != 1:
        msg = f"wanted outcomes of one gallery, got sizes {sorted({part.gallery_size for part in parts})}"
        raise OptionError(msg)
    mated, ranks, nonmated = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("mated", "ranks", "nonmated")
    )
    return Outcomes(mated, ranks, nonmated, parts[0].gallery_size)


def cmc(ranks: Int[np.ndarray, "mated"], top: int) -> Float64[np.ndarray, "top"]:
    """Return the cumulative match characteristic: the share of mated probes found at rank 1, 2, ... ``top``.

    Raises:
        CalibrationError: no mated probe.
        OptionError: ``top`` below 1.
    """
    if ranks.size == 0:
        msg = "a CMC needs probes whose subject is enrolled, got none"
        raise CalibrationError(msg)
    if top < 1:
        msg = f"ranks count from 1, got {top}"
        raise OptionError(msg)
    counts = np.bincount(np.minimum(ranks, top + 1), minlength=top + 2)
    return np.cumsum(counts[1 : top + 1]) / ranks.size


def rank_k(ranks: Int[np.ndarray, "mated"], k: int) -> float:
    """Return the share of mated probes whose subject is among the first k.

    Raises:
        CalibrationError: no mated probe.
        OptionError: k below 1.
    """
    return float(cmc(ranks, k)[-1])


@dataclass(frozen=True, slots=True)
class OpenSetPoint:
    """Both errors of open-set search at a threshold.

    Attributes:
        threshold: similarity from which on a candidate is returned.
        fpir: share of searches for strangers that return anybody; None where no stranger was searched for.
        fnir: share of searches for enrolled people that do not return them within ``rank``; None likewise.
        gallery_size: subjects enrolled: FPIR grows with it, so neither means anything without.
        rank: candidates looked at.
        false_positives: searches for strangers that returned somebody.
        misses: searches for enrolled people that did not return them.
        nonmated: searches for strangers.
        mated: searches for enrolled people.
    """

    threshold: float
    fpir: float | None
    fnir: float | None
    gallery_size: int
    rank: int
    false_positives: int
    misses: int
    nonmated: int
    mated: int


def open_set(outcomes: Outcomes, threshold: float, *, rank: int = 1) -> OpenSetPoint:
    """Return FPIR(N, T) and FNIR(N, R, T).

    Raises:
        CalibrationError: scores that are not finite.
        OptionError: a rank below 1.
    """
    if rank < 1:
        msg = f"ranks count from 1, got {rank}"
        raise OptionError(msg)
    strangers, enrolled = outcomes.nonmated.size, outcomes.mated.size
    positives = accepted(ascending(outcomes.nonmated, "non-mated"), threshold) if strangers else 0
    within = outcomes.mated[outcomes.ranks <= rank]
    hits = accepted(ascending(within, "mated"), threshold) if within.size else 0
    return OpenSetPoint(
        threshold=threshold,
        fpir=positives / strangers if strangers else None,
        fnir=(enrolled - hits) / enrolled if enrolled else None,
        gallery_size=outcomes.gallery_size,
        rank=rank,
        false_positives=positives,
        misses=enrolled - hits,
        nonmated=strangers,
        mated=enrolled,
    )


def expected_fpir(fmr: float, gallery_size: int) -> float:
    """Return the FPIR to expect of N independent comparisons: ``1 - (1 - FMR) ** N``.

    Raises:
        OptionError: an FMR outside 0 to 1, or a gallery of less than nobody.
    """
    if not 0 <= fmr <= 1 or gallery_size < 0:
        msg = f"wanted an FMR from 0 to 1 and a gallery size from 0, got {fmr} and {gallery_size}"
        raise OptionError(msg)
    if fmr == 1:
        return 1.0 if gallery_size else 0.0
    return -math.expm1(gallery_size * math.log1p(-fmr))


def average_precisions(scores: Matrix, mates: Bool[np.ndarray, "probes gallery"]) -> Float64[np.ndarray, "probes"]:
    """Return the average precision of each probe's list of photos; their mean is the mAP.

    Args:
        scores: similarity of each probe to each photo; mask a probe's own photo with ``-inf``.
        mates: which photos show the probe's subject (its own not counted).

    Raises:
        CalibrationError: a probe without a mate, shapes that differ, or scores that are NaN.
    """
    relevant = _ranked(scores, mates)
    found = np.cumsum(relevant, axis=1)
    precision = found / np.arange(1, relevant.shape[1] + 1)
    mean: Float64[np.ndarray, "probes"] = (precision * relevant).sum(axis=1) / found[:, -1]
    return mean


def precision_at(scores: Matrix, mates: Bool[np.ndarray, "probes gallery"], k: int) -> float:
    """Return the mean share of mates among each probe's first k photos.

    Raises:
        CalibrationError: as `average_precisions`.
        OptionError: k below 1 or above the number of photos.
    """
    if not 1 <= k <= scores.shape[1]:
        msg = f"k lies between 1 and the {scores.shape[1]} photos, got {k}"
        raise OptionError(msg)
    return float(_ranked(scores, mates)[:, :k].mean())


def _ranked(scores: Matrix, mates: Bool[np.ndarray, "probes2 gallery2"]) -> Bool[np.ndarray, "probes gallery"]:
    """Return the mates in order of falling score, behind others of the same score."""
    if scores.shape != mates.shape or scores.size == 0 or np.isnan(scores).any():
        msg = f"wanted a score and a mark for every probe and photo, got {scores.shape} and {mates.shape}, or NaN"
        raise CalibrationError(msg)
    if not mates.any(axis=1).all():
        lone = int(np.argmin(mates.any(axis=1)))
        msg = f"probe number {lone} has no mate in the gallery: leave such probes out of a mean of precisions"
        raise CalibrationError(msg)
    order = np.lexsort((mates, -scores), axis=1)
    return np.take_along_axis(mates, order, axis=1)


def _check(scores: Matrix, probe_subjects: Sequence[str], gallery_subjects: Sequence[str]) -> None:
    if scores.shape != (len(probe_subjects), len(gallery_subjects)) or scores.size == 0:
        msg = (
            f"wanted one row a probe and one column a template, at least one of each; got scores of shape "
            f"{scores.shape} for {len(probe_subjects)} probes and {len(gallery_subjects)} templates"
        )
        raise CalibrationError(msg)
    if not np.isfinite(scores).all():
        msg = f"{np.count_nonzero(~np.isfinite(scores))} scores are not finite numbers; leave failed probes out"
        raise CalibrationError(msg)
