"""A trunk and what was learned of its features in closed form -> a trunk whose embeddings are projections.

`twinlens.lab.joint_bayesian` learns; this is how it is written down in a network, saved and exported.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from twinlens.errors import RecipeError
from twinlens.lab.joint_bayesian import Linear
from twinlens.lab.networks.trunk import Trunk
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import Part


@dataclass(frozen=True, slots=True)
class JointBayesianOptions:
    """Options of ``finish = "joint-bayesian"``.

    Attributes:
        dim: principal components that are kept: numbers in an embedding.
        rounds: of expectation and maximisation.
    """

    dim: int = 300
    rounds: int = 10

    def __post_init__(self) -> None:
        if self.dim < 1 or self.rounds < 0:
            msg = f"finish: dim is 1 or more and rounds 0 or more, got {self.dim} and {self.rounds}"
            raise RecipeError(msg)


FINISHES = ("none", "joint-bayesian")


def finish_options(part: Part) -> JointBayesianOptions | None:
    """Return the options of a recipe's finish; None for none.

    Raises:
        RecipeError: an unknown name or option.
    """
    if part.name not in FINISHES:
        raise RecipeError(unknown("finish", part.name, part.name, FINISHES))
    return None if part.name == "none" else options_of(JointBayesianOptions, part.options, "finish")


class Projected(Trunk):
    """Pictures -> unit((features - mean) @ basis) @ turn."""

    mean: Tensor
    basis: Tensor
    turn: Tensor

    def __init__(self, trunk: Trunk, dim: int) -> None:
        super().__init__(dim)
        self.trunk = trunk
        self.register_buffer("mean", torch.zeros(trunk.breadth))
        self.register_buffer("basis", torch.zeros(trunk.breadth, dim))
        self.register_buffer("turn", torch.zeros(dim, dim))

    def initialise(self, generator: Generator) -> None:
        """Draw the trunk's weights; what is projected is learned later."""
        self.trunk.initialise(generator)

    def frozen(self) -> list[torch.nn.Module]:
        """Return the parts of the trunk that do not train."""
        return self.trunk.frozen()

    def learn(self, linear: Linear) -> None:
        """Take over what was learned."""
        for name in ("mean", "basis", "turn"):
            getattr(self, name).copy_(torch.from_numpy(getattr(linear, name)))

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        features = self.trunk.representation(pictures).float()
        embeddings: Tensor = functional.normalize((features - self.mean) @ self.basis, dim=1) @ self.turn
        return embeddings


def projected(trunk: Trunk, finish: Part) -> Trunk:
    """Return a trunk with room for what its recipe's finish learns; the trunk itself where that is nothing."""
    options = finish_options(finish)
    return trunk if options is None else Projected(trunk, options.dim)
