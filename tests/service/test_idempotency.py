"""A request may be repeated without being done twice, also after a kill."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from twinlens.errors import OptionError
from twinlens.service.idempotency import _KIND, Answers, Claim, Digest, Stored, digest_of
from twinlens.service.refusals import Refusal

Open = Callable[..., Answers]
DONE = Stored(200, "application/json", b'{"reports": []}')
HOLDER = """
import os, sys, time
from pathlib import Path
from twinlens.service.idempotency import Answers
claim = Answers(Path(sys.argv[1])).claim("me", "key", b"d" * 32)
os.write(1, b"claimed")
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    made: list[Answers] = []

    def make(**options: object) -> Answers:
        made.append(Answers(path, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for answers in made:
        answers.close()


def begun(
    answers: Answers, key: str = "key", digest: bytes = b"d" * 32, caller: str = "me", gallery: str = ""
) -> Claim:
    claim = answers.claim(caller, key, digest, gallery)
    assert isinstance(claim, Claim)
    return claim


def status_of(answers: Answers, key: str = "key", digest: bytes = b"d" * 32) -> int:
    with pytest.raises(Refusal) as refused:
        answers.claim("me", key, digest)
    return refused.value.status


def test_the_answer_is_given_again(opened: Open) -> None:
    answers = opened()
    with begun(answers) as claim:
        assert status_of(answers) == 409
        assert status_of(opened()) == 409, "another process sees it, too"
        claim.finish(DONE)
    for each in (answers, opened()):
        assert each.claim("me", "key", b"d" * 32) == DONE
        assert status_of(each, digest=b"e" * 32) == 422
        with begun(each, caller="you"):
            pass


def test_what_failed_may_be_tried_again(opened: Open) -> None:
    answers = opened()
    with suppress(RuntimeError), begun(answers):
        raise RuntimeError
    with begun(answers, digest=b"e" * 32) as claim:
        claim.finish(DONE)
    assert answers.claim("me", "key", b"e" * 32) == DONE


def test_one_of_many_at_once_does_the_work(opened: Open) -> None:
    stores = [opened(), opened()]
    done: list[int] = []

    def send(number: int) -> int:
        try:
            found = stores[number % 2].claim("me", "key", b"d" * 32)
        except Refusal as refusal:
            return refusal.status
        if isinstance(found, Claim):
            with found:
                done.append(number)
                found.finish(DONE)
        return 200

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(send, range(64)))
    assert len(done) == 1
    assert statuses <= {200, 409}


@pytest.mark.skipif(os.name != "posix", reason="signal 9 is POSIX")
@pytest.mark.slow
def test_a_killed_process_lets_go(opened: Open, path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.read(7) == b"claimed"
    answers = opened()
    assert status_of(answers) == 409
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert status_of(answers, digest=b"e" * 32) == 422
    with begun(answers) as claim:
        claim.finish(DONE)
    assert answers.claim("me", "key", b"d" * 32) == DONE


def test_a_closed_store_lets_go(opened: Open, path: Path) -> None:
    other = Answers(path)
    begun(other)
    other.close()
    with begun(opened()):
        pass


def test_answers_expire(opened: Open) -> None:
    now = [1000.0]
    answers = opened(lifetime_s=60.0, clock=lambda: now[0])
    with begun(answers) as claim:
        claim.finish(DONE, gallery="staff", subjects=["Anna"])
    now[0] = 1059.0
    assert answers.claim("me", "key", b"d" * 32) == DONE
    now[0] = 1060.0
    with begun(answers, digest=b"e" * 32):
        assert answers.forget("staff", "Anna") == 0, "its mentions went along"


@pytest.mark.slow
def test_the_number_of_answers_is_bounded(opened: Open) -> None:
    answers = opened(most=20)
    for number in range(102):
        with begun(answers, f"key {number}") as claim:
            claim.finish(DONE)
    with answers._ledger.reading() as connection:
        assert connection.execute("SELECT count(*) FROM answers").fetchone()[0] == 20 + 2
    assert answers.claim("me", "key 101", b"d" * 32) == DONE


def test_an_erased_person_is_in_no_answer_and_does_not_come_back(opened: Open, path: Path) -> None:
    answers = opened()
    named = Stored(200, "application/json", b'{"subject": "Anna Amsel"}')
    for key, gallery in (("one", "staff"), ("two", "guests")):
        with begun(answers, key) as claim:
            claim.finish(named, gallery=gallery, subjects=["Anna Amsel", "Bert"])
    answers.renamed("staff", "Anna Amsel", "Anna Adler")
    assert answers.forget("staff", "Anna Amsel") == 0
    assert answers.forget("staff", "Anna Adler") == 1
    gone = answers.claim("me", "one", b"d" * 32)
    assert isinstance(gone, Stored)
    assert gone.status == 410
    assert b"Anna" not in gone.body
    assert answers.claim("me", "two", b"d" * 32) == named
    assert answers.forget("guests", "Bert") == 1
    answers._ledger._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert not [file for file in path.parent.glob("answers.db*") if file.is_file() and b"Anna" in file.read_bytes()]


@pytest.mark.parametrize("change", ["erased", "renamed"])
def test_an_answer_in_work_about_somebody_who_is_erased_is_blanked_at_its_end(opened: Open, change: str) -> None:
    answers = opened()
    named = Stored(200, "application/json", b'{"subject": "Anna"}', b"photos")
    about_anna, about_bert = (begun(answers, key, gallery="staff") for key in ("anna", "bert"))
    if change == "erased":
        answers.forget("staff", "Anna")
    else:  # it could not be found under the new name
        answers.renamed("staff", "Anna", "Eve")
    about_anna.finish(named, gallery="staff", subjects=["Anna"])
    about_bert.finish(DONE, gallery="staff", subjects=["Bert"])
    gone = answers.claim("me", "anna", b"d" * 32)
    assert isinstance(gone, Stored)
    assert (gone.status, gone.content, b"Anna" in gone.body) == (410, b"photos", False)
    assert answers.claim("me", "bert", b"d" * 32) == DONE
    with answers._ledger.reading() as connection:
        assert connection.execute("SELECT count(*) FROM erased").fetchone() == (0,)


@pytest.mark.parametrize("end", ["killed", "left"])
@pytest.mark.parametrize("change", ["erased", "renamed", "gallery erased"])
def test_a_key_whose_person_was_erased_since_brings_nobody_back(
    path: Path, opened: Open, end: str, change: str
) -> None:
    """Hal was stored; then the process was killed before the answer was kept, or the client left."""
    first = Answers(path)
    claim = begun(first, "hal", gallery="staff")
    claim.work("staff", "Hal")
    if end == "left":
        with claim:
            pass
    first.close()
    answers = opened()
    if change == "erased":
        answers.forget("staff", "Hal")
    elif change == "renamed":
        answers.renamed("staff", "Hal", "Hel")
    else:
        answers.forget_gallery("staff")
    answers.forget("staff", "Bert")
    for _ in range(2):
        with pytest.raises(Refusal) as refused, begun(opened(), "hal", gallery="staff") as again:
            again.work("staff", "Hal")
        assert refused.value.status == 410
    if change != "gallery erased":  # others of the same request are not concerned
        with begun(answers, "hal", gallery="staff") as again:
            again.work("staff", "Carl")


def test_an_answer_about_a_photo_of_an_album_is_blanked_with_one_of_its_faces(opened: Open) -> None:
    answers = opened()
    with begun(answers) as claim:
        claim.finish(DONE, gallery="holiday", subjects=["2026/door.jpg"])
    assert answers.forget("holiday", "2026/door.jpg#2") == 1


def test_a_file_of_the_layout_before_is_brought_up_to_date(path: Path) -> None:
    old = sqlite3.connect(path, isolation_level=None)
    for statement in _KIND.tables.split(";"):
        old.execute(statement)
    old.execute(f"PRAGMA application_id={_KIND.mark}")
    columns = "caller, key, digest, owner, expires_at, status, content_type, body, content"
    values = "'me', 'key', zeroblob(32), 'x', 9e9, 200, 'a/b', x'41', x''"
    old.execute(f"INSERT INTO answers ({columns}) VALUES ({values})")
    old.close()
    answers = Answers(path)
    assert answers.claim("me", "key", bytes(32)) == Stored(200, "a/b", b"A")
    assert answers.forget_gallery("staff") == 1, "whose it was nobody knows"
    answers.close()


def test_a_long_answer_is_not_kept(opened: Open) -> None:
    answers = opened()
    with begun(answers) as claim:
        claim.finish(Stored(200, "application/x-ndjson", b"x" * 9_000_000))
    kept = answers.claim("me", "key", b"d" * 32)
    assert isinstance(kept, Stored)
    assert (kept.status, len(kept.body) < 200) == (200, True)


def test_photos_that_stream_are_told_apart_at_the_end(opened: Open) -> None:
    answers = opened()
    came = Digest()
    with begun(answers) as claim:
        came.add("a.jpg", b"photo")
        claim.finish(Stored(200, "application/x-ndjson", b"{}", came.value()))
    again = answers.claim("me", "key", b"d" * 32)
    assert isinstance(again, Stored)
    again.check(came.value())
    came.add("b.jpg", b"another")
    with pytest.raises(Refusal, match="another request"):
        again.check(came.value())


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\nb"])
def test_unsound_keys_are_refused(opened: Open, key: str) -> None:
    assert status_of(opened(), key) == 422


def test_requests_are_told_apart() -> None:
    one = digest_of("POST", "/v1/x", [("a", b"bc")])
    assert one == digest_of("POST", "/v1/x", iter([("a", b"bc")]))
    others = {
        digest_of("PUT", "/v1/x", [("a", b"bc")]),
        digest_of("POST", "/v1/y", [("a", b"bc")]),
        digest_of("POST", "/v1/x", [("ab", b"c")]),
        digest_of("POST", "/v1/x", [("a", b"b"), ("", b"c")]),
        digest_of("POST", "/v1/x", []),
    }
    assert len(others | {one}) == 6


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_only_the_owner_reads_the_files(opened: Open, path: Path) -> None:
    with begun(opened()) as claim:
        claim.finish(DONE)
    files = [file for file in path.parent.rglob("*") if file.is_file()]
    assert len(files) >= 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_unsound_bounds_are_refused(path: Path) -> None:
    with pytest.raises(OptionError, match="answers are kept"):
        Answers(path, lifetime_s=0)
