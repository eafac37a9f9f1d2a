"""Two embeddings -> their Euclidean distance: 001, and the contrastive runs of 003."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from twinlens.lab.heads.head import Head, euclidean_distance, unit


@dataclass(frozen=True, slots=True)
class EuclideanOptions:
    """Options of the head.

    Attributes:
        unit_length: make embeddings unit vectors first.
        threshold: distance below which a pair is the same person where the recipe wants no other threshold; the
            loss's margin unless given, as in 003.
    """

    unit_length: bool = False
    threshold: float | None = None


class Euclidean(Head):
    """The distance itself; nothing is learned."""

    learned: ClassVar[bool] = False

    def __init__(self, options: EuclideanOptions, dim: int) -> None:
        del dim
        super().__init__(-(1.0 if options.threshold is None else options.threshold))
        self.unit_length = options.unit_length

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the distances, (p,)."""
        left, right = left.float(), right.float()
        return euclidean_distance(unit(left), unit(right)) if self.unit_length else euclidean_distance(left, right)

    def log_odds(self, left: Tensor, right: Tensor) -> Tensor:
        """Return threshold - distance, (p,)."""
        odds: Tensor = -self.half - self.distance(left, right)
        return odds

    def similarity(self, left: Tensor, right: Tensor) -> Tensor:
        """Return minus the distances, (p,)."""
        return -self.distance(left, right)

    def distance(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the distances, (p,)."""
        distances: Tensor = self(left, right)
        return distances
