"""Dataset -> a small part of it, for a quick look: reports made from it are marked."""

from __future__ import annotations

from dataclasses import replace

from twinlens.datasets.pairing import by_person
from twinlens.datasets.records import Dataset, Split
from twinlens.errors import OptionError

LEAST = 2


def quick_look(dataset: Dataset, size: int) -> Dataset:
    """Return the data set with at most ``size`` pairs of each kind a part, or people where it lists no pairs.

    Raises:
        OptionError: a size below 2.
    """
    if size < LEAST:
        msg = f"a quick look needs at least {LEAST} pairs of each kind (or people) a part, got {size}"
        raise OptionError(msg)
    splits = {name: _thinned(split, size) for name, split in dataset.splits.items()}
    folds = tuple(_thinned(fold, size) for fold in dataset.folds)
    return replace(dataset, splits=splits, folds=folds, expected={})


def _thinned(split: Split, size: int) -> Split:
    if split.pairs:
        same = [pair for pair in split.pairs if pair.same][:size]
        different = [pair for pair in split.pairs if not pair.same][:size]
        return Split.of_pairs(split.name, (*same, *different))
    people = list(by_person(split.photos).values())[:size]
    return Split(split.name, tuple(photo for owned in people for photo in owned))
