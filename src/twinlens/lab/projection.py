"""A trunk and what was learned of its features in closed form -> a trunk whose embeddings are projections.

`twinlens.lab.joint_bayesian` learns; this is how it is written down in a network, saved and exported.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from twinlens.errors import RecipeError
from twinlens.lab.joint_bayesian import Linear
from twinlens.lab.networks.trunk import Trunk
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import Part

MOST = 10_000  # directions: ten thousand photos would be needed to find them


@dataclass(frozen=True, slots=True)
class JointBayesianOptions:
    """Options of ``finish = "joint-bayesian"``.

    Attributes:
        dim: principal components that are kept: numbers in an embedding.
        rounds: of expectation and maximisation.
        part_dim: the same is first done with each part of the features, patches of the face, with so many components
            each; what it is done with then is their embeddings side by side. 0: with all features at once.
    """

    dim: int = 300
    rounds: int = 10
    part_dim: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.dim <= MOST or not 0 <= self.part_dim <= MOST or self.rounds < 0:
            msg = (
                f"finish: dim is 1 or more, rounds and part_dim 0 or more, dim and part_dim {MOST} at most, got "
                f"{self.dim}, {self.rounds} and {self.part_dim}"
            )
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


class Projection(nn.Module):
    """Features -> unit((features - mean) @ basis) @ turn."""

    mean: Tensor
    basis: Tensor
    turn: Tensor

    def __init__(self, breadth: int, dim: int) -> None:
        super().__init__()
        make_room(self, breadth, dim)

    def forward(self, features: Tensor) -> Tensor:
        """Project."""
        return project(self, features)


class Projected(Trunk):
    """Pictures -> the projection of their features, or of their parts' projections side by side."""

    mean: Tensor
    basis: Tensor
    turn: Tensor

    def __init__(self, trunk: Trunk, options: JointBayesianOptions) -> None:
        super().__init__(options.dim)
        self.trunk = trunk
        with torch.device("cpu"):  # also in an outline: indices without numbers would pick anything
            self.places = tuple(trunk.parts()) if options.part_dim else ()
        if options.part_dim and not self.places:
            msg = "finish: part_dim is for trunks with parts: binary-patterns, gradients, local-phase, fisher-vectors"
            raise RecipeError(msg)
        self.pieces = nn.ModuleList(Projection(len(place), options.part_dim) for place in self.places)
        make_room(self, len(self.places) * options.part_dim or trunk.breadth, options.dim)

    def initialise(self, generator: Generator) -> None:
        """Draw the trunk's weights; what is projected is learned later."""
        self.trunk.initialise(generator)

    def frozen(self) -> list[nn.Module]:
        """Return the parts of the trunk that do not train."""
        return self.trunk.frozen()

    def pieced(self, features: Tensor) -> Tensor:
        """Return the unit embeddings of the parts side by side; the features themselves where there are none."""
        if not self.pieces:
            return features
        seen = zip(self.pieces, self.places, strict=True)
        return torch.cat([functional.normalize(piece(features[:, place]), dim=1) for piece, place in seen], dim=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        return project(self, self.pieced(self.trunk.representation(pictures).float()))


def make_room(module: nn.Module, breadth: int, dim: int) -> None:
    """Give a module the buffers of a projection."""
    module.register_buffer("mean", torch.zeros(breadth))
    module.register_buffer("basis", torch.zeros(breadth, dim))
    module.register_buffer("turn", torch.zeros(dim, dim))


def learn(module: nn.Module, linear: Linear) -> None:
    """Fill the buffers of a projection with what was learned."""
    for name in ("mean", "basis", "turn"):
        module.get_buffer(name).copy_(torch.from_numpy(getattr(linear, name)))


def project(module: Projection | Projected, features: Tensor) -> Tensor:
    """Return (n, dim) of features (n, breadth)."""
    return functional.normalize((features - module.mean) @ module.basis, dim=1) @ module.turn


def projected(trunk: Trunk, finish: Part) -> Trunk:
    """Return a trunk with room for what its recipe's finish learns; the trunk itself where that is nothing."""
    options = finish_options(finish)
    return trunk if options is None else Projected(trunk, options)
