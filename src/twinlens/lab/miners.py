"""Embeddings and who they show -> which triplets of a batch count; pytorch-metric-learning does the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from twinlens.errors import RecipeError
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import Part

Indices = tuple[Tensor, ...]
"""Either (anchors, positives, negatives) or (anchors, positives, anchors, negatives)."""
Miner = Callable[[Tensor, Tensor], Indices]


@dataclass(frozen=True, slots=True)
class NoOptions:
    """A part without options."""


@dataclass(frozen=True, slots=True)
class MinerOptions:
    """Options of miners that compare distances.

    Attributes:
        margin: for ``semi-hard``: a triplet counts where its negative is farther than its positive by less than this.
        distance: ``euclidean``, ``unit`` for Euclidean on unit vectors, or ``cosine``.
    """

    margin: float = 0.2
    distance: Literal["euclidean", "unit", "cosine"] = "unit"


@dataclass(frozen=True, slots=True)
class MultiSimilarityMinerOptions:
    """Options of ``multi-similarity`` (Wang et al. 2019, section 3.2).

    Attributes:
        epsilon: how far beyond the hardest other a pair may lie and still count, in cosine.
    """

    epsilon: float = 0.1


def distance_of(name: str) -> Any:
    """Return pytorch-metric-learning's distance of that name: ``euclidean``, ``unit`` or ``cosine``."""
    from pytorch_metric_learning.distances import CosineSimilarity, LpDistance  # noqa: PLC0415

    if name == "cosine":
        return CosineSimilarity()
    return LpDistance(normalize_embeddings=name == "unit", p=2)


def _batch_hard(options: MinerOptions) -> Any:
    from pytorch_metric_learning.miners import BatchHardMiner  # noqa: PLC0415

    return BatchHardMiner(distance=distance_of(options.distance))


def _semi_hard(options: MinerOptions) -> Any:
    from pytorch_metric_learning.miners import TripletMarginMiner  # noqa: PLC0415

    distance = distance_of(options.distance)
    return TripletMarginMiner(margin=options.margin, type_of_triplets="semihard", distance=distance)


def _multi_similarity(options: MultiSimilarityMinerOptions) -> Any:
    from pytorch_metric_learning.miners import MultiSimilarityMiner  # noqa: PLC0415

    return MultiSimilarityMiner(epsilon=options.epsilon)


MINERS: Mapping[str, tuple[type, Callable[[Any], Any]]] = {
    "none": (NoOptions, lambda _: None),
    "batch-hard": (MinerOptions, _batch_hard),
    "semi-hard": (MinerOptions, _semi_hard),
    "multi-similarity": (MultiSimilarityMinerOptions, _multi_similarity),
}


def build_miner(part: Part) -> Miner | None:
    """Return the miner of a recipe; None for ``none``: whatever is listed counts.

    Raises:
        RecipeError: an unknown name or option.
    """
    if part.name not in MINERS:
        raise RecipeError(unknown("miner", part.name, part.name, MINERS))
    kind, build = MINERS[part.name]
    miner: Miner | None = build(options_of(kind, part.options, "miner"))
    return miner
