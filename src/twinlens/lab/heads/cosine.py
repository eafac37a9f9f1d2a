"""Two embeddings -> the cosine between them: 002's nets with CosineEmbeddingLoss, and every trunk that is exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from twinlens.errors import RecipeError
from twinlens.lab.heads.head import Head, unit


@dataclass(frozen=True, slots=True)
class CosineOptions:
    """Options of the head.

    Attributes:
        threshold: cosine from which on a pair is the same person where the recipe wants no other threshold (002's
            code says 0.99 unless told).
        scale: times (cosine - threshold) is the log odds, for losses on probabilities.
    """

    threshold: float = 0.5
    scale: float = 10.0

    def __post_init__(self) -> None:
        if not -1 <= self.threshold <= 1 or self.scale <= 0:
            msg = f"head.threshold is a cosine and head.scale above 0, got {self.threshold} and {self.scale}"
            raise RecipeError(msg)


class Cosine(Head):
    """The cosine itself; nothing is learned."""

    learned: ClassVar[bool] = False

    def __init__(self, options: CosineOptions, dim: int) -> None:
        del dim
        super().__init__(options.threshold)
        self.scale = options.scale

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the cosines, (p,), -1 to 1."""
        return (unit(left.float()) * unit(right.float())).sum(1).clamp(-1, 1)

    def log_odds(self, left: Tensor, right: Tensor) -> Tensor:
        """Return scale x (cosine - threshold), (p,)."""
        odds: Tensor = self.scale * (self(left, right) - self.half)
        return odds

    def similarity(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the cosines, (p,)."""
        cosines: Tensor = self(left, right)
        return cosines

    def distance(self, left: Tensor, right: Tensor) -> Tensor:
        """Return 1 - cosine, (p,), 0 to 2."""
        distances: Tensor = 1 - self(left, right)
        return distances
