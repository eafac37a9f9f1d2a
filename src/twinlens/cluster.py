"""[Embedding] -> groups of one person each: average-link agglomeration with pairs that must stay apart.

The closest pairs join first (Sokal and Michener 1958, average link); two groups join only while the mean similarity
between their members reaches the threshold and no photo holds a face of both: one photo cannot show a person twice.
Each face offers its nearest neighbours only, so that the work grows with faces x neighbours, not with all pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int64

from twinlens.errors import ModelMismatchError, OptionError
from twinlens.types import Embedding

NEIGHBOURS = 64  # pairs that one face may offer
BLOCK = 2048  # rows of the similarity matrix held at once: 2048 x n float32


def group(
    embeddings: Sequence[Embedding], photos: Sequence[str], threshold: float, *, neighbours: int = NEIGHBOURS
) -> list[list[int]]:
    """Return groups of indices, the largest first, each in rising order; somebody seen once is a group of one.

    Args:
        embeddings: of one model.
        photos: for each embedding the photo it came from; faces of one photo never share a group.
        threshold: mean similarity that two groups need to join, -1 to 1.
        neighbours: how many nearest faces each face may join directly.

    Raises:
        ModelMismatchError: embeddings of two models.
        OptionError: not one photo for each embedding.
    """
    if len(embeddings) != len(photos):
        msg = f"wanted one photo for each embedding, got {len(photos)} for {len(embeddings)}"
        raise OptionError(msg)
    if not embeddings:
        return []
    models = {(e.model, e.vector.size) for e in embeddings}
    if len(models) > 1:
        msg = f"cannot group embeddings of several models: {', '.join(sorted(m for m, _ in models))}"
        raise ModelMismatchError(msg)
    vectors = np.stack([e.vector for e in embeddings])
    forest = _Forest(vectors, photos)
    for left, right in nearest_pairs(vectors, threshold, neighbours):
        forest.join(int(left), int(right), threshold)
    return sorted(forest.groups(), key=lambda members: (-len(members), members[0]))


def nearest_pairs(
    vectors: Float32[np.ndarray, "n dim"], threshold: float, neighbours: int
) -> Int64[np.ndarray, "pairs 2"]:
    """Return pairs (i, j) with i < j and similarity at or above the threshold, the most alike first."""
    count = len(vectors)
    found: dict[tuple[int, int], float] = {}
    keep = min(neighbours, count - 1)
    if keep < 1:
        return np.empty((0, 2), np.int64)
    for start in range(0, count, BLOCK):
        scores = vectors[start : start + BLOCK] @ vectors.T
        scores[np.arange(len(scores)), np.arange(start, start + len(scores))] = -np.inf
        best = np.argpartition(scores, -keep, axis=1)[:, -keep:]
        kept = np.take_along_axis(scores, best, axis=1)
        for row, column in zip(*np.nonzero(kept >= threshold), strict=True):
            one, other = start + int(row), int(best[row, column])
            found[min(one, other), max(one, other)] = float(kept[row, column])
    ranked = sorted(found, key=lambda pair: (-found[pair], pair))
    return np.array(ranked, np.int64).reshape(-1, 2)


class _Forest:
    """Groups under construction: union-find with each group's members, vector sum and photos."""

    def __init__(self, vectors: Float32[np.ndarray, "n dim"], photos: Sequence[str]) -> None:
        self._parent = list(range(len(vectors)))
        self._members = [[i] for i in range(len(vectors))]
        self._sums = [row.astype(np.float64) for row in vectors]
        self._photos = [{photo} for photo in photos]

    def _root(self, item: int) -> int:
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, left: int, right: int, threshold: float) -> None:
        """Join the groups of two items where that is allowed."""
        one, other = sorted((self._root(left), self._root(right)))
        if one == other or not self._photos[one].isdisjoint(self._photos[other]):
            return
        pairs = len(self._members[one]) * len(self._members[other])
        if float(self._sums[one] @ self._sums[other]) / pairs < threshold:
            return
        self._parent[other] = one
        self._members[one] += self._members[other]
        self._sums[one] = self._sums[one] + self._sums[other]
        self._photos[one] |= self._photos[other]

    def groups(self) -> list[list[int]]:
        """Return the members of every group, in rising order."""
        return [sorted(self._members[i]) for i, parent in enumerate(self._parent) if parent == i]
