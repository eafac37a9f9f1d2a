"""One's own photos with boxes: what is read, and what is refused by its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinlens.datasets.boxed import load_boxed
from twinlens.errors import DatasetError

TEXT = """fête/ün.jpg
2
10 20 30 40
50 60 5 6
nobody.jpg
0
last.jpg
1
1 2 3 4 0 0 0 0 0 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fête").mkdir()
    for name in ("fête/ün.jpg", "nobody.jpg", "last.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "boxes.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_photos_and_boxes_are_read_in_order(folder: Path) -> None:
    photos = load_boxed(folder)
    assert [photo.name for photo in photos] == ["fête/ün.jpg", "nobody.jpg", "last.jpg"]
    assert [len(photo.boxes) for photo in photos] == [2, 0, 1]
    assert photos[0].boxes.tolist() == [[10, 20, 40, 60], [50, 60, 55, 66]]
    assert photos[0].path == folder / "fête/ün.jpg"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("last.jpg", "gone.jpg", r"boxes\.txt lists 'gone\.jpg', which is not in"),
        ("last.jpg", "nobody.jpg", r"line 7: 'nobody\.jpg' is already on line 5"),
        ("1 2 3 4", "1 2 nan 4", "line 7: .* not finite"),
        ("1 2 3 4", "1 2 -3 4", "line 7: .* below 0"),
        ("1 2 3 4 0 0 0 0 0 0", "1 2 3", "line 7: wanted"),
        ("last.jpg\n1", "last.jpg\n-1", "line 7: wanted"),
        ("last.jpg\n1", "last.jpg\n2", "line 7: wanted"),
        (TEXT, "", "lists 0 photos without any face"),
        (TEXT, "nobody.jpg\n0\n", "lists 1 photos without any face"),
    ],
)
def test_broken_lists_are_refused_by_their_place(folder: Path, old: str, new: str, message: str) -> None:
    (folder / "boxes.txt").write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        load_boxed(folder)


def test_a_folder_without_boxes_is_told_what_they_look_like(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="left, top, width and height"):
        load_boxed(tmp_path)
    (tmp_path / "boxes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="cannot read"):
        load_boxed(tmp_path)
