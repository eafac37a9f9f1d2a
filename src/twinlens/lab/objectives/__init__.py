"""A network, embeddings and a batch -> what is minimised: losses by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Generator

from twinlens.errors import RecipeError
from twinlens.lab.miners import NoOptions, build_miner
from twinlens.lab.objectives.objective import Needs, Objective, ObjectiveEntry, Wanted
from twinlens.lab.objectives.pairs import (
    BinaryCrossEntropy,
    Contrastive,
    ContrastiveOptions,
    CosineEmbedding,
    CosineEmbeddingOptions,
    CrossEntropy,
)
from twinlens.lab.objectives.people import (
    ArcFaceOptions,
    CosFaceOptions,
    MultiSimilarityOptions,
    Nothing,
    SubCenterOptions,
    SupConOptions,
    arcface,
    cosface,
    multi_similarity,
    sub_center,
    supcon,
)
from twinlens.lab.objectives.triplets import Triplet, TripletOptions, batch_hard, semi_hard
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import Recipe

__all__ = ["OBJECTIVES", "Needs", "Objective", "build_objective"]

EMBEDDING_HEADS = ("cosine", "euclidean")

OBJECTIVES: Mapping[str, ObjectiveEntry] = {
    "bce": ObjectiveEntry(NoOptions, BinaryCrossEntropy),
    "cross-entropy": ObjectiveEntry(NoOptions, CrossEntropy),
    "contrastive": ObjectiveEntry(ContrastiveOptions, Contrastive),
    "cosine-embedding": ObjectiveEntry(CosineEmbeddingOptions, CosineEmbedding, EMBEDDING_HEADS),
    "triplet": ObjectiveEntry(TripletOptions, Triplet),
    "batch-hard-triplet": ObjectiveEntry(TripletOptions, batch_hard),
    "semi-hard-triplet": ObjectiveEntry(TripletOptions, semi_hard),
    "multi-similarity": ObjectiveEntry(MultiSimilarityOptions, multi_similarity, EMBEDDING_HEADS),
    "supcon": ObjectiveEntry(SupConOptions, supcon, EMBEDDING_HEADS),
    "arcface": ObjectiveEntry(ArcFaceOptions, arcface, EMBEDDING_HEADS),
    "cosface": ObjectiveEntry(CosFaceOptions, cosface, EMBEDDING_HEADS),
    "subcenter-arcface": ObjectiveEntry(SubCenterOptions, sub_center, EMBEDDING_HEADS),
}


def build_objective(recipe: Recipe, dim: int, people: int, *, generator: Generator) -> Objective:
    """Return what a recipe minimises.

    Args:
        recipe: its loss, miner and head are looked at.
        dim: numbers in an embedding.
        people: how many people train; 0 where nobody knows.
        generator: draws the weights that a loss may own.

    Raises:
        RecipeError: an unknown name or option, a loss that would not train the head, or no people for their centres.
    """
    name, head = recipe.loss.name, recipe.head.name
    if not recipe.training.epochs:
        return Nothing()
    if name not in OBJECTIVES:
        raise RecipeError(unknown("loss", name, name, OBJECTIVES))
    entry = OBJECTIVES[name]
    options: Any = options_of(entry.options, recipe.loss.options, "loss")
    heads = EMBEDDING_HEADS if isinstance(options, TripletOptions) and options.distance != "head" else entry.heads
    if heads and head not in heads:
        msg = f"loss {name} trains embeddings, and head {head!r} would stay as it was drawn: take {' or '.join(heads)}"
        if isinstance(options, TripletOptions):
            msg += ", or loss.distance = 'head'"
        raise RecipeError(msg)
    objective = entry.build(options, Wanted(dim, people, build_miner(recipe.miner)))
    objective.initialise(generator)
    return objective
