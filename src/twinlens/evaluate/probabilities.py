"""A plan, what was seen, the card -> how far probabilities can be believed on the tested people.

Two calibrations are held against them: the one of the model's card, which is what `verify` says, and one fitted on the
people who choose thresholds. With folds each pair is read by the calibration of the other folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twinlens.datasets.records import Photo
from twinlens.errors import CalibrationError
from twinlens.evaluate.calibration_check import check_all_pairs, check_calibration
from twinlens.evaluate.figures import Chance
from twinlens.evaluate.plan import Plan
from twinlens.evaluate.score_records import CalibrationCheck
from twinlens.evaluate.sight import Seen
from twinlens.evaluate.trials import Trials, compare_pairs, join_trials
from twinlens.metrics.all_pairs import Vectors
from twinlens.metrics.calibrating import fit_calibration
from twinlens.metrics.folded import Folded, fold_pairs, fold_vectors
from twinlens.metrics.people import PeopleScores
from twinlens.zoo.calibration import Calibration

OF_CARD = "of the model's card"
SHRUNK = 20.0  # brings llrs into the range of similarities, -1 to 1, in which scores are kept
MOST_CHECKED = 5_000_000  # pairs with intervals by resampling


def probabilities_of(
    plan: Plan, seen: Seen, card: Calibration | None, *, chance: Chance
) -> tuple[CalibrationCheck, ...]:
    """Return the checks, the card's first; none where nothing is calibrated and too few people choose."""
    checks = _all(plan, seen, card, chance) if plan.pairs == "all" else _listed(plan, seen, card, chance)
    return tuple(checks)


def _listed(plan: Plan, seen: Seen, card: Calibration | None, chance: Chance) -> list[CalibrationCheck]:
    tests = [compare_pairs(round_.test, seen) for round_ in plan.rounds]
    whole = join_trials(tests, [round_.test for round_ in plan.rounds])
    checks = [] if card is None else [_check(card, whole, OF_CARD, chance)]
    try:
        own = [
            fit_calibration(_folded(compare_pairs(part, seen), chance), protocol=plan.chosen_on, command="").calibration
            for part in (round_.choose for round_ in plan.rounds)
            if part is not None
        ]
    except CalibrationError:  # too few people chose
        return checks
    if len(own) == 1:
        checks.append(_check(own[0], whole, f"fitted on {plan.chosen_on}", chance))
    elif own:
        checks.append(_stitched(own, tests, whole, plan, chance))
    return checks


def _stitched(
    own: Sequence[Calibration], tests: Sequence[Trials], whole: Trials, plan: Plan, chance: Chance
) -> CalibrationCheck:
    """Check pairs that several calibrations read: their llrs stand where similarities would."""
    llr = np.full(whole.scores.size, np.nan)
    llr[whole.compared] = np.concatenate(
        [calibration.llr(test.scores[test.compared]) for calibration, test in zip(own, tests, strict=True)]
    )
    as_is = replace(own[0], method="logistic", weights=(SHRUNK, 0.0), knots=())
    check = _check(as_is, replace(whole, scores=llr / SHRUNK), f"fitted on {plan.chosen_on}", chance)
    methods = " or ".join(sorted({calibration.method for calibration in own}))
    return replace(check, method=methods, fitted_on=plan.chosen_on)


def _check(calibration: Calibration, trials: Trials, name: str, chance: Chance) -> CalibrationCheck:
    people = trials.people[trials.compared]
    same = trials.same[trials.compared]
    return check_calibration(
        calibration,
        trials.genuine,
        trials.impostor,
        name=name,
        people=(people[same, 0], people[~same]),
        chance=chance,
    )


def _folded(trials: Trials, chance: Chance) -> Folded:
    people = trials.people[trials.compared]
    same = trials.same[trials.compared]
    return fold_pairs(PeopleScores(trials.genuine, trials.impostor, people[same, 0], people[~same]), rng=chance.rng)


def _all(plan: Plan, seen: Seen, card: Calibration | None, chance: Chance) -> list[CalibrationCheck]:
    (only,) = plan.rounds
    vectors, subjects = _compared(only.test.photos, seen)
    drawn = chance if len(subjects) ** 2 / 2 <= MOST_CHECKED else None
    found = [] if card is None else [(card, OF_CARD)]
    if only.choose is not None:
        data = fold_vectors(*_compared(only.choose.photos, seen), rng=chance.rng)
        try:
            own = fit_calibration(data, protocol=plan.chosen_on, command="").calibration
            found.append((own, f"fitted on {plan.chosen_on}"))
        except CalibrationError:
            pass
    return [check_all_pairs(one, vectors, subjects, name=name, chance=drawn) for one, name in found]


def _compared(photos: Sequence[Photo], seen: Seen) -> tuple[Vectors, list[str]]:
    rows = seen.of(photos)
    there = seen.found[rows]
    return seen.vectors[rows[there]], [photo.subject for photo, has in zip(photos, there, strict=True) if has]
