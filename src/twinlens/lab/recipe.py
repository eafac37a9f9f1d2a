"""What a run is: data, pictures, network, head, loss, batches, optimizer, schedule, stopping -> `Recipe`.

A recipe is a TOML file in `recipes/` or of the user's; `twinlens.lab.reading` reads it. Parts that can be exchanged
(trunk, head, loss, miner, optimizer, schedule) are a name and options, checked by whoever builds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from twinlens.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Part:
    """One exchangeable part.

    Attributes:
        name: the key it is registered under.
        options: as given in the recipe; the builder checks them.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), hash=False)


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Which photos, cut and scaled how, and who is held out.

    Attributes:
        dataset: a registered protocol, a folder of people, or a CSV of pairs.
        train: the split that trains.
        validation: a split's name; ``people`` to hold out people of ``train`` by seed; ``pairs`` to hold out pairs of
            ``train`` (not identity-disjoint: only to reproduce what was published so); ``none``.
        validation_share: of the people or pairs held out, 0 to 1.
        test: the split that is touched once.
        labels: ``pairs``: only the listed pairs and their labels; ``linked``: the photos that genuine pairs join,
            directly or through others, count as one person's, and no names are used; ``names``: who is on each photo.
        validation_pairs: ``listed``, or ``drawn`` from the names of who validates: up to four of each person, and ten
            times as many of two people.
        colour: channels of the network's input, 1 or 3.
        size: side of the network's input, pixels.
        centre: side of the central square of the photo that is kept, pixels of the photo; 0 for the whole photo.
        down: how far below the photo's centre that square lies, pixels of the photo.
        share: of the whole photo's width and height that is kept in the centre, for photos of many sizes; 1 for all.
        resample: ``bilinear`` without anti-aliasing, or ``area``.
        scale: ``unit`` for 0 to 1, ``symmetric`` for -1 to 1, ``imagenet`` for ImageNet's mean and deviation,
            ``none`` for 0 to 255.
        split_seed: draws who or what is held out.
    """

    dataset: str
    train: str = "train"
    validation: str = "people"
    validation_share: float = 0.15
    test: str = "test"
    labels: Literal["pairs", "linked", "names"] = "pairs"
    validation_pairs: Literal["listed", "drawn"] = "listed"
    colour: Literal["grey", "rgb"] = "grey"
    size: int = 105
    centre: int = 0
    down: int = 0
    share: float = 1.0
    resample: Literal["bilinear", "area"] = "area"
    scale: Literal["unit", "symmetric", "imagenet", "none"] = "unit"
    split_seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.validation_share < 1:
            msg = f"data.validation_share lies between 0 and 1, got {self.validation_share}"
            raise RecipeError(msg)
        if not 16 <= self.size <= 512:
            msg = f"data.size lies between 16 and 512 pixels, got {self.size}"
            raise RecipeError(msg)
        if self.centre < 0:
            msg = f"data.centre is a side in pixels or 0 for the whole photo, got {self.centre}"
            raise RecipeError(msg)
        if not 0 < self.share <= 1 or (self.centre and self.share != 1):
            msg = (
                f"data.share is above 0 and at most 1, and 1 beside data.centre (one cut is enough), got {self.share} "
                f"beside a centre of {self.centre}"
            )
            raise RecipeError(msg)

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return 1 if self.colour == "grey" else 3


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """How batches are drawn.

    Attributes:
        kind: ``pairs`` as listed; ``drawn-pairs`` anew each epoch from people; ``triplets``; ``people`` (P x K).
        size: pairs, triplets or photos in a batch.
        same_share: of genuine pairs in a batch, 0 to 1; -1 leaves it as listed (for ``pairs``).
        photos_each: K of P x K; P is ``size // photos_each``.
        epoch: pairs or triplets drawn in an epoch, for the kinds that draw; 0 for as many as are listed.
        negatives: for ``triplets``: ``train`` people, or ``all`` as 002 has it (a leak, kept to reproduce).
    """

    kind: Literal["pairs", "drawn-pairs", "triplets", "people"] = "pairs"
    size: int = 32
    same_share: float = -1.0
    photos_each: int = 2
    epoch: int = 0
    negatives: Literal["train", "all"] = "train"

    def __post_init__(self) -> None:
        if self.size < 2 or self.photos_each < 1:
            msg = f"batch.size is at least 2 and batch.photos_each at least 1, got {self.size} and {self.photos_each}"
            raise RecipeError(msg)
        if self.same_share != -1.0 and not 0 < self.same_share < 1:
            msg = f"batch.same_share lies between 0 and 1, got {self.same_share}"
            raise RecipeError(msg)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How long, how precise, and which epoch is kept.

    Attributes:
        epochs: at the most; 0 where nothing is learned by steps (a trunk without weights and a ``finish``, or
            members that are trained by recipes of their own).
        patience: epochs without improvement on validation after which it stops; 0 for never.
        monitor: ``loss``, ``accuracy`` (at the threshold that suits validation best) or ``auc`` of validation.
        keep: weights that are kept: of the ``best`` epoch on validation, or the ``last`` one.
        seed: of weights, batches and augmentation.
        precision: ``float32``, or ``bfloat16`` where the processor has it.
        l2_convolution: times the sum of squares of convolutions' weights is added to the loss (Keras' L2).
        l2_dense: the same for dense layers.
        clip: norm at which gradients are clipped; 0 for never.
        average: decay of the running average of weights that is kept instead of the weights; 0 for none.
        flip_test: average the embeddings of a photo and its mirror image when scoring.
    """

    epochs: int = 30
    patience: int = 0
    monitor: Literal["loss", "accuracy", "auc"] = "loss"
    keep: Literal["best", "last"] = "best"
    seed: int = 0
    precision: Literal["float32", "bfloat16"] = "float32"
    l2_convolution: float = 0.0
    l2_dense: float = 0.0
    clip: float = 0.0
    average: float = 0.0
    flip_test: bool = False

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.patience < 0:
            msg = f"training.epochs and training.patience are 0 or more, got {self.epochs}, {self.patience}"
            raise RecipeError(msg)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A run, whole.

    Attributes:
        name: letters, digits, ``-`` and ``_``.
        title: one line for people.
        source: the document or paper it follows (``003``, ``Koch 2015``), ``ours`` otherwise.
        data: photos and splits.
        trunk: picture -> embedding.
        head: two embeddings -> likeness.
        loss: what is minimised.
        batch: how batches are drawn.
        optimizer: what steps.
        schedule: how the learning rate changes.
        training: how long.
        finish: what is learned of the trained network's features in closed form, on the same training part;
            ``none`` or ``joint-bayesian``.
        miner: which pairs or triplets of a batch count; ``none`` for all.
        augment: named augmentations in order, each with options; empty for none.
        threshold: ``validation`` chooses the threshold on validation, ``half`` is 0.5 of a probability (and the
            margin of a distance), as published.
        notes: what a reader must know, one sentence each.
    """

    name: str
    title: str
    source: str
    data: DataPlan
    trunk: Part
    head: Part
    loss: Part = field(default_factory=lambda: Part("none"))
    batch: BatchPlan = field(default_factory=BatchPlan)
    optimizer: Part = field(default_factory=lambda: Part("none"))
    schedule: Part = field(default_factory=lambda: Part("none"))
    finish: Part = field(default_factory=lambda: Part("none"))
    training: TrainingPlan = field(default_factory=TrainingPlan)
    miner: Part = field(default_factory=lambda: Part("none"))
    augment: tuple[Part, ...] = ()
    threshold: Literal["validation", "half"] = "validation"
    notes: tuple[str, ...] = ()
