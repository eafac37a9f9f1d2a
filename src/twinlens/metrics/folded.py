"""Scores and who they compare -> the same in cells, by person and by fold of people, in little memory.

A fold is a set of people. What is fitted on the pairs outside of a fold (neither of the two people in it) and tried on
the pairs inside (both in it) is tried on other people; pairs with one person in and one out serve neither. Each person
has the weight of one whatever the number of photos, and so has each pair of people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int64

from twinlens.errors import CalibrationError
from twinlens.metrics.all_pairs import Vectors, numbered_people, rows_of_pairs
from twinlens.metrics.people import PeopleScores
from twinlens.metrics.scores import ascending
from twinlens.metrics.weighted import CELLS, Grid, Weighted

FOLDS = 5
CHUNK = 1 << 20  # pairs counted at once
ROUNDING = 1e-3  # a cosine of float32 vectors may leave -1 to 1 by this much


@dataclass(frozen=True, slots=True)
class Behind:
    """How much stands behind the scores.

    Attributes:
        genuine: pairs of one person.
        impostors: pairs of two people.
        people: in any pair; 0 where nobody is named.
        mated: people with at least one genuine pair; the genuine pairs themselves where nobody is named.
        met: pairs of people with at least one impostor pair; the impostor pairs themselves where nobody is named.
    """

    genuine: int
    impostors: int
    people: int
    mated: int
    met: int


@dataclass(slots=True, eq=False)
class _Cells:
    """One kind of pairs, counted by the folds of both people and by cell."""

    weights: Float64[np.ndarray, "folds folds cells"]
    moments: Float64[np.ndarray, "folds folds cells"]
    pairs: Int64[np.ndarray, "folds folds cells"]

    @classmethod
    def empty(cls, folds: int) -> _Cells:
        shape = (folds, folds, CELLS)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.int64))

    def add(
        self, scores: Float[np.ndarray, "n"], weights: Float64[np.ndarray, "n"], folds: Int[np.ndarray, "2 n"]
    ) -> None:
        count = self.weights.shape[0]
        at = (folds[0] * count + folds[1]) * CELLS + Grid.empty().cells(scores)
        for total, values in ((self.weights, weights), (self.moments, weights * scores)):
            total += np.bincount(at, values, total.size).reshape(total.shape)
        self.pairs += np.bincount(at, minlength=self.pairs.size).reshape(self.pairs.shape)

    def weighted(self, where: Bool[np.ndarray, "folds folds"]) -> Weighted | None:
        if not self.pairs[where].any():
            return None
        sums = (part[where].sum(axis=0) for part in (self.weights, self.moments, self.pairs))
        return Grid(-1.0, 1.0, *sums).weighted()


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Scores by fold of people; made by `fold_vectors`, `fold_pairs` or `fold_unnamed`.

    Attributes:
        folds: how many.
        behind: how many pairs and people.
        named: False where nobody says who is compared, so that folds are of pairs.
    """

    folds: int
    behind: Behind
    named: bool
    _genuine: _Cells
    _impostor: _Cells

    def whole(self) -> tuple[Weighted, Weighted]:
        """Return all pairs: genuine, impostor."""
        found = self._kinds(np.ones((self.folds, self.folds), dtype=bool))
        if found is None:
            msg = "wanted pairs of one person and pairs of two people, got one kind only"
            raise CalibrationError(msg)
        return found

    def inside(self, fold: int) -> tuple[Weighted, Weighted] | None:
        """Return the pairs among the people of a fold; None where one kind is missing."""
        own = np.arange(self.folds) == fold
        return self._kinds(own[:, None] & own[None, :])

    def outside(self, fold: int) -> tuple[Weighted, Weighted] | None:
        """Return the pairs among the people of all other folds; None where one kind is missing."""
        others = np.arange(self.folds) != fold
        return self._kinds(others[:, None] & others[None, :])

    def _kinds(self, where: Bool[np.ndarray, "folds folds"]) -> tuple[Weighted, Weighted] | None:
        genuine, impostor = self._genuine.weighted(where), self._impostor.weighted(where)
        return None if genuine is None or impostor is None else (genuine, impostor)


def fold_vectors(
    vectors: Vectors,
    subjects: Sequence[str],
    *,
    rng: np.random.Generator,
    folds: int = FOLDS,
    progress: Callable[[int, int], None] | None = None,
) -> Folded:
    """Compare all pairs of photos, each person alike.

    Args:
        vectors: of unit length.
        subjects: whom each photo shows.
        rng: deals people to folds.
        folds: how many.
        progress: called with (photos done, photos in all).

    Raises:
        CalibrationError: no pair of one kind, labels that do not fit, or vectors that are not finite.
        OptionError: too many pairs (`twinlens.metrics.all_pairs.MAX_PAIRS`).
    """
    people = numbered_people(vectors, subjects)
    photos = np.bincount(people)
    _check(vectors @ vectors[0])
    fold = _dealt(photos > 1, folds, rng)
    mates = np.maximum(photos * (photos - 1) / 2, 1)
    genuine, impostor = _Cells.empty(folds), _Cells.empty(folds)
    for scores, rows, columns in chunks_of_pairs(vectors, progress):
        first, second = people[rows], people[columns]
        same = first == second
        genuine.add(scores[same], 1 / mates[first[same]], fold[np.stack((first[same], second[same]))])
        a, b = first[~same], second[~same]
        impostor.add(scores[~same], 1 / (photos[a] * photos[b]), fold[np.stack((a, b))])
    count = photos.size
    mated, alike = int((photos > 1).sum()), int(genuine.pairs.sum())
    behind = Behind(alike, int(impostor.pairs.sum()), count, mated, count * (count - 1) // 2)
    return Folded(folds, behind, named=True, _genuine=genuine, _impostor=impostor)


def fold_pairs(scores: PeopleScores, *, rng: np.random.Generator, folds: int = FOLDS) -> Folded:
    """Take listed pairs, each person alike: a person's genuine pairs share one weight, as do those of two people.

    Raises:
        CalibrationError: similarities outside of -1 to 1.
    """
    _check(scores.genuine)
    _check(scores.impostor)
    count, owners, others = scores.numbered
    mates = np.bincount(owners, minlength=count)
    fold = _dealt(mates > 0, folds, rng)
    genuine, impostor = _Cells.empty(folds), _Cells.empty(folds)
    genuine.add(scores.genuine, 1 / mates[owners], fold[np.stack((owners, owners))])
    low, high = others.min(axis=1), others.max(axis=1)
    met, which, times = np.unique(low * count + high, return_inverse=True, return_counts=True)
    impostor.add(scores.impostor, 1 / times[which], fold[np.stack((low, high))])
    behind = Behind(scores.genuine.size, scores.impostor.size, count, int((mates > 0).sum()), met.size)
    return Folded(folds, behind, named=True, _genuine=genuine, _impostor=impostor)


def fold_unnamed(
    genuine: Float[np.ndarray, "genuine"],
    impostor: Float[np.ndarray, "impostor"],
    *,
    rng: np.random.Generator,
    folds: int = FOLDS,
) -> Folded:
    """Take pairs of people whom nobody names: they count as independent, and folds are of pairs.

    Raises:
        CalibrationError: no score of one kind, similarities that are not finite or outside of -1 to 1.
    """
    cells = []
    for scores, kind in ((genuine, "genuine"), (impostor, "impostor")):
        ascending(scores, kind)
        _check(scores)
        own = _Cells.empty(folds)
        fold = rng.permutation(np.arange(scores.size) % folds)
        own.add(scores, np.ones(scores.size), np.stack((fold, fold)))
        cells.append(own)
    behind = Behind(genuine.size, impostor.size, 0, genuine.size, impostor.size)
    return Folded(folds, behind, named=False, _genuine=cells[0], _impostor=cells[1])


def _check(scores: Float[np.ndarray, "n"]) -> None:
    worst = float(np.abs(scores).max(initial=0.0))
    if worst > 1 + ROUNDING:
        msg = (
            f"a similarity lies between -1 and 1, got one of {worst:g} in size: calibrate the cosine of two "
            "embeddings, or bring other scores into that range first (higher must be more alike)"
        )
        raise CalibrationError(msg)


def _dealt(mated: Bool[np.ndarray, "people"], folds: int, rng: np.random.Generator) -> Int64[np.ndarray, "people"]:
    """Return each person's fold: those with genuine pairs dealt out evenly, then the others."""
    fold = np.empty(mated.size, dtype=np.int64)
    order = np.concatenate([rng.permutation(np.flatnonzero(kind)) for kind in (mated, ~mated)])
    fold[order] = np.arange(mated.size) % folds
    return fold


def chunks_of_pairs(
    vectors: Vectors, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[Float32[np.ndarray, "n"], Int[np.ndarray, "n"], Int[np.ndarray, "n"]]]:
    """Yield scores, first and second photo of about a million pairs at a time."""
    photos = vectors.shape[0]
    held: list[tuple[int, Float32[np.ndarray, "n"]]] = []
    size = 0
    for row, scores in rows_of_pairs(vectors, progress):
        held.append((row, scores))
        size += scores.size
        if size >= CHUNK or row == photos - 1:
            rows = np.repeat([row for row, _ in held], [part.size for _, part in held])
            columns = np.concatenate([np.arange(row + 1, photos) for row, _ in held])
            yield np.concatenate([part for _, part in held]), rows, columns
            held, size = [], 0
