"""Splits of people: nobody in two parts, the same by the same seed, no pair lost where none need be."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from twinlens.datasets.division import divide
from twinlens.datasets.groups import Groups
from twinlens.datasets.lfw import load_development
from twinlens.datasets.records import Pair, Photo, Split
from twinlens.errors import DatasetError, OptionError


def made_up(people: int, links: list[tuple[int, int]]) -> Split:
    photos = {(p, n): Photo(f"p{p:02d}", Path(f"{p}_{n}.jpg")) for p in range(people) for n in (1, 2)}
    pairs = [Pair(photos[p, 1], photos[p, 2], same=True) for p in range(people)]
    pairs += [Pair(photos[a, 1], photos[b, 2], same=False) for a, b in links if a != b]
    return Split("all", tuple(photos.values()), tuple(pairs))


links = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=25)


@given(links, st.integers(0, 1000), st.booleans())
def test_parts_share_nobody_and_lose_nothing_unsaid(links: list[tuple[int, int]], seed: int, whole_pairs: bool) -> None:
    split = made_up(30, links)
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    try:
        division = divide(split, shares, rng=np.random.default_rng(seed), whole_pairs=whole_pairs)
    except DatasetError:
        assert whole_pairs  # one group of people can be too big to leave anybody for a part
        return
    parts = list(division.parts.values())
    assert sum(len(part.people) for part in parts) == 30
    assert frozenset().union(*(part.people for part in parts)) == split.people
    assert sum(len(part.photos) for part in parts) == len(split.photos)
    kept = [pair for part in parts for pair in part.pairs]
    assert len(kept) + len(division.dropped) == len(split.pairs)
    for part in parts:
        assert all({pair.first.subject, pair.second.subject} <= part.people for pair in part.pairs)
    if whole_pairs:
        assert not division.dropped
    else:
        assert [len(part.people) for part in parts] == [18, 6, 6]


def test_a_seed_repeats_itself_and_another_differs() -> None:
    split = made_up(30, [])
    shares = {"a": 0.5, "b": 0.5}
    one, again, other = (divide(split, shares, rng=np.random.default_rng(seed)).parts["a"].people for seed in (1, 1, 2))
    assert one == again != other


def test_impossible_shares_are_refused() -> None:
    for shares in ({}, {"a": 0.5}, {"a": 1.5, "b": -0.5}):
        with pytest.raises(OptionError, match="add up to 1"):
            divide(made_up(5, []), shares, rng=np.random.default_rng(0))
    with pytest.raises(DatasetError, match="'b' would be empty"):
        divide(made_up(5, []), {"a": 0.99, "b": 0.01}, rng=np.random.default_rng(0))


@given(links)
def test_groups_are_the_connected_things(links: list[tuple[int, int]]) -> None:
    groups: Groups[int] = Groups()
    for thing in range(30):
        groups.add(thing)
    reach = np.eye(30, dtype=bool)
    for a, b in links:
        groups.join(a, b)
        reach[a, b] = reach[b, a] = True
    for _ in range(5):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    wanted = {frozenset(np.flatnonzero(row).tolist()) for row in reach}
    assert {frozenset(members) for members in groups.members()} == wanted


def test_lfw_development_pairs_are_divided_without_losing_one() -> None:
    root = Path(os.environ.get("TWINLENS_DATA", "")) / "lfw"
    if not (root / "pairsDevTrain.txt").is_file():
        pytest.skip("TWINLENS_DATA names no folder that holds lfw/")
    train = load_development(root).split("train")
    division = divide(train, {"train": 0.85, "validation": 0.15}, rng=np.random.default_rng(0))
    assert not division.dropped
    counts = division.parts["validation"].counts
    assert counts.people == 319  # 15 % of 2,132 is 319.8
    assert counts.same + division.parts["train"].counts.same == 1100
    assert abs(counts.same - counts.different) < 30
