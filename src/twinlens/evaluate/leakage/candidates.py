"""Small pictures -> pairs that may be copies: correlation of 16 x 16 pixels, whole, mirrored, and against cut ones.

A perceptual hash (64 signs of a DCT, Zauner 2010) was measured first and is weaker: to reach nine tenths of the photos
that lost a tenth of their width and height it must let one pair in a hundred through, correlations let through one in
seventeen thousand (docs/results/copies.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8

from twinlens.evaluate.leakage.prints import SIDE

COARSE = 16  # pixels a side
KEPT = 0.92  # of width and height, in the cut views: photos cut to between 0.86 and 1 find one of them
ALIKE = 0.9
BLOCK = 1024  # rows at once
MOST = 200_000  # candidates; a film of one scene has more
MOST_CUT = 30_000  # photos, for cut views: ten products of matrices

Coarse = Float32[np.ndarray, "photos 256"]


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture.

    Attributes:
        kept: share of width and height.
        across: 0 at the left, 1 at the right.
        down: 0 at the top, 1 at the bottom.
    """

    kept: float = 1.0
    across: float = 0.5
    down: float = 0.5

    @property
    def corner(self) -> tuple[float, float]:
        """Where it begins, in pixels of a small picture."""
        left = SIDE * (1 - self.kept)
        return left * self.across, left * self.down


WHOLE = View()
VIEWS = (WHOLE, *(View(KEPT, x, y) for y in (0.0, 0.5, 1.0) for x in (0.0, 0.5, 1.0)))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs to look at closely, each once, the most alike first.

    Attributes:
        first: numbers of pictures that match a view of the second whole.
        second: of the other pictures.
        view: which of `VIEWS`.
        mirrored: whether the first was mirrored.
        dropped: how many were too many.
    """

    first: Int[np.ndarray, " pairs"]
    second: Int[np.ndarray, " pairs"]
    view: Int[np.ndarray, " pairs"]
    mirrored: Bool[np.ndarray, " pairs"]
    dropped: int


def find_candidates(
    small: UInt8[np.ndarray, "photos 64 64"], progress: Callable[[int, int], None] | None = None
) -> Candidates:
    """Return pairs of pictures that may be copies.

    Args:
        small: the pictures.
        progress: called with (comparisons done, in all), in blocks.
    """
    photos = len(small)
    views = VIEWS if photos <= MOST_CUT else VIEWS[:1]
    straight = coarse(small, WHOLE)
    ways = ((False, straight), (True, coarse(small[:, :, ::-1], WHOLE)))
    best: dict[int, tuple[float, int, int, int, bool]] = {}
    dropped = done = 0
    steps = len(views) * len(ways) * -(-photos // BLOCK)
    for number, view in enumerate(views):
        others = straight if view is WHOLE else coarse(small, view)
        for mirrored, mine in ways:
            for rows, columns, scores in _alike(mine, others, once=view is WHOLE):
                for a, b, score in zip(rows.tolist(), columns.tolist(), scores.tolist(), strict=True):
                    key = min(a, b) * photos + max(a, b)
                    if key not in best or best[key][0] < score:
                        best[key] = (score, a, b, number, mirrored)
                if len(best) > 2 * MOST:
                    dropped += len(best) - MOST
                    best = dict(sorted(best.items(), key=lambda item: -item[1][0])[:MOST])
                done += 1
                if progress is not None:
                    progress(done, steps)
    found = sorted(best.values(), key=lambda one: (-one[0], *one[1:]))
    dropped += max(0, len(found) - MOST)
    table = np.array([one[1:] for one in found[:MOST]], np.int64).reshape(-1, 4)
    return Candidates(table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(bool), dropped)


def coarse(small: UInt8[np.ndarray, "photos 64 64"], view: View) -> Coarse:
    """Return a view of each picture as 16 x 16 pixels without their mean, at unit length."""
    x, y = view.corner
    side = round(SIDE * view.kept)
    left, top = (min(round(place), SIDE - side) for place in (x, y))
    found = np.empty((len(small), COARSE * COARSE), np.float32)
    for row, picture in zip(found, small, strict=True):
        part = np.ascontiguousarray(picture[top : top + side, left : left + side])
        row[:] = cv2.resize(part, (COARSE, COARSE), interpolation=cv2.INTER_AREA).ravel()
    found -= found.mean(axis=1, keepdims=True)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6), np.float32)


def _alike(mine: Coarse, others: Coarse, *, once: bool) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield numbers of alike pictures, a block of rows at a time; with ``once`` each pair in one order only."""
    for start in range(0, len(mine), BLOCK):
        first = start if once else 0
        scores = mine[start : start + BLOCK] @ others[first:].T
        rows, columns = np.nonzero(scores >= ALIKE)
        values = scores[rows, columns]
        rows, columns = rows + start, columns + first
        right = columns > rows if once else columns != rows
        yield rows[right], columns[right], values[right]
