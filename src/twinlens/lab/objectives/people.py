"""Who is on each picture -> losses of pytorch-metric-learning: multi-similarity, supervised contrastive, the margins.

They train the embedding, not a head with weights, so they go with the heads ``cosine`` and ``euclidean``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.batch import Batch
from twinlens.lab.heads import Head
from twinlens.lab.objectives.objective import Objective, Wanted, named_people


@dataclass(frozen=True, slots=True)
class MultiSimilarityOptions:
    """Options of the multi-similarity loss (Wang et al. 2019, equation 15).

    Attributes:
        alpha: weight of positives.
        beta: weight of negatives.
        base: cosine that separates them.
    """

    alpha: float = 2.0
    beta: float = 50.0
    base: float = 0.5


@dataclass(frozen=True, slots=True)
class SupConOptions:
    """Options of the supervised contrastive loss (Khosla et al. 2020, equation 2).

    Attributes:
        temperature: divides the cosines.
    """

    temperature: float = 0.1


@dataclass(frozen=True, slots=True)
class ArcFaceOptions:
    """Options of ArcFace (Deng et al. 2019, equation 3).

    Attributes:
        margin: added to the angle, degrees; 28.6 is 0.5 rad.
        scale: times the cosine is the logit.
    """

    margin: float = 28.6
    scale: float = 64.0


@dataclass(frozen=True, slots=True)
class CosFaceOptions:
    """Options of CosFace (Wang et al. 2018, equation 4).

    Attributes:
        margin: taken from the cosine.
        scale: times the cosine is the logit.
    """

    margin: float = 0.35
    scale: float = 64.0


@dataclass(frozen=True, slots=True)
class SubCenterOptions(ArcFaceOptions):
    """Options of sub-centre ArcFace (Deng et al. 2020).

    Attributes:
        sub_centers: centres of each person.
    """

    sub_centers: int = 3


class PeopleObjective(Objective):
    """A loss of pytorch-metric-learning on the embeddings and who they show."""

    def __init__(self, criterion: nn.Module, wanted: Wanted) -> None:
        super().__init__("people")
        self.criterion = criterion
        self.miner = wanted.miner

    def initialise(self, generator: Generator) -> None:
        """Draw the centres of classes from N(0, 1); their directions are even."""
        with torch.no_grad():
            for weight in self.parameters():
                nn.init.normal_(weight, generator=generator)

    def loss(self, head: Head, embeddings: Tensor, batch: Batch) -> Tensor:
        """Return the library's mean."""
        del head
        people = named_people(batch)
        known = people >= 0
        if not bool(known.all()):
            embeddings, people = embeddings[known], people[known]
        indices = None if self.miner is None else self.miner(embeddings, people)
        loss: Tensor = self.criterion(embeddings, people, indices)
        return loss


class Nothing(Objective):
    """No loss: for recipes that learn nothing by steps."""

    def __init__(self) -> None:
        super().__init__("people")

    def loss(self, head: Head, embeddings: Tensor, batch: Batch) -> Tensor:
        """Refuse.

        Raises:
            RecipeError: always.
        """
        msg = "a recipe with training.epochs above 0 needs a [loss]"
        raise RecipeError(msg)


def multi_similarity(options: MultiSimilarityOptions, wanted: Wanted) -> Objective:
    """Return the multi-similarity loss."""
    losses = _losses()
    return PeopleObjective(losses.MultiSimilarityLoss(options.alpha, options.beta, options.base), wanted)


def supcon(options: SupConOptions, wanted: Wanted) -> Objective:
    """Return the supervised contrastive loss."""
    return PeopleObjective(_losses().SupConLoss(options.temperature), wanted)


def arcface(options: ArcFaceOptions, wanted: Wanted) -> Objective:
    """Return ArcFace."""
    return PeopleObjective(_losses().ArcFaceLoss(**_classes(options, wanted)), wanted)


def cosface(options: CosFaceOptions, wanted: Wanted) -> Objective:
    """Return CosFace."""
    return PeopleObjective(_losses().CosFaceLoss(**_classes(options, wanted)), wanted)


def sub_center(options: SubCenterOptions, wanted: Wanted) -> Objective:
    """Return sub-centre ArcFace."""
    chosen = _classes(options, wanted)
    return PeopleObjective(_losses().SubCenterArcFaceLoss(sub_centers=options.sub_centers, **chosen), wanted)


def _losses() -> Any:
    from pytorch_metric_learning import losses  # noqa: PLC0415  # four seconds

    return losses


def _classes(options: ArcFaceOptions | CosFaceOptions, wanted: Wanted) -> dict[str, float]:
    """Return what a loss with a centre for each person is made with.

    Raises:
        RecipeError: nobody knows how many people there are.
    """
    if wanted.people < 2:
        msg = (
            f"this loss learns a centre for each person and needs at least 2, got {wanted.people}: "
            "set data.labels = 'names' and batch.kind = 'people'"
        )
        raise RecipeError(msg)
    return {
        "num_classes": wanted.people,
        "embedding_size": wanted.dim,
        "margin": options.margin,
        "scale": options.scale,
    }
