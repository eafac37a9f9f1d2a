"""Pieces -> groups of one person each: average-link agglomeration under what time allows.

Two pieces seen at the same time are never the same person. A face that returns after a gap must look the same by the
bar of verification; one that goes on in the same place after a sudden change needs less, for it is most likely the
same face, turned or half covered, unless the film was cut.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from twinlens.video.piece import Piece


@dataclass(frozen=True, slots=True)
class Bars:
    """Similarities from which on two faces are one person; the less else speaks for it, the higher.

    Attributes:
        drift: between parts of a stretch in which nothing changed suddenly.
        change: for a piece that goes on in the place of another.
        gap: for a piece that comes after a gap.
    """

    drift: float
    change: float
    gap: float


def joined(pieces: Sequence[Piece], bars: Bars, reconnect_s: float) -> list[list[Piece]]:
    """Return groups in order of their first frame, each in order of time.

    Args:
        pieces: what was followed.
        bars: how alike two must be.
        reconnect_s: the longest gap between two pieces of one group.
    """
    groups = [_Group([piece], piece.total) for piece in pieces]
    home = list(range(len(pieces)))  # the number of each piece's group
    offers = [(groups[i].similarity(groups[j]) - bar, bar, i, j) for i, j, bar in _pairs(pieces, bars, reconnect_s)]
    for margin, bar, i, j in sorted(offers, key=lambda offer: (-offer[0], offer[2], offer[3])):
        one, other = groups[home[i]], groups[home[j]]
        if margin < 0 or one is other or one.meets(other) or one.similarity(other) < bar:
            continue
        gone = home[j]
        home = [home[i] if number == gone else number for number in home]
        one.take_in(other)
    found = [sorted(groups[number].pieces, key=_first_frame) for number in sorted(set(home))]
    return sorted(found, key=lambda group: _first_frame(group[0]))


def _first_frame(piece: Piece) -> int:
    return piece.trail.first_frame


@dataclass(slots=True)
class _Group:
    pieces: list[Piece]
    total: Float64[np.ndarray, " dim"]

    def similarity(self, other: _Group) -> float:
        """Return the cosine between the fused embeddings."""
        lengths = float(np.linalg.norm(self.total) * np.linalg.norm(other.total))
        return float(self.total @ other.total) / max(lengths, 1e-12)

    def meets(self, other: _Group) -> bool:
        """Say whether there is a frame between the first and the last of a piece of each."""
        return any(one.trail.overlaps(two.trail) for one in self.pieces for two in other.pieces)

    def take_in(self, other: _Group) -> None:
        self.pieces += other.pieces
        self.total = self.total + other.total


def _pairs(pieces: Sequence[Piece], bars: Bars, reconnect_s: float) -> Iterator[tuple[int, int, float]]:
    """Yield pairs that time allows, the earlier first, and the bar for them."""
    order = sorted(range(len(pieces)), key=lambda i: pieces[i].trail.start_s)
    starts = [pieces[i].trail.start_s for i in order]
    for i in order:
        end_s = pieces[i].trail.end_s
        for j in order[bisect_right(starts, end_s) : bisect_right(starts, end_s + reconnect_s)]:
            yield i, j, bars.change if pieces[j].follows is pieces[i] else bars.gap
