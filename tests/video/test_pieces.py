"""Embeddings decide who goes on and who has been replaced: on made-up vectors."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from twinlens.recognizer import Portrait
from twinlens.types import Box, Crop, Embedding, Face, Quality
from twinlens.video.joining import Bars, joined
from twinlens.video.piece import LEAST_WEIGHT, Piece, Shot, best_shot, fused, pieces_of
from twinlens.video.track import together
from twinlens.video.trail import Trail

BARS = Bars(drift=0.3, change=0.4, gap=0.5)
BOX = Box(np.array([0, 0, 10, 10], np.float32))
FACE = Face(BOX, np.zeros((5, 2), np.float32), 0.9)
CROP = Crop(np.zeros((112, 112, 3), np.uint8))


def towards(angle_deg: float) -> NDArray[np.float32]:
    """Return a unit vector of the plane: similarities are cosines of differences."""
    angle = np.deg2rad(angle_deg)
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def shot(frame: int, angle_deg: float, quality: float = 0.8) -> Shot:
    reasons = () if quality >= 0.5 else ("blurred",)
    portrait = Portrait(FACE, CROP, Quality(quality, reasons), Embedding(towards(angle_deg), "m"))
    return Shot(frame, frame / 10, portrait)


def trail(first: int, last: int, changes: Collection[int] = ()) -> Trail:
    """A look a frame; at ``changes`` the picture is less like the one before."""
    made = Trail()
    for frame in range(first, last + 1):
        made.add(frame, frame / 10, FACE, 0.7 if frame in changes else 0.95)
    return made


def piece(first: int, last: int, angle_deg: float, follows: Piece | None = None) -> Piece:
    (made,) = pieces_of(trail(first, last), [shot(first, angle_deg)], 0.3, follows)
    return made


def spans(groups: list[list[Piece]]) -> list[list[tuple[int, int]]]:
    return [[(p.trail.first_frame, p.trail.last_frame) for p in group] for group in groups]


@given(st.lists(st.tuples(st.floats(-60, 60), st.floats(0, 1)), min_size=1, max_size=6))
def test_the_fused_embedding_is_the_weighted_mean_of_length_one(seen: list[tuple[float, float]]) -> None:
    pieces = [piece_ for k, (angle, q) in enumerate(seen) for piece_ in pieces_of(trail(k, k), [shot(k, angle, q)], -1)]
    total = sum(max(q, LEAST_WEIGHT) * towards(angle).astype(np.float64) for angle, q in seen)
    expected = total / np.linalg.norm(total)
    portrait = fused(pieces)
    assert portrait.embedding.vector == pytest.approx(expected, abs=1e-5)
    assert portrait.quality.score == max(q for _, q in seen)
    assert best_shot(pieces).frame == int(np.argmax([q for _, q in seen]))


def test_opposite_samples_have_no_mean() -> None:
    pieces = list(pieces_of(trail(0, 9), [shot(0, 0), shot(9, 180)], -1.1))
    assert fused(pieces).embedding.vector == pytest.approx(towards(0))


def test_a_stretch_is_cut_between_two_people() -> None:
    shots = [shot(5, 0), shot(15, 10), shot(25, 95), shot(35, 100), shot(45, 190)]
    pieces = list(pieces_of(trail(0, 49, changes=(3, 17, 36)), shots, 0.3))
    assert spans([pieces]) == [[(0, 16), (17, 35), (36, 49)]]
    assert fused(pieces[1:2]).embedding.vector == pytest.approx(towards(97.5), abs=1e-3)


def test_one_poor_sample_does_not_cut_but_one_good_one_does() -> None:
    for quality, parts in ((0.2, 1), (0.8, 2)):
        shots = [shot(5, 0), shot(15, 5), shot(25, 0), shot(35, 90, quality)]
        assert len(list(pieces_of(trail(0, 39), shots, 0.3))) == parts


def test_a_face_that_returns() -> None:
    first, second, other = piece(0, 9, 0), piece(30, 39, 30), piece(45, 49, 110)
    assert spans(joined([first, second, other], BARS, 5.0)) == [[(0, 9), (30, 39)], [(45, 49)]]
    assert spans(joined([first, second, other], BARS, 2.0)) == [[(0, 9)], [(30, 39)], [(45, 49)]]


def test_less_is_needed_to_go_on_in_the_same_place() -> None:
    first = piece(0, 9, 0)
    alike = float(np.rad2deg(np.arccos(0.45)))
    assert len(joined([first, piece(10, 19, alike, follows=first)], BARS, 5.0)) == 1
    assert len(joined([first, piece(10, 19, alike)], BARS, 5.0)) == 2


def test_at_the_same_time_never() -> None:
    """The best continuation wins; its rival in the same frames stays alone."""
    before, near, nearer = piece(0, 9, 0), piece(12, 20, 10), piece(20, 29, 5)
    assert spans(joined([before, near, nearer], BARS, 5.0)) == [[(0, 9), (20, 29)], [(12, 20)]]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15), st.floats(0, 180)), max_size=8),
    st.floats(0, 4),
)
def test_groups_always_hold_each_piece_once_and_never_overlap(
    rows: list[tuple[int, int, float]], reconnect_s: float
) -> None:
    pieces = [piece(first, first + length, angle) for first, length, angle in rows]
    groups = joined(pieces, BARS, reconnect_s)
    assert sorted(id(p) for group in groups for p in group) == sorted(map(id, pieces))
    for group in groups:
        trails = [p.trail for p in group]
        assert not any(a.overlaps(b) for k, a in enumerate(trails) for b in trails[:k])
        gaps = [b.start_s - a.end_s for a, b in pairwise(trails)]
        assert all(0 < gap <= reconnect_s + 1e-9 for gap in gaps)
    company = together([[p.trail for p in group] for group in groups])
    for i, one in enumerate(groups):
        meets = {
            j for j, two in enumerate(groups) if j != i and any(p.trail.overlaps(q.trail) for p in one for q in two)
        }
        assert company[i] == meets
