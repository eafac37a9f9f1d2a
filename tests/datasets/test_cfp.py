"""CFP's folds: the published counts, and broken copies of a made-up one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twinlens.datasets.cfp import load_baez, load_ff, load_fp, load_photos
from twinlens.datasets.records import Counts, Dataset
from twinlens.errors import DatasetError


@pytest.fixture(scope="module")
def shared() -> Path:
    root = Path(os.environ.get("TWINLENS_DATA", "")) / "cfp"
    if not (root / "Protocol").is_dir():
        pytest.skip("TWINLENS_DATA names no folder that holds cfp/")
    return root


@pytest.fixture(scope="module")
def ff(shared: Path) -> Dataset:
    return load_ff(shared)


@pytest.fixture(scope="module")
def fp(shared: Path) -> Dataset:
    return load_fp(shared)


@pytest.mark.slow
def test_the_ten_folds_have_the_published_counts(ff: Dataset, fp: Dataset) -> None:
    for dataset in (ff, fp):
        assert {fold.name: fold.counts for fold in dataset.folds} == dict(dataset.expected)
        assert sum(len(fold.pairs) for fold in dataset.folds) == 7000
        assert len(dataset.people) == 500
        people = [fold.people for fold in dataset.folds]
        assert sum(map(len, people)) == len(frozenset().union(*people)) == 500  # no person is in two folds
    assert ff.notes == ("FF lists 130 pairs twice, as published; both count",)
    assert fp.notes == ()


def test_nine_folds_train_and_one_tests(fp: Dataset) -> None:
    train, test = fp.fold(4)
    assert (train.counts.people, train.counts.same, test.counts.same) == (450, 3150, 350)
    assert not train.people & test.people


def test_fp_pairs_go_from_frontal_to_profile(fp: Dataset) -> None:
    pairs = [pair for fold in fp.folds for pair in fold.pairs]
    assert {(pair.first.path.parent.name, pair.second.path.parent.name) for pair in pairs} == {("frontal", "profile")}


@pytest.mark.slow
def test_baez_splits_three_hundred_one_hundred_one_hundred_people(shared: Path) -> None:
    dataset = load_baez(shared)
    assert {name: split.counts for name, split in dataset.splits.items()} == dict(dataset.expected)
    assert [len(split.pairs) for split in dataset.splits.values()] == [8400, 2800, 2800]
    train, validation, test = (split.people for split in dataset.splits.values())
    assert not train & validation | train & test | validation & test


def test_every_photo_is_listed_once(shared: Path) -> None:
    dataset = load_photos(shared)
    assert dataset.split("all").counts == dataset.expected["all"] == Counts(500, 7000)
    assert "50 Cent" in dataset.people


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A copy with 20 people and 27 + 7 photos each, big enough for 350 distinct pairs of each kind."""
    lines: list[str] = []
    for person in range(1, 21):
        for number in range(1, 28):
            photo = tmp_path / f"Data/Images/{person:03d}/frontal/{number:02d}.jpg"
            photo.parent.mkdir(parents=True, exist_ok=True)
            photo.touch()
            lines.append(f"{len(lines) + 1} ../Data/Images/{person:03d}/frontal/{number:02d}.jpg")
    (tmp_path / "Data/list_name.txt").write_text("\n".join(f"Person {n}" for n in range(1, 21)) + "\n")
    (tmp_path / "Protocol").mkdir()
    (tmp_path / "Protocol/Pair_list_F.txt").write_text("\n".join(lines) + "\n")
    same = [f"{a},{b}" for a in range(1, 28) for b in range(a + 1, 28)][:350]
    different = [f"{a},{27 + b}" for a in range(1, 28) for b in range(1, 28)][:350]
    for fold in range(1, 11):
        folder = tmp_path / f"Protocol/Split/FF/{fold:02d}"
        folder.mkdir(parents=True)
        (folder / "same.txt").write_text("\n".join(same) + "\n")
        (folder / "diff.txt").write_text("\n".join(different) + "\n")
    return tmp_path


def test_a_copy_in_the_archives_own_folder_is_found(small: Path, tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "cfp-dataset"
    inner.parent.mkdir()
    (small / "Data").rename(tmp_path / "moved")
    inner.mkdir()
    (tmp_path / "moved").rename(inner / "Data")
    (small / "Protocol").rename(inner / "Protocol")
    assert len(load_ff(inner.parent).folds) == 10


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("Split/FF/03/same.txt", "1,3\n", "1,28\n", r"same\.txt:2: wanted one person in same\.txt"),
        ("Split/FF/03/same.txt", "1,3\n", "1,1\n", r"same\.txt:2: this pairs a photo with itself"),
        ("Split/FF/03/same.txt", "1,3\n", "1;3\n", r"same\.txt:2: wanted two numbers separated by a comma"),
        ("Split/FF/03/same.txt", "1,3\n", "1,999\n", r"same\.txt:2: no photo has the number 999"),
        ("Split/FF/03/same.txt", "1,3\n", "", r"same\.txt: wanted 350 pairs, found 349"),
        ("Split/FF/03/diff.txt", "1,28\n", "1,2\n", r"diff\.txt:1: wanted two people in diff\.txt"),
        ("Pair_list_F.txt", "2 ..", "x ..", r"Pair_list_F\.txt:2: wanted a photo's number"),
        ("Pair_list_F.txt", "2 ..", "1 ..", r"Pair_list_F\.txt:2: the number 1 is listed twice"),
        ("Pair_list_F.txt", "001/frontal/02", "001/frontal/99", r"Pair_list_F\.txt:2: wanted the photo .*99\.jpg"),
        ("Pair_list_F.txt", "Images/001/frontal/02", "Images/777/frontal/02", r":2: the folder '777' has no line"),
        ("../Data/list_name.txt", "Person 2\n", "Person 1\n", r"list_name\.txt: two people have one name"),
    ],
)
def test_broken_files_are_refused_by_file_and_line(small: Path, file: str, old: str, new: str, message: str) -> None:
    path = small / "Protocol" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        load_ff(small)
