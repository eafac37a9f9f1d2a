"""Anchor, positive and negative -> max(0, d(anchor, positive) - d(anchor, negative) + margin)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from twinlens.errors import RecipeError
from twinlens.lab.batch import Batch
from twinlens.lab.heads import Head
from twinlens.lab.heads.head import euclidean_distance, unit
from twinlens.lab.miners import Indices, Miner, MinerOptions, build_miner
from twinlens.lab.objectives.objective import Objective, Wanted, named_people
from twinlens.lab.recipe import Part


@dataclass(frozen=True, slots=True)
class TripletOptions:
    """Options of the triplet loss (Schroff et al. 2015, equation 1, without squares unless asked).

    Attributes:
        margin: how much farther the negative has to be.
        distance: ``unit`` for Euclidean on unit vectors (002), ``euclidean``, ``squared`` (Euclidean on unit vectors,
            squared: FaceNet), ``cosine`` (1 - cosine) or ``head``: the head's own, the only one that trains a head
            with weights.
        mean: over ``all`` triplets, or over those that cost something, ``nonzero``.
    """

    margin: float = 1.0
    distance: Literal["unit", "euclidean", "squared", "cosine", "head"] = "unit"
    mean: Literal["all", "nonzero"] = "all"


class Triplet(Objective):
    """The loss on listed triplets, or on those that a miner finds among a batch's people."""

    def __init__(self, options: TripletOptions, wanted: Wanted) -> None:
        super().__init__("people" if wanted.miner else "triplets")
        self.options = options
        self.miner = wanted.miner

    def loss(self, head: Head, embeddings: Tensor, batch: Batch) -> Tensor:
        """Return the mean over triplets."""
        triplets = batch.triplets
        if self.miner is not None:
            triplets = _mined(self.miner, embeddings, batch)
        elif not len(triplets):
            msg = "this loss looks at triplets, and the batch lists none: set batch.kind = 'triplets' or choose a miner"
            raise RecipeError(msg)
        if not len(triplets):
            return embeddings.sum() * 0  # the miner found nothing hard enough
        anchors, positives, negatives = embeddings[triplets].unbind(1)
        near = self._distance(head, anchors, positives)
        costs = (near - self._distance(head, anchors, negatives) + self.options.margin).clamp(min=0)
        if self.options.mean == "nonzero":
            return costs.sum() / (costs > 0).sum().clamp(min=1)
        return costs.mean()

    def _distance(self, head: Head, left: Tensor, right: Tensor) -> Tensor:
        kind = self.options.distance
        if kind == "head":
            return head.distance(left, right)
        if kind == "euclidean":
            return euclidean_distance(left, right)
        left, right = unit(left), unit(right)
        if kind == "unit":
            return euclidean_distance(left, right)
        return (left - right).square().sum(1) if kind == "squared" else 1 - (left * right).sum(1)


def batch_hard(options: TripletOptions, wanted: Wanted) -> Objective:
    """Return the triplet loss on the hardest triplet of each anchor (Hermans et al. 2017, equation 5)."""
    return Triplet(options, _with(wanted, "batch-hard", options))


def semi_hard(options: TripletOptions, wanted: Wanted) -> Objective:
    """Return the triplet loss where the negative is farther than the positive, but not by the margin (FaceNet)."""
    return Triplet(options, _with(wanted, "semi-hard", options))


def _with(wanted: Wanted, name: str, options: TripletOptions) -> Wanted:
    """Return what is wanted, with a miner of the loss's own margin and distance."""
    kinds = {"euclidean": "euclidean", "cosine": "cosine"}
    chosen: dict[str, float | str] = {"margin": options.margin, "distance": kinds.get(options.distance, "unit")}
    assert set(chosen) == set(MinerOptions.__dataclass_fields__)
    return Wanted(wanted.dim, wanted.people, build_miner(Part(name, chosen)))


def _mined(miner: Miner, embeddings: Tensor, batch: Batch) -> Tensor:
    """Return the triplets (t, 3) that a miner finds; pairs are joined where they share an anchor."""
    people = named_people(batch)
    found: Indices = miner(embeddings, people)
    if len(found) == 4:
        anchors, positives, others, negatives = found
        first, second = (anchors[:, None] == others[None, :]).nonzero(as_tuple=True)
        found = anchors[first], positives[first], negatives[second]
    return torch.stack(found, 1)
