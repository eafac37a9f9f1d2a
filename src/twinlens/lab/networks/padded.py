"""Picture -> five numbers: harveyslash's network for AT&T faces, the likely parent of 001."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.initialisation import WEIGHTS, initialise, layers_of, reset_norms, zeros
from twinlens.lab.networks.trunk import Trunk


@dataclass(frozen=True, slots=True)
class PaddedOptions:
    """Options of harveyslash's network; the defaults have 40,254,465 parameters at 100 pixels.

    Attributes:
        filters: of the convolutions.
        dense: units of the hidden layers.
        dim: numbers in an embedding.
        init: ``torch`` as PyTorch draws; ``glorot``, ``lecun`` or ``he`` with zero biases.
    """

    filters: tuple[int, ...] = (4, 8, 8)
    dense: tuple[int, ...] = (500, 500)
    dim: int = 5
    init: Literal["torch", "glorot", "lecun", "he"] = "torch"

    def __post_init__(self) -> None:
        if not self.filters or min(*self.filters, *self.dense, self.dim) < 1:
            msg = "trunk: filters, dense and dim are at least 1, and there is at least one convolution"
            raise RecipeError(msg)


class Padded(Trunk):
    """3x3 convolutions on mirrored edges, each with ReLU and then a batch norm, and three dense layers."""

    def __init__(self, options: PaddedOptions, channels: int, size: int) -> None:
        super().__init__(options.dim)
        self.init = options.init
        layers: list[nn.Module] = []
        for filters in options.filters:
            convolution = nn.Conv2d(channels, filters, 3, padding=1, padding_mode="reflect")
            layers += [convolution, nn.ReLU(inplace=True), nn.BatchNorm2d(filters)]
            channels = filters
        self.features = nn.Sequential(*layers)
        wide = channels * size * size
        dense: list[nn.Module] = []
        for units in options.dense:
            dense += [nn.Linear(wide, units), nn.ReLU(inplace=True)]
            wide = units
        self.dense = nn.Sequential(*dense, nn.Linear(wide, options.dim))

    def initialise(self, generator: Generator) -> None:
        """Draw every weight as the options say."""
        reset_norms(self)
        initialise(layers_of(self), WEIGHTS[self.init], None if self.init == "torch" else zeros, generator)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        embeddings: Tensor = self.dense(self.features(pictures).flatten(1))
        return embeddings
