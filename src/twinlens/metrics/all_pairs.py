"""Embeddings of known people -> the scores of all pairs, exactly.

Every score is kept as a float32 and sorted in place: 9,000 photos make 40.5 million pairs, 162 MB, and every error
rate, threshold and interval is exact. A histogram would need less memory and would blur just the tail that thresholds
at small FMR are read from; beyond `MAX_PAIRS` people are sampled instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from twinlens.errors import CalibrationError, OptionError

MAX_PAIRS = 250_000_000  # 1 GB
BLOCK = 512  # rows of the similarity matrix at once: 512 x 9,000 float32 are 18 MB

Vectors = Float32[np.ndarray, "photos dim"]


@dataclass(frozen=True, slots=True, eq=False)
class AllPairs:
    """The scores of all pairs, ready for every metric of `twinlens.metrics.verification` without a further sort.

    Attributes:
        genuine: ascending.
        impostor: ascending.
    """

    genuine: Float32[np.ndarray, "genuine"]
    impostor: Float32[np.ndarray, "impostor"]


def score_all_pairs(
    vectors: Vectors, subjects: Sequence[str], *, progress: Callable[[int, int], None] | None = None
) -> AllPairs:
    """Compare every photo with every other by the cosine of their vectors.

    Args:
        vectors: of unit length.
        subjects: whom each photo shows.
        progress: called with (photos done, photos in all).

    Raises:
        CalibrationError: no pair of one kind, labels that do not fit, or vectors that are not finite.
        OptionError: more than `MAX_PAIRS` pairs.
    """
    people = numbered_people(vectors, subjects)
    photos = people.size
    total = photos * (photos - 1) // 2
    owned = np.bincount(people)
    mated = int((owned * (owned - 1) // 2).sum())
    if not 0 < mated < total:
        msg = f"{photos} photos of {owned.size} people make {mated} genuine and {total - mated} impostor pairs"
        raise CalibrationError(msg)
    genuine = np.empty(mated, dtype=np.float32)
    impostor = np.empty(total - mated, dtype=np.float32)
    g = i = 0
    for row, scores in rows_of_pairs(vectors, progress):
        same = people[row + 1 :] == people[row]
        alike, other = scores[same], scores[~same]
        genuine[g : g + alike.size] = alike
        impostor[i : i + other.size] = other
        g, i = g + alike.size, i + other.size
    genuine.sort()
    impostor.sort()
    return AllPairs(genuine, impostor)


@dataclass(frozen=True, slots=True, eq=False)
class FalseMatches:
    """Pairs of two people that a threshold accepts, the most alike first.

    Attributes:
        photos: the two photos of each, as row numbers.
        scores: their similarity.
    """

    photos: Int[np.ndarray, "pairs 2"]
    scores: Float32[np.ndarray, "pairs"]


def find_false_matches(vectors: Vectors, subjects: Sequence[str], threshold: float) -> FalseMatches:
    """Find the impostor pairs at or above a threshold; one pass, memory for those found only.

    Raises:
        CalibrationError: labels that do not fit, or vectors that are not finite.
        OptionError: more than `MAX_PAIRS` pairs.
    """
    people = numbered_people(vectors, subjects)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for row, scores in rows_of_pairs(vectors, None):
        hits = np.flatnonzero((scores.astype(np.float64) >= threshold) & (people[row + 1 :] != people[row]))
        if hits.size:
            pairs = np.stack((np.full(hits.size, row), hits + row + 1), axis=1)
            found.append((pairs, scores[hits]))
    if not found:
        return FalseMatches(np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.float32))
    photos = np.concatenate([pairs for pairs, _ in found])
    scores = np.concatenate([values for _, values in found])
    order = np.argsort(-scores, kind="stable")
    return FalseMatches(photos[order], scores[order])


def numbered_people(vectors: Vectors, subjects: Sequence[str]) -> Int[np.ndarray, "photos"]:
    """Return whom each photo shows as a number from 0, after checking that all pairs can be compared.

    Raises:
        CalibrationError: labels that do not fit, or vectors that are not finite.
        OptionError: more than `MAX_PAIRS` pairs.
    """
    photos = vectors.shape[0]
    if photos != len(subjects) or photos < 2:
        msg = f"wanted a subject for each of at least 2 vectors, got {photos} vectors and {len(subjects)} subjects"
        raise CalibrationError(msg)
    if not np.isfinite(vectors).all():
        msg = f"vector number {int(np.argmin(np.isfinite(vectors).all(axis=1)))} is not finite"
        raise CalibrationError(msg)
    if photos * (photos - 1) // 2 > MAX_PAIRS:
        msg = f"{photos} photos make more than {MAX_PAIRS:,} pairs; draw a part of the people"
        raise OptionError(msg)
    return np.unique(np.asarray(subjects, dtype=np.str_), return_inverse=True)[1]


def rows_of_pairs(
    vectors: Vectors, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[int, Float32[np.ndarray, "later"]]]:
    """Yield each photo's number and its similarity to all photos after it."""
    photos = vectors.shape[0]
    for start in range(0, photos, BLOCK):
        block = vectors[start : start + BLOCK] @ vectors[start:].T
        for offset in range(block.shape[0]):
            yield start + offset, block[offset, offset + 1 :]
        if progress is not None:
            progress(min(start + BLOCK, photos), photos)
