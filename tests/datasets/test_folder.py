"""A folder per person; AT&T and the Avengers as they are published."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twinlens.datasets.folder import load_avengers, load_folder, load_orl
from twinlens.datasets.records import Counts, Photo
from twinlens.errors import DatasetError


def place(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_every_picture_below_a_persons_folder_shows_that_person(tmp_path: Path) -> None:
    place(tmp_path, "Ann/2.JPG", "Ann/1.png", "Ann/holiday/3.webp", "Bo Li/a.jpeg", "Bo Li/notes.txt", ".git/x.png")
    dataset = load_folder(tmp_path)
    assert dataset.split("all").photos == (
        Photo("Ann", tmp_path / "Ann/1.png"),
        Photo("Ann", tmp_path / "Ann/2.JPG"),
        Photo("Ann", tmp_path / "Ann/holiday/3.webp"),
        Photo("Bo Li", tmp_path / "Bo Li/a.jpeg"),
    )
    assert dataset.split("all").counts == Counts(people=2, photos=4)
    assert dataset.people == {"Ann", "Bo Li"}
    assert dataset.notes == ()


def test_what_is_left_out_is_noted(tmp_path: Path) -> None:
    place(tmp_path, "Ann/1.png", "loose.jpg", "Empty/readme.txt")
    assert load_folder(tmp_path).notes == (
        "1 pictures lie in no person's folder and are left out",
        "1 folders hold no picture: Empty",
    )


def test_nobody_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="one folder per person"):
        load_folder(place(tmp_path, "a.jpg"))
    with pytest.raises(DatasetError, match="no such folder"):
        load_folder(tmp_path / "absent")


def test_the_known_folders_have_the_published_counts() -> None:
    root = Path(os.environ.get("TWINLENS_DATA", ""))
    if not (root / "orl" / "s1").is_dir() or not (root / "avengers").is_dir():
        pytest.skip("TWINLENS_DATA names no folder that holds orl/ and avengers/")
    for load, folder in ((load_orl, "orl"), (load_avengers, "avengers")):
        dataset = load(root / folder)
        assert dataset.split("all").counts == dataset.expected["all"]
        assert dataset.notes == ()
        assert dataset.terms
