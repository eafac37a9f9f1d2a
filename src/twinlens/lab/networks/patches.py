"""A grid of cells -> the overlapping patches of it that are learned from on their own, before the whole face is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

SHARE = 0.4  # of a side that a patch takes, where there are cells enough
STEPS = 3  # patches on a side there


def spans(cells: int) -> list[tuple[int, int]]:
    """Return where patches begin and end on a side: three that overlap a little, two of a small grid, or all of it."""
    if cells < 4:
        return [(0, cells)]
    if cells < 6:
        return [(0, 3), (cells - 3, cells)]
    length = math.ceil(SHARE * cells)
    starts = [round(step * (cells - length) / (STEPS - 1)) for step in range(STEPS)]
    return [(start, start + length) for start in starts]


def patches(places: Tensor) -> list[Tensor]:
    """Return the places of each patch's features, rows first.

    Args:
        places: int64 (cells, cells, bins), where the features of each cell stand in a description.
    """
    sides = spans(len(places))
    return [places[top:bottom, left:right].flatten() for top, bottom in sides for left, right in sides]


def bins_first(cells: int, bins: int, start: int) -> Tensor:
    """Return the places of histograms that lie as (bins, cells, cells) from a place on."""
    return torch.arange(start, start + bins * cells**2).reshape(bins, cells, cells).permute(1, 2, 0)


def cells_first(cells: int, bins: int, start: int) -> Tensor:
    """Return the places of histograms that lie as (cells, cells, bins) from a place on."""
    return torch.arange(start, start + bins * cells**2).reshape(cells, cells, bins)


def laid_out(grids: Sequence[int], bins: int, lie: Callable[[int, int, int], Tensor]) -> list[Tensor]:
    """Return the patches of several grids, one behind the other.

    Args:
        grids: cells on a side of each.
        bins: of a cell.
        lie: how the histograms of a grid lie: `bins_first` or `cells_first`.
    """
    found, start = [], 0
    for cells in grids:
        found += patches(lie(cells, bins, start))
        start += bins * cells**2
    return found
