"""Copies with names on them; the photo itself is never touched."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from twinlens.draw import KNOWN, LEAST_SIDE, MapTile, Mark, check_writable, draw, map_sheet, save, side_by_side
from twinlens.draw.maps import AGAINST, FOR, GAP, LEAST_SCALE, PAPER, TILE, coloured
from twinlens.errors import ImageError
from twinlens.types import CROP_SIZE, Box, Crop, Face, Image


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


def test_points_do_not_hide_the_eyes_of_a_face_that_fills_the_photo() -> None:
    grey = Image(np.full((600, 600, 3), 90, np.uint8))
    drawn = changed(grey, draw(grey, [Mark(face(20, 20, 560))]))
    points = drawn[100:500, 100:500]
    assert 0 < points.any(axis=0).sum() <= 12  # of 560 pixels; an eye is eight times as wide


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


@pytest.mark.parametrize("name", ["a.png", "new/deep/a.jpg", "a.webp", "a", "there.png"])
def test_what_can_be_written_is_not_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "there.png").touch()
    check_writable(tmp_path / name)
    save(Image(np.zeros((8, 8, 3), np.uint8)), tmp_path / name)


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.xyz", "unknown kind"), ("folder.png", "it is a folder"), ("file/a.png", "is a file, not a folder")],
)
def test_what_cannot_be_written_is_known_beforehand(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match=said):
        check_writable(tmp_path / name)
    with pytest.raises(ImageError):
        save(Image(np.zeros((8, 8, 3), np.uint8)), tmp_path / name)


def tile(values: np.ndarray, title: str = "a.jpg", notes: tuple[str, ...] = ("quality 0.9",)) -> MapTile:
    return MapTile(title, Crop(np.full((CROP_SIZE, CROP_SIZE, 3), 120, np.uint8)), values.astype(np.float32), notes)


def test_an_empty_map_leaves_the_face_grey() -> None:
    blank = np.zeros((CROP_SIZE, CROP_SIZE), np.float32)
    assert (coloured(tile(blank).crop, blank, 0.1) == 120).all()


def test_colours_lie_where_the_map_says() -> None:
    values = np.zeros((CROP_SIZE, CROP_SIZE), np.float32)
    values[10:40, 10:40], values[70:100, 70:100] = 0.2, -0.2
    drawn = coloured(tile(values).crop, values, 0.2).astype(int)
    for row, colour in ((25, FOR), (85, AGAINST)):
        here = drawn[row * TILE // CROP_SIZE, row * TILE // CROP_SIZE]
        assert np.abs(here - np.rint(0.2 * 120 + 0.8 * np.array(colour))).max() <= 2
    assert (drawn[25 * 3, 85 * 3] == 120).all()


def test_both_maps_share_one_scale_and_little_stays_pale() -> None:
    strong, weak = (np.full((CROP_SIZE, CROP_SIZE), value) for value in (0.2, 0.02))
    sheet = map_sheet(tile(strong), tile(weak), headline="h").pixels.astype(int)
    row = next(y for y in range(len(sheet)) if (sheet[y, GAP + TILE // 2] == 120).all()) + TILE + TILE // 2
    blueness = sheet[row, [GAP + TILE // 2, 2 * GAP + TILE + TILE // 2], 2] - 120
    assert blueness[0] == pytest.approx(0.8 * (FOR[2] - 120), abs=2)
    assert blueness[1] == pytest.approx(0.08 * (FOR[2] - 120), abs=2)
    faint = np.full((CROP_SIZE, CROP_SIZE), LEAST_SCALE / 10)
    pale = map_sheet(tile(faint), tile(faint), headline="h").pixels.astype(int)
    assert pale[row, GAP + TILE // 2, 2] - 120 == pytest.approx(0.08 * (FOR[2] - 120), abs=2)


@pytest.mark.parametrize("title", ["", "Jürgen 山田.jpg", "/a/very/long/" + "path/" * 40 + "photo.jpg", "x" * 300])
def test_words_stay_on_the_sheet(title: str) -> None:
    values = np.zeros((CROP_SIZE, CROP_SIZE))
    notes = ("one", "word " * 60, "y" * 200)
    sheet = map_sheet(tile(values, title, notes), tile(values, title, ()), headline="Same person", lines=["long " * 80])
    assert sheet.width == 2 * TILE + 3 * GAP
    for border in (sheet.pixels[:, : GAP - 2], sheet.pixels[:, 2 - GAP :], sheet.pixels[: GAP // 2], sheet.pixels[-4:]):
        assert (border == PAPER).all()
    between = sheet.pixels[: sheet.height - 100, GAP + TILE + 2 : 2 * GAP + TILE - 2]  # above the legend
    assert (between[GAP + 200 :] == PAPER).all()


def test_more_notes_make_a_longer_sheet() -> None:
    values = np.zeros((CROP_SIZE, CROP_SIZE))
    short, long = (map_sheet(tile(values, notes=("n",) * n), tile(values), headline="h") for n in (1, 9))
    assert long.height > short.height
