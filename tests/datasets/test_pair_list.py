"""A CSV of pairs: who is who follows from names or labels; what contradicts itself is refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinlens.datasets.pair_list import load_pair_list
from twinlens.datasets.records import Counts
from twinlens.errors import DatasetError

HEADER = "first,second,same\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abcdef":
        (tmp_path / f"{name}.jpg").touch()
    return tmp_path


def write(folder: Path, text: str) -> Path:
    (folder / "pairs.csv").write_text(text, encoding="utf-8")
    return folder / "pairs.csv"


def test_people_follow_from_the_labels(folder: Path) -> None:
    text = HEADER + "a.jpg,b.jpg,1\nb.jpg,c.jpg,yes\nd.jpg,e.jpg,SAME\nc.jpg,d.jpg,0\na.jpg,f.jpg,different\n"
    split = load_pair_list(write(folder, text)).split("all")
    assert split.counts == Counts(people=3, photos=6, same=3, different=2)
    owner = {photo.path.stem: photo.subject for photo in split.photos}
    assert owner["a"] == owner["b"] == owner["c"] != owner["d"] == owner["e"]
    assert owner["f"] not in {owner["a"], owner["d"]}


def test_named_people_and_further_columns_are_kept(folder: Path) -> None:
    text = (
        "path_a,path_b,label,first_subject,second_subject,light\n"
        "a.jpg,b.jpg,true,Ann,Ann,dim\n"
        f'{folder}/c.jpg,"a.jpg",false,Bo,Ann,bright\n'
    )
    pairs = load_pair_list(write(folder, "\ufeff" + text)).split("all").pairs
    assert [(pair.first.subject, pair.second.subject, pair.same) for pair in pairs] == [
        ("Ann", "Ann", True),
        ("Bo", "Ann", False),
    ]
    assert [dict(pair.columns) for pair in pairs] == [{"light": "dim"}, {"light": "bright"}]
    assert pairs[1].first.path == folder / "c.jpg"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: wanted the names of at least three columns"),
        (HEADER, ":1: wanted a line with the names of the columns and then pairs"),
        ("a.jpg,b.jpg,1\n", ":1: wanted the names of at least three columns"),
        ("first,first,same\na.jpg,b.jpg,1\n", ":1: two columns have one name"),
        ("first,second,same,first_subject\n", ":1: wanted both of first_subject and second_subject"),
        (HEADER + "a.jpg,b.jpg\n", ":2: wanted 3 fields as in the first line, got 2"),
        (HEADER + "a.jpg,b.jpg,maybe\n", ":2: wanted 1 or 0 .* got 'maybe'"),
        (HEADER + "a.jpg,b.jpg,1\n\nx.jpg,b.jpg,0\n", ":4: wanted the photo .*x.jpg, which is not there"),
        (HEADER + "a.jpg,a.jpg,1\n", ":2: this pairs a photo with itself"),
        (HEADER + "a.jpg,b.jpg,1\nc.jpg,d.jpg,0\nb.jpg,a.jpg,1\n", ":4: this pair is already on line 2"),
        (HEADER + "a.jpg,b.jpg,1\nb.jpg,a.jpg,0\n", ":3: other lines say"),
        (HEADER + "a.jpg,b.jpg,1\na.jpg,c.jpg,0\nb.jpg,c.jpg,1\n", ":3: other lines say"),
        (HEADER + "a.jpg,b.jpg,1\nc.jpg,d.jpg,1\n", ": wanted pairs of both kinds, got 2 pairs, all of them 'same'"),
        (HEADER + "a.jpg,b.jpg,0\n", ": wanted pairs of both kinds, got 1 pairs, all of them 'different'"),
    ],
)
def test_lists_that_are_broken_or_contradict_themselves_are_refused(folder: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=r"pairs\.csv" + message):
        load_pair_list(write(folder, text))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.jpg,b.jpg,1,Ann,Bo\nc.jpg,d.jpg,0,C,D\n", ":2: the label contradicts the subjects"),
        ("a.jpg,b.jpg,1,Ann,Ann\nc.jpg,a.jpg,0,C,Bo\n", ":3: a.jpg shows 'Bo' here and 'Ann' on an earlier line"),
        ("a.jpg,b.jpg,1,Ann,Ann\nc.jpg,a.jpg,0,,Ann\n", ":3: first_subject is empty"),
    ],
)
def test_names_that_contradict_labels_are_refused(folder: Path, rows: str, message: str) -> None:
    header = "first,second,same,first_subject,second_subject\n"
    with pytest.raises(DatasetError, match=r"pairs\.csv" + message):
        load_pair_list(write(folder, header + rows))


def test_files_that_are_no_csv_are_refused(folder: Path) -> None:
    (folder / "pairs.csv").write_bytes(b"first,second,same\n\xff\xfe\n")
    with pytest.raises(DatasetError, match=r"pairs\.csv:1: here or below it is no CSV file in UTF-8"):
        load_pair_list(folder / "pairs.csv")
    with pytest.raises(DatasetError, match=r"pairs\.csv:3: here or below it is no CSV file in UTF-8"):
        load_pair_list(write(folder, HEADER + 'a.jpg,b.jpg,1\n"a.jpg"x,c.jpg,0\n'))
    with pytest.raises(DatasetError, match="cannot read the list of pairs"):
        load_pair_list(folder / "absent.csv")


def test_one_photo_spelt_in_two_ways_is_one_photo(folder: Path) -> None:
    (folder / "sub").mkdir()
    named = "first,second,same,first_subject,second_subject\n"
    good = "a.jpg,b.jpg,1,A,A\na.jpg,c.jpg,0,A,C\n"
    with pytest.raises(DatasetError, match=r":4: this pairs a photo with itself"):
        load_pair_list(write(folder, f"{named}{good}a.jpg,sub/../a.jpg,1,A,A\n"))
    with pytest.raises(DatasetError, match=r":4: this pair is already on line 2"):
        load_pair_list(write(folder, f"{named}{good}./sub/../b.jpg,a.jpg,1,A,A\n"))
    (folder / "elsewhere" / "deep").mkdir(parents=True)
    (folder / "elsewhere" / "a.jpg").touch()
    (folder / "link").symlink_to(folder / "elsewhere" / "deep")  # link/../a.jpg is elsewhere/a.jpg
    split = load_pair_list(write(folder, f"{named}{good}a.jpg,link/../a.jpg,1,A,A\n")).split("all")
    assert split.counts.photos == 4
