"""What every objective is: a network, embeddings and a batch -> one number to minimise.

Labels are ``same: bool`` in a batch; each loss converts to its own convention inside. Everything is computed in
float32, whatever the precision of the trunk. The penalty on weights is apart: `twinlens.lab.penalty`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Generator, Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.batch import Batch
from twinlens.lab.heads import Head
from twinlens.lab.miners import Miner
from twinlens.lab.siamese import Siamese

Needs = Literal["pairs", "triplets", "people"]


class Objective(nn.Module, ABC):
    """What is minimised; it may own weights, as ArcFace's classes.

    Attributes:
        needs: what of a batch it looks at: labelled ``pairs``, ``triplets``, or who the ``people`` are.
    """

    def __init__(self, needs: Needs) -> None:
        super().__init__()
        self.needs: Needs = needs

    def initialise(self, generator: Generator) -> None:
        """Draw the weights it owns."""

    def forward(self, siamese: Siamese, embeddings: Tensor, batch: Batch) -> Tensor:
        """Return the loss of a batch, a scalar, without any penalty on weights.

        Args:
            siamese: the network whose head compares.
            embeddings: of the batch's pictures, (n, dim).
            batch: which of them are compared, or who they show.

        Raises:
            RecipeError: the batch lacks what this objective looks at.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            return self.loss(siamese.head, embeddings.float(), batch)

    @abstractmethod
    def loss(self, head: Head, embeddings: Tensor, batch: Batch) -> Tensor:
        """Return the loss of float32 embeddings."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an objective is made for.

    Attributes:
        dim: numbers in an embedding.
        people: how many people train; 0 where nobody knows.
        miner: chooses among a batch's people; None for what is listed.
    """

    dim: int
    people: int
    miner: Miner | None


@dataclass(frozen=True, slots=True)
class ObjectiveEntry:
    """A registered loss.

    Attributes:
        options: the dataclass of its options.
        build: (options, what it is made for) -> the objective.
        heads: names of the heads it trains; empty for all.
    """

    options: type
    build: Callable[[Any, Wanted], Objective]
    heads: tuple[str, ...] = ()


def named_people(batch: Batch) -> Tensor:
    """Return who the pictures show.

    Raises:
        RecipeError: nobody knows.
    """
    if len(batch) and bool((batch.people < 0).all()):
        msg = (
            "this loss or miner has to know who is on each photo, and the batch does not say: "
            "set data.labels = 'names' and batch.kind = 'people', or take a loss on pairs"
        )
        raise RecipeError(msg)
    return batch.people
