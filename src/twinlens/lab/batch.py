"""What a step sees: each picture once, and which of them are compared."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pictures of a step, whatever the loss.

    Pairs and triplets are index arrays into the pictures, so that a photo in several pairs goes through the network
    once: both towers are one pass.

    Attributes:
        pictures: uint8 (n, channels, size, size); or float32 once they are scaled.
        people: int64 (n,), who each picture shows, 0 to people - 1; -1 where the recipe may not know it.
        left: int64 (p,), the pairs' first pictures; empty where there are none.
        right: int64 (p,), their second ones.
        same: bool (p,).
        triplets: int64 (t, 3): anchor, positive, negative; empty where there are none.
    """

    pictures: Tensor
    people: Tensor
    left: Tensor
    right: Tensor
    same: Tensor
    triplets: Tensor

    @classmethod
    def of_pairs(cls, pictures: Tensor, left: Tensor, right: Tensor, same: Tensor) -> Batch:
        """Make a batch of labelled pairs of unnamed people."""
        return cls(
            pictures, torch.full((len(pictures),), -1), left, right, same, torch.empty((0, 3), dtype=torch.int64)
        )

    @classmethod
    def of_people(cls, pictures: Tensor, people: Tensor) -> Batch:
        """Make a batch of named people without listed pairs."""
        none = torch.empty(0, dtype=torch.int64)
        return cls(pictures, people, none, none, none.bool(), torch.empty((0, 3), dtype=torch.int64))

    def __len__(self) -> int:
        return len(self.pictures)
