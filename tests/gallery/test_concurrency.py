"""Several threads on one gallery, several processes on one file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from twinlens.gallery import GalleryOptions, SqliteGallery
from twinlens.protocols import Enrolment

Reopen = Callable[..., SqliteGallery]
Make = Callable[..., list[Enrolment]]
CODED = GalleryOptions(busy_timeout_s=30.0, exact_rows=100, snapshot_rows=20, tail_rows=16)

WRITER = """
import sys
import numpy as np
from twinlens.gallery import Contract, GalleryOptions, SqliteGallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
vectors = np.random.default_rng(ord(name)).standard_normal((count, 32)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
options = GalleryOptions(busy_timeout_s=30.0, exact_rows=100, snapshot_rows=20, tail_rows=16)
with SqliteGallery(path, Contract("test-net", 32), options) as gallery:
    for i, vector in enumerate(vectors):
        embedding = Embedding(vector, "test-net")
        gallery.add([Enrolment(f"{name}{i}", embedding, f"{name} photo {i}")])
        assert gallery.search([embedding], 1)[0][0].subject == f"{name}{i}"
        if i % 5 == 4:
            assert not gallery.remove(f"{name}{i - 2}").remains
"""


def test_two_processes_writing_at_once_lose_nothing(path: Path, reopen: Reopen) -> None:
    count = 40
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, name, str(count)], stderr=subprocess.PIPE) for name in "ab"]
    errors = [writer.communicate(timeout=50)[1].decode() for writer in writers]
    assert errors == ["", ""]
    gallery = reopen(CODED)
    kept = {f"{name}{i}" for name in "ab" for i in range(count) if i % 5 != 2}
    assert {s.name for s in gallery.subjects()} == kept
    assert gallery.verify_integrity() == ()


@pytest.mark.skipif(os.name != "posix", reason="POSIX locks")
@pytest.mark.parametrize("act", ["remove", "open", "export"])
def test_reading_the_file_keeps_the_locks(path: Path, reopen: Reopen, enrolments: Make, act: str) -> None:
    """Whoever opens and closes the file beside SQLite drops its locks; the next process then deletes the log."""
    gallery = reopen(CODED)
    gallery.add(enrolments(10))
    if act == "remove":
        gallery.remove("s0001")
    elif act == "open":
        reopen(CODED).close()
    else:
        gallery.export_to(path.with_name("copy.zip"))
    gallery.add(enrolments(10, start=10))
    visit = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM meta').fetchall(); c.close()"
    )
    subprocess.run([sys.executable, "-c", visit, str(path)], check=True, timeout=30)
    assert path.with_name("faces.db-wal").exists(), "the visitor took itself for the last user"
    gallery.add(enrolments(10, start=20))
    assert len(reopen(CODED)) == len(gallery) == (14 if act == "remove" else 15)


def test_eight_threads_give_the_answers_of_one(reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen(CODED)
    stored = enrolments(400)
    gallery.add(stored)
    probes = [e.embedding for e in enrolments(64, seed=3)]
    alone = [gallery.search([probe], 5)[0] for probe in probes]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda probe: gallery.search([probe], 5)[0], probes * 4))
    assert together == alone * 4


def test_threads_that_enrol_search_and_remove(reopen: Reopen, enrolments: Make) -> None:
    """Whoever is never removed is always found, while others come and go."""
    gallery = reopen(CODED)
    staying = enrolments(60)
    gallery.add(staying)
    stop = threading.Event()
    searches: list[int] = []

    def search() -> None:
        done = 0
        while not stop.is_set():
            found = gallery.search([e.embedding for e in staying[::7]], 3)
            assert [row[0].subject for row in found] == [e.subject for e in staying[::7]]
            assert all(len(row) == 3 for row in found)
            done += 1
        searches.append(done)

    def come_and_go(number: int) -> None:
        for e in enrolments(8, seed=number, start=1_000 * number):
            gallery.add([e])
            assert gallery.search([e.embedding], 1)[0][0].subject == e.subject
        for name in {e.subject for e in enrolments(8, start=1_000 * number)}:
            gallery.tag(name, {"round": str(number)})
            assert gallery.remove(name).remains == ()

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(search) for _ in range(2)]
        writers = [pool.submit(come_and_go, number) for number in (1, 2, 3)]
        for writer in writers:
            writer.result(timeout=50)
        stop.set()
        for reader in readers:
            reader.result(timeout=50)
    assert min(searches) > 0
    assert [s.name for s in gallery.subjects()] == sorted({e.subject for e in staying})
    assert gallery.verify_integrity() == ()


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [3])
def test_two_objects_in_one_process(reopen: Reopen, enrolments: Make, rounds: int) -> None:
    """Locks work between objects, too: POSIX record locks alone would not see each other within one process."""
    one, other = reopen(CODED), reopen(CODED)

    def work(gallery: SqliteGallery, number: int) -> None:
        for i in range(rounds):
            batch = enrolments(30, seed=number, start=10_000 * number + 100 * i)
            gallery.add(batch)
            gallery.remove(batch[0].subject)

    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(work, one, 1), pool.submit(work, other, 2)]:
            job.result(timeout=50)
    assert one.count() == other.count() == 2 * rounds * 28
    assert one.verify_integrity() == other.verify_integrity() == ()
