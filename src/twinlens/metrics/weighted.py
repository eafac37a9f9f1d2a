"""Scores of one kind, any number of them -> distinct scores with weights, which every proper score and fit takes.

Weights let people count alike: with all pairs, somebody with 500 photos owns 124,750 genuine pairs and somebody with
two photos one, and yet each is one person. Of more scores than `EXACT` those that fall into one cell of a fine grid are
taken together, at their mean and with their sum of weights: 40 million scores become 16,384 points, and the tails keep
every score that stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int, Int64

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.scores import ascending

EXACT = 16_384  # so many scores are kept one by one
CELLS = 16_384  # a cell is 0.00012 wide between -1 and 1: far finer than a score is sure
BLOCK = 1 << 20  # scores binned at once


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """Scores of one kind, genuine or impostor.

    Attributes:
        scores: ascending, without repeats.
        weights: of each score, 0 or more; only their proportions matter.
        pairs: how many pairs have each score.
    """

    scores: Float64[np.ndarray, "n"]
    weights: Float64[np.ndarray, "n"]
    pairs: Int64[np.ndarray, "n"]

    @property
    def shares(self) -> Float64[np.ndarray, "n"]:
        """The weights, with the sum 1."""
        shares: Float64[np.ndarray, "n"] = self.weights / self.weights.sum()
        return shares

    @property
    def total(self) -> int:
        """How many pairs there are."""
        return int(self.pairs.sum())

    def mapped(self, through: Callable[[Float64[np.ndarray, "n"]], Float64[np.ndarray, "n"]]) -> Weighted:
        """Return the same pairs with each score put through a map that never falls."""
        return _merged(through(self.scores), self.weights, self.pairs)


Scores = Float[np.ndarray, "_"] | Weighted  # two of them need not be of one length


def weighted(scores: Scores, kind: str) -> Weighted:
    """Return plain scores as scores that weigh alike; weighted ones as they are.

    Args:
        scores: similarities, or log-likelihood ratios.
        kind: ``genuine`` or ``impostor``, for messages.

    Raises:
        CalibrationError: no score, or some that are not finite.
    """
    return scores if isinstance(scores, Weighted) else condense(scores, kind)


def condense(scores: Float[np.ndarray, "n"], kind: str, weights: Float[np.ndarray, "_"] | None = None) -> Weighted:
    """Return scores with their weights: exactly up to `EXACT` of them, beyond that in `CELLS` cells.

    Args:
        scores: in any order.
        kind: ``genuine`` or ``impostor``, for messages.
        weights: of each score; None for all alike.

    Raises:
        CalibrationError: no score, or some that are not finite.
        OptionError: weights that do not fit, are negative or all zero.
    """
    if weights is None:
        scores = ascending(scores, kind)
    else:
        ascending(scores, kind)
        _check_weights(scores.size, weights, kind)
    if scores.size <= EXACT:
        order = np.argsort(scores, kind="stable")
        own = np.ones(scores.size) if weights is None else weights[order].astype(np.float64)
        return _merged(scores[order].astype(np.float64), own, np.ones(scores.size, dtype=np.int64))
    low, high = float(scores.min()), float(scores.max())
    grid = Grid.empty(min(low, -1.0), max(high, 1.0))
    for start in range(0, scores.size, BLOCK):
        part = slice(start, start + BLOCK)
        grid.add(scores[part], None if weights is None else weights[part])
    return grid.weighted()


def _check_weights(size: int, weights: Float[np.ndarray, "_"], kind: str) -> None:
    fits = weights.shape == (size,) and np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0
    if not fits:
        msg = f"wanted a finite weight of 0 or more for each of {size} {kind} scores, and not all of them 0"
        raise OptionError(msg)


def _merged(
    scores: Float64[np.ndarray, "n"], weights: Float64[np.ndarray, "n"], pairs: Int64[np.ndarray, "n"]
) -> Weighted:
    """Take equal neighbours of ascending scores together."""
    starts = np.flatnonzero(np.concatenate(([True], scores[1:] > scores[:-1])))
    return Weighted(scores[starts], np.add.reduceat(weights, starts), np.add.reduceat(pairs, starts))


def joined(parts: Sequence[Weighted]) -> Weighted:
    """Return the pairs of several parts as one."""
    scores = np.concatenate([part.scores for part in parts])
    order = np.argsort(scores, kind="stable")
    weights = np.concatenate([part.weights for part in parts])
    pairs = np.concatenate([part.pairs for part in parts])
    return _merged(scores[order], weights[order], pairs[order])


@dataclass(slots=True, eq=False)
class Grid:
    """Scores counted in cells of equal width.

    Attributes:
        low: where the first cell begins.
        high: where the last one ends.
        weights: sum of weights in each cell.
        moments: sum of weight times score.
        pairs: how many pairs.
    """

    low: float
    high: float
    weights: Float64[np.ndarray, "cells"]
    moments: Float64[np.ndarray, "cells"]
    pairs: Int64[np.ndarray, "cells"]

    @classmethod
    def empty(cls, low: float = -1.0, high: float = 1.0) -> Grid:
        """Return a grid without pairs."""
        return cls(low, high, np.zeros(CELLS), np.zeros(CELLS), np.zeros(CELLS, dtype=np.int64))

    def add(self, scores: Float[np.ndarray, "n"], weights: Float[np.ndarray, "n"] | None = None) -> None:
        """Count more pairs; a score beyond the ends goes to the outermost cell."""
        values = scores.astype(np.float64)
        own = np.ones(values.size) if weights is None else weights.astype(np.float64)
        at = self.cells(values)
        self.weights += np.bincount(at, own, CELLS)
        self.moments += np.bincount(at, own * values, CELLS)
        self.pairs += np.bincount(at, minlength=CELLS)

    def cells(self, scores: Float[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
        """Return the cell of each score."""
        places = (scores.astype(np.float64) - self.low) * (CELLS / (self.high - self.low))
        return np.clip(places.astype(np.int64), 0, CELLS - 1)

    def weighted(self) -> Weighted:
        """Return what was counted, each cell at the mean of its scores.

        Raises:
            CalibrationError: nothing was counted.
        """
        filled = self.weights > 0
        if not filled.any():
            msg = "no pairs of one kind: a calibration needs both"
            raise CalibrationError(msg)
        means = self.moments[filled] / self.weights[filled]
        return Weighted(np.maximum.accumulate(means), self.weights[filled], self.pairs[filled])
