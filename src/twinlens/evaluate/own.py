"""A user's people -> a calibration and thresholds for photos like theirs (`twinlens calibrate`).

Photos: everybody is compared with everybody, each person alike. A list of pairs or of scores is taken as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from twinlens.datasets.records import Dataset
from twinlens.datasets.score_list import Scores
from twinlens.errors import DatasetError
from twinlens.evaluate.plan import make_plan
from twinlens.evaluate.score_records import CalibrationCheck, Figure, ReliabilityBin
from twinlens.evaluate.sight import Seen
from twinlens.evaluate.trials import compare_pairs
from twinlens.metrics.calibrating import Fitted, fit_calibration
from twinlens.metrics.encounters import Encounters, meet_everyone, meet_listed, meet_unnamed
from twinlens.metrics.folded import Folded, fold_pairs, fold_unnamed, fold_vectors
from twinlens.metrics.people import PeopleScores
from twinlens.metrics.thresholds import Refusal, Row, measure, threshold_table, unsupported
from twinlens.score import DEFAULT_FMR
from twinlens.zoo import Measurement
from twinlens.zoo.calibration import EVEN

TARGETS = (0.1, 0.01, 0.001, 1e-4, 1e-5)


@dataclass(frozen=True, slots=True)
class Own:
    """What a user's people say.

    Attributes:
        fitted: the calibration, and how the families did on people left out.
        rows: a threshold a target, or why there is none.
        measured: thresholds as a card keeps them; None where the people are too few for the default FMR, so that the
            model's card keeps its own.
        check: the chosen family on people left out, for the reliability diagram.
    """

    fitted: Fitted
    rows: tuple[Row | Refusal, ...]
    measured: Measurement | None
    check: CalibrationCheck


@dataclass(frozen=True, slots=True)
class Material:
    """The same comparisons twice: dealt to folds of people for fitting, and as encounters for thresholds."""

    folded: Folded
    known: Encounters


def from_photos(dataset: Dataset, seen: Seen, *, rng: np.random.Generator) -> Material:
    """Compare everybody with everybody; listed pairs alone where nobody is named.

    Raises:
        CalibrationError: no pair of one kind.
        DatasetError: photos that make no pairs of both kinds.
    """
    split = make_plan(dataset, card_thresholds=True, all_pairs=not dataset.inferred_people).rounds[0].test
    if dataset.inferred_people:
        trials = compare_pairs(split, seen)
        people, same = trials.people[trials.compared], trials.same[trials.compared]
        pairs = PeopleScores(trials.genuine, trials.impostor, people[same, 0], people[~same])
        return Material(fold_pairs(pairs, rng=rng), meet_listed(pairs))
    rows = seen.of(split.photos)
    there = seen.found[rows]
    names = [photo.subject for photo, has in zip(split.photos, there, strict=True) if has]
    vectors = seen.vectors[rows[there]]
    return Material(fold_vectors(vectors, names, rng=rng), meet_everyone(vectors, names))


def only(dataset: Dataset, part: str) -> Dataset:
    """Return the data set with one of its parts alone.

    Raises:
        DatasetError: it has no such part.
    """
    known = {split.name: split for split in dataset.parts}
    if part not in known:
        msg = f"{dataset.name} has no part {part!r}; it has: {', '.join(known)}"
        raise DatasetError(msg)
    return replace(dataset, splits={"all": known[part]}, folds=(), expected={})


def from_scores(scores: Scores, *, rng: np.random.Generator) -> Material:
    """Take scores as they are: of named people, or of unnamed ones, as independent.

    Raises:
        CalibrationError: no score of one kind, or some that are not finite.
    """
    if scores.subjects is None:
        kinds = scores.genuine, scores.impostor
        return Material(fold_unnamed(*kinds, rng=rng), meet_unnamed(*kinds))
    people = np.array(scores.subjects)
    pairs = PeopleScores(scores.genuine, scores.impostor, people[scores.same, 0], people[~scores.same])
    return Material(fold_pairs(pairs, rng=rng), meet_listed(pairs))


def calibrate(
    material: Material, *, protocol: str, command: str, targets: Sequence[float] = TARGETS, rng: np.random.Generator
) -> Own:
    """Fit a calibration and choose thresholds.

    Args:
        material: the comparisons.
        protocol: whose these are, in words.
        command: what made it.
        targets: false match rates.
        rng: draws people for the intervals.

    Raises:
        CalibrationError: too few people.
        OptionError: a target outside of 0 to 1.
    """
    fitted = fit_calibration(material.folded, protocol=protocol, command=command)
    rows = tuple(threshold_table(material.known, targets, rng=rng))
    enough = unsupported(material.known, DEFAULT_FMR) is None
    measured = measure(material.known, protocol=protocol, command=command) if enough else None
    return Own(fitted, rows, measured, _check(fitted, protocol))


def _check(fitted: Fitted, protocol: str) -> CalibrationCheck:
    held = fitted.held_out
    bins = tuple(ReliabilityBin(b.low, b.high, b.mean, b.share, b.share_low, b.share_high, b.pairs) for b in held.bins)
    return CalibrationCheck(
        name="people left out of the fit",
        method=held.method,
        fitted_on=protocol,
        prior=EVEN,
        ece=Figure("ECE", held.ece, format="number"),
        brier=Figure("Brier", held.brier, format="number"),
        cllr=Figure("Cllr", held.cllr, format="number"),
        min_cllr=held.min_cllr,
        bins=bins,
        verdict="",
    )
