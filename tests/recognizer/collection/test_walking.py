"""What is in a folder, whatever is in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twinlens.errors import ImageError
from twinlens.recognizer.collection.walking import Closed, Found, walk


def names(root: Path) -> list[str]:
    return [found.name for found in walk(root) if isinstance(found, Found)]


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_pictures_folder_by_folder(tmp_path: Path) -> None:
    touch(
        *(tmp_path / n for n in ("b.JPG", "a.png", "c/d.webp", "notes.txt", ".hidden.jpg", ".cache/e.jpg", "B/z.heic"))
    )
    assert names(tmp_path) == ["a.png", "b.JPG", "B/z.heic", "c/d.webp"]
    first = next(walk(tmp_path))
    assert isinstance(first, Found)
    info = (tmp_path / "a.png").stat()
    assert (first.size, first.mtime_ns) == (1, info.st_mtime_ns)


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.jpg", tmp_path / "out" / "b.jpg")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    (tmp_path / "in" / "other.jpg").symlink_to(tmp_path / "out" / "b.jpg")
    (tmp_path / "in" / "self.jpg").symlink_to(tmp_path / "in" / "self.jpg")
    (tmp_path / "in" / "nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    found = list(walk(tmp_path / "in"))
    assert not [f for f in found if isinstance(f, Closed)]
    assert [f.name for f in found] == ["a.jpg", "other.jpg", "up/out/b.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_said(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg", tmp_path / "closed" / "b.jpg")
    (tmp_path / "closed").chmod(0)
    try:
        assert list(walk(tmp_path))[1] == Closed("closed", "Permission denied")
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_folder_that_goes_while_it_is_walked_is_said(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg", tmp_path / "going" / "b.jpg")
    walking = walk(tmp_path)
    next(walking)
    (tmp_path / "going" / "b.jpg").unlink()
    (tmp_path / "going").rmdir()
    assert list(walking) == [Closed("going", "No such file or directory")]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    touch(tmp_path / os.fsdecode(b"\xff\xfe.jpg"))
    (name,) = names(tmp_path)
    assert os.fsencode(name) == b"\xff\xfe.jpg"


def test_pipes_and_devices_are_no_pictures(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["gone", "file.jpg"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "file.jpg")
    with pytest.raises(ImageError, match="wanted a folder of pictures"):
        list(walk(tmp_path / name))
