"""Material and a plan -> which photos meet in each step of an epoch.

An epoch's draws come from a stream named after it (`twinlens.lab.streams`), so a sampler has no state: asked for epoch
12 it says the same, whatever it was asked before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Generator, Tensor

from twinlens.errors import DatasetError, RecipeError
from twinlens.lab.data import Material, Portion
from twinlens.lab.options import unknown
from twinlens.lab.recipe import BatchPlan, Recipe
from twinlens.lab.streams import stream

EVEN = 0.5  # of genuine pairs among those drawn, unless told otherwise
LEAST = 2  # pairs, triplets or photos: a rest below that is left out


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """Who meets in one step: a `twinlens.lab.batch.Batch` before its pictures are fetched.

    Attributes:
        photos: int64 (n,), places in the material, each once.
        left: int64 (p,), places in ``photos``; empty where nothing is paired.
        right: int64 (p,).
        same: bool (p,).
        triplets: int64 (t, 3), places in ``photos``.
    """

    photos: Tensor
    left: Tensor
    right: Tensor
    same: Tensor
    triplets: Tensor

    @classmethod
    def of_pairs(cls, left: Tensor, right: Tensor, same: Tensor) -> Meeting:
        """Make a meeting of pairs of places in the material; each photo comes once."""
        photos, at = torch.unique(torch.cat([left, right]), return_inverse=True)
        return cls(photos, at[: len(left)], at[len(left) :], same, torch.empty((0, 3), dtype=torch.int64))

    @classmethod
    def of_triplets(cls, triplets: Tensor) -> Meeting:
        """Make a meeting of triplets (t, 3) of places in the material."""
        photos, at = torch.unique(triplets, return_inverse=True)
        none = torch.empty(0, dtype=torch.int64)
        return cls(photos, none, none, none.bool(), at.reshape(-1, 3))

    @classmethod
    def of_photos(cls, photos: Tensor) -> Meeting:
        """Make a meeting without listed pairs."""
        none = torch.empty(0, dtype=torch.int64)
        return cls(photos, none, none, none.bool(), torch.empty((0, 3), dtype=torch.int64))


class Sampler(ABC):
    """Epoch -> meetings.

    Attributes:
        rows: pairs, triplets or photos an epoch holds.
        size: of them in a step.
    """

    def __init__(self, rows: int, size: int) -> None:
        self.rows = rows
        self.size = size

    def __len__(self) -> int:
        """Return how many steps an epoch has; a rest of a single row is left out."""
        whole, rest = divmod(self.rows, self.size)
        return whole + (rest >= LEAST)

    @abstractmethod
    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Meeting]:
        """Draw the meetings of an epoch.

        Args:
            number: of the epoch, the first is 0.
            rank: which of several processes asks: it gets its share of every step's rows.
            world: how many processes there are.
        """


class ListedPairs(Sampler):
    """The listed pairs, each once an epoch in a new order; or with a fixed share of genuine ones in every step."""

    def __init__(self, material: Material, plan: BatchPlan, seed: int) -> None:
        super().__init__(len(material.train), plan.size)
        self.pairs = material.train
        self.share = plan.same_share
        self.seed = seed

    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Meeting]:
        """Draw an epoch; see `Sampler.epoch`."""
        generator = stream(self.seed, "pairs", number)
        order = self._order(generator) if self.share < 0 else self._mixed(generator)
        for step in range(len(self)):
            rows = order[step * self.size : (step + 1) * self.size][rank::world]
            yield Meeting.of_pairs(self.pairs.left[rows], self.pairs.right[rows], self.pairs.same[rows])

    def _order(self, generator: Generator) -> Tensor:
        return torch.randperm(self.rows, generator=generator)

    def _mixed(self, generator: Generator) -> Tensor:
        """Return an order in which every step holds the same number of genuine pairs, repeating pairs if it must."""
        same, different = (torch.nonzero(kind).flatten() for kind in (self.pairs.same, ~self.pairs.same))
        count = min(max(round(self.share * self.size), 1), self.size - 1)
        genuine = _cycled(same, count * len(self), generator).reshape(len(self), count)
        others = _cycled(different, (self.size - count) * len(self), generator).reshape(len(self), -1)
        mixed = torch.cat([genuine, others], dim=1)
        return torch.cat([row[torch.randperm(self.size, generator=generator)] for row in mixed])


class DrawnPairs(Sampler):
    """Pairs drawn anew each epoch: a person with two photos, or two people."""

    def __init__(self, material: Material, plan: BatchPlan, seed: int) -> None:
        super().__init__(plan.epoch or len(material.train) or len(material.train.photos), plan.size)
        self.share = EVEN if plan.same_share < 0 else plan.same_share
        self.roll = Roll.of(material, material.train)
        self.seed = seed

    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Meeting]:
        """Draw an epoch; see `Sampler.epoch`."""
        generator = stream(self.seed, "pairs", number)
        for step in range(len(self)):
            rows = min(self.size, self.rows - step * self.size)
            same = torch.rand(rows, generator=generator) < self.share
            first, second = self.roll.two_of_one(rows, generator)
            left, right = self.roll.of_two(rows, generator)
            left, right = torch.where(same, first, left), torch.where(same, second, right)
            yield Meeting.of_pairs(left[rank::world], right[rank::world], same[rank::world])


class Triplets(Sampler):
    """Anchor, positive, negative, as 002 makes them of listed pairs, or drawn anew each epoch.

    Of a listed genuine pair (a, b): a, b and a photo of anybody else. Of a listed impostor pair (a, b): a, any photo
    of a's person (a itself may be it) and b. They are drawn once. Where ``batch.epoch`` is set, or nothing is listed,
    each epoch draws its own of two photos of a person and one of another.
    """

    def __init__(self, material: Material, plan: BatchPlan, seed: int) -> None:
        everyone = torch.arange(len(material.people))
        whole = Portion("all", everyone, everyone[:0], everyone[:0], everyone[:0].bool())
        self.roll = Roll.of(material, material.train)
        self.others = Roll.of(material, whole) if plan.negatives == "all" else self.roll
        self.seed = seed
        fixed = len(material.train) > 0 and not plan.epoch
        generator = stream(seed, "triplets")
        self.fixed = listed_triplets(material, material.train, self.others, generator) if fixed else None
        super().__init__(plan.epoch or len(material.train) or len(material.train.photos), plan.size)

    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Meeting]:
        """Draw an epoch; see `Sampler.epoch`."""
        generator = stream(self.seed, "triplets", number)
        if self.fixed is None:
            anchor, positive = self.roll.two_of_one(self.rows, generator)
            triplets = torch.stack([anchor, positive, self.others.anybody_but(anchor, generator)], dim=1)
        else:
            triplets = self.fixed[torch.randperm(self.rows, generator=generator)]
        for step in range(len(self)):
            yield Meeting.of_triplets(triplets[step * self.size : (step + 1) * self.size][rank::world])


class PeoplePhotos(Sampler):
    """P people with K photos each: every photo of everyone who has two comes once an epoch, K of a person at a time."""

    def __init__(self, material: Material, plan: BatchPlan, seed: int) -> None:
        self.each = plan.photos_each
        self.roll = Roll.of(material, material.train)
        self.seed = seed
        if self.each > plan.size // 2:
            msg = f"batch.size = {plan.size} holds fewer than two people with batch.photos_each = {self.each} photos"
            raise RecipeError(msg)
        least = min(self.each, 2)
        self.groups = [photos for photos in self.roll.groups if len(photos) >= least]
        if len(self.groups) < 2:
            msg = f"batch.kind = 'people' needs two people with {least} photos, found {len(self.groups)}"
            raise DatasetError(msg)
        super().__init__(plan.epoch or sum(map(len, self.groups)), (plan.size // self.each) * self.each)

    def __len__(self) -> int:
        return max(self.rows // self.size, 1)

    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Meeting]:
        """Draw an epoch; see `Sampler.epoch`."""
        generator = stream(self.seed, "people", number)
        people = self.size // self.each
        handfuls: list[Tensor] = []
        for _ in range(len(self)):
            while len(handfuls) < people:
                handfuls += self._handfuls(generator)
            now, handfuls = handfuls[:people][rank::world], handfuls[people:]
            yield Meeting.of_photos(torch.cat(now))

    def _handfuls(self, generator: Generator) -> list[Tensor]:
        """Deal everyone's photos out in handfuls of K, in a new order; a rest of one photo is left out."""
        dealt = []
        for photos in self.groups:
            shuffled = photos[torch.randperm(len(photos), generator=generator)]
            dealt += [part for part in torch.split(shuffled, self.each) if len(part) >= min(self.each, 2)]
        return [dealt[at] for at in torch.randperm(len(dealt), generator=generator).tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class Roll:
    """Who is there, with which photos.

    Attributes:
        groups: the photos of each person, places in the material.
        photos: int64 (m,), all of them, person by person.
        who: int64 (m,), whom each shows: a place in ``groups``.
        starts: int64 (people,), where each person's photos begin in ``photos``.
        counts: int64 (people,), how many they are.
        people: int64 (n,), whom every photo of the material shows.
    """

    groups: list[Tensor]
    photos: Tensor
    who: Tensor
    starts: Tensor
    counts: Tensor
    people: Tensor

    @classmethod
    def of(cls, material: Material, portion: Portion) -> Roll:
        """Group the photos of a part by person."""
        people = material.people[portion.photos]
        order = torch.argsort(people, stable=True)
        _, who, counts = torch.unique_consecutive(people[order], return_inverse=True, return_counts=True)
        photos = portion.photos[order]
        groups = list(torch.split(photos, counts.tolist()))
        return cls(groups, photos, who, counts.cumsum(0) - counts, counts, material.people)

    def two_of_one(self, rows: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw so many people who have two photos, evenly, and two different photos of each.

        Raises:
            DatasetError: nobody has two photos.
        """
        able = torch.nonzero(self.counts >= 2).flatten()
        if not len(able):
            msg = "genuine pairs need somebody with two photos among those who train, found nobody"
            raise DatasetError(msg)
        person = able[_below(torch.full((rows,), len(able)), generator)]
        first = _below(self.counts[person], generator)
        second = (first + 1 + _below(self.counts[person] - 1, generator)) % self.counts[person]
        return self.photos[self.starts[person] + first], self.photos[self.starts[person] + second]

    def of_two(self, rows: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw so many pairs of two people, evenly, and a photo of each."""
        people = len(self.counts)
        first = _below(torch.full((rows,), people), generator)
        second = (first + 1 + _below(torch.full((rows,), people - 1), generator)) % people
        left, right = (self.photos[self.starts[who] + _below(self.counts[who], generator)] for who in (first, second))
        return left, right

    def anybody_but(self, photos: Tensor, generator: Generator) -> Tensor:
        """Draw for each photo one of somebody else, evenly over people."""
        present, drawn = self.people[photos], torch.empty_like(photos)
        waiting = torch.arange(len(photos))
        while len(waiting):
            who = _below(torch.full((len(waiting),), len(self.counts)), generator)
            drawn[waiting] = self.photos[self.starts[who] + _below(self.counts[who], generator)]
            waiting = waiting[self.people[drawn[waiting]] == present[waiting]]
        return drawn

    def of_same(self, photos: Tensor, generator: Generator) -> Tensor:
        """Draw for each photo one of its person, which may be itself."""
        place = torch.full((int(self.people.max()) + 1,), -1)
        place[self.people[self.photos]] = self.who
        who = place[self.people[photos]]
        return self.photos[self.starts[who] + _below(self.counts[who], generator)]


def listed_triplets(material: Material, portion: Portion, others: Roll, generator: Generator) -> Tensor:
    """Make triplets (t, 3) of listed pairs, as 002 does; see `Triplets`."""
    roll = Roll.of(material, portion)
    positive = torch.where(portion.same, portion.right, roll.of_same(portion.left, generator))
    negative = torch.where(portion.same, others.anybody_but(portion.left, generator), portion.right)
    return torch.stack([portion.left, positive, negative], dim=1)


def _below(limits: Tensor, generator: Generator) -> Tensor:
    """Draw a whole number from 0 to each limit, the limit excluded."""
    drawn = torch.rand(len(limits), generator=generator, dtype=torch.float64) * limits
    return torch.minimum(drawn.to(torch.int64), limits - 1)


def _cycled(rows: Tensor, count: int, generator: Generator) -> Tensor:
    """Return so many rows: all of them in a new order, again and again."""
    rounds = -(-count // len(rows))
    return torch.cat([rows[torch.randperm(len(rows), generator=generator)] for _ in range(rounds)])[:count]


SAMPLERS: Mapping[str, Callable[[Material, BatchPlan, int], Sampler]] = MappingProxyType(
    {"pairs": ListedPairs, "drawn-pairs": DrawnPairs, "triplets": Triplets, "people": PeoplePhotos}
)


def build_sampler(recipe: Recipe, material: Material) -> Sampler:
    """Return what draws a recipe's steps.

    Raises:
        RecipeError: no such kind, or a step that holds too few people.
        DatasetError: nobody has two photos where that is needed.
    """
    kind = recipe.batch.kind
    if kind not in SAMPLERS:
        raise RecipeError(unknown("batch.kind", kind, kind, SAMPLERS))
    sampler = SAMPLERS[kind](material, recipe.batch, recipe.training.seed)
    if not len(sampler):
        msg = f"an epoch of {sampler.rows} {kind} is less than one step; wanted at least {LEAST}"
        raise DatasetError(msg)
    return sampler
