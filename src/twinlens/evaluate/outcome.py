"""What testing gives, whatever was compared: listed pairs or all pairs of photos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from twinlens.evaluate.records import Answers, Mistake, Slice
from twinlens.evaluate.score_records import ErrorCurve, Figure, Histogram, OperatingRow

LEAST_BINS, MOST_BINS = 20, 80
CURVE_POINTS = 160
SHOWN_MISTAKES = 12  # of each kind

Genuine = Float[np.ndarray, " genuine"]
Impostor = Float[np.ndarray, " impostor"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The tested people's part of a report.

    Attributes:
        headline: what is said first.
        folds: accuracy of each fold; empty without.
        operating: thresholds chosen elsewhere, and what they did.
        curve: both errors at all thresholds.
        histogram: of the scores.
        slices: errors by what pairs have in common.
        mistakes: the most certain of both kinds.
        answers: pair by pair; None for all pairs.
        genuine: scores of compared pairs, for calibration.
        impostor: likewise.
        failed: genuine and impostor pairs without a score.
        comparisons: how many pairs were scored.
        threshold: the similarity that slices and mistakes are judged at (the median over folds).
    """

    headline: tuple[Figure, ...]
    folds: tuple[float, ...]
    operating: tuple[OperatingRow, ...]
    curve: ErrorCurve
    histogram: Histogram
    slices: tuple[Slice, ...]
    mistakes: tuple[Mistake, ...]
    answers: Answers | None
    genuine: Genuine
    impostor: Impostor
    failed: tuple[int, int]
    comparisons: int
    threshold: float


def histogram_of(genuine: Genuine, impostor: Impostor) -> Histogram:
    """Count similarities in even bins from the lowest to the highest, fewer where there are few pairs to count."""
    low = min(float(genuine.min()), float(impostor.min()))
    high = max(float(genuine.max()), float(impostor.max()))
    bins = int(np.clip(2 * min(genuine.size, impostor.size) ** 0.5, LEAST_BINS, MOST_BINS))
    edges = np.linspace(low, max(high, low + 1e-6), bins + 1)
    counts = [np.histogram(scores, edges)[0].tolist() for scores in (genuine, impostor)]
    return Histogram(tuple(edges.tolist()), tuple(counts[0]), tuple(counts[1]))


def refused_row(source: str, target: float, reason: str, impostors: int) -> OperatingRow:
    """Return the row of a target that the data cannot support."""
    return OperatingRow(source, target, None, impostors, None, None, reason)


def rows_worth_showing(
    targets: dict[float, float | str], source: str, impostors: int, measure: Callable[[float, float], OperatingRow]
) -> list[OperatingRow]:
    """Return a row a target; of those refused only the loosest."""
    rows: list[OperatingRow] = []
    for target, threshold in sorted(targets.items(), reverse=True):
        if isinstance(threshold, float):
            rows.append(measure(target, threshold))
        else:
            return [*rows, refused_row(source, target, threshold, impostors)]
    return rows
