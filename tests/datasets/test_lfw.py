"""LFW's lists on a small made-up copy, and the published counts on the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twinlens.datasets.lfw import (
    DEVELOPMENT,
    load_development,
    load_development_unrestricted,
    load_view2,
    load_view2_unrestricted,
)
from twinlens.datasets.lfw_files import find_photos, read_people
from twinlens.datasets.records import Counts
from twinlens.errors import DatasetError

PEOPLE = {"Ann_A": 3, "Bo": 2, "Cy_de_C": 1, "Di": 4}
TRAIN = "2\nAnn_A\t1\t2\nBo\t1\t2\nAnn_A\t3\tBo\t1\nBo\t2\tCy_de_C\t1\n"
TEST = "1\nDi\t1\t4\nDi\t2\tCy_de_C\t1\n"


def place(root: Path, layout: str) -> Path:
    """Make empty photos: for the lists it is enough that they are there."""
    for name, count in PEOPLE.items():
        for number in range(1, count + 1):
            folder = root / layout.replace("NAME", name)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}_{number:04d}.jpg").touch()
    (root / "pairsDevTrain.txt").write_text(TRAIN)
    (root / "pairsDevTest.txt").write_text(TEST)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return place(tmp_path, "lfw2/NAME")


@pytest.mark.parametrize("layout", ["lfw2/NAME", "lfw_funneled/NAME", "NAME", ".", "lfw"])
def test_every_layout_gives_the_same_pairs(tmp_path: Path, layout: str) -> None:
    dataset = load_development(place(tmp_path, layout))
    train = dataset.split("train")
    assert train.counts == Counts(people=3, photos=6, same=2, different=2)
    assert dataset.split("test").counts == Counts(2, 4, 1, 1)
    named = [(pair.first.path.name, pair.second.path.name, pair.same) for pair in train.pairs]
    assert named == [
        ("Ann_A_0001.jpg", "Ann_A_0002.jpg", True),
        ("Bo_0001.jpg", "Bo_0002.jpg", True),
        ("Ann_A_0003.jpg", "Bo_0001.jpg", False),
        ("Bo_0002.jpg", "Cy_de_C_0001.jpg", False),
    ]
    assert all(photo.path.is_file() for photo in dataset.photos)
    assert bool(dataset.outside_data) == (layout == "lfw2/NAME")


def test_windows_line_ends_and_a_byte_order_mark_are_read(root: Path) -> None:
    wanted = load_development(root)
    (root / "pairsDevTrain.txt").write_bytes(b"\xef\xbb\xbf" + TRAIN.replace("\n", "\r\n").encode() + b"\r\n")
    assert load_development(root) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r":1: wanted the number of pairs, but the file is empty"),
        ("two\nBo\t1\t2\n", r":1: wanted the count in the first line as a whole number, got 'two'"),
        ("0\n", r":1: wanted one number"),
        ("2\nBo\t1\t2\n", r":1: this announces 4 pairs .* but 1 lines follow"),
        ("1\nBo 1 2\nBo\t1\tDi\t1\n", r":2: wanted 3 fields .* or 4 .* got 1"),
        ("1\nBo\t1\tx\nBo\t1\tDi\t1\n", r":2: wanted a photo's number as a whole number, got 'x'"),
        ("1\nBo\t1\t9\nBo\t1\tDi\t1\n", r":2: wanted the photo Bo_0009.jpg, which is not in .*lfw2"),
        ("1\nBo\t1\t1\nBo\t1\tDi\t1\n", r":2: this pairs a photo with itself"),
        ("1\nBo\t1\t2\nBo\t1\tBo\t2\n", r":3: four fields mean two different people"),
        ("1\nBo\t1\tDi\t1\nBo\t1\t2\n", r":2: wanted a pair of the same person here, got one of different"),
        ("1\nBo\t1\t2\nBo\t1\t2\n", r":3: wanted a pair of different people here, got one of the same"),
        ("2\nBo\t1\t2\nBo\t2\t1\nBo\t1\tDi\t1\nBo\t1\tDi\t2\n", r":3: this pair is already on line 2"),
    ],
)
def test_broken_lists_are_refused_by_file_and_line(root: Path, text: str, message: str) -> None:
    (root / "pairsDevTrain.txt").write_text(text)
    with pytest.raises(DatasetError, match=r"pairsDevTrain\.txt" + message):
        load_development(root)


def test_an_absent_list_and_absent_photos_are_named(root: Path, tmp_path: Path) -> None:
    (root / "pairsDevTest.txt").unlink()
    with pytest.raises(DatasetError, match=r"pairsDevTest\.txt, which is not there"):
        load_development(root)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DatasetError, match=r"wanted photos .* lfw_funneled.* found none"):
        load_development(empty)


def test_unrestricted_training_takes_every_photo_of_the_people(root: Path) -> None:
    (root / "peopleDevTrain.txt").write_text("4\nAnn_A\t3\nBo\t2\nCy_de_C\t1\nElse_Where\t7\n")
    (root / "peopleDevTest.txt").write_text("1\nDi\t4\n")
    dataset = load_development_unrestricted(root)
    assert dataset.split("train").counts == Counts(3, 6, 2, 2)
    assert [photo.path.name for photo in dataset.split("test").photos][::3] == ["Di_0001.jpg", "Di_0004.jpg"]
    assert dataset.notes == ("peopleDevTrain.txt: 1 of 4 people have no photo here",)
    assert dataset.split("test").pairs == load_development(root).split("test").pairs
    (root / "peopleDevTest.txt").write_text("1\nDi\t5\n")
    with pytest.raises(DatasetError, match=r"peopleDevTest\.txt lists 5 photos of Di, .* holds 4"):
        load_development_unrestricted(root)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2\nAnn_A\t3\n", r":1: this announces 2 people, but 1 lines follow"),
        ("2\nAnn_A\t3\nAnn_A\t3\n", r":3: 'Ann_A' is already on line 2"),
        ("1\nAnn_A\tthree\n", r":2: wanted a number of photos"),
        ("3\n1\nAnn_A\t3\n1\nBo\t2\n", r":1: wanted 3 lists of people, found 2"),
        ("", r":1: wanted 1 lists of people, found 0"),
    ],
)
def test_broken_lists_of_people_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "people.txt").write_text(text)
    with pytest.raises(DatasetError, match=r"people\.txt" + message):
        read_people(tmp_path / "people.txt")


def view2(root: Path) -> Path:
    """Add ten folds of one same and one different pair, each of its own two people."""
    pairs, people = "10\t1\n", "10\n"
    for fold in range(10):
        for name in (f"P{fold}", f"Q{fold}"):
            (root / "lfw2" / name).mkdir()
            for number in (1, 2):
                (root / "lfw2" / name / f"{name}_{number:04d}.jpg").touch()
        pairs += f"P{fold}\t1\t2\nP{fold}\t1\tQ{fold}\t1\n"
        people += f"2\nP{fold}\t2\nQ{fold}\t2\n"
    (root / "pairs.txt").write_text(pairs)
    (root / "people.txt").write_text(people)
    return root


def test_view2_has_ten_folds_and_joins_nine_for_training(root: Path) -> None:
    dataset = load_view2(view2(root))
    assert [fold.name for fold in dataset.folds] == [f"{number:02d}" for number in range(1, 11)]
    train, test = dataset.fold(3)
    assert test.people == {"P3", "Q3"}
    assert train.counts == Counts(18, 27, 9, 9)
    assert not train.people & test.people
    with pytest.raises(DatasetError, match="10 folds, asked for number 10"):
        dataset.fold(10)
    with pytest.raises(DatasetError, match="no split 'train'; it has: none"):
        dataset.split("train")


def test_view2_unrestricted_knows_every_photo(root: Path) -> None:
    dataset = load_view2_unrestricted(view2(root))
    assert all(fold.counts == Counts(2, 4, 1, 1) for fold in dataset.folds)
    assert dataset.folds[0].pairs == load_view2(root).folds[0].pairs


def test_nine_folds_are_not_view2(root: Path) -> None:
    view2(root)
    lines = (root / "pairs.txt").read_text().splitlines()
    (root / "pairs.txt").write_text("\n".join(["9\t1", *lines[1:-2]]))
    with pytest.raises(DatasetError, match=r"pairs\.txt:1: wanted 10 folds, got 9"):
        load_view2(root)


@pytest.fixture
def shared() -> Path:
    root = Path(os.environ.get("TWINLENS_DATA", "")) / "lfw"
    if not (root / "pairsDevTrain.txt").is_file():
        pytest.skip("TWINLENS_DATA names no folder that holds lfw/")
    return root


def test_the_development_view_has_the_published_counts(shared: Path) -> None:
    dataset = load_development(shared)
    assert {name: split.counts for name, split in dataset.splits.items()} == dict(DEVELOPMENT)
    assert dataset.expected == DEVELOPMENT
    assert not dataset.split("train").people & dataset.split("test").people
    assert [pair.same for pair in dataset.split("train").pairs] == [True] * 1100 + [False] * 1100
    assert "label-free outside data" in dataset.outside_data


@pytest.mark.slow
def test_every_development_person_has_all_listed_photos(shared: Path) -> None:
    dataset = load_development_unrestricted(shared)
    assert dataset.split("train").counts == Counts(2132, 6685, 1100, 1100)
    assert dataset.split("test").counts == Counts(963, 2741, 500, 500)
    assert len(find_photos(shared).files) == 9426 == 6685 + 2741
    listed = read_people(shared / "peopleDevTrain.txt")[0]
    assert (len(listed), sum(listed.values())) == (4038, 9525)
    assert len(dataset.notes) == 2
