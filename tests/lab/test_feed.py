from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from twinlens.lab.augment import build_augmenter
from twinlens.lab.data import open_material
from twinlens.lab.feed import Feed
from twinlens.lab.recipe import Part, Recipe
from twinlens.lab.samplers import Sampler, build_sampler

NOWHERE = Path("nowhere")
Make = Callable[..., Recipe]


@pytest.fixture
def feed(make: Make, cache: Path) -> Callable[..., Feed]:
    def fed(*changes: str, augment: tuple[Part, ...] = ()) -> Feed:
        recipe = replace(make(*changes), augment=augment)
        material = open_material(recipe, NOWHERE, cache=cache)
        return Feed(material, build_sampler(recipe, material), build_augmenter(recipe.augment), recipe)

    return fed


def epoch(feed: Feed, number: int) -> list[torch.Tensor]:
    feed.epoch = number
    return [batch.pictures for batch in feed]


def test_distortions_are_new_in_each_epoch_and_the_same_when_repeated(feed: Callable[..., Feed]) -> None:
    fed = feed(augment=(Part("faces"),))

    class Still(Sampler):
        """The same meetings every epoch, so that only distortions differ."""

        def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> object:  # type: ignore[override]
            return original.epoch(0)

    original = fed.sampler
    fed.sampler = Still(original.rows, original.size)
    first, second, again = epoch(fed, 0), epoch(fed, 1), epoch(fed, 0)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_pictures_are_fetched_once_and_scaled(feed: Callable[..., Feed]) -> None:
    for scale, low, high in (("unit", 0, 1), ("symmetric", -1, 1), ("none", 0, 255), ("imagenet", -2.2, 2.7)):
        fed = feed(f"data.scale={scale}")
        for meeting, batch in zip(fed.sampler.epoch(0), fed, strict=True):
            assert len(batch) == len(meeting.photos) == len(torch.unique(meeting.photos))
            assert low <= float(batch.pictures.min()) < float(batch.pictures.max()) <= high
            if scale == "none":
                assert torch.equal(batch.pictures.to(torch.uint8), fed.material.pictures[meeting.photos])


def test_nobody_is_named_where_only_pairs_may_be_used(feed: Callable[..., Feed]) -> None:
    assert all((batch.people == -1).all() for batch in feed())
    named = feed("data.labels=names")
    assert all((batch.people >= 0).all() for batch in named)
