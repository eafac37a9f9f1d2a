"""A data set -> parts to hold against each other, and people whom its lists name though their photos are not here."""

from __future__ import annotations

from collections.abc import Sequence

from twinlens.datasets.lfw_files import read_people
from twinlens.datasets.records import Dataset, Split, joined
from twinlens.errors import OptionError

LFW_LISTS = ("people.txt", "peopleDevTrain.txt", "peopleDevTest.txt")


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
        msg = f"two data sets are called {twice!r}: rename one" if twice else "name at least one data set"
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
