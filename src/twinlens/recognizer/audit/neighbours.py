"""Vectors and whose they are -> each photo's nearest among its own and among others, and the pairs of subjects alike.

All pairs are compared, in tiles of the upper triangle of the similarity matrix: memory for two tiles, whatever the
gallery's size. 100,000 templates of 128 numbers are 5 billion products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from twinlens.recognizer.audit.holdings import Holdings

TILE = 2048  # rows and columns compared at once: 16 MiB of float32
MOST_PAIRS = 1_000_000  # pairs of photos kept before they are brought down to one a pair of subjects
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """For each row, the most alike template of another subject, among names or among faces.

    Attributes:
        scores: -1 where there is no other subject.
        rows: which; its own where there is none.
    """

    scores: Float32[np.ndarray, " rows"]
    rows: Int64[np.ndarray, " rows"]


@dataclass(frozen=True, slots=True, eq=False)
class AlikePairs:
    """Pairs of subjects, by their most alike photos; the most alike pair first.

    Attributes:
        rows: the two templates, that of the lower subject first.
        scores: their similarity.
        floor: from which similarity on the list is complete; above what was asked for where there were too many.
    """

    rows: Int64[np.ndarray, "pairs 2"]
    scores: Float32[np.ndarray, " pairs"]
    floor: float


def compare_subjects(
    holdings: Holdings, *, floor: float, nameless_floor: float, progress: Progress | None = None
) -> tuple[Nearest, AlikePairs]:
    """Compare every template with those of all other subjects.

    Args:
        holdings: sorted by subject.
        floor: similarity from which on a pair of subjects is listed.
        nameless_floor: the same for a pair of faces of an index; faces and names are not compared.
        progress: called with (comparisons done, comparisons in all).
    """
    count = holdings.rows
    scores = np.full(count, -1.0, np.float32)
    rows = np.arange(count)
    pairs = _Pairs(holdings, floor, nameless_floor)
    tiles = [(i, j) for i in range(0, count, TILE) for j in range(i, count, TILE)]
    for done, (i, j) in enumerate(tiles, 1):
        tile = _tile(holdings, i, j)
        if j > i:
            _improve(scores[j : j + TILE], rows[j : j + TILE], tile.max(axis=0), tile.argmax(axis=0) + i)
        best = tile.argmax(axis=1)
        high = np.take_along_axis(tile, best[:, None], axis=1)[:, 0]
        _improve(scores[i : i + TILE], rows[i : i + TILE], high, best + j)
        pairs.take(tile, i, j, high)
        if progress is not None:
            progress(done, len(tiles))
    scores[scores < -1.0] = -1.0
    return Nearest(scores, rows), pairs.listed()


def _tile(holdings: Holdings, i: int, j: int) -> Float32[np.ndarray, "rows columns"]:
    """Return the similarities of two blocks of rows; minus infinity within a subject, and of a name to a face."""
    vectors, owners = holdings.vectors, holdings.owners
    tile = vectors[i : i + TILE] @ vectors[j : j + TILE].T
    here, there = owners[i : i + TILE], owners[j : j + TILE]
    if here[-1] >= there[0]:  # sorted by subject, so blocks further apart share none
        tile[here[:, None] == there[None, :]] = -np.inf
    if holdings.nameless[there[-1]] and not holdings.nameless[here[0]]:
        tile[holdings.nameless[here][:, None] != holdings.nameless[there][None, :]] = -np.inf
    return np.asarray(tile, np.float32)


def _improve(scores: np.ndarray, rows: np.ndarray, found: np.ndarray, places: np.ndarray) -> None:
    better = found > scores
    scores[better] = found[better]
    rows[better] = places[better]


class _Pairs:
    """Pairs above a floor, in bounded memory: too many are brought down to the best of each pair of subjects."""

    def __init__(self, holdings: Holdings, floor: float, nameless_floor: float) -> None:
        self._owners = holdings.owners
        self._nameless = holdings.nameless
        self._floor = floor
        self._nameless_floor = nameless_floor
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._held = 0

    def take(self, tile: np.ndarray, i: int, j: int, high: np.ndarray) -> None:
        """Keep the pairs of a tile that reach the floor; ``high`` holds the greatest of each row."""
        nameless = self._nameless[self._owners[i]]  # those with names come first
        floor = max(self._floor, self._nameless_floor) if nameless else self._floor
        lines = np.flatnonzero(high >= floor)
        if not lines.size:
            return
        inner, columns = np.nonzero(tile[lines] >= floor)
        left, right = lines[inner] + i, columns + j
        scores = tile[lines[inner], columns]
        kept = left < right  # a tile on the diagonal holds each pair twice
        faces = self._nameless[self._owners[left]]  # a face is compared with faces only
        kept &= ~faces | (scores >= self._nameless_floor)
        self._parts.append((np.stack((left[kept], right[kept]), axis=1), scores[kept]))
        self._held += int(np.count_nonzero(kept))
        if self._held > MOST_PAIRS:
            self._condense()

    def _condense(self) -> None:
        """Keep the best photos of each pair of subjects; where those are still too many, only the most alike half."""
        rows = np.concatenate([part for part, _ in self._parts])
        scores = np.concatenate([part for _, part in self._parts])
        order = np.argsort(-scores, kind="stable")
        rows, scores = rows[order], scores[order]
        subjects = self._owners[rows]
        keys = subjects.min(axis=1) * (int(self._owners[-1]) + 1) + subjects.max(axis=1)
        _, first = np.unique(keys, return_index=True)
        first.sort()
        rows, scores = rows[first], scores[first]
        if len(scores) > MOST_PAIRS // 2:
            rows, scores = rows[: MOST_PAIRS // 2], scores[: MOST_PAIRS // 2]
            self._floor = float(scores[-1])
        self._parts = [(rows, scores)]
        self._held = len(scores)

    def listed(self) -> AlikePairs:
        """Return one pair of photos for each pair of subjects."""
        if not self._parts:
            return AlikePairs(np.empty((0, 2), np.int64), np.empty(0, np.float32), self._floor)
        self._condense()
        ((rows, scores),) = self._parts
        return AlikePairs(rows, scores, self._floor)
