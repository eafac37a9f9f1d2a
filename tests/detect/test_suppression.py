from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.detect.candidates import Candidates
from twinlens.detect.suppression import overlaps, strongest


def crowd(seed: int, count: int) -> Candidates:
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 60, (count, 2))
    sizes = generator.uniform(5, 40, (count, 2))
    return Candidates(
        np.concatenate([corners, corners + sizes], axis=1).astype(np.float32),
        generator.uniform(0, 99, (count, 5, 2)).astype(np.float32),
        np.round(generator.uniform(0, 1, count), 1).astype(np.float32),  # with equal scores among them
    )


def naive_overlap(a: np.ndarray, b: np.ndarray) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return float(width * height / union)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 30), st.floats(0, 1))
def test_equals_a_naive_loop(seed: int, count: int, overlap: float) -> None:
    candidates = crowd(seed, count)
    kept: list[int] = []
    for i in sorted(range(count), key=lambda i: (-candidates.scores[i], i)):
        ratios = [naive_overlap(candidates.boxes[i], candidates.boxes[k]) for k in kept]
        if any(abs(ratio - overlap) < 1e-5 for ratio in ratios):
            return  # too close to call in float32
        if all(ratio <= overlap for ratio in ratios):
            kept.append(i)
    found = strongest(candidates, overlap)
    np.testing.assert_array_equal(found.boxes, candidates.boxes[kept])
    np.testing.assert_array_equal(found.landmarks, candidates.landmarks[kept])
    np.testing.assert_array_equal(found.scores, candidates.scores[kept])


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_doing_it_twice_changes_nothing(seed: int) -> None:
    once = strongest(crowd(seed, 25), 0.4)
    np.testing.assert_array_equal(strongest(once, 0.4).boxes, once.boxes)


def test_overlap_of_known_boxes() -> None:
    box = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4]], np.float32)
    assert overlaps(box, others).tolist() == pytest.approx([1, 1 / 3, 0, 0.04])
