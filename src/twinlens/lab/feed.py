"""Material, sampler and augmenter -> the batches of an epoch: places into a block of pictures, nothing is decoded."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator

from twinlens.lab.augment import Augmenter
from twinlens.lab.batch import Batch
from twinlens.lab.data import Material
from twinlens.lab.recipe import Recipe
from twinlens.lab.samplers import Meeting, Sampler
from twinlens.lab.scaling import scaled, unit
from twinlens.lab.streams import stream


class Feed:
    """What Lightning iterates over, once an epoch.

    Attributes:
        epoch: whose batches come next; set before each epoch.
        rank: which of several processes this is.
        world: how many there are.
    """

    def __init__(self, material: Material, sampler: Sampler, augmenter: Augmenter | None, recipe: Recipe) -> None:
        self.material = material
        self.sampler = sampler
        self.augmenter = augmenter
        self.recipe = recipe
        self.epoch = 0
        self.rank = 0
        self.world = 1

    def __len__(self) -> int:
        """Return how many steps an epoch has."""
        return len(self.sampler)

    def __iter__(self) -> Iterator[Batch]:
        generator = stream(self.recipe.training.seed, "augment", self.epoch, self.rank)
        for meeting in self.sampler.epoch(self.epoch, rank=self.rank, world=self.world):
            yield self.batch(meeting, generator)

    def batch(self, meeting: Meeting, generator: Generator) -> Batch:
        """Fetch a meeting's pictures, each once, distort and scale them."""
        pictures = unit(self.material.pictures[meeting.photos])
        if self.augmenter is not None:
            pictures = self.augmenter(pictures, generator)
        people = self.material.people[meeting.photos]
        known = people < self.material.train_people if self.material.named else torch.zeros_like(people).bool()
        return Batch(
            scaled(pictures, self.recipe.data.scale).contiguous(memory_format=torch.channels_last),
            torch.where(known, people, -1),
            meeting.left,
            meeting.right,
            meeting.same,
            meeting.triplets,
        )


class Once:
    """What Lightning iterates over to validate: one step, in which everything is scored."""

    def __len__(self) -> int:
        """Return 1."""
        return 1

    def __iter__(self) -> Iterator[int]:
        yield 0
