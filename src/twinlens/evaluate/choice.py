"""Scores of the choosing people, or the model's card -> thresholds: what the test people are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from twinlens.errors import CalibrationError
from twinlens.metrics.operating import impostors_needed, threshold_at_fmr
from twinlens.metrics.verification import best_accuracy_threshold
from twinlens.score import DEFAULT_FMR, threshold_at
from twinlens.zoo import Measurement

TARGETS = (0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody else's pairs decided.

    Attributes:
        source: ``chosen on train``, ``of the model's card``.
        threshold: for the accuracy: best on the choosing pairs, or the card's at its default FMR.
        targets: target FMR -> threshold, or the reason why there is none.
        impostors: pairs of two people behind the choice.
    """

    source: str
    threshold: float
    targets: Mapping[float, float | str]
    impostors: int


def chosen(
    source: str,
    genuine: Float[np.ndarray, " genuine"],
    impostor: Float[np.ndarray, " impostor"],
    *,
    met: int,
    targets: Sequence[float] = TARGETS,
) -> Choice:
    """Choose thresholds on the scores of other people.

    Args:
        source: who chose, for the report.
        genuine: scores of pairs of one person.
        impostor: scores of pairs of two people.
        met: pairs of two people behind ``impostor``. Where all photos are compared each counts once, however many
            photos the two have: pairs of photos are not independent enough for the rule of three. A list of pairs,
            drawn so that people rarely meet twice, counts as it is.
        targets: false match rates.
    """
    return Choice(
        source,
        best_accuracy_threshold(genuine, impostor),
        {target: _supported(impostor, target, met) for target in targets},
        impostor.size,
    )


def from_card(measured: Measurement, *, targets: Sequence[float] = TARGETS) -> Choice:
    """Take the thresholds that the card states."""
    found: dict[float, float | str] = {}
    for target in targets:
        try:
            found[target] = threshold_at(measured, target)
        except CalibrationError as error:
            found[target] = str(error)
    return Choice("of the model's card", threshold_at(measured, DEFAULT_FMR), found, measured.impostors)


def _supported(impostor: Float[np.ndarray, " impostor"], target: float, met: int) -> float | str:
    needed = impostors_needed(target)
    if met < needed <= impostor.size:
        return (
            f"{impostor.size:,} pairs of photos, but only {met:,} pairs of people: FMR {target:g} needs {needed:,} "
            "(rule of three)"
        )
    try:
        return threshold_at_fmr(impostor, target)
    except CalibrationError as error:
        return str(error)
