"""Where a face was between two looks."""

from __future__ import annotations

import numpy as np
import pytest

from twinlens.types import Box, Face
from twinlens.video.trail import Trail


def face(left: float) -> Face:
    box = Box(np.array([left, 10, left + 20, 40], np.float32))
    return Face(box, np.arange(10, dtype=np.float32).reshape(5, 2) + np.float32(left), 0.9)


@pytest.fixture
def trail() -> Trail:
    """Looks at the frames 10, 14, 20: it moves by 2 pixels a frame."""
    made = Trail()
    for frame in (10, 14, 20):
        made.add(frame, frame / 25, face(2.0 * frame))
    return made


def test_between_looks_on_a_straight_line(trail: Trail) -> None:
    for frame in range(10, 21):
        seen = trail.face_at(frame)
        assert seen is not None
        assert seen.box.xyxy.tolist() == pytest.approx([2 * frame, 10, 2 * frame + 20, 40])
        assert seen.landmarks.tolist() == pytest.approx(face(2.0 * frame).landmarks)
    assert trail.face_at(9) is None
    assert trail.face_at(21) is None
    assert Trail().face_at(0) is None


@pytest.mark.parametrize("frame", [11, 12, 14, 15, 20])
def test_cut_and_put_together_again(trail: Trail, frame: int) -> None:
    before, rest = trail.cut(frame)
    assert before.last_frame < frame <= rest.first_frame
    assert len(before) + len(rest) == 3
    whole = before.followed_by(rest)
    assert (whole.start_s, whole.end_s) == (trail.start_s, trail.end_s) == (0.4, 0.8)
    assert [whole.face_at(k).box.xyxy.tolist() for k in (10, 14, 20)] == [  # type: ignore[union-attr]
        trail.face_at(k).box.xyxy.tolist()  # type: ignore[union-attr]
        for k in (10, 14, 20)
    ]


def test_in_view_together(trail: Trail) -> None:
    before, rest = trail.cut(15)
    assert not before.overlaps(rest)
    assert not rest.overlaps(before)
    assert trail.overlaps(rest)
    assert rest.overlaps(trail)


def test_where_it_changed_most() -> None:
    made = Trail()
    for frame, likeness in ((0, 1.0), (2, 0.5), (4, 0.9), (6, 0.7), (8, 0.8), (10, 0.1)):
        made.add(frame, frame / 25, face(0.0), likeness)
    assert made.least_alike(2, 8) == 6
    assert made.least_alike(8, 10) == 10
    assert made.least_alike(0, 10) == 10
    assert made.least_alike(0, 8) == 2
