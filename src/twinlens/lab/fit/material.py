"""Dataset, what was seen of its photos -> what a head is fitted on and judged by: vectors, people, pairs."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from twinlens.datasets.groups import Groups
from twinlens.datasets.records import Dataset, Photo
from twinlens.errors import DatasetError
from twinlens.evaluate.sight import Seen
from twinlens.lab.fit.views import LENGTH

LEAST_PEOPLE = 20  # with two photos or more: of fewer nobody can be held out
MOST_IMPOSTORS = 100_000  # pairs of two people that are compared; of more, so many are drawn


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Pairs of photos.

    Attributes:
        left: row of the one photo.
        right: row of the other.
        same: whether they show one person.
    """

    left: Int64[np.ndarray, " pairs"]
    right: Int64[np.ndarray, " pairs"]
    same: Bool[np.ndarray, " pairs"]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Photos with a face.

    Attributes:
        vectors: those of the crop and of its mirror image side by side, each of length one.
        people: who each photo shows, numbers from 0.
        names: of these people.
        listed: the only pairs of which anything is known, where nobody is named; None where everybody is.
        lengths: of the vectors before they were brought to one, the geometric mean of both; None where unknown.
    """

    vectors: Float32[np.ndarray, "photos inputs"]
    people: Int64[np.ndarray, " photos"]
    names: tuple[str, ...]
    listed: Comparisons | None = None
    lengths: Float32[np.ndarray, " photos"] | None = None

    @property
    def mated(self) -> Int64[np.ndarray, " mated"]:
        """People with two photos or more."""
        return np.flatnonzero(np.bincount(self.people, minlength=len(self.names)) > 1)

    def of(self, people: Collection[int]) -> Material:
        """Return the photos, and the pairs, of some people alone."""
        chosen = np.isin(self.people, np.fromiter(people, np.int64))
        kept = np.unique(self.people[chosen])
        numbers = np.full(len(self.names), -1)
        numbers[kept] = np.arange(kept.size)
        listed = None
        if self.listed is not None:
            rows = np.cumsum(chosen) - 1
            both = chosen[self.listed.left] & chosen[self.listed.right]
            pairs = self.listed
            listed = Comparisons(rows[pairs.left[both]], rows[pairs.right[both]], pairs.same[both])
        names = tuple(self.names[k] for k in kept)
        lengths = None if self.lengths is None else self.lengths[chosen]
        return Material(self.vectors[chosen], numbers[self.people[chosen]], names, listed, lengths)

    def comparisons(self, rng: np.random.Generator) -> Comparisons:
        """Return all genuine pairs and all or many impostor pairs, each two people as likely; or the listed ones.

        Raises:
            DatasetError: pairs of one kind only.
        """
        found = self.listed or self._everybody(rng)
        if found.same.all() or not found.same.any():
            kind = "one person" if found.same.all() else "two people"
            msg = f"wanted pairs of one person and pairs of two, got {found.same.size} pairs, all of {kind}"
            raise DatasetError(msg)
        return found

    def _everybody(self, rng: np.random.Generator) -> Comparisons:
        """Compare everybody with everybody."""
        order = np.argsort(self.people, kind="stable")
        starts = np.searchsorted(self.people[order], np.arange(len(self.names) + 1))
        own = [order[a:b][np.array(np.triu_indices(b - a, 1))] for a, b in itertools.pairwise(starts)]
        genuine = np.concatenate(own, axis=1)
        count = len(self.names)
        drawn = min(MOST_IMPOSTORS, self.people.size * (self.people.size - 1) // 2)
        first = rng.integers(count, size=drawn)
        second = (first + rng.integers(1, max(count, 2), size=drawn)) % count
        sizes = np.diff(starts)
        impostor = np.stack([order[starts[who] + rng.integers(sizes[who])] for who in (first, second)])
        impostor = impostor[:, first != second]
        both = np.concatenate((genuine, impostor), axis=1)
        return Comparisons(both[0], both[1], np.arange(both.shape[1]) < genuine.shape[1])


def material_of(dataset: Dataset, seen: Seen, *, without: Collection[str] = ()) -> Material:
    """Take the photos in which a face was found.

    Args:
        dataset: people with photos, or listed pairs.
        seen: by `twinlens.lab.fit.views.MirrorLens`.
        without: people to leave out.

    Raises:
        DatasetError: too few people with two photos or more.
    """
    barred = frozenset(without)
    photos = [p for p in dataset.photos if p.subject not in barred and seen.found[seen.rows[p]]]
    names, people = np.unique([photo.subject for photo in photos], return_inverse=True)
    rows = seen.of(photos)
    vectors = np.asarray(seen.vectors[rows] * np.float32(np.sqrt(2)), np.float32)
    listed = _listed(dataset, photos) if dataset.inferred_people else None
    lengths = np.asarray(seen.measures[LENGTH][rows], np.float32) if LENGTH in seen.measures else None
    found = Material(vectors, people.astype(np.int64), tuple(map(str, names)), listed, lengths)
    if found.mated.size < LEAST_PEOPLE:
        msg = (
            f"{dataset.name}: wanted at least {LEAST_PEOPLE} people with two photos or more in which a face is found, "
            f"got {found.mated.size} (of {len(names)} people): add people, or calibrate instead (twinlens calibrate)"
        )
        raise DatasetError(msg)
    return found


def _listed(dataset: Dataset, photos: Sequence[Photo]) -> Comparisons:
    row = {photo: at for at, photo in enumerate(photos)}
    pairs = [p for part in dataset.parts for p in part.pairs if p.first in row and p.second in row]
    return Comparisons(
        np.array([row[pair.first] for pair in pairs], np.int64),
        np.array([row[pair.second] for pair in pairs], np.int64),
        np.array([pair.same for pair in pairs], np.bool_),
    )


def parted(material: Material, share: float, *, rng: np.random.Generator) -> tuple[Material, Material]:
    """Divide people at random; those whom listed pairs connect stay together.

    Args:
        material: everybody.
        share: of the people who go to the second part, 0 to 1.
        rng: decides who goes where.

    Raises:
        DatasetError: a part would be empty.
    """
    groups: Groups[int] = Groups()
    for person in range(len(material.names)):
        groups.add(person)
    if material.listed is not None:
        for left, right in zip(material.listed.left, material.listed.right, strict=True):
            groups.join(int(material.people[left]), int(material.people[right]))
    units = groups.members()
    out: list[int] = []
    kept: list[int] = []
    wanted = share * len(material.names)
    for at in rng.permutation(len(units)):
        (out if len(out) + len(units[at]) / 2 <= wanted else kept).extend(units[at])
    if not out or not kept:
        msg = f"{len(material.names)} people, whom pairs connect, cannot be divided: nobody could be held out"
        raise DatasetError(msg)
    return material.of(kept), material.of(out)
