"""Two embeddings -> how alike they are: heads by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator

from twinlens.errors import RecipeError
from twinlens.lab.heads.cohort_cosine import CohortCosine, CohortCosineOptions
from twinlens.lab.heads.cosine import Cosine, CosineOptions
from twinlens.lab.heads.decision import Decision, DecisionLinearOptions, DecisionOptions
from twinlens.lab.heads.euclidean import Euclidean, EuclideanOptions
from twinlens.lab.heads.head import Head, HeadEntry
from twinlens.lab.heads.weighted_l1 import WeightedL1, WeightedL1Options
from twinlens.lab.initialisation import on_processor
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import Part

__all__ = ["HEADS", "Head", "build_head", "outline_head"]

HEADS: Mapping[str, HeadEntry] = {
    "weighted-l1": HeadEntry(WeightedL1Options, WeightedL1),
    "euclidean": HeadEntry(EuclideanOptions, Euclidean),
    "cosine": HeadEntry(CosineOptions, Cosine),
    "cohort-cosine": HeadEntry(CohortCosineOptions, CohortCosine),
    "decision": HeadEntry(DecisionOptions, Decision),
    "decision-linear": HeadEntry(DecisionLinearOptions, Decision),
}


def outline_head(part: Part, dim: int) -> Head:
    """Return a head without memory, on the meta device: to count its parameters.

    Raises:
        RecipeError: an unknown name or option.
    """
    if part.name not in HEADS:
        raise RecipeError(unknown("head", part.name, part.name, HEADS))
    entry = HEADS[part.name]
    options: Any = options_of(entry.options, part.options, "head")
    with torch.device("meta"):
        return entry.build(options, dim)


def build_head(part: Part, dim: int, *, generator: Generator) -> Head:
    """Return a head with its weights drawn.

    Args:
        part: name and options of the head.
        dim: numbers in an embedding.
        generator: source of randomness.

    Raises:
        RecipeError: an unknown name or option.
    """
    head = outline_head(part, dim)
    on_processor(head)
    with torch.no_grad():
        head.initialise(generator)
    return head
