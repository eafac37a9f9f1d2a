"""A data set -> parts to hold against each other, and people whom its lists name though their photos are not here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from twinlens.datasets.lfw_files import read_people
from twinlens.datasets.records import Dataset, Split, joined
from twinlens.errors import OptionError

LFW_LISTS = ("people.txt", "peopleDevTrain.txt", "peopleDevTest.txt")


def apart(datasets: Sequence[Dataset], given: Sequence[str]) -> list[Dataset]:
    """Return data sets of which no two have one name, as far as they were given differently.

    Args:
        datasets: as they were opened.
        given: how each was asked for: the name of one whose own name another has as well.
    """
    count = Counter(dataset.name for dataset in datasets)
    return [
        replace(dataset, name=asked) if count[dataset.name] > 1 else dataset
        for dataset, asked in zip(datasets, given, strict=True)
    ]


def parts_of(datasets: Sequence[Dataset]) -> dict[str, Split]:
    """Return the parts and folds of one data set, or each of several as one part.

    Raises:
        OptionError: two data sets of one name, or none.
    """
    if len(datasets) == 1:
        return {part.name: part for part in datasets[0].parts}
    names = [dataset.name for dataset in datasets]
    if not names or len(set(names)) < len(names):
        twice = next((name for name in names if names.count(name) > 1), "")
        msg = (
            f"{twice!r} is named twice: wanted data sets to hold against each other"
            if twice
            else "name at least one data set"
        )
        raise OptionError(msg)
    return {dataset.name: joined(dataset.name, dataset.parts) for dataset in datasets}


def listed_people(dataset: Dataset) -> frozenset[str]:
    """Return everyone whom LFW's lists of people name; nobody for other data sets.

    Raises:
        DatasetError: a list is malformed.
    """
    if not dataset.name.startswith("lfw-"):
        return frozenset()
    files = [dataset.root / name for name in LFW_LISTS if (dataset.root / name).is_file()]
    return frozenset(name for file in files for fold in read_people(file) for name in fold)
