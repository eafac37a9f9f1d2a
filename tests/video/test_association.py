"""Which boxes belong together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from twinlens.video.association import LEAST_OVERLAP, overlaps, paired, widened

side = st.integers(1, 60).map(float)
place = st.integers(-20, 120).map(float)
boxes = st.lists(st.tuples(place, place, side, side), max_size=6).map(
    lambda rows: np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.float32).reshape(-1, 4)
)


def overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Count unit squares: the boxes have whole corners."""
    cells = [{(x, y) for x in range(int(b[0]), int(b[2])) for y in range(int(b[1]), int(b[3]))} for b in (one, other)]
    return len(cells[0] & cells[1]) / len(cells[0] | cells[1])


@given(boxes, boxes)
def test_overlap_is_counted_right(one: NDArray[np.float32], other: NDArray[np.float32]) -> None:
    found = overlaps(one, other)
    assert found.shape == (len(one), len(other))
    for i, a in enumerate(one[:2]):
        for j, b in enumerate(other[:2]):
            assert found[i, j] == pytest.approx(overlap(a, b), abs=1e-5)


def test_widening_is_in_the_box_s_own_size() -> None:
    box = np.array([[10, 20, 30, 60]], np.float32)
    assert widened(box, 0.5).tolist() == [[0, 0, 40, 80]]


@given(boxes, boxes, st.sampled_from([0.0, 0.3, 0.5]))
def test_pairs_are_a_greedy_matching(one: NDArray[np.float32], other: NDArray[np.float32], buffer: float) -> None:
    pairs = paired(one, other, buffer)
    rows, columns = [i for i, _ in pairs], [j for _, j in pairs]
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
    scores = overlaps(widened(one, buffer), widened(other, buffer))
    taken = [float(scores[pair]) for pair in pairs]
    assert taken == sorted(taken, reverse=True)
    free = [scores[i, j] for i in range(len(one)) for j in range(len(other)) if i not in rows and j not in columns]
    assert all(score < LEAST_OVERLAP for score in free)


def test_a_small_face_that_jumps_by_its_width_finds_itself() -> None:
    before, after = np.array([[0, 0, 20, 20]], np.float32), np.array([[22, 0, 42, 20]], np.float32)
    assert paired(before, after, 0.0) == []
    assert paired(before, after, 0.5) == [(0, 0)]
