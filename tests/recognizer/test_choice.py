"""Who is meant in a photo."""

from __future__ import annotations

import numpy as np

from twinlens.recognizer.choice import main_face, prominent
from twinlens.types import Box, Face, Image

PHOTO = Image(np.zeros((400, 600, 3), np.uint8))


def face(x: float, y: float, size: float) -> Face:
    half = size / 2
    box = Box(np.array([x - half, y - half, x + half, y + half], np.float32))
    return Face(box, np.zeros((5, 2), np.float32), 0.9)


def test_nobody() -> None:
    assert main_face(PHOTO, []) == prominent(PHOTO, []) == []


def test_the_middle_wins_over_a_slightly_larger_face_at_the_border() -> None:
    middle, border = face(300, 200, 100), face(550, 60, 110)
    assert main_face(PHOTO, [border, middle]) == [middle]
    assert prominent(PHOTO, [border, middle]) == [middle, border]


def test_passers_by_do_not_count() -> None:
    sitter, passer = face(300, 200, 200), face(100, 100, 50)
    assert prominent(PHOTO, [passer, sitter]) == [sitter]
