"""Scores without photos: read as written, refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinlens.datasets.score_list import is_score_list, read_scores
from twinlens.errors import DatasetError

SOUND = "score,same\n0.9,1\n0.1,0\n-0.2,different\n0.5,yes\n"


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "scores.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_scores_and_labels_are_those_of_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, SOUND)
    found = read_scores(file)
    assert is_score_list(file)
    assert found.genuine.tolist() == [0.9, 0.5]
    assert found.impostor.tolist() == [0.1, -0.2]
    assert found.subjects is None


def test_people_may_be_named_and_other_columns_are_left_alone(tmp_path: Path) -> None:
    text = "camera,first_subject,second_subject,same,score\nx,ann,ann,1,0.8\ny,ann,bob,0,0.2\n"
    assert read_scores(written(tmp_path, text)).subjects == (("ann", "ann"), ("ann", "bob"))


@pytest.mark.parametrize("spoil", [lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n"), lambda t: t + "\n\n"])
def test_marks_of_other_systems_change_nothing(tmp_path: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    assert read_scores(written(tmp_path, spoil(SOUND))).scores.tolist() == [0.9, 0.1, -0.2, 0.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("score,same\n0.9,1\nnan,0\n", r"scores\.csv:3: wanted a finite score"),
        ("score,same\n0.9,1\ninf,0\n", r"scores\.csv:3: wanted a finite score"),
        ("score,same\n0.9,1\n,0\n", r"scores\.csv:3: wanted a number"),
        ("score,same\n0.9,1\n1.7,0\n", r"scores\.csv:3: .*distance"),
        ("score,same\n0.9,maybe\n", r"scores\.csv:2: wanted 1 or 0"),
        ("score,same\n0.9,1,2\n", r"scores\.csv:2: wanted 2 fields"),
        ("0.9,1\n0.1,0\n", r"scores\.csv:1: wanted the names"),
        ("score,same\n0.9,1\n0.8,1\n", "all of the same person"),
        ("score,same\n", "found none"),
        ("", r"scores\.csv:1"),
        ("score,same,first_subject,second_subject\n0.9,1,ann,bob\n", r"scores\.csv:2: .*contradicts"),
        ("score,same,first_subject,second_subject\n0.9,1,ann,\n", r"scores\.csv:2: .*empty"),
        ("score,same,first_subject\n0.9,1,ann\n", "both of"),
        (b"score,same\n\xff\xfe,1\n", "UTF-8"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_and_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        read_scores(written(tmp_path, text))


def test_a_missing_file_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot read"):
        read_scores(tmp_path / "none.csv")
