"""Listed test pairs against thresholds chosen elsewhere -> error rates with intervals.

LFW's and CFP's rules: a threshold from other people, accuracy over listed pairs, the mean and its standard error over
folds. A pair without a score is answered "no": a genuine one is an error, an impostor one is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int

from twinlens.evaluate.choice import Choice
from twinlens.evaluate.figures import Chance, figure_of, share
from twinlens.evaluate.outcome import (
    CURVE_POINTS,
    SHOWN_MISTAKES,
    Outcome,
    histogram_of,
    rows_worth_showing,
)
from twinlens.evaluate.records import Answers, Mistake
from twinlens.evaluate.score_records import ErrorCurve, Figure, OperatingRow
from twinlens.evaluate.sight import Seen
from twinlens.evaluate.slices import slices_of
from twinlens.evaluate.trials import Trials
from twinlens.metrics.intervals import Interval, over_folds, wilson
from twinlens.metrics.operating import threshold_at_fmr
from twinlens.metrics.people import PeopleScores, bootstrap
from twinlens.metrics.verification import auc, eer, error_curve, fnmr

CURVE_RESAMPLES = 300


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """Everything that was tested, with the threshold each pair was held against.

    Attributes:
        trials: of all rounds.
        names: of the rounds (folds).
        part: the round of each pair.
        choices: one a round, for each source of thresholds.
    """

    trials: Trials
    names: tuple[str, ...]
    part: Int[np.ndarray, " pairs"]
    choices: tuple[tuple[Choice, ...], ...]

    @property
    def thresholds(self) -> Float64[np.ndarray, " pairs"]:
        """What each pair is held against, by the first source."""
        held: Float64[np.ndarray, " pairs"] = np.array([choice.threshold for choice in self.choices[0]])[self.part]
        return held

    @property
    def accepted(self) -> Bool[np.ndarray, " pairs"]:
        """The answers; a pair without a score is answered no."""
        answers: Bool[np.ndarray, " pairs"] = self.trials.ranked >= self.thresholds
        return answers


def outcome_of(test: Test, seen: Seen, root: Path, *, chance: Chance) -> Outcome:
    """Return everything that is said of listed pairs."""
    trials = test.trials
    failed = ~trials.compared
    return Outcome(
        headline=tuple(headline(test, chance)),
        folds=tuple(_fold_accuracies(test)) if len(test.names) > 1 else (),
        operating=tuple(row for choices in test.choices for row in _operating(test, choices, chance)),
        curve=_curve(trials, chance),
        histogram=histogram_of(trials.genuine, trials.impostor),
        slices=slices_of(trials, test.accepted, seen, chance=chance),
        mistakes=_mistakes(test, root),
        answers=Answers(
            trials.digest(str(root)),
            tuple(None if np.isnan(score) else float(score) for score in trials.scores),
            tuple(trials.same.tolist()),
            tuple(test.accepted.tolist()),
        ),
        genuine=trials.genuine,
        impostor=trials.impostor,
        failed=(int((failed & trials.same).sum()), int((failed & ~trials.same).sum())),
        comparisons=int(trials.compared.sum()),
        threshold=float(np.median([choice.threshold for choice in test.choices[0]])),
    )


def headline(test: Test, chance: Chance) -> list[Figure]:
    """Return the figures that are said first, accuracy before all."""
    trials = test.trials
    right = test.accepted == trials.same
    whole = share("accuracy", right, trials.people, chance=chance, note="failures count as non-matches")
    figures = (
        [whole] if len(test.names) == 1 else [_over_folds(test, whole), _named(whole, "accuracy, all folds together")]
    )
    if not trials.compared.all():
        among = share(
            "accuracy of compared pairs",
            right[trials.compared],
            trials.people[trials.compared],
            chance=chance,
            note="pairs without a score left out: it flatters",
        )
        figures.append(among)
    figures += [
        share("FMR", test.accepted[~trials.same], trials.people[~trials.same], chance=chance),
        share("FNMR", ~test.accepted[trials.same], trials.people[trials.same], chance=chance),
        *_without_failures(test, chance),
        *_of_all_thresholds(trials, chance),
    ]
    return [figure for figure in figures if figure is not None]


def _without_failures(test: Test, chance: Chance) -> list[Figure | None]:
    """Return the FNMR of what could be compared, where something could not."""
    trials = test.trials
    compared = trials.same & trials.compared
    if compared.sum() == trials.same.sum():
        return []
    note = "pairs without a score left out: it flatters"
    name = "FNMR of compared pairs"
    return [share(name, ~test.accepted[compared], trials.people[compared], chance=chance, note=note)]


def _named(figure: Figure | None, name: str) -> Figure | None:
    return None if figure is None else replace(figure, name=name)


def _over_folds(test: Test, whole: Figure | None) -> Figure:
    """Return the mean over folds; folds that are all equal say nothing of chance, so that all pairs together must."""
    mean = over_folds(_fold_accuracies(test))
    note = f"{len(test.names)} folds, standard error {mean.standard_error:.4f}; failures count as non-matches"
    found = figure_of("accuracy, mean over folds", mean.interval, note=note)
    if found.low is not None and found.high is not None:  # Student's interval knows of no ends
        found = replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))
    if mean.standard_error or whole is None:
        return found
    return replace(found, low=whole.low, high=whole.high, method=whole.method)


def _fold_accuracies(test: Test) -> list[float]:
    right = test.accepted == test.trials.same
    return [float(right[test.part == number].mean()) for number in range(len(test.names))]


def _of_all_thresholds(trials: Trials, chance: Chance) -> list[Figure]:
    """Return figures that belong to no threshold, with intervals by resampling people; failures lie lowest."""
    same, ranked = trials.same, trials.ranked
    scores = PeopleScores(ranked[same], ranked[~same], trials.people[same, 0], trials.people[~same])
    wanted = {
        "AUC": (auc, "number"),
        "EER": (lambda g, i: eer(g, i).rate, "rate"),
        "TAR at FMR 1 %": (lambda g, i: 1 - fnmr(g, threshold_at_fmr(i, 0.01, unsupported=True)), "rate"),
        "TAR at FMR 0.1 %": (lambda g, i: 1 - fnmr(g, threshold_at_fmr(i, 0.001, unsupported=True)), "rate"),
    }
    figures = []
    for name, (statistic, shown) in wanted.items():
        needed = 3000 if "0.1 %" in name else 300
        note = "threshold read off these very pairs" if name.startswith("TAR") else ""
        if name.startswith("TAR") and scores.impostor.size < needed:
            few = f"{scores.impostor.size:,} impostor pairs cannot support it: {needed:,} are needed (rule of three)"
            figures.append(Figure(name, None, note=few))
            continue
        interval = bootstrap(scores, statistic, rng=chance.rng, resamples=chance.resamples)
        interval = _at_least(interval, name, scores.genuine.size, scores.impostor.size)
        figures.append(
            Figure(name, interval.estimate, interval.low, interval.high, interval.method, shown, note)  # type: ignore[arg-type]
        )
    return figures


def _at_least(interval: Interval, name: str, genuine: int, impostors: int) -> Interval:
    """Return the interval; where no resample saw an error, what so many pairs could have hidden.

    A curve through (e, 1 - e) has at least the area (1 - e)^2 below it.
    """
    if interval.low < interval.high or interval.estimate not in {0.0, 1.0}:
        return interval
    missed, matched = (wilson(0, pairs).high for pairs in (genuine, impostors))
    both = (missed + matched) / 2
    low, high = {"AUC": ((1 - both) ** 2, 1.0), "EER": (0.0, both)}.get(name, (1 - missed, 1.0))
    return replace(interval, low=low, high=high, method="Wilson, no error seen")


def _operating(test: Test, choices: Sequence[Choice], chance: Chance) -> list[OperatingRow]:
    """Return a row a target; each fold is held against its own threshold, the median of which is shown."""
    trials, source = test.trials, choices[0].source
    least = min(choice.impostors for choice in choices)
    targets: dict[float, float | str] = {}
    for target in choices[0].targets:
        found = [choice.targets[target] for choice in choices]
        refused = next((reason for reason in found if isinstance(reason, str)), None)
        numbers = [threshold for threshold in found if isinstance(threshold, float)]
        targets[target] = refused if refused is not None else float(np.median(numbers))

    def measure(target: float, threshold: float) -> OperatingRow:
        own = np.array([choice.targets[target] for choice in choices], dtype=np.float64)[test.part]
        accepted = trials.ranked >= own
        fmr = share("FMR", accepted[~trials.same], trials.people[~trials.same], chance=chance)
        fnmr_ = share("FNMR", ~accepted[trials.same], trials.people[trials.same], chance=chance)
        return OperatingRow(source, target, threshold, least, fmr, fnmr_)

    return rows_worth_showing(targets, source, least, measure)


def _curve(trials: Trials, chance: Chance) -> ErrorCurve:
    """Return both errors at up to 160 thresholds, with bands by resampling people."""
    same, ranked = trials.same, trials.ranked
    curve = error_curve(ranked[same], ranked[~same])
    keep = np.unique(np.linspace(0, curve.thresholds.size - 2, CURVE_POINTS).astype(int))
    keep = np.union1d(keep, np.flatnonzero(np.diff(curve.fmr) != 0)[-CURVE_POINTS:])
    thresholds = curve.thresholds[keep]
    count = int(trials.people.max()) + 1
    bands = []
    for wrong, chosen in ((ranked[~same, None] >= thresholds, ~same), (ranked[same, None] < thresholds, same)):
        people = trials.people[chosen]
        rates = []
        for _ in range(min(CURVE_RESAMPLES, chance.resamples)):
            times = np.bincount(chance.rng.integers(count, size=count), minlength=count)
            weights = times[people[:, 0]] * np.where(people[:, 0] == people[:, 1], 1, times[people[:, 1]])
            if weights.sum():
                rates.append(weights @ wrong / weights.sum())
        low, high = np.quantile(np.array(rates), [0.025, 0.975], axis=0)
        bands.append(tuple(zip(low.tolist(), high.tolist(), strict=True)))
    return ErrorCurve(
        tuple(thresholds.tolist()), tuple(curve.fmr[keep].tolist()), tuple(curve.fnmr[keep].tolist()), *bands
    )


def _mistakes(test: Test, root: Path) -> tuple[Mistake, ...]:
    """Return the pairs farthest on the wrong side of their threshold, half of each kind; failures are no opinion."""
    trials, accepted, thresholds = test.trials, test.accepted, test.thresholds
    found = []
    for kind, wrong in (("false match", accepted & ~trials.same), ("false non-match", ~accepted & trials.same)):
        rows = np.flatnonzero(wrong & trials.compared)
        distance = np.abs(trials.scores[rows] - thresholds[rows])
        for row in rows[np.argsort(-distance, kind="stable")][:SHOWN_MISTAKES]:
            pair = trials.pairs[row]
            found.append(
                Mistake(
                    kind,  # type: ignore[arg-type]
                    relative(pair.first.path, root),
                    relative(pair.second.path, root),
                    (pair.first.subject, pair.second.subject),
                    float(trials.scores[row]),
                    float(thresholds[row]),
                    test.names[test.part[row]],
                )
            )
    return tuple(found)


def relative(path: Path, root: Path) -> str:
    """Return a photo's place within its data set, for reports that travel."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
