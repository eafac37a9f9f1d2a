"""The letters split, exactly as reported, and how far it is from disjoint."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twinlens.datasets.letters import load_letters, load_letters_disjoint
from twinlens.datasets.records import Dataset


@pytest.fixture(scope="module")
def shared() -> Path:
    root = Path(os.environ.get("TWINLENS_DATA", "")) / "lfw"
    if not (root / "pairsDevTrain.txt").is_file():
        pytest.skip("TWINLENS_DATA names no folder that holds lfw/")
    return root


@pytest.fixture(scope="module")
def dataset(shared: Path) -> Dataset:
    return load_letters(shared)


def test_the_split_is_the_reported_one(dataset: Dataset) -> None:
    assert {name: split.counts for name, split in dataset.splits.items()} == dict(dataset.expected)
    train, validation = dataset.split("train"), dataset.split("validation")
    assert [(s.counts.same, s.counts.different) for s in (train, validation)] == [(757, 721), (343, 379)]
    assert round(len(train.pairs) / 2200, 4) == 0.6718
    shared_people = train.people & validation.people
    assert (len(shared_people), len(validation.people)) == (188, 816)
    assert dataset.notes == ("188 of 816 validation people also occur in training pairs",)
    assert len({*train.photos} & {*validation.photos}) == 160
    touched = [p for p in validation.pairs if {p.first.subject, p.second.subject} & shared_people]
    assert len(touched) == 208


def test_the_strict_variant_shares_nobody(shared: Path) -> None:
    dataset = load_letters_disjoint(shared)
    assert {name: split.counts for name, split in dataset.splits.items()} == dict(dataset.expected)
    train, validation = dataset.split("train"), dataset.split("validation")
    assert [(s.counts.same, s.counts.different) for s in (train, validation)] == [(757, 554), (343, 82)]
    assert not train.people & validation.people
    assert not (train.people | validation.people) & dataset.split("test").people
    assert dataset.notes == ("464 pairs of a person from A to E and another from F to Z are left out",)


def test_initials_are_counted_as_in_the_report(dataset: Dataset) -> None:
    pairs = [pair for name in ("train", "validation") for pair in dataset.split(name).pairs]
    same = "101 59 80 58 45 20 50 42 9 145 29 41 102 25 4 46 7 74 62 45 1 16 17 3 13 6"
    different = "144 121 114 103 64 31 62 47 16 151 34 40 63 22 1 34 2 20 21 8 0 1 1 0 0 0"
    for label, counts in ((True, same), (False, different)):
        initials = [pair.first.subject[0] for pair in pairs if pair.same == label]
        assert [initials.count(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"] == list(map(int, counts.split()))
