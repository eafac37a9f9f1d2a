"""A trunk and a head -> a Siamese network: both pictures of a pair go through the same trunk."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Generator, Tensor, nn

from twinlens.lab.heads import Head, build_head, outline_head
from twinlens.lab.initialisation import on_processor
from twinlens.lab.networks import Trunk, build_trunk, outline_trunk
from twinlens.lab.projection import projected
from twinlens.lab.recipe import Part, Recipe

MARGINS = {"contrastive": 1.0}  # losses whose margin is the distance that decides, and what it is unless given


class Siamese(nn.Module):
    """Pictures -> embeddings -> how alike two of them are.

    Attributes:
        trunk: pictures -> embeddings.
        head: two embeddings -> likeness.
    """

    def __init__(self, trunk: Trunk, head: Head) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def embed(self, pictures: Tensor) -> Tensor:
        """Return the embeddings (n, dim) of float32 pictures (n, channels, size, size)."""
        embeddings: Tensor = self.trunk(pictures)
        return embeddings

    def similarity(self, left: Tensor, right: Tensor) -> Tensor:
        """Return how alike pairs of embeddings (p, dim) are, (p,); higher is more alike."""
        return self.head.similarity(left, right)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return how alike pairs of pictures are, (p,)."""
        return self.similarity(self.embed(left), self.embed(right))


@dataclass(frozen=True, slots=True)
class Counts:
    """How many numbers a network learns.

    Attributes:
        trunk: parameters of the trunk.
        head: of the head.
        dim: numbers in an embedding.
    """

    trunk: int
    head: int
    dim: int

    @property
    def total(self) -> int:
        """Both."""
        return self.trunk + self.head


def count_parameters(recipe: Recipe) -> Counts:
    """Count a recipe's parameters without making them.

    Raises:
        RecipeError: an unknown part or option, or pictures too small for the trunk.
    """
    trunk = outline_trunk(recipe.trunk, channels=recipe.data.channels, size=recipe.data.size)
    head = outline_head(head_part(recipe), trunk.dim)
    sizes = [sum(one.numel() for one in module.parameters()) for module in (trunk, head)]
    return Counts(sizes[0], sizes[1], trunk.dim)


def build_siamese(recipe: Recipe, *, generator: Generator) -> Siamese:
    """Return a recipe's network with its weights drawn, or loaded where the trunk's options name a file.

    Raises:
        RecipeError: an unknown part or option, or pictures too small for the trunk.
        ModelError: a file of weights that is missing or of another shape.
    """
    trunk = build_trunk(recipe.trunk, channels=recipe.data.channels, size=recipe.data.size, generator=generator)
    return Siamese(trunk, build_head(head_part(recipe), trunk.dim, generator=generator))


def unfilled_siamese(recipe: Recipe) -> Siamese:
    """Return a recipe's network with memory but without weights: every one is to be loaded next.

    Nothing is drawn, and the file that the trunk's options may name is not looked for.

    Raises:
        RecipeError: an unknown part or option, or pictures too small for the trunk.
    """
    trunk = outline_trunk(recipe.trunk, channels=recipe.data.channels, size=recipe.data.size)
    trunk = projected(trunk, recipe.finish)
    siamese = Siamese(trunk, outline_head(head_part(recipe), trunk.dim))
    on_processor(siamese)
    trunk.freeze()
    return siamese


def head_part(recipe: Recipe) -> Part:
    """Return a recipe's head; a distance without a threshold decides at the margin of the loss."""
    head, loss = recipe.head, recipe.loss
    if head.name != "euclidean" or "threshold" in head.options or loss.name not in MARGINS:
        return head
    return replace(head, options={**head.options, "threshold": loss.options.get("margin", MARGINS[loss.name])})
