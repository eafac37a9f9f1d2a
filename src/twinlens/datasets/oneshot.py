"""Photos of many people -> k-way one-shot episodes, drawn by seed.

Source: Koch, Zemel, Salakhutdinov 2015, section 4.3 (after Lake et al. 2011): k characters of one alphabet, each by two
drawers; every image of the first drawer is compared with all k of the second. Faces have no drawers: each of k
people gives two different photos, one for the gallery and one as probe. An episode of k people is k trials;
400 trials, 20-way, are 20 episodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twinlens.datasets.pairing import by_person
from twinlens.datasets.records import Photo
from twinlens.errors import DatasetError, OptionError

WAYS = 20
TRIALS = 400


@dataclass(frozen=True, slots=True)
class Episode:
    """k people, two photos each.

    Attributes:
        gallery: one photo of each person.
        probes: another photo of each, in the same order of people.
    """

    gallery: tuple[Photo, ...]
    probes: tuple[Photo, ...]


def draw_episodes(
    photos: Sequence[Photo],
    *,
    rng: np.random.Generator,
    ways: int = WAYS,
    trials: int = TRIALS,
    groups: Mapping[str, str] | None = None,
) -> tuple[Episode, ...]:
    """Draw episodes.

    Args:
        photos: people with a single photo are left out.
        rng: decides everything; the same generator draws the same episodes.
        ways: people in an episode.
        trials: at least so many probes in all; rounded up to whole episodes.
        groups: subject -> group (alphabet); an episode then takes its people from one group, and the groups take
            turns in alphabetical order, as Koch's alphabets do.

    Raises:
        OptionError: fewer than two ways, or no trials.
        DatasetError: a group has fewer people with two photos than an episode needs.
    """
    if ways < 2 or trials < 1:
        msg = f"wanted at least 2 ways and 1 trial, got {ways} and {trials}"
        raise OptionError(msg)
    people = {name: owned for name, owned in by_person(photos).items() if len(owned) > 1}
    pools: dict[str, list[str]] = {}
    for name in people:
        pools.setdefault(groups.get(name, "") if groups else "", []).append(name)
    for group, pool in pools.items() or {"": list[str]()}.items():
        if len(pool) < ways:
            where = f" in group {group!r}" if group else ""
            msg = f"{ways}-way episodes need {ways} people with two photos each{where}, got {len(pool)}"
            raise DatasetError(msg)
    turns = sorted(pools)
    return tuple(_episode(people, pools[turns[number % len(turns)]], ways, rng) for number in range(-(-trials // ways)))


def _episode(people: Mapping[str, list[Photo]], pool: Sequence[str], ways: int, rng: np.random.Generator) -> Episode:
    chosen = [people[pool[index]] for index in rng.choice(len(pool), size=ways, replace=False)]
    two = [rng.choice(len(owned), size=2, replace=False) for owned in chosen]
    gallery, probes = (
        tuple(owned[numbers[side]] for owned, numbers in zip(chosen, two, strict=True)) for side in (0, 1)
    )
    return Episode(gallery, probes)
