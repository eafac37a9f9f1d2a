"""What every data set gives: photos, pairs, splits of people -> Dataset.

A subject is a person; a split is a set of people with their photos and pairs, so that whether two splits
share a person is a question about two sets (the protocol of every set says which splits must not).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from twinlens.errors import DatasetError


@dataclass(frozen=True, slots=True, order=True)
class Photo:
    """One picture of one person.

    Attributes:
        subject: who it shows, unique within the data set.
        path: where it is.
    """

    subject: str
    path: Path


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos and the question answered by a person.

    Attributes:
        first: as listed.
        second: as listed.
        same: whether both show one person; always equal to ``first.subject == second.subject``.
        columns: what else the list says of this pair (for slices of a report).
    """

    first: Photo
    second: Photo
    same: bool
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    def __post_init__(self) -> None:
        if self.same != (self.first.subject == self.second.subject):
            msg = (
                f"same={self.same} contradicts the subjects {self.first.subject!r} and "
                f"{self.second.subject!r} of {self.first.path.name} and {self.second.path.name}"
            )
            raise DatasetError(msg)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of everything.

    Attributes:
        people: subjects.
        photos: distinct photos.
        same: pairs of one person.
        different: pairs of two people.
    """

    people: int
    photos: int
    same: int = 0
    different: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a data set: people, all their photos that this part may use, and its pairs.

    Attributes:
        name: ``train``, ``test``, ``01``...
        photos: in a fixed order, each once.
        pairs: as listed by the protocol; empty where it lists none.
    """

    name: str
    photos: tuple[Photo, ...]
    pairs: tuple[Pair, ...] = ()

    @classmethod
    def of_pairs(cls, name: str, pairs: Iterable[Pair]) -> Split:
        """Make a split of the photos that occur in pairs, in order of first appearance."""
        pairs = tuple(pairs)
        photos = dict.fromkeys(photo for pair in pairs for photo in (pair.first, pair.second))
        return cls(name, tuple(photos), pairs)

    @property
    def people(self) -> frozenset[str]:
        """Who is in it."""
        return frozenset(photo.subject for photo in self.photos)

    @property
    def counts(self) -> Counts:
        """How much it holds."""
        same = sum(pair.same for pair in self.pairs)
        return Counts(len(self.people), len(set(self.photos)), same, len(self.pairs) - same)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A protocol on photos that are here.

    Attributes:
        name: the key it is registered under, or the folder's or file's name.
        root: the folder its paths start from.
        splits: by name, in the protocol's order (``train``, ``validation``, ``test``).
        folds: for protocols of cross-validation, in order; empty otherwise.
        terms: what its owners allow, in short.
        expected: the counts of splits (and folds, by their names) as the owners publish them.
        outside_data: what was used beyond the labels of the protocol to make the photos; empty for nothing.
        notes: what a reader of a report must know about this copy (absent people, repeated pairs).
        inferred_people: True where nobody is named, and photos are one subject's only where "same" labels connect
            them: two subjects may then be one person, and only the listed pairs say anything.
    """

    name: str
    root: Path
    splits: Mapping[str, Split]
    folds: tuple[Split, ...] = ()
    terms: str = ""
    expected: Mapping[str, Counts] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    outside_data: str = ""
    notes: tuple[str, ...] = ()
    inferred_people: bool = False

    @property
    def parts(self) -> tuple[Split, ...]:
        """Every split and every fold."""
        return (*self.splits.values(), *self.folds)

    @property
    def photos(self) -> tuple[Photo, ...]:
        """Every photo of every part, once."""
        return tuple(dict.fromkeys(photo for part in self.parts for photo in part.photos))

    @property
    def people(self) -> frozenset[str]:
        """Everyone in any part."""
        return frozenset(photo.subject for photo in self.photos)

    def split(self, name: str) -> Split:
        """Return a split by its name.

        Raises:
            DatasetError: there is none of that name.
        """
        if name not in self.splits:
            known = ", ".join(self.splits) or "none"
            msg = f"{self.name} has no split {name!r}; it has: {known}"
            raise DatasetError(msg)
        return self.splits[name]

    def fold(self, index: int) -> tuple[Split, Split]:
        """Return (the other folds joined, fold ``index``): what one round trains and tests on.

        Args:
            index: 0 to ``len(folds) - 1``.

        Raises:
            DatasetError: no such fold.
        """
        if not 0 <= index < len(self.folds):
            msg = f"{self.name} has {len(self.folds)} folds, asked for number {index} (the first is 0)"
            raise DatasetError(msg)
        others = [fold for number, fold in enumerate(self.folds) if number != index]
        return joined("train", others), self.folds[index]


Loader = Callable[[Path], Dataset]


def joined(name: str, parts: Iterable[Split]) -> Split:
    """Make one split of several, each photo once, pairs in order."""
    parts = tuple(parts)
    photos = dict.fromkeys(photo for part in parts for photo in part.photos)
    return Split(name, tuple(photos), tuple(pair for part in parts for pair in part.pairs))
