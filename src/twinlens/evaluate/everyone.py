"""All pairs of the tested people's photos -> the tested part of a report (see `twinlens.evaluate.crossed`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from twinlens.datasets.records import Photo, Split
from twinlens.evaluate.choice import Choice
from twinlens.evaluate.crossed import Counted, Crossed, count_by_person, cross, resampled_rates
from twinlens.evaluate.crossed_slices import slices_of_all
from twinlens.evaluate.figures import Chance, figure_of
from twinlens.evaluate.listed import relative
from twinlens.evaluate.outcome import CURVE_POINTS, SHOWN_MISTAKES, Outcome, histogram_of, rows_worth_showing
from twinlens.evaluate.records import Mistake
from twinlens.evaluate.score_records import ErrorCurve, Figure, OperatingRow
from twinlens.evaluate.sight import Seen
from twinlens.metrics.all_pairs import AllPairs, FalseMatches, find_false_matches, score_all_pairs
from twinlens.metrics.intervals import Interval
from twinlens.metrics.operating import impostors_needed, threshold_at_fmr
from twinlens.metrics.verification import auc, eer, error_curve

READ_OFF = (0.01, 0.001, 1e-4, 1e-5)  # TAR at FMR, thresholds from the tested pairs as the literature does
HEADLINE_FMR = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Everything that was counted.

    Attributes:
        crossed: the photos.
        scores: of all compared pairs, ascending.
        counted: by person, at every threshold that is reported.
        rates: of resampled people.
    """

    crossed: Crossed
    scores: AllPairs
    counted: Counted
    rates: Mapping[str, Float64[np.ndarray, "resamples points"]]


def compare_everyone(split: Split, seen: Seen) -> tuple[Crossed, AllPairs]:
    """Compare all photos of a part.

    Raises:
        CalibrationError: no pair of one kind could be compared.
    """
    crossed = cross([p.subject for p in split.photos], seen.of(split.photos), seen.vectors, seen.found)
    return crossed, score_all_pairs(crossed.vectors, [f"{person:09d}" for person in crossed.people.tolist()])


def outcome_of_all(split: Split, seen: Seen, choices: Sequence[Choice], root: Path, *, chance: Chance) -> Outcome:
    """Return everything that is said of all pairs of a part's photos."""
    crossed, scores = compare_everyone(split, seen)
    curve = error_curve(scores.genuine, scores.impostor)
    keep = np.unique(np.linspace(0, curve.thresholds.size - 2, CURVE_POINTS).astype(int))
    read_off = {
        target: threshold_at_fmr(scores.impostor, target)
        for target in READ_OFF
        if scores.impostor.size >= impostors_needed(target)
    }
    equal = eer(scores.genuine, scores.impostor)
    asked = [t for choice in choices for t in choice.targets.values() if isinstance(t, float)]
    headline_at = _headline_threshold(choices[0])
    points = np.array([*curve.thresholds[keep], *asked, *read_off.values(), equal.threshold, headline_at])
    counted = count_by_person(crossed, points)
    table = Table(
        crossed, scores, counted, resampled_rates(counted, crossed, rng=chance.rng, resamples=chance.resamples)
    )
    matches = find_false_matches(crossed.vectors, [f"{p:09d}" for p in crossed.people.tolist()], headline_at)
    return Outcome(
        headline=tuple(_headline(table, choices[0], headline_at, read_off, equal.rate, equal.threshold)),
        folds=(),
        operating=tuple(row for choice in choices for row in _operating(table, choice)),
        curve=_curve(table, curve.thresholds[keep]),
        histogram=histogram_of(scores.genuine, scores.impostor),
        slices=slices_of_all(crossed, matches.photos, headline_at, seen),
        mistakes=_mistakes(crossed, matches, headline_at, seen, root, split.name),
        answers=None,
        genuine=scores.genuine,
        impostor=scores.impostor,
        failed=crossed.failed,
        comparisons=scores.genuine.size + scores.impostor.size,
        threshold=headline_at,
    )


def _headline_threshold(choice: Choice) -> float:
    """Return the threshold for one stranger in a thousand, or the strictest that is supported."""
    wanted = choice.targets.get(HEADLINE_FMR)
    supported = [threshold for threshold in choice.targets.values() if isinstance(threshold, float)]
    return wanted if isinstance(wanted, float) else max(supported, default=choice.threshold)


def _headline(
    table: Table, choice: Choice, threshold: float, read_off: Mapping[float, float], rate: float, equal_at: float
) -> list[Figure]:
    counted, crossed = table.counted, table.crossed
    place = counted.at(threshold)
    figures = [
        figure_of("FMR", counted.fmr(place, crossed), note=f"at threshold {threshold:.3f}, {choice.source}"),
        figure_of("FNMR", counted.fnmr(place, crossed), note="at the same threshold; failures count as non-matches"),
    ]
    both = [counted.fmr(counted.at(equal_at), crossed), counted.fnmr(counted.at(equal_at), crossed)]
    low, high = (sum(getattr(interval, end) for interval in both) / 2 for end in ("low", "high"))
    figures.append(
        figure_of("EER", Interval(rate, min(low, rate), max(high, rate), 0.95, "of FMR and FNMR, by person"))
    )
    figures.append(_auc(table, hidden=high))
    for target in READ_OFF:
        name = f"TAR at FMR {target * 100:g} %"
        if target not in read_off:
            few = f"{table.scores.impostor.size:,} impostor pairs; {impostors_needed(target):,} are needed"
            figures.append(Figure(name, None, note=few))
            continue
        miss = counted.fnmr(counted.at(read_off[target]), crossed)
        interval = Interval(1 - miss.estimate, 1 - miss.high, 1 - miss.low, miss.confidence, miss.method)
        figures.append(figure_of(name, interval, note="threshold read off these very pairs"))
    return figures


def _auc(table: Table, *, hidden: float) -> Figure:
    """Return the AUC; its interval comes from resampled people's curves, which are coarser than the scores.

    Where no resample saw an error, what so few people could have hidden: a curve through (e, 1 - e) has at least the
    area (1 - e)^2 below it.
    """
    value = auc(table.scores.genuine, table.scores.impostor)
    fmr, tmr = table.rates["fmr"], 1 - table.rates["fnmr"]
    ones, zeros = np.ones((fmr.shape[0], 1)), np.zeros((fmr.shape[0], 1))
    x, y = np.hstack((ones, fmr, zeros)), np.hstack((ones, tmr, zeros))
    areas = -np.trapezoid(y, x, axis=1)
    low, high = np.quantile(areas, [0.025, 0.975]) + value - areas.mean()
    note = f"{table.scores.genuine.size:,} genuine and {table.scores.impostor.size:,} impostor pairs"
    if value == 1.0 and areas.min() == areas.max():
        return Figure("AUC", value, (1 - hidden) ** 2, 1.0, "Wilson, no error seen", "number", note)
    return Figure("AUC", value, min(low, value), min(max(high, value), 1.0), "bootstrap by person", "number", note)


def _operating(table: Table, choice: Choice) -> list[OperatingRow]:
    def measure(target: float, threshold: float) -> OperatingRow:
        place = table.counted.at(threshold)
        fmr, fnmr = table.counted.fmr(place, table.crossed), table.counted.fnmr(place, table.crossed)
        wrong = int(table.counted.impostor[:, place].sum()) // 2
        missed = int((table.crossed.genuine - table.counted.genuine[:, place]).sum())
        return OperatingRow(
            choice.source,
            target,
            threshold,
            choice.impostors,
            figure_of("FMR", fmr, note=f"{wrong:,} of {int(table.crossed.impostors.sum()) // 2:,}"),
            figure_of("FNMR", fnmr, note=f"{missed:,} of {int(table.crossed.genuine.sum()):,}"),
        )

    return rows_worth_showing(dict(choice.targets), choice.source, choice.impostors, measure)


def _curve(table: Table, thresholds: Float64[np.ndarray, " points"]) -> ErrorCurve:
    places = [table.counted.at(threshold) for threshold in np.unique(thresholds)]
    fmr = [table.counted.fmr(place, table.crossed) for place in places]
    fnmr = [table.counted.fnmr(place, table.crossed) for place in places]
    return ErrorCurve(
        tuple(table.counted.thresholds[places].tolist()),
        tuple(interval.estimate for interval in fmr),
        tuple(interval.estimate for interval in fnmr),
        tuple((interval.low, interval.high) for interval in fmr),
        tuple((interval.low, interval.high) for interval in fnmr),
    )


def _mistakes(
    crossed: Crossed, matches: FalseMatches, threshold: float, seen: Seen, root: Path, part: str
) -> tuple[Mistake, ...]:
    """Return the most certain mistakes of both kinds."""
    photos = [seen.photos[row] for row in crossed.rows]
    found = [
        _mistake("false match", (photos[a], photos[b]), float(score), threshold, root, part)
        for (a, b), score in zip(
            matches.photos[:SHOWN_MISTAKES].tolist(), matches.scores[:SHOWN_MISTAKES].tolist(), strict=True
        )
    ]
    worst = _least_alike(crossed, threshold)
    return (
        *found,
        *(_mistake("false non-match", (photos[a], photos[b]), s, threshold, root, part) for s, a, b in worst),
    )


def _mistake(kind: str, pair: tuple[Photo, Photo], score: float, threshold: float, root: Path, part: str) -> Mistake:
    return Mistake(
        kind,  # type: ignore[arg-type]
        relative(pair[0].path, root),
        relative(pair[1].path, root),
        (pair[0].subject, pair[1].subject),
        score,
        threshold,
        part,
    )


def _least_alike(crossed: Crossed, threshold: float) -> list[tuple[float, int, int]]:
    """Return the genuine pairs of lowest similarity below the threshold, at most two of a person."""
    starts = np.searchsorted(crossed.people, np.arange(crossed.photos.size + 1))
    found: list[tuple[float, int, int]] = []
    for start, end in pairwise(starts):
        scores = crossed.vectors[start:end] @ crossed.vectors[start:end].T
        first, second = np.triu_indices(end - start, 1)
        below = scores[first, second]
        for place in np.argsort(below)[:2]:
            if below[place] < threshold:
                found.append((float(below[place]), int(start + first[place]), int(start + second[place])))
    return sorted(found)[:SHOWN_MISTAKES]
