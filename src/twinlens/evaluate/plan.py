"""Dataset -> who chooses thresholds and who is tested: the protocol, made explicit.

Whatever the data set, thresholds never come from the people they are tested on:

- a set with ``train`` (or ``validation``) and ``test``: chosen on the one, tested on the other (LFW View 1);
- a set with folds: each fold is tested with what the others chose (LFW View 2, CFP);
- pairs or photos without parts: their people are divided by seed, in five folds for pairs, in halves for photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from twinlens.datasets.division import divide
from twinlens.datasets.groups import Groups
from twinlens.datasets.records import Dataset, Split, joined
from twinlens.errors import DatasetError, OptionError

OWN_FOLDS = 5  # for pairs that come without parts
LEAST_PEOPLE = 10  # to be divided by person at all

Pairing = Literal["listed", "all"]


@dataclass(frozen=True, slots=True)
class Round:
    """One choice and one test.

    Attributes:
        choose: where thresholds and calibration come from; None where the model's card brings them.
        test: who is tested.
    """

    choose: Split | None
    test: Split


@dataclass(frozen=True, slots=True)
class Plan:
    """All rounds of a protocol.

    Attributes:
        rounds: one, or one a fold; no pair is tested twice.
        pairs: ``listed``, or ``all`` pairs of photos.
        chosen_on: how the choosing part is called in words; empty where the card brings the thresholds.
        rule: sentences for the report.
    """

    rounds: tuple[Round, ...]
    pairs: Pairing
    chosen_on: str
    rule: tuple[str, ...]

    @property
    def folds(self) -> bool:
        """Whether every part is tested in turn."""
        return len(self.rounds) > 1

    @property
    def parts(self) -> tuple[tuple[Split, Literal["threshold", "test", "fold"]], ...]:
        """Every split with its role."""
        if self.folds:
            return tuple((round_.test, "fold") for round_ in self.rounds)
        (only,) = self.rounds
        return ((only.test, "test"),) if only.choose is None else ((only.choose, "threshold"), (only.test, "test"))


def make_plan(dataset: Dataset, *, seed: int = 0, card_thresholds: bool = False, all_pairs: bool = False) -> Plan:
    """Make the plan of a data set.

    Args:
        dataset: with parts or without.
        seed: divides people where the set does not.
        card_thresholds: take thresholds from the model's card alone, so that everybody is tested.
        all_pairs: compare all photos of the test people, not the listed pairs.

    Raises:
        DatasetError: too few people to divide, or nothing to compare.
        OptionError: all pairs of people whom nobody names.
    """
    if all_pairs and dataset.inferred_people:
        msg = f"{dataset.name} names nobody, so only its listed pairs can be compared: leave out --all-pairs"
        raise OptionError(msg)
    listed = any(part.pairs for part in dataset.parts) and not all_pairs
    if card_thresholds:
        plan = _by_card(dataset, listed=listed)
    elif dataset.folds:
        plan = _folds(dataset, all_pairs=all_pairs)
    elif "test" in dataset.splits:
        chooser = "validation" if "validation" in dataset.splits else "train"
        rule = f"Thresholds are chosen on the {chooser} part; the test part is looked at once."
        rounds = (Round(dataset.split(chooser), dataset.split("test")),)
        plan = Plan(rounds, "listed" if listed else "all", f"the {chooser} part", (rule,))
    else:
        plan = _divided(dataset, np.random.default_rng(seed), listed=listed)
    for round_ in plan.rounds:
        for split in (round_.choose, round_.test):
            if split is not None:
                _check(split, dataset, plan.pairs)
    return plan


def _by_card(dataset: Dataset, *, listed: bool) -> Plan:
    test = dataset.splits.get("test") or joined("all", dataset.folds or dataset.splits.values())
    rule = "Thresholds come from the model's card; nothing is chosen on these people."
    return Plan((Round(None, test),), "listed" if listed else "all", "", (rule,))


def _folds(dataset: Dataset, *, all_pairs: bool) -> Plan:
    if all_pairs:
        halves = len(dataset.folds) // 2
        choose, test = joined("first folds", dataset.folds[:halves]), joined("last folds", dataset.folds[halves:])
        rule = f"All pairs of photos: thresholds from the first {halves} folds, tested on the others."
        return Plan((Round(choose, test),), "all", "the first folds", (rule,))
    rounds = tuple(Round(*dataset.fold(number)) for number in range(len(dataset.folds)))
    rule = f"{len(rounds)} folds: each is tested with the threshold and the calibration that the others chose."
    return Plan(rounds, "listed", "the other folds", (rule,))


def _divided(dataset: Dataset, rng: np.random.Generator, *, listed: bool) -> Plan:
    whole = joined("all", dataset.parts)
    if len(whole.people) < LEAST_PEOPLE:
        msg = (
            f"{dataset.name} shows {len(whole.people)} people; {LEAST_PEOPLE} are the least that can be divided into "
            "people who choose a threshold and others who test it. Use --thresholds card, or more people"
        )
        raise DatasetError(msg)
    names = [f"fold {number}" for number in range(1, OWN_FOLDS + 1)] if listed else ["choosing half", "testing half"]
    if listed:
        _check_ties(whole, dataset)
    parts = divide(whole, dict.fromkeys(names, 1 / len(names)), rng=rng, whole_pairs=listed).parts
    if not listed:
        choose, test = (parts[name] for name in names)
        rule = "All pairs of photos: the people are divided in halves by seed, one chooses thresholds, one tests them."
        return Plan((Round(choose, test),), "all", "the other half of the people", (rule,))
    rounds = tuple(
        Round(joined("others", [part for other, part in parts.items() if other != name]), parts[name]) for name in names
    )
    rule = f"The people are divided into {OWN_FOLDS} folds by seed; each is tested with what the others chose."
    return Plan(rounds, "listed", "the other folds", (rule,))


def _check_ties(whole: Split, dataset: Dataset) -> None:
    """Refuse a list whose pairs tie so many people together that no folds can share nobody.

    Raises:
        DatasetError: more people hang together than three folds hold, which leaves nobody for the others.
    """
    groups: Groups[str] = Groups()
    for person in whole.people:
        groups.add(person)
    for pair in whole.pairs:
        groups.join(pair.first.subject, pair.second.subject)
    largest = max(map(len, groups.members()))
    if largest > 3 / OWN_FOLDS * len(whole.people):
        named = "" if dataset.inferred_people else "compare everybody with everybody (--all-pairs), or "
        msg = (
            f"{dataset.name}: its pairs tie {largest} of {len(whole.people)} people together, one by one, so that no "
            f"{OWN_FOLDS} folds of them can share nobody: {named}take the thresholds of the model's card "
            "(--thresholds card), which tests everybody"
        )
        raise DatasetError(msg)


def _check(split: Split, dataset: Dataset, pairs: Pairing) -> None:
    """Refuse a part that has only one kind of pair.

    Raises:
        DatasetError: it has.
    """
    counts = split.counts
    several = counts.photos > counts.people and counts.people > 1
    if (pairs == "listed" and not (counts.same and counts.different)) or (pairs == "all" and not several):
        msg = (
            f"{dataset.name}: the part {split.name!r} ({counts.people} people, {counts.photos} photos) makes no pairs "
            "of both kinds: error rates need two photos of one person and photos of two people"
        )
        raise DatasetError(msg)
