"""Pairs that are the same person or not -> a loss: cross-entropy, contrastive and cosine embedding."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from twinlens.errors import RecipeError
from twinlens.lab.batch import Batch
from twinlens.lab.heads import Head
from twinlens.lab.heads.cosine import Cosine
from twinlens.lab.heads.head import unit
from twinlens.lab.miners import Indices, NoOptions
from twinlens.lab.objectives.objective import Objective, Wanted, named_people


@dataclass(frozen=True, slots=True)
class ContrastiveOptions:
    """Options of the contrastive loss (Hadsell, Chopra and LeCun 2006, equation 4).

    Attributes:
        margin: distance from which on a different pair costs nothing; also where a distance decides unless the head
            says otherwise. 003 uses 0.5, harveyslash 2.
        halves: the factors of 1/2 in Hadsell's equation and 003's report; 003's code and harveyslash have none.
    """

    margin: float = 1.0
    halves: bool = True


@dataclass(frozen=True, slots=True)
class CosineEmbeddingOptions:
    """Options of the cosine embedding loss.

    Attributes:
        margin: cosine up to which a different pair costs nothing.
    """

    margin: float = 0.5


class PairObjective(Objective):
    """A loss on pairs: those listed, or those that a miner finds among a batch's people."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__("people" if wanted.miner else "pairs")
        self.miner = wanted.miner

    def loss(self, head: Head, embeddings: Tensor, batch: Batch) -> Tensor:
        """Return the mean over the pairs."""
        left, right, same = batch.left, batch.right, batch.same
        if self.miner is not None:
            left, right, same = mined_pairs(self.miner(embeddings, named_people(batch)))
        elif not len(left):
            msg = "this loss compares pairs, and the batch lists none: set batch.kind = 'pairs', or choose a miner"
            raise RecipeError(msg)
        if not len(left):
            return embeddings.sum() * 0  # the miner found nothing hard enough
        return self.of_pairs(head, embeddings[left], embeddings[right], same)

    @abstractmethod
    def of_pairs(self, head: Head, left: Tensor, right: Tensor, same: Tensor) -> Tensor:
        """Return the mean over pairs of embeddings (p, dim) with labels bool (p,)."""


class BinaryCrossEntropy(PairObjective):
    """-log P(same) of same pairs, -log P(different) of the others; from log odds, so that nothing saturates.

    A head whose unit says ``different`` (004) converts itself: the two conventions are one loss.
    """

    def __init__(self, options: NoOptions, wanted: Wanted) -> None:
        del options
        super().__init__(wanted)

    def of_pairs(self, head: Head, left: Tensor, right: Tensor, same: Tensor) -> Tensor:
        """Return the mean over pairs."""
        return functional.binary_cross_entropy_with_logits(head.log_odds(left, right), same.float())


class CrossEntropy(PairObjective):
    """Cross-entropy of the two logits of a decision head, class 1 = same; of (0, log odds) of any other head."""

    def __init__(self, options: NoOptions, wanted: Wanted) -> None:
        del options
        super().__init__(wanted)

    def of_pairs(self, head: Head, left: Tensor, right: Tensor, same: Tensor) -> Tensor:
        """Return the mean over pairs."""
        logits: Tensor = head(left, right)
        if logits.ndim == 1:
            odds = head.log_odds(left, right)
            logits = torch.stack((torch.zeros_like(odds), odds), 1)
        return functional.cross_entropy(logits, same.long())


class Contrastive(PairObjective):
    """D² of same pairs, max(margin - D, 0)² of the others.

    In 003's formula Y = 1 is same; in harveyslash' y = 1 is different. Both are this.
    """

    def __init__(self, options: ContrastiveOptions, wanted: Wanted) -> None:
        super().__init__(wanted)
        self.margin = options.margin
        self.factor = 0.5 if options.halves else 1.0

    def of_pairs(self, head: Head, left: Tensor, right: Tensor, same: Tensor) -> Tensor:
        """Return the mean over pairs."""
        distances = head.distance(left, right)
        costs = torch.where(same, distances, (self.margin - distances).clamp(min=0)).square()
        return self.factor * costs.mean()


class CosineEmbedding(PairObjective):
    """1 - cosine of same pairs, max(0, cosine - margin) of the others: label +1 or -1 in PyTorch's own."""

    def __init__(self, options: CosineEmbeddingOptions, wanted: Wanted) -> None:
        super().__init__(wanted)
        self.margin = options.margin

    def of_pairs(self, head: Head, left: Tensor, right: Tensor, same: Tensor) -> Tensor:
        """Return the mean over pairs."""
        cosines = head(left, right) if isinstance(head, Cosine) else (unit(left) * unit(right)).sum(1)
        return torch.where(same, 1 - cosines, (cosines - self.margin).clamp(min=0)).mean()


def mined_pairs(indices: Indices) -> tuple[Tensor, Tensor, Tensor]:
    """Return (left, right, same) of what a miner found."""
    anchors, positives, *rest = indices
    others, negatives = rest if len(rest) == 2 else (anchors, rest[0])
    same = torch.cat((torch.ones_like(anchors, dtype=torch.bool), torch.zeros_like(others, dtype=torch.bool)))
    return torch.cat((anchors, others)), torch.cat((positives, negatives)), same
