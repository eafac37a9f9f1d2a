"""Two embeddings, one behind the other -> dense layers -> different or same: 002's ``decision`` nets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.heads.head import Head
from twinlens.lab.initialisation import initialise, layers_of, pytorch_uniform


@dataclass(frozen=True, slots=True)
class DecisionOptions:
    """Options of ``decision``.

    Attributes:
        hidden: units of the layers between the pair and the decision, each with ReLU and dropout.
        dropout: behind each of them.
        both_ways: answer with the mean of (left, right) and (right, left), so that the order of a pair does not matter;
            as published it does.
    """

    hidden: tuple[int, ...] = (4096, 4096)
    dropout: float = 0.5
    both_ways: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1 or any(units < 1 for units in self.hidden):
            msg = f"head.dropout lies between 0 and 1 and head.hidden above 0, got {self.dropout}, {list(self.hidden)}"
            raise RecipeError(msg)


@dataclass(frozen=True, slots=True)
class DecisionLinearOptions(DecisionOptions):
    """Options of ``decision-linear``.

    Attributes:
        linear: units of the layer without activation that each embedding goes through first, the same for both.
    """

    hidden: tuple[int, ...] = (4096,)
    linear: int = 4096


class Decision(Head):
    """Dense layers on the concatenated embeddings, two logits at the end."""

    def __init__(self, options: DecisionOptions, dim: int) -> None:
        super().__init__(0.5)
        self.symmetric = options.both_ways
        self.linear: nn.Module = nn.Identity()
        if isinstance(options, DecisionLinearOptions):
            self.linear = nn.Linear(dim, options.linear)
            dim = options.linear
        layers: list[nn.Module] = []
        wide = 2 * dim
        for units in options.hidden:
            layers += [nn.Linear(wide, units), nn.ReLU(inplace=True), nn.Dropout(options.dropout)]
            wide = units
        self.layers = nn.Sequential(*layers, nn.Linear(wide, 2))

    def initialise(self, generator: Generator) -> None:
        """Draw the weights as PyTorch does."""
        initialise(layers_of(self), pytorch_uniform, None, generator)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return two logits for each pair, (p, 2): different, same."""
        left, right = self.linear(left.float()), self.linear(right.float())
        logits: Tensor = self.layers(torch.cat((left, right), 1))
        if self.symmetric:
            logits = (logits + self.layers(torch.cat((right, left), 1))) / 2
        return logits

    def log_odds(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the difference of the logits, (p,)."""
        different, same = self(left, right).unbind(1)
        odds: Tensor = same - different
        return odds
