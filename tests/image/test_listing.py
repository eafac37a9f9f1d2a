"""Folders -> the pictures in them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from twinlens.errors import ImageError
from twinlens.image import list_pictures


def test_pictures_are_listed_in_order_and_hidden_ones_left_out(tmp_path: Path) -> None:
    for name in ("b/2.JPG", "b/1.png", "a.webp", "c.txt", "b/.hidden.jpg", ".cache/x.jpg", "d.jpeg/y.tif", "z.avif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in list_pictures(tmp_path)]
    assert found == ["a.webp", "b/1.png", "b/2.JPG", "d.jpeg/y.tif", "z.avif"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "album" / "inner").mkdir(parents=True)
    (tmp_path / "album" / "one.jpg").touch()
    (tmp_path / "album" / "inner" / "back").symlink_to(tmp_path / "album")
    (tmp_path / "album" / "again").symlink_to(tmp_path / "album" / "inner")
    (tmp_path / "album" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert list_pictures(tmp_path / "album") == [tmp_path / "album" / "one.jpg"]


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file.jpg").touch()
    with pytest.raises(ImageError, match=r"file.jpg: a file, wanted a folder"):
        list_pictures(tmp_path / "file.jpg")
    with pytest.raises(ImageError, match=r"nowhere: no such folder"):
        list_pictures(tmp_path / "nowhere")
    assert list_pictures(tmp_path) == [tmp_path / "file.jpg"]
