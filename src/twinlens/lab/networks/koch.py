"""Picture -> 4,096 sigmoid units: Koch, Zemel and Salakhutdinov 2015, section 3; with batch norm it is 004."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.initialisation import WEIGHTS, initialise, layers_of, normal, reset_norms, zeros
from twinlens.lab.networks.stages import Stages
from twinlens.lab.networks.trunk import Trunk


@dataclass(frozen=True, slots=True)
class KochOptions:
    """Options of Koch's network.

    Attributes:
        filters: of the convolutions.
        kernels: their sides, pixels.
        pools: how many convolutions a pool follows: 3 as published, 4 in 004.
        dense: units of the last layer.
        batch_norm: as in 004.
        dropout: rates behind the convolutions.
        init: ``koch``: convolutions N(0, 0.01), dense N(0, 0.2), biases N(0.5, 0.01); ``adityajn105``: all weights
            N(0, 0.01), biases N(0.5, 0.01) except the first, zero; ``glorot``, ``lecun``, ``he`` with zero biases;
            ``torch`` as PyTorch draws. The second number is a standard deviation.
    """

    filters: tuple[int, ...] = (64, 128, 128, 256)
    kernels: tuple[int, ...] = (10, 7, 4, 4)
    pools: int = 3
    dense: int = 4096
    batch_norm: bool = False
    dropout: tuple[float, ...] = ()
    init: Literal["koch", "adityajn105", "glorot", "lecun", "he", "torch"] = "koch"

    def __post_init__(self) -> None:
        if self.dense < 1:
            msg = f"trunk.dense is at least 1, got {self.dense}"
            raise RecipeError(msg)


class Koch(Trunk):
    """Valid convolutions with ReLU and pools, then a dense layer with sigmoids."""

    def __init__(self, options: KochOptions, channels: int, size: int) -> None:
        super().__init__(options.dense)
        self.init = options.init
        stages = Stages(options.filters, options.kernels, options.pools, options.batch_norm, options.dropout)
        self.features, left = stages.build(channels, size)
        self.dense = nn.Linear(left, options.dense)

    def initialise(self, generator: Generator) -> None:
        """Draw every weight as the options say."""
        reset_norms(self)
        layers = layers_of(self)
        if self.init == "koch":
            initialise(layers[:-1], normal(0, 0.01), normal(0.5, 0.01), generator)
            initialise(layers[-1:], normal(0, 0.2), normal(0.5, 0.01), generator)
        elif self.init == "adityajn105":
            initialise(layers[:1], normal(0, 0.01), zeros, generator)
            initialise(layers[1:], normal(0, 0.01), normal(0.5, 0.01), generator)
        else:
            initialise(layers, WEIGHTS[self.init], None if self.init == "torch" else zeros, generator)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        return torch.sigmoid(self.dense(self.features(pictures).flatten(1)))
