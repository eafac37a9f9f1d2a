"""Groups of one person each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.cluster import group, nearest_pairs
from twinlens.errors import ModelMismatchError, OptionError
from twinlens.types import Embedding


def people(counts: list[int], seed: int = 0, noise: float = 0.15) -> tuple[list[Embedding], list[int]]:
    generator = np.random.default_rng(seed)
    found, labels = [], []
    for person, count in enumerate(counts):
        centre = generator.normal(size=32)
        centre /= np.linalg.norm(centre)
        for _ in range(count):
            vector = centre + noise * generator.normal(size=32) / np.sqrt(32)
            found.append(Embedding((vector / np.linalg.norm(vector)).astype(np.float32), "m"))
            labels.append(person)
    return found, labels


def test_people_come_apart() -> None:
    embeddings, labels = people([5, 3, 1, 4])
    groups = group(embeddings, [f"p{i}" for i in range(len(embeddings))], 0.6)
    assert [len(g) for g in groups] == [5, 4, 3, 1]
    assert all(len({labels[i] for i in g}) == 1 for g in groups)


def test_two_faces_of_one_photo_are_never_one_person() -> None:
    embeddings, _ = people([4], noise=0.0)
    groups = group(embeddings, ["a", "a", "b", "c"], 0.5)
    assert sorted(map(len, groups)) == [1, 3]
    assert all(not {0, 1} <= set(g) for g in groups)


def test_average_link_does_not_chain() -> None:
    angles = np.deg2rad([0, 40, 80])  # each step is alike, the ends are not
    embeddings = [Embedding(np.array([np.cos(a), np.sin(a)], np.float32), "m") for a in angles]
    assert group(embeddings, ["a", "b", "c"], 0.7) == [[0, 1], [2]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 1000), st.floats(0.0, 0.95))
def test_a_partition_that_does_not_depend_on_the_order(counts: list[int], seed: int, threshold: float) -> None:
    embeddings, _ = people(counts, seed, noise=0.5)
    photos = [str(i % 7) + "/" + str(i) for i in range(len(embeddings))]
    groups = group(embeddings, photos, threshold)
    assert sorted(i for g in groups for i in g) == list(range(len(embeddings)))
    assert groups == group(embeddings, photos, threshold)


def test_nearest_pairs_equal_a_naive_loop() -> None:
    embeddings, _ = people([6, 6], noise=0.6)
    vectors = np.stack([e.vector for e in embeddings])
    naive = {(i, j) for i in range(12) for j in range(i + 1, 12) if float(vectors[i] @ vectors[j]) >= 0.3}
    assert {(int(i), int(j)) for i, j in nearest_pairs(vectors, 0.3, 64)} == naive


def test_refusals() -> None:
    embeddings, _ = people([2])
    with pytest.raises(OptionError, match="one photo for each"):
        group(embeddings, ["a"], 0.5)
    with pytest.raises(ModelMismatchError):
        group([embeddings[0], Embedding(embeddings[1].vector, "other")], ["a", "b"], 0.5)
    assert group([], [], 0.5) == []
