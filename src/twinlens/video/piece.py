"""A face followed for a while, its embedded samples -> pieces that show one person each.

Embeddings are fused as the mean of unit vectors weighted by quality, brought back to length one: a blurred or half
covered sample moves the answer little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from twinlens.recognizer import Portrait
from twinlens.types import Embedding
from twinlens.video.trail import Trail

LEAST_WEIGHT = 0.05  # of a sample of quality 0: of samples that are all useless the mean is still the best guess
ENOUGH = 2  # samples that a part needs to be cut off, unless one of them is of acceptable quality


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """An embedded sample of a face.

    Attributes:
        frame: index.
        time_s: from the start.
        portrait: the face with its crop, quality and own embedding.
    """

    frame: int
    time_s: float
    portrait: Portrait

    @property
    def weight(self) -> float:
        """How much it counts: its quality."""
        return max(self.portrait.quality.score, LEAST_WEIGHT)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One person followed without a doubt; of its samples only the sum and the best one are kept.

    Attributes:
        trail: where the face was.
        total: sum of the embeddings, each times its quality.
        best: the sample of the highest quality.
        follows: the piece in whose place this one goes on after a sudden change; None otherwise.
    """

    trail: Trail
    total: Float64[np.ndarray, " dim"]
    best: Shot
    follows: Piece | None = None


def pieces_of(trail: Trail, shots: Sequence[Shot], bar: float, follows: Piece | None = None) -> Iterator[Piece]:
    """Yield the pieces of a trail in order of time: it is cut wherever the face before and after are not alike.

    Between the two samples the place of the cut is where the picture changed most from one look to the next.

    Args:
        trail: of one face, or of several who took each other's place unnoticed.
        shots: its samples in order of time; one at least.
        bar: mean similarity between two parts below which they are two people.
        follows: the piece before the first one.
    """
    place = weakest_place([shot.portrait for shot in shots], bar)
    if place is None:
        vectors = np.stack([shot.portrait.embedding.vector for shot in shots]).astype(np.float64)
        total = np.array([shot.weight for shot in shots]) @ vectors
        best = max(shots, key=lambda s: (s.portrait.quality.score, s.portrait.face.score))
        yield Piece(trail, np.asarray(total), best, follows)
        return
    before, after = shots[:place], shots[place:]
    left, right = trail.cut(trail.least_alike(before[-1].frame, after[0].frame))
    yield from pieces_of(left, before, bar, follows)
    yield from pieces_of(right, after, bar)


def weakest_place(portraits: Sequence[Portrait], bar: float) -> int | None:
    """Return before which sample the parts are least alike, or None where all are alike enough."""
    vectors = np.stack([p.embedding.vector for p in portraits])
    similarity = vectors @ vectors.T
    weakest: tuple[float, int] | None = None
    for place in range(1, len(portraits)):
        parts = (portraits[:place], portraits[place:])
        if not all(len(part) >= ENOUGH or any(p.quality.acceptable for p in part) for part in parts):
            continue
        across = float(similarity[:place, place:].mean())
        if across < bar and (weakest is None or across < weakest[0]):
            weakest = (across, place)
    return weakest[1] if weakest else None


def fused(pieces: Sequence[Piece]) -> Portrait:
    """Return the best portrait of some pieces of one person, with the embedding of all their samples."""
    best = best_shot(pieces).portrait
    total = np.sum([piece.total for piece in pieces], axis=0)
    length = float(np.linalg.norm(total))
    if length < 1e-6:  # opposite vectors: there is no mean
        return best
    return replace(best, embedding=Embedding((total / length).astype(np.float32), best.embedding.model))


def best_shot(pieces: Sequence[Piece]) -> Shot:
    """Return the sample of the highest quality, the earliest of equal ones."""
    return max((p.best for p in pieces), key=lambda s: (s.portrait.quality.score, s.portrait.face.score, -s.frame))
