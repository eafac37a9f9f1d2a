"""Recipe and data folder -> `Material`: every picture as uint8 once, and who is compared with whom in which part."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from twinlens.datasets.division import divide
from twinlens.datasets.groups import Groups
from twinlens.datasets.pairing import by_person, draw_even_pairs, draw_pairs
from twinlens.datasets.records import Dataset, Pair, Photo, Split, joined
from twinlens.datasets.registry import open_dataset
from twinlens.errors import DatasetError, RecipeError
from twinlens.lab.cache import Progress, default_cache, open_block
from twinlens.lab.recipe import DataPlan, Recipe

DRAWN_PAIRS = 1000  # of each kind, where a part that is scored lists none
DRAWN_EACH = 4  # genuine pairs of a validation person, where they are drawn
DRAWN_IMPOSTORS = 10  # pairs of two validation people for each genuine one, where they are drawn
DRAWING = ("drawn-pairs", "triplets", "people")  # kinds of batches that need to know who is who


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """One part of the data, as places in `Material.pictures`.

    Attributes:
        name: ``train``, ``validation`` or ``test``.
        photos: int64 (m,), the photos it may use.
        left: int64 (p,), its pairs' first photos; empty where none are listed.
        right: int64 (p,).
        same: bool (p,).
    """

    name: str
    photos: Tensor
    left: Tensor
    right: Tensor
    same: Tensor

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a run learns from and is judged by.

    Attributes:
        pictures: uint8 (n, channels, size, size), mapped from disk.
        people: int64 (n,), who each shows; those of the training part are 0 to ``train_people - 1``.
        paths: where the n photos lie.
        train_people: how many people train.
        train: what trains.
        validation: what chooses; None for nothing.
        test: what is touched once; None for nothing.
        digest: sha256 of the photos' contents.
        named: whether who is who may be used (by name, or as pairs link photos), not only the pairs' labels.
        notes: what a reader of the results must know.
    """

    pictures: Tensor
    people: Tensor
    paths: tuple[Path, ...]
    train_people: int
    train: Portion
    validation: Portion | None
    test: Portion | None
    digest: str
    named: bool
    notes: tuple[str, ...]


def open_material(
    recipe: Recipe,
    data_root: Path,
    *,
    cache: Path | None = None,
    train_pairs: int | None = None,
    progress: Progress | None = None,
) -> Material:
    """Load, divide and decode what a recipe names.

    Args:
        recipe: whose ``[data]`` and ``[batch]`` count.
        data_root: where registered data sets lie.
        cache: where decoded pictures are kept; the user's cache folder if None.
        train_pairs: use at most so many of the listed training pairs, drawn by seed.
        progress: called with (photos decoded, photos in all).

    Raises:
        DatasetError: absent, malformed, one person alone, or no pairs where some are needed.
        RecipeError: no such part, or batches that need names where only pairs may be used.
    """
    plan = recipe.data
    dataset = open_dataset(plan.dataset, data_root)
    named = _named(recipe, dataset)
    train, validation, test = _parts(dataset, plan)
    if len(train.people) < 2:
        msg = f"{plan.dataset}: training needs photos of at least two people, found {len(train.people)}"
        raise DatasetError(msg)
    _check_pairs(recipe, train)
    if train_pairs is not None and len(train.pairs) > train_pairs:
        kept = np.random.default_rng(plan.split_seed).permutation(len(train.pairs))[:train_pairs]
        train = Split(train.name, train.photos, tuple(train.pairs[at] for at in sorted(kept)))
    parts = [part for part in (train, validation, test) if part is not None]
    photos = tuple(dict.fromkeys(photo for part in parts for photo in part.photos))
    block = open_block([p.path for p in photos], plan, cache or default_cache(os.environ), progress=progress)
    place = {photo: at for at, photo in enumerate(photos)}
    shown = _linked(train) if plan.labels == "linked" else {photo: photo.subject for photo in train.photos}
    train_people = len(set(shown.values()))
    shown |= {photo: photo.subject for part in parts[1:] for photo in part.photos if photo not in shown}
    who = {name: at for at, name in enumerate(dict.fromkeys(shown[photo] for photo in photos))}
    return Material(
        pictures=torch.from_numpy(block.pictures),
        people=torch.tensor([who[shown[photo]] for photo in photos]),
        paths=tuple(photo.path for photo in photos),
        train_people=train_people,
        train=_portion("train", train, place),
        validation=_scored("validation", validation, place, plan),
        test=_scored("test", test, place, plan),
        digest=block.digest,
        named=named,
        notes=tuple(dict.fromkeys((*dataset.notes, *_overlaps(train, {"validation": validation, "test": test})))),
    )


def _named(recipe: Recipe, dataset: Dataset) -> bool:
    """Return whether who is who may be used; refuse batches that need it where it may not."""
    labels = recipe.data.labels
    named = labels == "linked" or (labels == "names" and not dataset.inferred_people)
    if recipe.batch.kind in DRAWING and not named:
        why = f"{dataset.name} names nobody" if dataset.inferred_people else "data.labels = 'pairs' allows none"
        msg = (
            f"batch.kind = {recipe.batch.kind!r} needs to know who is who, and {why}; set data.labels = 'names', or "
            "'linked' for what the genuine pairs alone tell"
        )
        raise RecipeError(msg)
    return named


def _linked(train: Split) -> dict[Photo, str]:
    """Return whom each photo shows by what genuine pairs tell: who is joined by them is one person.

    Raises:
        RecipeError: no pairs are listed.
    """
    if not train.pairs:
        msg = f"data.labels = 'linked' learns who is who from listed pairs, and {train.name!r} lists none"
        raise RecipeError(msg)
    groups: Groups[Photo] = Groups()
    for photo in train.photos:
        groups.add(photo)
    for pair in train.pairs:
        if pair.same:
            groups.join(pair.first, pair.second)
    return {photo: str(groups.of(photo).path) for photo in train.photos}


def _check_pairs(recipe: Recipe, train: Split) -> None:
    if recipe.batch.kind != "pairs":
        return
    if not train.pairs:
        msg = (
            f"batch.kind = 'pairs' trains on listed pairs, and {recipe.data.dataset} lists none for "
            f"{recipe.data.train!r}; set batch.kind = 'drawn-pairs' and data.labels = 'names'"
        )
        raise RecipeError(msg)
    if not 0 < sum(pair.same for pair in train.pairs) < len(train.pairs):
        msg = f"{recipe.data.dataset}: training needs pairs of both kinds, all {len(train.pairs)} are of one"
        raise DatasetError(msg)


def _parts(dataset: Dataset, plan: DataPlan) -> tuple[Split, Split | None, Split | None]:
    """Return who trains, validates and is tested; nobody held out by person is in two of them."""
    bare = plan.train == "train" and plan.test == "test" and set(dataset.splits) == {"all"}
    train = _split(dataset, "all" if bare else plan.train)
    out = {"test": plan.validation_share} if bare or plan.test == "people" else {}
    if plan.validation == "people":
        out["validation"] = plan.validation_share
    held: Mapping[str, Split] = {}
    if out:
        rest = 1 - sum(out.values())
        if rest <= 0:
            msg = f"data.validation_share = {plan.validation_share} is held out twice and leaves nobody to train"
            raise RecipeError(msg)
        held = _divided(train, {"train": rest, **out}, plan.split_seed)
        train = held["train"]
    test = held.get("test") or (None if plan.test == "none" else _split(dataset, plan.test))
    if plan.validation == "pairs":
        return (*_by_pairs(train, plan), test)
    if plan.validation == "none":
        return train, None, test
    return train, held.get("validation") or _split(dataset, plan.validation), test


def _divided(split: Split, shares: Mapping[str, float], seed: int) -> Mapping[str, Split]:
    """Divide people; pairs stay whole where that leaves somebody in every part, else those that straddle are left out.

    Raises:
        DatasetError: too few people for all parts.
    """
    try:
        return divide(split, shares, rng=np.random.default_rng(seed)).parts
    except DatasetError:
        return divide(split, shares, rng=np.random.default_rng(seed), whole_pairs=False).parts


def _split(dataset: Dataset, name: str) -> Split:
    """Return a part by name, a fold by its number, or several joined with ``+``."""
    known = {part.name: part for part in dataset.parts} | dict(dataset.splits)
    found = []
    for one in name.split("+"):
        if one not in known:
            msg = f"{dataset.name} has no part {one!r}; it has: {', '.join(known)}"
            raise RecipeError(msg)
        found.append(known[one])
    return found[0] if len(found) == 1 else joined(name, found)


def _by_pairs(train: Split, plan: DataPlan) -> tuple[Split, Split]:
    """Hold out pairs at random: their people go on training, as some documents have it."""
    order = np.random.default_rng(plan.split_seed).permutation(len(train.pairs))
    count = round(plan.validation_share * len(train.pairs))
    if not 0 < count < len(train.pairs):
        msg = f"{plan.validation_share} of {len(train.pairs)} pairs leaves none to train or none to validate"
        raise DatasetError(msg)
    chosen = set(order[:count].tolist())
    held = [pair for at, pair in enumerate(train.pairs) if at in chosen]
    rest = [pair for at, pair in enumerate(train.pairs) if at not in chosen]
    return Split.of_pairs("train", rest), Split.of_pairs("validation", held)


def _portion(name: str, split: Split, place: Mapping[Photo, int], pairs: Sequence[Pair] | None = None) -> Portion:
    listed = split.pairs if pairs is None else pairs
    return Portion(
        name,
        torch.tensor([place[photo] for photo in split.photos]),
        torch.tensor([place[pair.first] for pair in listed], dtype=torch.int64),
        torch.tensor([place[pair.second] for pair in listed], dtype=torch.int64),
        torch.tensor([pair.same for pair in listed], dtype=torch.bool),
    )


def _scored(name: str, split: Split | None, place: Mapping[Photo, int], plan: DataPlan) -> Portion | None:
    """Return a part with pairs to score: the listed ones, or as many of each kind drawn by seed."""
    if split is None:
        return None
    if name == "validation" and plan.validation_pairs == "drawn":
        drawn = draw_even_pairs(
            split.photos, each=DRAWN_EACH, impostors=DRAWN_IMPOSTORS, rng=np.random.default_rng(plan.split_seed)
        )
        return _portion(name, split, place, drawn)
    if split.pairs:
        portion = _portion(name, split, place)
        if not 0 < int(portion.same.sum()) < len(portion):
            msg = f"{plan.dataset}: the {name} part has {len(portion)} pairs of one kind alone, it needs both"
            raise DatasetError(msg)
        return portion
    there = sum(1 for group in by_person(split.photos).values() for _ in combinations(group, 2))
    count = min(there, DRAWN_PAIRS)
    if not count or len(split.people) < 2:
        msg = (
            f"{plan.dataset}: the {name} part has {len(split.people)} people and {there} pairs of one person; scoring "
            "needs at least two people, one of them with two photos"
        )
        raise DatasetError(msg)
    others = len(split.photos) * (len(split.photos) - 1) // 2 - there
    rng = np.random.default_rng(plan.split_seed)
    pairs = draw_pairs(split.photos, genuine=count, impostor=min(count, others), rng=rng)
    return _portion(name, split, place, pairs)


def _overlaps(train: Split, others: Mapping[str, Split | None]) -> list[str]:
    """Say whom training shares with what judges it."""
    notes = []
    for name, other in others.items():
        if other is not None and (shared := len(train.people & other.people)):
            notes.append(f"{shared} of {len(other.people)} {name} people also occur in training pairs")
    return notes
