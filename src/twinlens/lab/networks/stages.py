"""Filters and kernels -> convolutions without padding, each with a pool, a norm and dropout where asked.

The common part of Koch 2015, 003 and 004. A pool stands before the ReLU: the maximum of what a ReLU lets through is
what a ReLU lets through of the maximum, and it is a quarter of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from twinlens.errors import RecipeError
from twinlens.lab.networks.trunk import side_after


@dataclass(frozen=True, slots=True)
class Stages:
    """A stack of convolutions.

    Attributes:
        filters: of each convolution.
        kernels: their sides, pixels.
        pools: how many of the first convolutions a 2x2 pool follows.
        batch_norm: a batch norm between convolution and ReLU.
        dropout: rates behind each convolution; shorter or empty for none behind the later ones.
    """

    filters: Sequence[int]
    kernels: Sequence[int]
    pools: int
    batch_norm: bool = False
    dropout: Sequence[float] = ()

    def __post_init__(self) -> None:
        if len(self.filters) != len(self.kernels) or not self.filters:
            msg = f"as many filters as kernels are wanted, got {list(self.filters)} and {list(self.kernels)}"
            raise RecipeError(msg)
        if not 0 <= self.pools <= len(self.filters):
            msg = f"pools follow 0 to {len(self.filters)} convolutions, got {self.pools}"
            raise RecipeError(msg)
        if any(not 0 <= rate < 1 for rate in self.dropout):
            msg = f"dropout lies between 0 and 1, got {list(self.dropout)}"
            raise RecipeError(msg)

    def build(self, channels: int, side: int) -> tuple[nn.Sequential, int]:
        """Return the layers and how many numbers they leave of a picture.

        Raises:
            RecipeError: the picture is too small.
        """
        layers: list[nn.Module] = []
        for at, (filters, kernel) in enumerate(zip(self.filters, self.kernels, strict=True)):
            what = f"convolution {at + 1}"
            side = side_after(side, kernel, what)
            layers.append(nn.Conv2d(channels, filters, kernel))
            if self.batch_norm:
                layers.append(nn.BatchNorm2d(filters))
            if at < self.pools:
                side = side_after(side, 2, f"the pool behind {what}", stride=2)
                layers.append(nn.MaxPool2d(2))
            layers.append(nn.ReLU(inplace=True))
            if at < len(self.dropout) and self.dropout[at]:
                layers.append(nn.Dropout(self.dropout[at]))
            channels = filters
        return nn.Sequential(*layers), channels * side * side
