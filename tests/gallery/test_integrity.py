"""What a check of everything finds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from twinlens.gallery import SqliteGallery
from twinlens.protocols import Enrolment

Reopen = Callable[..., SqliteGallery]
Make = Callable[..., list[Enrolment]]


def run(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement, values)
        connection.commit()


def test_a_sound_gallery(reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen()
    assert gallery.verify_integrity() == ()
    gallery.add(enrolments(60))
    gallery.remove("s0004")
    assert gallery.verify_integrity() == ()


def test_vectors_that_are_not_of_length_one(path: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen() as gallery:
        gallery.add(enrolments(10))
    run(path, "UPDATE templates SET vector = ? WHERE id = 3", np.full(32, 2.0, "<f4").tobytes())
    (problem,) = reopen().verify_integrity()
    assert "not of length 1 (templates 3)" in problem


@pytest.mark.parametrize(
    ("statement", "match"),
    [
        ("UPDATE templates SET vector = x'00' WHERE id = 3", "1 vectors of another length than 32"),
        ("DELETE FROM templates WHERE subject_id = 2", "1 subjects without a template"),
        ("DELETE FROM subjects WHERE id = 2", "2 rows belong to nobody"),
    ],
)
def test_rows_that_contradict_each_other(
    path: Path, reopen: Reopen, enrolments: Make, statement: str, match: str
) -> None:
    with reopen() as gallery:
        gallery.add(enrolments(10))
    run(path, statement)
    assert match in reopen().verify_integrity()[0]


def test_a_damaged_page(path: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen() as gallery:
        gallery.add(enrolments(60))
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'templates_by_subject'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek(page * 4096 - 200)  # where the keys of the last rows are
        file.write(b"\xa5" * 200)
    problems = reopen().verify_integrity()
    assert problems
    assert all("restore a copy" in problem for problem in problems)


def test_an_index_that_differs_is_found_and_mended(path: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen() as gallery:
        gallery.add(enrolments(60))
    vectors = path.with_name("faces.db.index") / "g000001" / "vectors.f32"
    data = np.fromfile(vectors, "<f4").reshape(60, 32)
    data[[5, 17]] = data[[17, 5]]  # not among the rows that are compared on opening
    data.tofile(vectors)
    gallery = reopen()
    (problem,) = gallery.verify_integrity()
    assert "index: templates 6, 18 missing or different; rebuild" in problem
    gallery.rebuild_index()
    assert gallery.verify_integrity() == ()
