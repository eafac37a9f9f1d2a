"""The scan index beside the file: whatever happens to it, answers are those of the database."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from twinlens.gallery import GalleryOptions, SqliteGallery
from twinlens.gallery.header import read_header
from twinlens.gallery.locks import exclusive
from twinlens.protocols import Enrolment
from twinlens.types import Match

Reopen = Callable[..., SqliteGallery]
Make = Callable[..., list[Enrolment]]
ROWS = 60
CODED = GalleryOptions(exact_rows=30, snapshot_rows=20, tail_rows=8)
PLAIN = GalleryOptions(exact_rows=1_000, snapshot_rows=20, tail_rows=8)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the index lives in memory only")


@pytest.fixture
def folder(path: Path) -> Path:
    return path.with_name("faces.db.index")


def answers(gallery: SqliteGallery, stored: list[Enrolment]) -> list[str]:
    return [row[0].subject for row in gallery.search([e.embedding for e in stored], 1)]


def names(stored: list[Enrolment]) -> list[str]:
    return [e.subject for e in stored]


def test_small_galleries_are_one_file(path: Path, folder: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(19))
        assert answers(gallery, enrolments(19)) == names(enrolments(19))
    assert [p.name for p in path.parent.iterdir()] == ["faces.db"]


def test_it_follows_in_appended_rows(folder: Path, reopen: Reopen, enrolments: Make) -> None:
    stored = enrolments(ROWS)
    with reopen(PLAIN) as gallery:
        gallery.add(stored[:30])
        first = read_header(folder)
        assert first is not None
        assert (first.rows, first.generation) == (30, 1)
        gallery.add(stored[30:34])
        assert read_header(folder) == first, "a short tail waits"
        assert answers(gallery, stored[:34]) == names(stored[:34])
        gallery.add(stored[34:])
        last = read_header(folder)
        assert last is not None
        assert (last.rows, last.generation) == (ROWS, 1)
        assert answers(gallery, stored) == names(stored)
    with reopen(PLAIN) as gallery:
        assert answers(gallery, stored) == names(stored)


def test_growing_past_a_limit_makes_codes(folder: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen(CODED) as gallery:
        gallery.add(enrolments(30))
        assert {p.name for p in folder.iterdir()} == {"g000001", "header.json", "lock"}
        assert not (folder / "g000001" / "codes.u8").exists()
        gallery.add(enrolments(30, start=30))
        assert {p.name for p in folder.iterdir()} == {"g000002", "header.json", "lock"}
        assert (folder / "g000002" / "codes.u8").stat().st_size == ROWS * 8
        assert answers(gallery, enrolments(30)) == names(enrolments(30))
        assert gallery.verify_integrity() == ()


def test_another_object_changes_over_to_a_later_generation(folder: Path, reopen: Reopen, enrolments: Make) -> None:
    reader, writer = reopen(CODED), reopen(CODED)
    writer.add(enrolments(30))
    assert answers(reader, enrolments(30)) == names(enrolments(30))  # maps the first generation
    writer.add(enrolments(30, start=30))
    assert {"g000001", "g000002"} <= {p.name for p in folder.iterdir()}, "it is mapped and must stay"
    both = enrolments(30) + enrolments(30, start=30)
    assert sorted(answers(reader, both)) == sorted(names(both))
    reader.close()
    writer.remove("s0000")
    assert not (folder / "g000001").exists()


def test_many_removed_rows_are_written_off(folder: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(ROWS))
        for i in range(10):
            gallery.remove(f"s{i:04d}")
        gallery.add(enrolments(10, start=ROWS))
        header = read_header(folder)
        assert header is not None
        assert (header.rows, header.generation) == (ROWS - 20 + 10, 2)
        assert answers(gallery, enrolments(10, start=ROWS)) == names(enrolments(10, start=ROWS))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def scribble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def change(path: Path, **facts: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


def put_a_file_there(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("x")


GENERATION = "g000001"
DAMAGE: dict[str, Callable[[Path], object]] = {
    "no folder": shutil.rmtree,
    "no header": lambda folder: (folder / "header.json").unlink(),
    "an empty header": lambda folder: (folder / "header.json").write_bytes(b""),
    "a scribbled header": lambda folder: scribble(folder / "header.json"),
    "a header that was edited": lambda folder: change(folder / "header.json", rows=10),
    "a list for a header": lambda folder: (folder / "header.json").write_text("[]"),
    "no generation": lambda folder: shutil.rmtree(folder / GENERATION),
    "no vectors": lambda folder: (folder / GENERATION / "vectors.f32").unlink(),
    "short vectors": lambda folder: truncate(folder / GENERATION / "vectors.f32"),
    "no ids": lambda folder: (folder / GENERATION / "rows.i64").unlink(),
    "short ids": lambda folder: truncate(folder / GENERATION / "rows.i64"),
    "scribbled ids": lambda folder: (folder / GENERATION / "rows.i64").write_bytes(bytes(range(240)) * 4),
    "no codes": lambda folder: (folder / GENERATION / "codes.u8").unlink(),
    "short codes": lambda folder: truncate(folder / GENERATION / "codes.u8"),
    "a scribbled codebook": lambda folder: scribble(folder / GENERATION / "codebook.f32"),
    "other vectors": lambda folder: (folder / GENERATION / "vectors.f32").write_bytes(bytes(ROWS * 32 * 4)),
    "a file in place of the folder": put_a_file_there,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_odd_side_files_are_made_anew_without_a_word(
    kind: str, folder: Path, reopen: Reopen, enrolments: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    stored = enrolments(ROWS)
    with reopen(CODED) as gallery:
        gallery.add(stored)
    DAMAGE[kind](folder)
    with reopen(CODED) as gallery:
        assert answers(gallery, stored) == names(stored)
        assert gallery.verify_integrity() == ()
        assert gallery.remove("s0003").remains == ()
        gallery.add(enrolments(10, start=ROWS))
    with reopen(CODED) as gallery:
        assert answers(gallery, stored[8:]) == names(stored[8:])
    if folder.is_dir():
        assert read_header(folder) is not None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fact", ["rows", "depth", "through_template", "through_removal", "codebook_crc", "gallery"])
def test_a_header_says_when_it_was_edited(folder: Path, reopen: Reopen, enrolments: Make, fact: str) -> None:
    with reopen(CODED) as gallery:
        gallery.add(enrolments(ROWS))
    assert read_header(folder) is not None
    change(folder / "header.json", **{fact: "x" if fact == "gallery" else 1})
    assert read_header(folder) is None


def test_rows_that_left_the_database_unseen(path: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(ROWS))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM templates WHERE subject_id = 5")  # not among the rows compared on opening
        connection.execute("DELETE FROM subjects WHERE id = 5")
        connection.commit()
    assert reopen(PLAIN).verify_integrity() == ()


def test_codes_that_say_nothing_cost_time_not_answers(folder: Path, reopen: Reopen, enrolments: Make) -> None:
    stored = enrolments(ROWS)
    with reopen(CODED) as gallery:
        gallery.add(stored)
    codes = folder / GENERATION / "codes.u8"
    codes.write_bytes(bytes(codes.stat().st_size))
    with reopen(CODED) as gallery:
        assert answers(gallery, stored) == names(stored)


def test_the_index_of_another_gallery_is_not_used(path: Path, folder: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(ROWS, seed=1))
    kept = path.with_name("kept")
    shutil.copytree(folder, kept)
    path.unlink()
    with reopen(PLAIN) as gallery:
        assert len(gallery) == 0
        gallery.add(enrolments(ROWS, seed=2))
    shutil.rmtree(folder)
    kept.rename(folder)
    with reopen(PLAIN) as gallery:
        assert answers(gallery, enrolments(ROWS, seed=2)) == names(enrolments(ROWS))
        assert gallery.verify_integrity() == ()


@pytest.mark.parametrize("removed_after_backup", [False, True])
def test_a_restored_older_file_beside_a_later_index(
    path: Path, reopen: Reopen, enrolments: Make, removed_after_backup: bool
) -> None:
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(40, seed=1))
    backup = path.read_bytes()
    with reopen(PLAIN) as gallery:
        if removed_after_backup:
            gallery.remove("s0007")
        else:
            gallery.add(enrolments(20, seed=2, start=40))
    path.write_bytes(backup)
    with reopen(PLAIN) as gallery:
        assert answers(gallery, enrolments(40, seed=1)) == names(enrolments(40))
        assert gallery.verify_integrity() == ()


def test_a_restored_file_beside_an_index_that_saw_people_come_and_go(
    path: Path, reopen: Reopen, enrolments: Make
) -> None:
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(40, seed=1))
    backup = path.read_bytes()
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(10, seed=2, start=40))
        for name in set(names(enrolments(10, seed=2, start=40))):
            gallery.remove(name)
    path.write_bytes(backup)
    with reopen(PLAIN) as gallery:
        assert answers(gallery, enrolments(40, seed=1)[:4]) == [
            "s0000",
            "s0000",
            "s0001",
            "s0001",
        ]  # the index is loaded
        gallery.add(enrolments(4, seed=3, start=40))  # ids that the index has seen before
        assert answers(gallery, enrolments(4, seed=3, start=40)) == names(enrolments(4, start=40))


def test_a_file_that_went_on_elsewhere_beside_an_index_that_stayed(
    path: Path, folder: Path, reopen: Reopen, enrolments: Make
) -> None:
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(40, seed=1))
    elsewhere = path.read_bytes()
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(20, seed=2, start=40))
    stayed = folder.rename(folder.with_name("stayed"))
    path.write_bytes(elsewhere)
    with reopen(PLAIN) as gallery:
        gallery.add(enrolments(20, seed=3, start=40))  # the same ids for other faces
    shutil.rmtree(folder)
    stayed.rename(folder)
    with reopen(PLAIN) as gallery:
        wanted = enrolments(20, seed=3, start=40)
        assert [row[0].score for row in gallery.search([e.embedding for e in wanted], 1)] == pytest.approx([1.0] * 20)


def test_what_an_interrupted_writer_left_behind_the_last_row_is_erased(
    folder: Path, reopen: Reopen, enrolments: Make
) -> None:
    with reopen(CODED) as gallery:
        gallery.add(enrolments(ROWS))
    leftover = enrolments(ROWS)[0].embedding.vector.tobytes()
    with (folder / GENERATION / "vectors.f32").open("ab") as file:
        file.write(leftover)
    with reopen(CODED) as gallery:
        assert gallery.remove("s0000").remains == ()
    data = (folder / GENERATION / "vectors.f32").read_bytes()
    assert len(data) == ROWS * 32 * 4
    assert leftover not in data


def test_a_generation_that_never_counted_is_erased(folder: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen(CODED) as gallery:
        gallery.add(enrolments(ROWS))
    shutil.copytree(folder / GENERATION, folder / "g000007")
    with reopen(CODED) as gallery:
        assert answers(gallery, enrolments(ROWS)) == names(enrolments(ROWS))
    assert not (folder / "g000007").exists()


def test_while_somebody_else_writes_the_index_searches_go_on(folder: Path, reopen: Reopen, enrolments: Make) -> None:
    stored = enrolments(ROWS)
    gallery = reopen(GalleryOptions(busy_timeout_s=0.1, snapshot_rows=20, tail_rows=8))
    folder.mkdir()
    with exclusive(folder / "lock", 0.0) as free:
        assert free
        gallery.add(stored)
        assert answers(gallery, stored) == names(stored)
        assert read_header(folder) is None
    gallery.rebuild_index()
    assert read_header(folder) is not None


def test_rebuild_starts_from_the_database(folder: Path, reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen(CODED)
    gallery.add(enrolments(ROWS))
    before = read_header(folder)
    gallery.rebuild_index()
    after = read_header(folder)
    assert before is not None
    assert after is not None
    assert after.generation == before.generation + 1
    assert answers(gallery, enrolments(ROWS)) == names(enrolments(ROWS))


def test_answers_do_not_depend_on_where_a_row_is(reopen: Reopen, enrolments: Make) -> None:
    """In the tail, in a plain snapshot, in a coded one: the same names and the same bits in the scores."""
    stored = enrolments(ROWS)
    probes = [e.embedding for e in enrolments(30, seed=5)]
    results: list[list[list[Match]]] = []
    for options in (GalleryOptions(), PLAIN, CODED):
        with reopen(options) as gallery:
            gallery.add(stored)
            results.append(gallery.search(probes, 5))
            results += [[gallery.search([probe], 5)[0] for probe in probes]]
    assert all(result == results[0] for result in results)
    assert np.isfinite([m.score for row in results[0] for m in row]).all()
