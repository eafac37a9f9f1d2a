"""Copies with names on them; the photo itself is never touched."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from twinlens.draw import KNOWN, LEAST_SIDE, Mark, draw, save, side_by_side
from twinlens.errors import ImageError
from twinlens.types import Box, Face, Image


def face(left: float, top: float, size: float) -> Face:
    box = Box(np.array([left, top, left + size, top + size], np.float32))
    middle = np.array([left + size / 2, top + size / 2], np.float32)
    return Face(box, np.tile(middle, (5, 1)), 0.9)


def changed(before: Image, after: Image) -> np.ndarray:
    return np.asarray((before.pixels != after.pixels).any(axis=2))


def test_box_and_label_are_drawn_on_a_copy() -> None:
    grey = Image(np.full((600, 800, 3), 90, np.uint8))
    drawn = draw(grey, [Mark(face(300, 200, 150), "Jürgen 山田", KNOWN)])
    rows, columns = np.nonzero(changed(grey, drawn))
    assert rows.min() < 200 - 10  # the label above the box
    assert abs(int(rows.max()) - 350) <= 3
    assert abs(int(columns.min()) - 300) <= 3
    assert (grey.pixels == 90).all()


@pytest.mark.parametrize("place", [(0.0, 0.0), (780.0, 580.0), (-40.0, -40.0)])
def test_labels_stay_in_the_picture(place: tuple[float, float]) -> None:
    grey = Image(np.full((600, 800, 3), 90, np.uint8))
    drawn = draw(grey, [Mark(face(*place, 60), "somebody with a long name", KNOWN)])
    ground = (drawn.pixels == np.array(KNOWN)).all(axis=2)
    assert ground.any(axis=0).sum() > 100  # the whole width of the label, not a part of it
    assert ground.sum() > 500


def test_small_pictures_are_enlarged() -> None:
    drawn = draw(Image(np.zeros((100, 128, 3), np.uint8)), [Mark(face(40, 30, 20), "A", KNOWN)])
    assert max(drawn.width, drawn.height) >= LEAST_SIDE


def test_side_by_side_has_one_height() -> None:
    pair = side_by_side(Image(np.zeros((100, 50, 3), np.uint8)), Image(np.zeros((300, 600, 3), np.uint8)), height=200)
    assert (pair.width, pair.height) == (100 + 400, 200)


def test_colours_survive_the_file(tmp_path: Path) -> None:
    red = Image(np.tile(np.array([200, 10, 30], np.uint8), (20, 20, 1)))
    save(red, tmp_path / "new" / "red.png")
    back = cv2.imread(str(tmp_path / "new" / "red.png"), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(back, red.pixels)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    image = Image(np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ImageError, match="unknown kind"):
        save(image, tmp_path / "a.xyz")
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match="cannot write"):
        save(image, tmp_path / "file" / "a.png")
