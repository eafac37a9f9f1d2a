"""Weighted genuine and impostor scores -> the best increasing map to a log-likelihood ratio (pool adjacent violators).

Source: Ayer et al. 1955; Zadrozny and Elkan 2002 for calibration; Bruemmer and du Preez 2013, "The PAV algorithm
optimizes binary proper scoring rules": this one map is the best for every proper score and every prior at once, which
is why its Cllr on the scores it was fitted to is the least that they allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from twinlens.metrics.weighted import Weighted


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Stretches of scores that get one value, in rising order.

    Attributes:
        first: lowest score of each block.
        last: highest score of each block.
        genuine: share of all genuine weight in each, summing to 1.
        impostor: share of all impostor weight in each, summing to 1.
    """

    first: Float64[np.ndarray, "blocks"]
    last: Float64[np.ndarray, "blocks"]
    genuine: Float64[np.ndarray, "blocks"]
    impostor: Float64[np.ndarray, "blocks"]

    @property
    def llr(self) -> Float64[np.ndarray, "blocks"]:
        """Natural logarithm of genuine over impostor share; infinite where only one kind lies."""
        with np.errstate(divide="ignore"):
            ratio = np.log(self.genuine) - np.log(self.impostor)
        rising: Float64[np.ndarray, "blocks"] = np.maximum.accumulate(ratio)  # rounding may undo a rise by 1e-16
        return rising


def pool(genuine: Weighted, impostor: Weighted) -> Blocks:
    """Return the blocks of equal value; equal scores always share one."""
    places = np.union1d(genuine.scores, impostor.scores)
    g, i = np.zeros(places.size), np.zeros(places.size)
    g[np.searchsorted(places, genuine.scores)] = genuine.shares
    i[np.searchsorted(places, impostor.scores)] = impostor.shares
    used = np.flatnonzero(g + i > 0)
    starts = _starts(g[used], i[used])
    ends = np.append(starts[1:], used.size) - 1
    return Blocks(
        places[used][starts], places[used][ends], np.add.reduceat(g[used], starts), np.add.reduceat(i[used], starts)
    )


def _starts(g: Float64[np.ndarray, "n"], i: Float64[np.ndarray, "n"]) -> Int64[np.ndarray, "blocks"]:
    """Return where each block begins: neighbours join as long as the left one's share of genuine is not the lower.

    Shares are compared crosswise, so that no division is needed and a block of one kind is no exception.
    """
    begin: list[int] = []
    genuine: list[float] = []
    impostor: list[float] = []
    for at, (own_g, own_i) in enumerate(zip(g.tolist(), i.tolist(), strict=True)):
        here = at
        while begin and genuine[-1] * own_i >= own_g * impostor[-1]:
            here, own_g, own_i = begin.pop(), own_g + genuine.pop(), own_i + impostor.pop()
        begin.append(here)
        genuine.append(own_g)
        impostor.append(own_i)
    return np.array(begin, dtype=np.int64)
