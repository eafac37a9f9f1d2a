"""Nearest photos and pairs of subjects, against plain loops; tiles, bounds, memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.recognizer.audit.cohesion import BLOCK, linked, nearest_own
from twinlens.recognizer.audit.findings import StoredPhoto
from twinlens.recognizer.audit.holdings import Holdings
from twinlens.recognizer.audit.neighbours import MOST_PAIRS, TILE, compare_subjects
from twinlens.recognizer.audit.strays import mean_likeness


def units(count: int, dim: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def held(vectors: np.ndarray, counts: list[int], faces: int = 0) -> Holdings:
    """Subjects with so many photos each, the last ``faces`` of them without a name."""
    owners = np.repeat(np.arange(len(counts)), counts)
    names = tuple(f"s{number}" for number in range(len(counts)))
    return Holdings(
        vectors,
        owners,
        np.concatenate(([0], np.cumsum(counts))),
        names,
        np.arange(len(counts)) >= len(counts) - faces,
        tuple(StoredPhoto(names[owner], "", f"p{row}", 1.0) for row, owner in enumerate(owners.tolist())),
    )


def comparable(holdings: Holdings, one: int, other: int) -> bool:
    left, right = int(holdings.owners[one]), int(holdings.owners[other])
    return left != right and bool(holdings.nameless[left]) == bool(holdings.nameless[right])


@settings(max_examples=40)
@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=9),
    faces=st.integers(0, 9),
    seed=st.integers(0, 1_000),
    floor=st.sampled_from([-1.0, 0.0, 0.3]),
    nameless_floor=st.sampled_from([-1.0, 0.2, 0.6]),
)
def test_like_two_plain_loops(counts: list[int], faces: int, seed: int, floor: float, nameless_floor: float) -> None:
    vectors = units(sum(counts), 4, seed)
    holdings = held(vectors, counts, min(faces, len(counts)))
    nearest, pairs = compare_subjects(holdings, floor=floor, nameless_floor=nameless_floor)
    best: dict[tuple[int, int], float] = {}
    for one in range(holdings.rows):
        scores = {
            other: float(vectors[one] @ vectors[other])
            for other in range(holdings.rows)
            if comparable(holdings, one, other)
        }
        assert nearest.scores[one] == pytest.approx(max(scores.values(), default=-1.0), abs=1e-6)
        if scores:
            assert scores[int(nearest.rows[one])] == pytest.approx(max(scores.values()), abs=1e-6)
        else:
            assert nearest.rows[one] == one
        for other, score in scores.items():
            left, right = sorted((int(holdings.owners[one]), int(holdings.owners[other])))
            best[left, right] = max(best.get((left, right), -2.0), score)
    wanted = {
        pair: score
        for pair, score in best.items()
        if score >= (max(floor, nameless_floor) if holdings.nameless[pair[0]] else floor)
    }
    found = {
        (int(holdings.owners[rows[0]]), int(holdings.owners[rows[1]])): score
        for rows, score in zip(pairs.rows.tolist(), pairs.scores.tolist(), strict=True)
    }
    assert found == pytest.approx(wanted, abs=1e-6)
    assert pairs.floor == floor
    assert (np.diff(pairs.scores) <= 0).all()


def test_tiles_meet_where_they_should() -> None:
    """More rows than a tile holds, a subject across the border, faces without names at the end."""
    counts = [1] * (TILE - 2) + [5] + [2] * 300 + [1] * 200
    vectors = units(sum(counts), 16, 7)
    holdings = held(vectors, counts, faces=200)
    seen: list[tuple[int, int]] = []
    nearest, pairs = compare_subjects(
        holdings, floor=0.8, nameless_floor=0.85, progress=lambda done, total: seen.append((done, total))
    )
    whole = vectors @ vectors.T
    faces = holdings.nameless[holdings.owners]
    whole[holdings.owners[:, None] == holdings.owners[None, :]] = -np.inf
    whole[faces[:, None] != faces[None, :]] = -np.inf
    np.testing.assert_allclose(nearest.scores, whole.max(axis=1), atol=1e-6)
    np.testing.assert_allclose(whole[np.arange(len(whole)), nearest.rows], whole.max(axis=1), atol=1e-6)
    bar = np.where(faces, 0.85, 0.8)[:, None]
    left, right = np.nonzero(np.triu(whole >= bar))
    wanted = {(int(holdings.owners[i]), int(holdings.owners[j])) for i, j in zip(left, right, strict=True)}
    assert {tuple(pair) for pair in holdings.owners[pairs.rows].tolist()} == wanted
    assert len(pairs.scores) == len(wanted) > 100
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.slow
def test_too_many_alike_keep_the_most_alike_and_say_so() -> None:
    rng = np.random.default_rng(3)
    count = int((2.5 * MOST_PAIRS) ** 0.5)
    vectors = units(count, 8, 1) * np.float32(0.2)
    vectors[:, 0] += 1.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    holdings = held(vectors, [1] * count)
    _, pairs = compare_subjects(holdings, floor=0.5, nameless_floor=0.5)
    scores = (vectors @ vectors.T)[np.triu_indices(count, 1)]
    assert scores.min() > 0.5
    assert scores.size > MOST_PAIRS >= len(pairs.scores)
    assert pairs.floor > 0.5
    assert len(pairs.scores) == pytest.approx(np.count_nonzero(scores >= pairs.floor), abs=200)
    for place in rng.permutation(len(pairs.scores))[:100]:
        one, other = pairs.rows[place]
        assert float(vectors[one] @ vectors[other]) == pytest.approx(float(pairs.scores[place]), abs=1e-6)


@settings(max_examples=50)
@given(st.integers(1, 12), st.integers(0, 500), st.floats(-0.9, 0.9))
def test_groups_are_those_of_a_flood(count: int, seed: int, threshold: float) -> None:
    vectors = units(count, 3, seed)
    waiting, wanted = set(range(count)), []
    while waiting:
        group, front = set(), [min(waiting)]
        while front:
            row = front.pop()
            if row in waiting:
                waiting.remove(row)
                group.add(row)
                front += [other for other in waiting if float(vectors[row] @ vectors[other]) >= threshold]
        wanted.append(sorted(group))
    wanted.sort(key=lambda group: (-len(group), group[0]))
    assert [group.tolist() for group in linked(vectors, threshold)] == wanted


@settings(max_examples=50)
@given(st.integers(1, 9), st.integers(0, 500))
def test_nearest_among_its_own(count: int, seed: int) -> None:
    vectors = units(count, 3, seed)
    for row, found in enumerate(nearest_own(vectors).tolist()):
        others = [float(vectors[row] @ vectors[other]) for other in range(count) if other != row]
        assert found == pytest.approx(max(others), abs=1e-6) if others else found == -np.inf


def test_a_subject_with_more_photos_than_a_block() -> None:
    vectors = units(BLOCK + 50, 8, 9)
    whole = vectors @ vectors.T
    np.fill_diagonal(whole, -np.inf)
    np.testing.assert_allclose(nearest_own(vectors), whole.max(axis=1), atol=1e-6)
    assert [group.size for group in linked(vectors, -1.1)] == [BLOCK + 50]


def test_the_mean_over_two_subjects() -> None:
    vectors = units(7, 5, 2)
    holdings = held(vectors, [3, 4])
    counted = np.array([True, False, True, True, True, False, True])
    by_hand = [float(vectors[i] @ vectors[j]) for i in (0, 2) for j in (3, 4, 6)]
    assert mean_likeness(holdings, 0, 1, counted) == pytest.approx(np.mean(by_hand), abs=1e-6)
    assert mean_likeness(holdings, 0, 1) == pytest.approx((vectors[:3] @ vectors[3:].T).mean(), abs=1e-6)
    assert mean_likeness(holdings, 0, 1, np.array([False] * 3 + [True] * 4)) == -1.0
