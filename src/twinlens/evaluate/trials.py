"""A plan's listed pairs and what was seen of the photos -> scores, labels, people: one row a pair."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from twinlens.datasets.records import Pair, Split
from twinlens.errors import CalibrationError
from twinlens.evaluate.sight import Seen

FAILED = -1.0  # the similarity of a pair without a score to be drawn and ranked with: never a match


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Pairs, compared.

    Attributes:
        pairs: as listed.
        scores: similarity; NaN where a photo gave no vector (a failure to acquire).
        same: the label.
        people: numbers of the two people of each pair.
        rows: rows of the two photos in `Seen`.
    """

    pairs: tuple[Pair, ...]
    scores: Float64[np.ndarray, " pairs"]
    same: Bool[np.ndarray, " pairs"]
    people: Int[np.ndarray, "pairs 2"]
    rows: Int[np.ndarray, "pairs 2"]

    @property
    def compared(self) -> Bool[np.ndarray, " pairs"]:
        """Which pairs have a score."""
        there: Bool[np.ndarray, " pairs"] = ~np.isnan(self.scores)
        return there

    @property
    def genuine(self) -> Float64[np.ndarray, " genuine"]:
        """Scores of compared pairs of one person."""
        chosen: Float64[np.ndarray, " genuine"] = self.scores[self.same & self.compared]
        return chosen

    @property
    def impostor(self) -> Float64[np.ndarray, " impostor"]:
        """Scores of compared pairs of two people."""
        chosen: Float64[np.ndarray, " impostor"] = self.scores[~self.same & self.compared]
        return chosen

    @property
    def ranked(self) -> Float64[np.ndarray, " pairs"]:
        """Scores with failures at the lowest similarity."""
        lowest: Float64[np.ndarray, " pairs"] = np.where(self.compared, self.scores, FAILED)
        return lowest

    def digest(self, root: str) -> str:
        """Return the sha256 of the pairs in order: paths relative to the data set, and labels."""
        text = "\n".join(f"{pair.first.path}|{pair.second.path}|{int(pair.same)}" for pair in self.pairs)
        return hashlib.sha256(text.replace(root, "").encode()).hexdigest()


def compare_pairs(split: Split, seen: Seen) -> Trials:
    """Compare the listed pairs of a split.

    Raises:
        CalibrationError: no genuine or no impostor pair could be compared.
    """
    first = seen.of([pair.first for pair in split.pairs])
    second = seen.of([pair.second for pair in split.pairs])
    scores = np.einsum("ij,ij->i", seen.vectors[first], seen.vectors[second]).astype(np.float64)
    scores = np.clip(scores, -1.0, 1.0)
    scores[~(seen.found[first] & seen.found[second])] = np.nan
    numbers = {name: number for number, name in enumerate(sorted(split.people))}
    people = np.array([(numbers[p.first.subject], numbers[p.second.subject]) for p in split.pairs], dtype=np.int64)
    same = np.array([pair.same for pair in split.pairs])
    trials = Trials(split.pairs, scores, same, people, np.stack((first, second), axis=1))
    for kind, values in (("genuine", trials.genuine), ("impostor", trials.impostor)):
        if not values.size:
            msg = f"not one {kind} pair of {split.name!r} could be compared: a face was found in too few photos"
            raise CalibrationError(msg)
    return trials


def join_trials(parts: Sequence[Trials], splits: Sequence[Split]) -> Trials:
    """Join the tests of several folds; people are numbered over all of them."""
    numbers = {name: number for number, name in enumerate(sorted(set().union(*(s.people for s in splits))))}
    pairs = tuple(pair for part in parts for pair in part.pairs)
    people = np.array([(numbers[p.first.subject], numbers[p.second.subject]) for p in pairs], dtype=np.int64)
    return Trials(
        pairs,
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.same for part in parts]),
        people,
        np.concatenate([part.rows for part in parts]),
    )
