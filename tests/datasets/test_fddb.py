"""FDDB's ellipses: their boxes against sampled outlines, the published counts, and broken lists."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from twinlens.datasets.fddb import Ellipse, expect_all, load_fddb
from twinlens.errors import DatasetError

radii, angles, places = st.floats(1, 300), st.floats(-math.pi, math.pi), st.floats(0, 400)


@given(radii, radii, angles, places, places)
def test_the_box_holds_the_outline_and_nothing_more(a: float, b: float, angle: float, x: float, y: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 2000)
    outline_x = x + a * np.cos(turn) * np.cos(angle) - b * np.sin(turn) * np.sin(angle)
    outline_y = y + a * np.cos(turn) * np.sin(angle) + b * np.sin(turn) * np.cos(angle)
    wanted = [outline_x.min(), outline_y.min(), outline_x.max(), outline_y.max()]
    np.testing.assert_allclose(Ellipse(a, b, angle, x, y).xyxy(), wanted, atol=0.02)


def test_a_box_is_clipped_to_the_picture() -> None:
    assert Ellipse(50.0, 50.0, 0.0, 20.0, 90.0).xyxy((100, 120)).tolist() == [0, 40, 70, 120]


def place(root: Path, first: str) -> Path:
    (root / "FDDB-folds").mkdir()
    for fold in range(1, 11):
        text = first if fold == 1 else f"2002/0{fold}/big/img_1\n1\n10 8 0.5 30 40  1\n"
        (root / f"FDDB-folds/FDDB-fold-{fold:02d}-ellipseList.txt").write_text(text)
        photo = root / "originalPics" / f"2002/0{fold}/big/img_1.jpg"
        photo.parent.mkdir(parents=True)
        photo.touch()
    return root


def test_photos_and_faces_are_read_in_order(tmp_path: Path) -> None:
    text = "2002/01/big/img_1\n2\n20.5 10.25 1.5 100 50  1\n30 20 -1.5 200 60  1\n"
    photos = load_fddb(place(tmp_path, text))
    assert len(photos) == 10
    assert photos[0].faces == (Ellipse(20.5, 10.25, 1.5, 100.0, 50.0), Ellipse(30.0, 20.0, -1.5, 200.0, 60.0))
    assert photos[0].path == tmp_path / "originalPics/2002/01/big/img_1.jpg"
    assert (photos[1].fold, photos[1].ellipses.tolist()) == (2, [[10, 8, 0.5, 30, 40]])
    assert photos[0].boxes((150, 100)).shape == (2, 4)
    with pytest.raises(DatasetError, match="this copy 10 and 11"):
        expect_all(photos)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2002/01/big/img_1\n", ":1: wanted the number of faces on the next line"),
        ("2002/01/big/img_1\none\n", ":2: wanted the number of faces as a whole number"),
        ("2002/01/big/img_1\n2\n9 8 0 1 1 1\n", ":2: fewer faces follow than this announces"),
        ("2002/01/big/img_1\n1\n9 8 0 1 1\n", ":3: wanted six numbers"),
        ("2002/01/big/img_1\n1\n9 0 0 1 1 1\n", ":3: wanted six numbers: two radii above 0"),
        ("2002/01/big/img_1\n1\n9 8 nan 1 1 1\n", ":3: wanted six numbers"),
        ("2002/01/big/img_7\n1\n9 8 0 1 1 1\n", ":1: wanted the photo .*img_7.jpg"),
        ("2002/01/big/img_1\n0\n2002/01/big/img_1\n0\n", ":3: this photo is already on line 1"),
    ],
)
def test_broken_lists_are_refused_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=r"FDDB-fold-01-ellipseList\.txt" + message):
        load_fddb(place(tmp_path, text))


def test_annotations_without_photos_say_so(tmp_path: Path) -> None:
    place(tmp_path, "2002/01/big/img_1\n0\n")
    (tmp_path / "originalPics").rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match="FDDB's annotations but no photos: wanted the folder 2002"):
        load_fddb(tmp_path)
    assert len(load_fddb(tmp_path, photos=False)) == 10


def test_the_published_annotations_are_complete() -> None:
    root = Path(os.environ.get("TWINLENS_DATA", "")) / "fddb"
    if not (root / "FDDB-folds").is_dir():
        pytest.skip("TWINLENS_DATA names no folder that holds fddb/")
    photos = load_fddb(root, photos=False)
    expect_all(photos)
    assert sum(len(photo.faces) for photo in photos) == 5171
    assert [sum(photo.fold == fold for photo in photos) for fold in (1, 10)] == [290, 280]
