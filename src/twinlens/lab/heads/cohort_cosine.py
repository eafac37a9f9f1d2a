"""Two embeddings -> their cosine, beside what each reaches with the strangers most like it.

Adaptive symmetric normalisation of scores (Matejka et al. 2017, "Analysis of Score Normalization in Multilingual
Speaker Recognition", section 2.2). Some faces resemble everybody: for them a high cosine says less. The strangers are
photos of training people; they are kept with the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

import torch
from torch import Generator, Tensor

from twinlens.errors import RecipeError
from twinlens.lab.heads.head import Head, unit

MOST = 100_000  # strangers
FLAT = 1e-6  # standard deviation of cosines below which there is none


@dataclass(frozen=True, slots=True)
class CohortCosineOptions:
    """Options of the head.

    Attributes:
        photos: training photos, of as many people, that stand for strangers.
        nearest: of them whose mean and spread count, for each photo anew.
        threshold: similarity from which on a pair is the same person where the recipe wants no other threshold:
            standard deviations above the nearest strangers' mean.
        scale: times (similarity - threshold) is the log odds.
    """

    photos: int = 1500
    nearest: int = 60
    threshold: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        sound = isfinite(self.threshold) and isfinite(self.scale) and self.scale > 0
        if not 2 <= self.nearest <= self.photos <= MOST or not sound:
            msg = (
                f"head.nearest is 2 or more, head.photos as many or more and {MOST} at most, head.scale above 0 and "
                f"head.threshold a number, got {self.nearest}, {self.photos}, {self.scale} and {self.threshold}"
            )
            raise RecipeError(msg)


class CohortCosine(Head):
    """(cosine - mean of the nearest strangers' cosines) / their standard deviation, the mean of both photos' views."""

    learned: ClassVar[bool] = False
    cohort: Tensor

    def __init__(self, options: CohortCosineOptions, dim: int) -> None:
        super().__init__(options.threshold)
        self.options = options
        self.register_buffer("cohort", torch.zeros(options.photos, dim))

    def initialise(self, generator: Generator) -> None:
        """Forget the strangers; they are met at the end of training."""
        self.cohort.zero_()

    def meet(self, embeddings: Tensor) -> None:
        """Take over the strangers' embeddings (photos, dim)."""
        self.cohort.copy_(unit(embeddings.float()))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the similarities, (p,): standard deviations above the nearest strangers."""
        left, right = unit(left.float()), unit(right.float())
        cosines = (left * right).sum(1)
        seen = [self.strangers(side) for side in (left, right)]
        views = [(cosines - mean) / spread for mean, spread in seen]
        return (views[0] + views[1]) / 2

    def strangers(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of unit embeddings' cosines with their nearest strangers, (n,) each."""
        nearest = (embeddings @ self.cohort.T).topk(self.options.nearest, dim=1).values
        spread = nearest.std(1, correction=0)
        return nearest.mean(1), torch.where(spread < FLAT, 1.0, spread)  # nobody was met yet, or all are alike

    def log_odds(self, left: Tensor, right: Tensor) -> Tensor:
        """Return scale x (similarity - threshold), (p,)."""
        odds: Tensor = self.options.scale * (self(left, right) - self.half)
        return odds

    def similarity(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the normalised cosines, (p,)."""
        found: Tensor = self(left, right)
        return found
