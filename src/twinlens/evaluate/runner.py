"""A system + a data set -> Report: the protocol from the first photo to the last figure.

data set -> plan (who chooses, who is tested) -> leakage check -> photos seen once -> thresholds and calibration
from the choosing people -> the test people, once -> report
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from twinlens.datasets.records import Dataset, Photo, Split
from twinlens.datasets.registry import DATASETS
from twinlens.errors import CalibrationError
from twinlens.evaluate.choice import Choice, chosen, from_card
from twinlens.evaluate.everyone import compare_everyone, outcome_of_all
from twinlens.evaluate.figures import Chance, figure_of
from twinlens.evaluate.listed import Test, outcome_of, relative
from twinlens.evaluate.machine import machine
from twinlens.evaluate.outcome import Outcome
from twinlens.evaluate.plan import Plan, Round, make_plan
from twinlens.evaluate.quick import quick_look
from twinlens.evaluate.records import (
    Baseline,
    Caution,
    Failures,
    Figure,
    Part,
    Protocol,
    Report,
    Speed,
    System,
)
from twinlens.evaluate.searches import search_people
from twinlens.evaluate.sight import NO_FACE, Lens, Memory, Progress, Seen, see
from twinlens.evaluate.trials import compare_pairs, join_trials
from twinlens.metrics.acquisition import failure_rate
from twinlens.metrics.intervals import mcnemar
from twinlens.metrics.people import RESAMPLES
from twinlens.version import __version__
from twinlens.zoo import Measurement

EXAMPLES = 50  # of failures, in a report


@dataclass(frozen=True, slots=True)
class Options:
    """How an evaluation is made.

    Attributes:
        seed: of whatever is drawn: people divided, resampled, searched for.
        card_thresholds: thresholds from the model's card alone; everybody is tested.
        all_pairs: all pairs of photos in place of the listed ones.
        quick: at most so many people of each part, the first; such a report is marked.
        resamples: draws of people behind each interval.
        command: the exact command, for the report.
    """

    seed: int = 0
    card_thresholds: bool = False
    all_pairs: bool = False
    quick: int | None = None
    resamples: int = RESAMPLES
    command: str = ""


def evaluate(
    dataset: Dataset,
    lens: Lens,
    *,
    measured: Measurement | None = None,
    baseline: Lens | None = None,
    options: Options | None = None,
    memory: Memory | None = None,
    progress: Progress | None = None,
) -> Report:
    """Evaluate a system on a data set.

    Args:
        dataset: photos, pairs, parts.
        lens: the system.
        measured: the thresholds of its card, to be held against these people; None where it has none.
        baseline: a trivial system to stand beside it; None to leave it out.
        options: how.
        memory: of an earlier run of the same system.
        progress: called with (photos done, of how many).

    Raises:
        DatasetError: too little data, or no photo that could be used.
        CalibrationError: no pair of one kind could be compared.
    """
    options = options or Options()
    if options.quick is not None:
        dataset = quick_look(dataset, options.quick)
    plan = make_plan(dataset, seed=options.seed, card_thresholds=options.card_thresholds, all_pairs=options.all_pairs)
    photos = [photo for split, _ in plan.parts for photo in split.photos]
    seen = see(photos, lens, memory=memory, progress=progress)
    outcome = _tested(plan, seen, measured, dataset, options)
    tested = list(dict.fromkeys(photo for round_ in plan.rounds for photo in round_.test.photos))
    return Report(
        title=f"{lens.system.model} on {dataset.name}",
        system=lens.system,
        protocol=_protocol(dataset, plan, lens.system, options),
        parts=tuple(_part(split, role, seen, plan) for split, role in plan.parts),
        failures=_failures(seen, tested, outcome, dataset),
        leakage=_leakage(plan),
        headline=(*outcome.headline, _acquisition(seen, tested)),
        folds=outcome.folds,
        operating=outcome.operating,
        curve=outcome.curve,
        histogram=outcome.histogram,
        calibrations=(),
        search=search_people(tested, seen, chance=Chance(np.random.default_rng(options.seed + 2), options.resamples)),
        slices=outcome.slices,
        mistakes=outcome.mistakes,
        baseline=None if baseline is None else _baseline(baseline, plan, outcome, dataset, options),
        speed=_speed(seen, outcome),
        answers=outcome.answers,
        command=options.command,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        quick=options.quick is not None,
    )


def _tested(plan: Plan, seen: Seen, measured: Measurement | None, dataset: Dataset, options: Options) -> Outcome:
    """Choose, then test, once."""
    chance = Chance(np.random.default_rng(options.seed + 1), options.resamples)
    if plan.pairs == "all":
        (only,) = plan.rounds
        sources = _sources([_choice(only, plan, seen)], measured, plan)
        return outcome_of_all(only.test, seen, [choices[0] for choices in sources], dataset.root, chance=chance)
    trials = [compare_pairs(round_.test, seen) for round_ in plan.rounds]
    test = Test(
        join_trials(trials, [round_.test for round_ in plan.rounds]),
        tuple(round_.test.name for round_ in plan.rounds),
        np.repeat(np.arange(len(trials)), [len(part.pairs) for part in trials]),
        _sources([_choice(round_, plan, seen) for round_ in plan.rounds], measured, plan),
    )
    return outcome_of(test, seen, dataset.root, chance=chance)


def _choice(round_: Round, plan: Plan, seen: Seen) -> Choice | None:
    """Return what the choosing people decide; None where there are none."""
    if round_.choose is None:
        return None
    source = f"chosen on {plan.chosen_on}"
    if plan.pairs == "all":
        scores = compare_everyone(round_.choose, seen)[1]
        return chosen(source, scores.genuine, scores.impostor)
    trials = compare_pairs(round_.choose, seen)
    return chosen(source, trials.genuine, trials.impostor)


def _sources(
    choices: Sequence[Choice | None], measured: Measurement | None, plan: Plan
) -> tuple[tuple[Choice, ...], ...]:
    """Return the thresholds of each source, one a round; the choosing people's come first.

    Raises:
        CalibrationError: there are none.
    """
    own = tuple(choice for choice in choices if choice is not None)
    found = [own] if own else []
    if measured is not None:
        found.append((from_card(measured),) * len(plan.rounds))
    if not found:
        msg = "the model's card holds no measured thresholds: use --thresholds own, or calibrate the model first"
        raise CalibrationError(msg)
    return tuple(found)


def _protocol(dataset: Dataset, plan: Plan, system: System, options: Options) -> Protocol:
    outside = [dataset.outside_data] if dataset.outside_data else []
    if system.pretrained:
        outside.append(f"the embedder {system.model}: trained on other people's photos ({system.training_data})")
        outside.append(f"the detector {system.detector}: trained on other photos")
    return Protocol(
        dataset=dataset.name,
        title=DATASETS[dataset.name].about if dataset.name in DATASETS else f"{dataset.name}: your own data",
        rule=(
            *plan.rule,
            "A photo without a face fails: its pairs are answered no, which is an error where they show one person.",
            "The test people are scored once, with everything already chosen.",
        ),
        outside_data=tuple(outside),
        terms=dataset.terms,
        notes=dataset.notes,
        pairs=plan.pairs,
        seed=options.seed,
    )


def _part(split: Split, role: Literal["threshold", "test", "fold"], seen: Seen, plan: Plan) -> Part:
    counts = split.counts
    genuine, impostors = counts.same, counts.different
    if plan.pairs == "all":
        sizes = np.unique([photo.subject for photo in split.photos], return_counts=True)[1]
        genuine = int((sizes * (sizes - 1) // 2).sum())
        impostors = counts.photos * (counts.photos - 1) // 2 - genuine
    failures = int((~seen.found[seen.of(split.photos)]).sum())
    return Part(split.name, role, counts.people, counts.photos, genuine, impostors, failures)


def _failures(seen: Seen, tested: Sequence[Photo], outcome: Outcome, dataset: Dataset) -> Failures:
    faults = [(photo, seen.faults[row]) for photo, row in zip(tested, seen.of(tested), strict=True) if seen.faults[row]]
    no_face = sum(fault == NO_FACE for _, fault in faults)
    return Failures(
        photos=len(tested),
        no_face=no_face,
        unreadable=len(faults) - no_face,
        genuine=outcome.failed[0],
        impostors=outcome.failed[1],
        examples=tuple(f"{relative(photo.path, dataset.root)}: {fault}" for photo, fault in faults[:EXAMPLES]),
    )


def _acquisition(seen: Seen, tested: Sequence[Photo]) -> Figure:
    found = seen.found[seen.of(tested)]
    failures = int((~found).sum())
    note = f"{failures:,} of {found.size:,} photos gave no embedding"
    return figure_of("FTA", failure_rate(failures, found.size), note=note)


def _leakage(plan: Plan) -> tuple[Caution, ...]:
    """Return whether people who choose are also tested."""
    shared: set[str] = set()
    for round_ in plan.rounds:
        if round_.choose is not None:
            shared |= round_.choose.people & round_.test.people
    if not shared:
        return (Caution("clean", "Nobody who chooses thresholds is tested, by name."),)
    text = f"{len(shared):,} of the people tested also choose thresholds: the figures are flattered."
    return (Caution("leak", text, tuple(sorted(shared)[:20])),)


def _baseline(lens: Lens, plan: Plan, outcome: Outcome, dataset: Dataset, options: Options) -> Baseline:
    """Put the trivial system through the same plan."""
    photos = [photo for split, _ in plan.parts for photo in split.photos]
    other = _tested(plan, see(photos, lens), None, dataset, options)
    test = Figure("McNemar's test", None, format="p-value", note="only for listed pairs")
    if outcome.answers is not None and other.answers is not None:
        same = np.array(outcome.answers.same)
        result = mcnemar(np.array(outcome.answers.accepted) == same, np.array(other.answers.accepted) == same)
        note = f"{result.only_first:,} pairs only the system answers rightly, {result.only_second:,} only the baseline"
        test = Figure("McNemar's test", result.p_value, method="exact", format="p-value", note=note)
    kept = tuple(figure for figure in other.headline if figure.name.startswith(("accuracy", "AUC", "EER")))
    return Baseline(lens.system.summary, kept, test)


def _speed(seen: Seen, outcome: Outcome) -> Speed:
    rate = seen.looked / seen.seconds if seen.looked and seen.seconds else 0.0
    return Speed(seen.looked, seen.seconds, rate, outcome.comparisons, machine())
