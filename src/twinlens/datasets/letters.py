"""LFW's development view -> the letters split of Mahler and Liu, and the same with nobody in two parts.

Source: "Siamese Neural Networks for One-shot Image Recognition" on LFW-a (Mahler and Liu, course report): of
the 2,200 training pairs, those whose first person's initial is A to E (same) or A to C (different) validate.
The rule looks at the first person only, so 188 of the 816 validation people also occur in training. The
strict variant asks both people for A to E and drops the 464 pairs that straddle.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from twinlens.datasets.division import by_people
from twinlens.datasets.lfw import load_development
from twinlens.datasets.records import Counts, Dataset, Pair, Split

SAME_INITIALS = frozenset("ABCDE")
DIFFERENT_INITIALS = frozenset("ABC")
TEST = Counts(963, 1549, 500, 500)


def load_letters(root: Path) -> Dataset:
    """Load the split as published: 757 + 721 training, 343 + 379 validation and 500 + 500 test pairs.

    Raises:
        DatasetError: as `twinlens.datasets.lfw.load_development`.
    """
    development = load_development(root)
    validation: list[Pair] = []
    train: list[Pair] = []
    for pair in development.split("train").pairs:
        initials = SAME_INITIALS if pair.same else DIFFERENT_INITIALS
        (validation if pair.first.subject[0] in initials else train).append(pair)
    splits = {
        "train": Split.of_pairs("train", train),
        "validation": Split.of_pairs("validation", validation),
        "test": development.split("test"),
    }
    shared = len(splits["train"].people & splits["validation"].people)
    note = f"{shared} of {len(splits['validation'].people)} validation people also occur in training pairs"
    expected = {"train": Counts(1504, 2398, 757, 721), "validation": Counts(816, 1205, 343, 379), "test": TEST}
    return _like(development, "lfw-letters", splits, expected, (note,))


def load_letters_disjoint(root: Path) -> Dataset:
    """Load the strict variant: 757 + 554 training, 343 + 82 validation and 500 + 500 test pairs.

    Raises:
        DatasetError: as `twinlens.datasets.lfw.load_development`.
    """
    development = load_development(root)
    whole = development.split("train")
    place = {name: "validation" if name[0] in SAME_INITIALS else "train" for name in whole.people}
    division = by_people(whole, place, ("train", "validation"))
    # Photos that only straddling pairs used belong to no pair of a part, and the protocol knows pairs alone.
    splits = {name: Split.of_pairs(name, part.pairs) for name, part in division.parts.items()}
    splits["test"] = development.split("test")
    note = f"{len(division.dropped)} pairs of a person from A to E and another from F to Z are left out"
    expected = {"train": Counts(1281, 2159, 757, 554), "validation": Counts(361, 735, 343, 82), "test": TEST}
    return _like(development, "lfw-letters-disjoint", splits, expected, (note,))


def _like(
    development: Dataset,
    name: str,
    splits: dict[str, Split],
    expected: dict[str, Counts],
    notes: tuple[str, ...],
) -> Dataset:
    return Dataset(
        name,
        development.root,
        splits,
        terms=development.terms,
        expected=MappingProxyType(expected),
        outside_data=development.outside_data,
        notes=notes,
    )
