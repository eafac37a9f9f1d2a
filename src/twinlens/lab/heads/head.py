"""What every head is: two embeddings -> how alike they are, as a raw value, similarity, distance and log odds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional


class Head(nn.Module, ABC):
    """Left and right embeddings (p, d) -> what the head makes of each pair.

    Losses speak to a head through `log_odds` and `distance`, so that every head goes with every loss on pairs.
    Everything is computed in float32, whatever the trunk's precision.

    Attributes:
        half: the similarity from which on a pair counts as the same person, as published: 0.5 of a probability, minus
            the margin of a distance.
        learned: it has weights of its own, which only a loss on pairs or triplets of the head trains.
        symmetric: (left, right) and (right, left) are equally alike.
    """

    learned: ClassVar[bool] = True
    symmetric: bool = True
    half: float  # type: ignore[assignment]  # hides a cast to float16 that no head is asked for

    def __init__(self, half: float) -> None:
        super().__init__()
        self.half = half

    def initialise(self, generator: Generator) -> None:
        """Draw every weight."""

    @abstractmethod
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the raw value of each pair, (p,), or logits (p, 2): different, same."""

    @abstractmethod
    def log_odds(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the logarithm of P(same) / P(different), (p,)."""

    def similarity(self, left: Tensor, right: Tensor) -> Tensor:
        """Return how alike the pairs are, (p,); higher is more alike. P(same) unless the head says otherwise."""
        return torch.sigmoid(self.log_odds(left, right))

    def distance(self, left: Tensor, right: Tensor) -> Tensor:
        """Return how far apart the pairs are, (p,), 0 or more. P(different) unless the head says otherwise."""
        return torch.sigmoid(-self.log_odds(left, right))


@dataclass(frozen=True, slots=True)
class HeadEntry:
    """A registered head.

    Attributes:
        options: the dataclass of its options.
        build: (options, numbers in an embedding) -> the head, outlined.
    """

    options: type
    build: Callable[[Any, int], Head]


def euclidean_distance(left: Tensor, right: Tensor) -> Tensor:
    """Return the Euclidean distance of each pair, (p,); its gradient at 0 is 0, not NaN."""
    squares = (left - right).square().sum(1)
    zero = squares == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, squares).sqrt())


def unit(vectors: Tensor) -> Tensor:
    """Return vectors of length 1; zero stays zero."""
    return functional.normalize(vectors, dim=1)
