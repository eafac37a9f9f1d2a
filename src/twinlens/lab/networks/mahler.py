"""Picture -> sigmoid units: the network of 003 as coded, four convolutions that double their filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.initialisation import Draw, glorot_uniform, initialise, layers_of, lecun_normal, normal, zeros
from twinlens.lab.networks.stages import Stages
from twinlens.lab.networks.trunk import Trunk


@dataclass(frozen=True, slots=True)
class MahlerOptions:
    """Options of 003's network.

    Attributes:
        filters: of the first convolution; the next ones have twice as many each.
        kernels: sides of the four convolutions, pixels.
        dense: units of the last layer: 256 is what ran, 2,048 what the report calls best.
        init: of weights: ``normal``: convolutions N(0, 0.01), dense N(0, 0.2), the only one that ran; ``glorot`` or
            ``lecun``, which the report states. Biases are N(0.5, 0.01) but for the first convolution's, zero.
        fourth_pool: a pool behind the fourth convolution too, as in the runs with dropout.
        dropout: rate behind the first convolution; 0 for no dropout at all.
        dropout_step: how much lower the rate is behind each next convolution.
        dropout_last: rate behind the last convolution, and the least anywhere.
        dropout_dense: rate behind the dense layer.
    """

    filters: int = 8
    kernels: tuple[int, ...] = (10, 7, 4, 4)
    dense: int = 256
    init: Literal["normal", "glorot", "lecun"] = "normal"
    fourth_pool: bool = False
    dropout: float = 0.0
    dropout_step: float = 0.05
    dropout_last: float = 0.1
    dropout_dense: float = 0.0

    def __post_init__(self) -> None:
        if self.filters < 1 or self.dense < 1:
            msg = f"trunk.filters and trunk.dense are at least 1, got {self.filters} and {self.dense}"
            raise RecipeError(msg)
        if len(self.kernels) != 4:
            msg = f"trunk.kernels are four, got {list(self.kernels)}"
            raise RecipeError(msg)

    def rates(self) -> tuple[float, ...]:
        """Return the dropout behind each convolution; empty for none."""
        if not self.dropout:
            return ()
        falling = [max(self.dropout - at * self.dropout_step, self.dropout_last) for at in range(3)]
        return (*falling, self.dropout_last)


class Mahler(Trunk):
    """Four valid convolutions of f, 2f, 4f and 8f filters with ReLU and pools, then sigmoid units."""

    def __init__(self, options: MahlerOptions, channels: int, size: int) -> None:
        super().__init__(options.dense)
        self.init = options.init
        filters = [options.filters << at for at in range(4)]
        stages = Stages(filters, options.kernels, 3 + options.fourth_pool, dropout=options.rates())
        self.features, left = stages.build(channels, size)
        self.dense = nn.Linear(left, options.dense)
        self.dropout = nn.Dropout(options.dropout_dense) if options.dropout_dense else nn.Identity()

    def initialise(self, generator: Generator) -> None:
        """Draw every weight as the options say."""
        convolutions, dense = self._weights()
        first, *others = layers_of(self.features)
        initialise([first], convolutions, zeros, generator)
        initialise(others, convolutions, normal(0.5, 0.01), generator)
        initialise([self.dense], dense, normal(0.5, 0.01), generator)

    def _weights(self) -> tuple[Draw, Draw]:
        if self.init == "normal":
            return normal(0, 0.01), normal(0, 0.2)
        draw = glorot_uniform if self.init == "glorot" else lecun_normal
        return draw, draw

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        embeddings: Tensor = self.dropout(torch.sigmoid(self.dense(self.features(pictures).flatten(1))))
        return embeddings
