"""Pairs and one-shot episodes drawn by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from twinlens.datasets.oneshot import draw_episodes
from twinlens.datasets.pairing import draw_even_pairs, draw_pairs
from twinlens.datasets.records import Photo
from twinlens.errors import DatasetError, OptionError


def made_up(sizes: list[int]) -> list[Photo]:
    return [Photo(f"p{p:02d}", Path(f"{p}_{n}.jpg")) for p, size in enumerate(sizes) for n in range(size)]


@given(st.lists(st.integers(1, 5), min_size=2, max_size=8), st.integers(0, 1000), st.data())
def test_pairs_are_distinct_and_of_the_right_kind(sizes: list[int], seed: int, data: st.DataObject) -> None:
    photos = made_up(sizes)
    same = sum(size * (size - 1) // 2 for size in sizes)
    total = len(photos) * (len(photos) - 1) // 2
    genuine, impostor = data.draw(st.integers(0, same)), data.draw(st.integers(0, total - same))
    pairs = draw_pairs(photos, genuine=genuine, impostor=impostor, rng=np.random.default_rng(seed))
    assert [pair.same for pair in pairs] == [True] * genuine + [False] * impostor
    assert len({frozenset((pair.first, pair.second)) for pair in pairs}) == len(pairs)
    assert all(pair.first != pair.second for pair in pairs)
    assert draw_pairs(photos, genuine=genuine, impostor=impostor, rng=np.random.default_rng(seed)) == pairs


def test_impostor_pairs_are_drawn_evenly() -> None:
    photos = made_up([3, 1, 1])
    rng, seen = np.random.default_rng(0), dict[frozenset[Photo], int]()
    for _ in range(2000):
        (pair,) = draw_pairs(photos, genuine=0, impostor=1, rng=rng)
        key = frozenset((pair.first, pair.second))
        seen[key] = seen.get(key, 0) + 1
    assert len(seen) == 7
    assert all(230 < count < 345 for count in seen.values())


def test_more_pairs_than_exist_are_refused() -> None:
    with pytest.raises(DatasetError, match="asked for 4 genuine pairs; 4 photos of 2 people make 3"):
        draw_pairs(made_up([3, 1]), genuine=4, impostor=0, rng=np.random.default_rng(0))
    with pytest.raises(DatasetError, match="asked for 4 impostor pairs"):
        draw_pairs(made_up([3, 1]), genuine=0, impostor=4, rng=np.random.default_rng(0))


def test_an_episode_holds_k_people_with_two_different_photos_each() -> None:
    photos = made_up([3] * 25 + [1] * 10)
    episodes = draw_episodes(photos, rng=np.random.default_rng(0))
    assert len(episodes) == 20  # 400 trials, 20-way
    for episode in episodes:
        assert len({photo.subject for photo in episode.gallery}) == 20
        assert [photo.subject for photo in episode.gallery] == [photo.subject for photo in episode.probes]
        assert not set(episode.gallery) & set(episode.probes)
    assert draw_episodes(photos, rng=np.random.default_rng(0)) == episodes
    assert draw_episodes(photos, rng=np.random.default_rng(1)) != episodes


def test_groups_take_turns_as_alphabets_do() -> None:
    photos = made_up([2] * 40)
    groups = {photo.subject: "greek" if photo.subject < "p20" else "cyrillic" for photo in photos}
    episodes = draw_episodes(photos, rng=np.random.default_rng(0), ways=20, trials=80, groups=groups)
    drawn = [{groups[photo.subject] for photo in episode.gallery} for episode in episodes]
    assert drawn == [{"cyrillic"}, {"greek"}, {"cyrillic"}, {"greek"}]


def test_too_few_people_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DatasetError, match="20-way episodes need 20 people with two photos each, got 5"):
        draw_episodes(made_up([2] * 5 + [1] * 30), rng=rng)
    with pytest.raises(DatasetError, match="got 0"):
        draw_episodes([], rng=rng)
    with pytest.raises(OptionError, match="at least 2 ways"):
        draw_episodes(made_up([2] * 5), rng=rng, ways=1)


def test_even_pairs_let_nobody_dominate() -> None:
    photos = made_up([40, 3, 2, 1, 1])
    pairs = draw_even_pairs(photos, each=4, impostors=3, rng=np.random.default_rng(0))
    genuine = [pair.first.subject for pair in pairs if pair.same]
    assert {who: genuine.count(who) for who in genuine} == {"p00": 4, "p01": 3, "p02": 1}
    assert all((pair.first.subject == pair.second.subject) == pair.same for pair in pairs)
    assert len({frozenset((pair.first, pair.second)) for pair in pairs}) == len(pairs)
    drawn = [who for pair in pairs if not pair.same for who in (pair.first.subject, pair.second.subject)]
    assert drawn.count("p00") < len(drawn) / 2
    assert draw_even_pairs(photos, each=4, impostors=3, rng=np.random.default_rng(0)) == pairs


def test_even_pairs_need_somebody_with_two_photos() -> None:
    for sizes in ([1, 1], [5]):
        with pytest.raises(DatasetError, match="two people, one of them with two photos"):
            draw_even_pairs(made_up(sizes), each=4, impostors=1, rng=np.random.default_rng(0))
