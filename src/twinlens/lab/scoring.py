"""A network and pairs -> similarities -> accuracy, AUC, loss: each distinct photo is embedded once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from twinlens.lab.batch import Batch
from twinlens.lab.data import Material, Portion
from twinlens.lab.objectives import Objective
from twinlens.lab.recipe import Recipe
from twinlens.lab.samplers import Roll, listed_triplets
from twinlens.lab.scaling import scaled, unit
from twinlens.lab.siamese import Siamese
from twinlens.lab.streams import stream
from twinlens.metrics.clustered import listed_rate
from twinlens.metrics.verification import auc, best_accuracy_threshold

CHUNK = 64  # photos, or pairs, at a time
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Result:
    """How a network does on pairs.

    Attributes:
        accuracy: share of right answers at the threshold.
        interval: its 95 % interval; errors are counted by person, who may be in many pairs.
        auc: area under the ROC, 0 to 1.
        loss: what is minimised, penalty on weights included; None where it cannot be said of these pairs.
        threshold: similarity from which on a pair counts as the same person.
        n: pairs.
    """

    accuracy: float
    interval: tuple[float, float]
    auc: float
    loss: float | None
    threshold: float
    n: int


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a network says of a part's pairs.

    Attributes:
        similarity: float64 (p,), higher is more alike; NaN is written as 0.
        same: bool (p,).
        finite: False where any was not a number.
        loss: without the penalty; None where it cannot be said.
    """

    similarity: Floats
    same: NDArray[np.bool_]
    finite: bool
    loss: float | None

    @property
    def auc(self) -> float:
        """Area under the ROC."""
        return auc(self.similarity[self.same], self.similarity[~self.same])

    @property
    def best_threshold(self) -> float:
        """The threshold with most right answers, if there were as many pairs of either kind."""
        return best_accuracy_threshold(self.similarity[self.same], self.similarity[~self.same], balanced=True)

    def right(self, threshold: float) -> NDArray[np.bool_]:
        """Return which pairs are answered rightly."""
        return np.asarray((self.similarity >= threshold) == self.same)

    def accuracy(self, threshold: float) -> float:
        """Return the share of right answers, if there were as many pairs of either kind."""
        right = self.right(threshold)
        return float(right[self.same].mean() + right[~self.same].mean()) / 2


class Judge:
    """A part of the data, made ready to be scored again and again."""

    def __init__(self, material: Material, portion: Portion, recipe: Recipe) -> None:
        self.material = material
        self.portion = portion
        self.recipe = recipe
        self.triplets = torch.empty((0, 3), dtype=torch.int64)
        listed = torch.cat([portion.left, portion.right])
        if recipe.batch.kind == "triplets":
            generator = stream(recipe.training.seed, "triplets", portion.name)
            triplets = listed_triplets(material, portion, Roll.of(material, portion), generator)
            listed = torch.cat([listed, triplets.flatten()])
        self.photos, at = torch.unique(listed, return_inverse=True)
        p = len(portion)
        self.left, self.right = at[:p], at[p : 2 * p]
        if recipe.batch.kind == "triplets":
            self.triplets = at[2 * p :].reshape(-1, 3)

    @torch.no_grad()
    def __call__(self, siamese: Siamese, objective: Objective | None = None) -> Scores:
        """Score the pairs.

        Args:
            siamese: in whatever state; it is scored in the state of use and left as it was.
            objective: what the loss is taken from; None for no loss.
        """
        training = siamese.training
        siamese.eval()
        try:
            embeddings = embed(siamese, self.material, self.photos, self.recipe)
            with torch.autocast(embeddings.device.type, enabled=False):
                parts = [
                    siamese.similarity(embeddings[left], embeddings[right]).cpu()
                    for left, right in zip(torch.split(self.left, CHUNK), torch.split(self.right, CHUNK), strict=True)
                ]
                similarity = torch.cat(parts).double().numpy()
                loss = None if objective is None else self._loss(siamese, objective, embeddings)
        finally:
            siamese.train(training)
        finite = bool(np.isfinite(similarity).all())
        return Scores(np.nan_to_num(similarity, posinf=0, neginf=0), self.portion.same.numpy(), finite, loss)

    def _loss(self, siamese: Siamese, objective: Objective, embeddings: Tensor) -> float | None:
        """Return the mean loss over pairs or triplets; None for a loss that depends on who shares a batch."""
        if objective.needs == "people":
            return None
        pairs = objective.needs == "pairs"
        rows = torch.arange(len(self.left) if pairs else len(self.triplets))
        total = 0.0
        for some in torch.split(rows, CHUNK):
            batch = self._batch(some if pairs else some[:0], some[:0] if pairs else some)
            total += float(objective(siamese, embeddings, batch)) * len(some)
        return total / max(len(rows), 1)

    def _batch(self, pairs: Tensor, triplets: Tensor) -> Batch:
        return Batch(
            self.material.pictures[:0],
            torch.full((len(self.photos),), -1),
            self.left[pairs],
            self.right[pairs],
            self.portion.same[pairs],
            self.triplets[triplets] if len(triplets) else self.triplets[:0],
        )

    def result(self, scores: Scores, threshold: float, penalty: float) -> Result:
        """Return the figures at a threshold."""
        wrong = ~scores.right(threshold)
        ends = self.material.people[torch.stack([self.portion.left, self.portion.right], dim=1)].numpy()
        rate = listed_rate(wrong, ends)
        return Result(
            accuracy=1 - float(wrong.mean()),
            interval=(1 - rate.high, 1 - rate.low),
            auc=scores.auc,
            loss=None if scores.loss is None else scores.loss + penalty,
            threshold=threshold,
            n=len(wrong),
        )


@torch.no_grad()
def embed(siamese: Siamese, material: Material, photos: Tensor, recipe: Recipe) -> Tensor:
    """Return the embeddings float32 (n, dim) of photos, each once; ``flip_test`` averages it with its mirror image's.

    Args:
        siamese: in the state of use.
        material: holds the pictures.
        photos: int64 (n,), places in the material.
        recipe: says how pictures are scaled.
    """
    device = next(chain(siamese.parameters(), siamese.buffers())).device
    parts = []
    for some in torch.split(photos, CHUNK):
        pictures = scaled(unit(material.pictures[some]), recipe.data.scale)
        pictures = pictures.to(device, memory_format=torch.channels_last)
        embeddings = siamese.embed(pictures)
        if recipe.training.flip_test:
            embeddings = (embeddings + siamese.embed(pictures.flip(-1))) / 2
        parts.append(embeddings.float())
    return torch.cat(parts)
