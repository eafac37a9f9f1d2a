"""What may stand at a gallery's path, and what is said about it."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from twinlens.errors import GalleryError, GalleryUnavailableError, OptionError
from twinlens.gallery import Contract, GalleryOptions, SqliteGallery, open_gallery
from twinlens.protocols import Enrolment

CONTRACT = Contract("test-net", 32)
Reopen = Callable[..., SqliteGallery]
Make = Callable[..., list[Enrolment]]


def refused(path: Path, match: str, options: GalleryOptions | None = None) -> None:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(GalleryError, match=match):
        SqliteGallery(path, CONTRACT, options)
    assert before is None or path.read_bytes() == before, "a refused file must stay as it was"


def test_a_folder(tmp_path: Path) -> None:
    refused(tmp_path, "it is a folder; name a file")


def test_a_missing_folder(tmp_path: Path) -> None:
    refused(tmp_path / "none" / "faces.db", "make it first")


def test_a_missing_file_that_is_not_to_be_made(path: Path) -> None:
    refused(path, "no such file", GalleryOptions(create=False))
    with pytest.raises(GalleryError, match="nobody is enrolled there"):
        SqliteGallery(path)
    assert not path.exists()


def test_a_file_of_another_kind(path: Path) -> None:
    path.write_text("name,age\nada,36\n")
    refused(path, "not a Twinlens gallery: choose another path")


def test_a_database_of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    refused(path, "database of another program")


def test_a_later_version(path: Path, reopen: Reopen) -> None:
    reopen().close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version=99")
    refused(path, r"later Twinlens \(schema 99.*upgrade")


def test_an_empty_file_becomes_a_gallery(path: Path) -> None:
    path.touch()
    with SqliteGallery(path, CONTRACT) as gallery:
        assert len(gallery) == 0


@pytest.mark.parametrize("damage", [lambda data: data[:100] + bytes(8000) + data[8100:], lambda data: data[:5000]])
def test_a_damaged_file(path: Path, reopen: Reopen, enrolments: Make, damage: Callable[[bytes], bytes]) -> None:
    with reopen() as gallery:
        gallery.add(enrolments(10))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(GalleryError, match="damaged: restore a copy"), SqliteGallery(path, CONTRACT) as gallery:
        gallery.subjects()


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_cannot_be_written(path: Path, reopen: Reopen) -> None:
    reopen().close()
    path.chmod(0o400)
    refused(path, "check the permissions")


def test_the_contract_can_be_read_from_the_file(path: Path, reopen: Reopen) -> None:
    reopen().close()
    with SqliteGallery(path) as gallery:
        assert gallery.contract == CONTRACT


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
def test_only_the_owner_can_read_what_is_written(path: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen() as gallery:
        gallery.add(enrolments(40))
        gallery.export_to(path.with_name("copy.zip"))
        files = [p for p in path.parent.rglob("*") if p.is_file()]
        assert len(files) > 5
        assert {p.name for p in files if stat.S_IMODE(p.stat().st_mode) & 0o077 and p.name != "header.json"} == set()


def test_addresses(tmp_path: Path) -> None:
    for address in (tmp_path / "a.db", str(tmp_path / "a.db"), f"sqlite:{tmp_path}/a.db", f"sqlite://{tmp_path}/a.db"):
        with open_gallery(address, model="test-net", dim=32) as gallery:
            assert gallery.add([]) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["a.db"]
    with pytest.raises(OptionError, match="unknown kind of gallery 'qdrant'; known: a path, sqlite:PATH") as raised:
        open_gallery("qdrant://user:secret@host", model="test-net", dim=32)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "options", [{"busy_timeout_s": -1.0}, {"exact_rows": 1}, {"snapshot_rows": 0}, {"tail_rows": 0}]
)
def test_options_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match="must be 0 or more"):
        GalleryOptions(**options)  # type: ignore[arg-type]


def test_closed_galleries_say_so(reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen()
    gallery.close()
    gallery.close()
    with pytest.raises(GalleryError, match="it was closed; open it again"):
        gallery.add(enrolments(1))
    with pytest.raises(GalleryError, match="it was closed"):
        gallery.search([enrolments(1)[0].embedding], 1)


def test_another_writer_is_waited_for_and_named(path: Path, reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen(GalleryOptions(busy_timeout_s=0.2))
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(GalleryUnavailableError, match="another process is writing"):
            gallery.add(enrolments(1))
        assert gallery.search([enrolments(1)[0].embedding], 1) == [[]]
        patient = reopen(GalleryOptions(busy_timeout_s=20.0))
        release = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
        release.start()
        assert patient.add(enrolments(1)) == 1
        release.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_told_to_open_its_own(path: Path) -> None:
    script = f"""
import os, sys
from twinlens.errors import GalleryError
from twinlens.gallery import Contract, SqliteGallery
gallery = SqliteGallery({str(path)!r}, Contract("test-net", 32))
child = os.fork()
if child == 0:
    try:
        len(gallery)
    except GalleryError as error:
        os._exit(7 if "open it again in this one" in str(error) else 1)
    os._exit(2)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=30).returncode == 7
