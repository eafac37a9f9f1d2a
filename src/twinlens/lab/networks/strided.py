"""Picture -> sigmoid units: 000's network, convolutions of stride 2 without pools, and a very large dense layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.initialisation import WEIGHTS, initialise, layers_of, zeros
from twinlens.lab.networks.trunk import Trunk, side_after


@dataclass(frozen=True, slots=True)
class StridedOptions:
    """Options of 000's network; the defaults are its final one, with 243,899,073 parameters at 250 pixels.

    Attributes:
        layers: convolutions; its search began with 4.
        filters: of each.
        kernel: their side, pixels.
        stride: of each.
        dense: units of the last layer; its search began with 64.
        dropout: behind each convolution.
        init: of weights, ``glorot`` as Keras does unless told; biases are zero. ``torch`` as PyTorch draws both.
    """

    layers: int = 2
    filters: int = 64
    kernel: int = 3
    stride: int = 2
    dense: int = 1024
    dropout: float = 0.5
    init: Literal["glorot", "lecun", "he", "torch"] = "glorot"

    def __post_init__(self) -> None:
        if min(self.layers, self.filters, self.kernel, self.stride, self.dense) < 1 or not 0 <= self.dropout < 1:
            msg = "trunk: layers, filters, kernel, stride and dense are at least 1, dropout is 0 or more and below 1"
            raise RecipeError(msg)


class Strided(Trunk):
    """Valid convolutions with a stride, ReLU and dropout, then sigmoid units."""

    def __init__(self, options: StridedOptions, channels: int, size: int) -> None:
        super().__init__(options.dense)
        self.init = options.init
        layers: list[nn.Module] = []
        side = size
        for at in range(options.layers):
            side = side_after(side, options.kernel, f"convolution {at + 1}", stride=options.stride)
            layers.append(nn.Conv2d(channels, options.filters, options.kernel, options.stride))
            layers.append(nn.ReLU(inplace=True))
            if options.dropout:
                layers.append(nn.Dropout(options.dropout))
            channels = options.filters
        self.features = nn.Sequential(*layers)
        self.dense = nn.Linear(channels * side * side, options.dense)

    def initialise(self, generator: Generator) -> None:
        """Draw every weight as the options say."""
        initialise(layers_of(self), WEIGHTS[self.init], None if self.init == "torch" else zeros, generator)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        return torch.sigmoid(self.dense(self.features(pictures).flatten(1)))
