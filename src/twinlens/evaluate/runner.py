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

from twinlens.datasets.records import Dataset, Split
from twinlens.errors import CalibrationError
from twinlens.evaluate.choice import Choice, chosen, from_card
from twinlens.evaluate.everyone import compare_everyone, outcome_of_all
from twinlens.evaluate.figures import Chance
from twinlens.evaluate.listed import Test, outcome_of
from twinlens.evaluate.outcome import Outcome
from twinlens.evaluate.plan import Plan, Round, make_plan
from twinlens.evaluate.plan_leakage import leakage_of
from twinlens.evaluate.probabilities import probabilities_of
from twinlens.evaluate.quick import quick_look
from twinlens.evaluate.records import Baseline, Report
from twinlens.evaluate.score_records import Figure
from twinlens.evaluate.searches import search_people
from twinlens.evaluate.sight import Lens, Memory, Progress, Seen, see
from twinlens.evaluate.summary import acquisition_of, failures_of, part_of, protocol_of, speed_of
from twinlens.evaluate.trials import compare_pairs, join_trials
from twinlens.metrics.intervals import mcnemar
from twinlens.metrics.people import RESAMPLES
from twinlens.version import __version__
from twinlens.zoo import Measurement, ModelCard


@dataclass(frozen=True, slots=True)
class Options:
    """How an evaluation is made.

    Attributes:
        seed: of whatever is drawn: people divided, resampled, searched for.
        card_thresholds: thresholds from the model's card alone; everybody is tested.
        all_pairs: all pairs of photos in place of the listed ones.
        quick: at most so many people of each part, the first; such a report is marked.
        resamples: draws of people behind each interval.
        leakage: ``names`` opens no photo to look for copies.
        command: the exact command, for the report.
    """

    seed: int = 0
    card_thresholds: bool = False
    all_pairs: bool = False
    quick: int | None = None
    resamples: int = RESAMPLES
    leakage: Literal["full", "names"] = "full"
    command: str = ""


def evaluate(
    dataset: Dataset,
    lens: Lens,
    *,
    card: ModelCard | None = None,
    baseline: Lens | None = None,
    options: Options | None = None,
    memory: Memory | None = None,
    progress: Progress | None = None,
) -> Report:
    """Evaluate a system on a data set.

    Args:
        dataset: photos, pairs, parts.
        lens: the system.
        card: its thresholds and calibration are held against these people as well; None where it has none.
        baseline: a trivial system to stand beside it; None to leave it out.
        options: how.
        memory: of an earlier run of the same system.
        progress: called with (photos done, of how many).

    Raises:
        DatasetError: too little data, or no photo that could be used.
        CalibrationError: no pair of one kind could be compared.
    """
    options = options or Options()
    measured = None if card is None else card.measured
    if options.card_thresholds and measured is None:
        msg = "the model's card holds no measured thresholds: use --thresholds own, or calibrate the model first"
        raise CalibrationError(msg)
    if options.quick is not None:
        dataset = quick_look(dataset, options.quick)
    plan = make_plan(dataset, seed=options.seed, card_thresholds=options.card_thresholds, all_pairs=options.all_pairs)
    photos = [photo for split, _ in plan.parts for photo in split.photos]
    seen = see(photos, lens, memory=memory, progress=progress)
    outcome = _tested(plan, seen, measured, dataset, options)
    chance = Chance(np.random.default_rng(options.seed + 2), options.resamples)
    tested = list(dict.fromkeys(photo for round_ in plan.rounds for photo in round_.test.photos))
    return Report(
        title=f"{lens.system.model} on {dataset.name}",
        system=lens.system,
        protocol=protocol_of(dataset, plan, lens.system, options.seed),
        parts=tuple(part_of(split, role, seen, plan) for split, role in plan.parts),
        failures=failures_of(seen, tested, outcome, dataset),
        leakage=leakage_of(plan, dataset, seen=seen, card=card, depth=options.leakage, progress=progress),
        headline=(*outcome.headline, acquisition_of(seen, tested)),
        folds=outcome.folds,
        operating=outcome.operating,
        curve=outcome.curve,
        histogram=outcome.histogram,
        calibrations=probabilities_of(plan, seen, None if card is None else card.calibration, chance=chance),
        search=None if dataset.inferred_people else search_people(tested, seen, chance=chance),
        slices=outcome.slices,
        mistakes=outcome.mistakes,
        baseline=None if baseline is None else _baseline(baseline, plan, outcome, dataset, options),
        speed=speed_of(seen, outcome),
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
        sources = _sources([_choice(only, plan, seen)], measured, plan) or ((_read_off(only, plan, seen),),)
        return outcome_of_all(only.test, seen, [choices[0] for choices in sources], dataset.root, chance=chance)
    trials = [compare_pairs(round_.test, seen) for round_ in plan.rounds]
    test = Test(
        join_trials(trials, [round_.test for round_ in plan.rounds]),
        tuple(round_.test.name for round_ in plan.rounds),
        np.repeat(np.arange(len(trials)), [len(part.pairs) for part in trials]),
        _sources([_choice(round_, plan, seen) for round_ in plan.rounds], measured, plan)
        or (tuple(_read_off(round_, plan, seen) for round_ in plan.rounds),),
    )
    return outcome_of(test, seen, dataset.root, chance=chance)


def _choice(round_: Round, plan: Plan, seen: Seen) -> Choice | None:
    """Return what the choosing people decide; None where there are none."""
    return None if round_.choose is None else _chosen_on(round_.choose, f"chosen on {plan.chosen_on}", plan, seen)


def _chosen_on(split: Split, source: str, plan: Plan, seen: Seen) -> Choice:
    if plan.pairs == "all":
        crossed, scores = compare_everyone(split, seen)
        people = np.unique(crossed.people).size
        return chosen(source, scores.genuine, scores.impostor, met=people * (people - 1) // 2)
    trials = compare_pairs(split, seen)
    return chosen(source, trials.genuine, trials.impostor, met=trials.impostor.size)


def _read_off(round_: Round, plan: Plan, seen: Seen) -> Choice:
    """Return thresholds read off the tested people: for the baseline alone, which it flatters."""
    return _chosen_on(round_.test, "read off these pairs", plan, seen)


def _sources(
    choices: Sequence[Choice | None], measured: Measurement | None, plan: Plan
) -> tuple[tuple[Choice, ...], ...]:
    """Return the thresholds of each source, one a round; the choosing people's come first."""
    own = tuple(choice for choice in choices if choice is not None)
    found = [own] if own else []
    if measured is not None:
        found.append((from_card(measured),) * len(plan.rounds))
    return tuple(found)


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
