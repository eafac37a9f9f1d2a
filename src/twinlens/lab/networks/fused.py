"""Picture -> embeddings of several networks side by side: cosines of the whole are weighted means of theirs.

Each member is a recipe of its own, trained by it (`twinlens.lab.members`), and sees its own cut of the same picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from twinlens.errors import RecipeError
from twinlens.lab.networks.resampling import Resampled, grey
from twinlens.lab.networks.trunk import Trunk
from twinlens.lab.projection import projected
from twinlens.lab.reading import read_recipe
from twinlens.lab.recipe import Recipe
from twinlens.lab.scaling import scaled


@dataclass(frozen=True, slots=True)
class FusedOptions:
    """Options of the trunk.

    Attributes:
        members: recipes, by name or file.
        weights: of their cosines; empty for even ones.
    """

    members: tuple[str, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.members or (self.weights and len(self.weights) != len(self.members)):
            msg = f"trunk: members, and as many weights or none, got {len(self.members)} and {len(self.weights)}"
            raise RecipeError(msg)
        if any(weight <= 0 for weight in self.weights):
            msg = f"trunk: weights above 0, got {list(self.weights)}"
            raise RecipeError(msg)


class Member(nn.Module):
    """Pictures 0 to 1 -> unit embeddings of one member, mirror images averaged where its recipe says so."""

    def __init__(self, recipe: Recipe, trunk: Trunk, channels: int, size: int) -> None:
        super().__init__()
        plan = recipe.data
        if plan.colour == "rgb" and channels == 1:
            msg = f"trunk: member {recipe.name!r} sees colour: set data.colour = 'rgb'"
            raise RecipeError(msg)
        if plan.centre > size or plan.down:
            msg = (
                f"trunk: member {recipe.name!r} cuts the central {plan.centre} pixels of a photo; what is fused shows "
                f"data.size = data.centre = {size} of them, unscaled"
            )
            raise RecipeError(msg)
        self.look = Resampled(size, plan.centre / size if plan.centre else plan.share, plan.size)
        self.grey, self.scale = plan.colour == "grey", plan.scale
        self.flip = recipe.training.flip_test
        self.trunk = trunk

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        seen = self.look(grey(pictures) if self.grey else pictures)
        seen = scaled(seen, self.scale)
        embeddings: Tensor = self.trunk(seen)
        if self.flip:
            embeddings = embeddings + self.trunk(seen.flip(-1))
        return functional.normalize(embeddings.float(), dim=1)


class Fused(Trunk):
    """Members' unit embeddings, each times the root of its weight, one behind the other."""

    def __init__(self, options: FusedOptions, channels: int, size: int) -> None:
        from twinlens.lab.networks import outline_trunk  # noqa: PLC0415 (which knows this one)

        members = []
        for name in options.members:
            recipe = read_recipe(name)
            if recipe.trunk.name == "fused":
                msg = f"trunk: member {recipe.name!r} is fused itself: name its members instead"
                raise RecipeError(msg)
            plan = recipe.data
            trunk = projected(outline_trunk(recipe.trunk, channels=plan.channels, size=plan.size), recipe.finish)
            members.append(Member(recipe, trunk, channels, size))
        super().__init__(sum(one.trunk.dim for one in members))
        self.members = nn.ModuleList(members)
        self.weights = options.weights or (1.0,) * len(members)

    def initialise(self, generator: Generator) -> None:
        """Draw every member's weights; what their recipes train takes their place."""
        for member in self.members:
            trunk = member.trunk
            assert isinstance(trunk, Trunk)
            trunk.initialise(generator)

    def frozen(self) -> list[nn.Module]:
        """Return all members: they were trained apart."""
        return list(self.members)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures 0 to 1."""
        parts = [member(pictures) * math.sqrt(w) for member, w in zip(self.members, self.weights, strict=True)]
        return torch.cat(parts, dim=1)
