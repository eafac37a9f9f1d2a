"""The log says who did what; whatever is done to it afterwards shows."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from twinlens.errors import OptionError, ServiceError, ServiceUnavailableError
from twinlens.service.audit_check import Head
from twinlens.service.audit_entry import Event, Pseudonym
from twinlens.service.audit_log import AuditLog

WRITER = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from twinlens.service.audit_entry import Event
from twinlens.service.audit_log import AuditLog
log, name = AuditLog(Path(sys.argv[1])), sys.argv[2]
def write(i):
    entry, = log.append(Event(name, "enrolled", "staff", f"person {i}", facts={"number": i}))
    os.write(1, f"{entry.seq} {name} {i}\\n".encode())
with ThreadPoolExecutor(3) as pool:
    for _ in pool.map(write, range(int(sys.argv[3]))):
        pass
"""


READER = """
import sys
from pathlib import Path
from twinlens.service.audit_log import AuditLog
print(*AuditLog(Path(sys.argv[1])).verify().problems, sep="\\n")
"""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], AuditLog]]:
    made: list[AuditLog] = []

    def make() -> AuditLog:
        made.append(AuditLog(tmp_path))
        return made[-1]

    yield make
    for log in made:
        log.close()


@pytest.fixture
def log(opened: Callable[[], AuditLog]) -> AuditLog:
    return opened()


def fill(log: AuditLog, count: int = 10) -> None:
    for number in range(count):
        log.append(Event("key", "enrolled", "staff", f"person {number}", facts={"templates": 1}))


def lines_of(log: AuditLog) -> list[bytes]:
    return log.path.read_bytes().splitlines(keepends=True)


def test_entries_follow_each_other(log: AuditLog, opened: Callable[[], AuditLog]) -> None:
    first, second = log.append(Event("key", "compared", request="r1"), Event("key", "searched", "staff"))
    (third,) = opened().append(Event("other", "enrolled", "staff", "Anna", facts={"outcome": "done", "photos": 2}))
    assert [entry.seq for entry in (first, second, third)] == [1, 2, 3]
    assert [second.before, third.before] == [first.hash, second.hash]
    assert log.page() == ([first, second, third], None)
    assert log.head().hash == third.hash
    for each in (log, opened()):
        verdict = each.verify()
        assert (verdict.sound, verdict.entries, verdict.head, verdict.unfinished) == (True, 3, third.hash, 0)


def test_an_empty_log_is_sound(log: AuditLog) -> None:
    assert log.verify().problems == ()
    assert log.page() == ([], None)


def test_names_are_not_written_and_erased_people_cannot_be_found(log: AuditLog) -> None:
    (entry,) = log.append(Event("key", "merged", "staff", "Anna Amsel", "Bert Bär"))
    (again,) = log.append(Event("key", "identified", "staff", "Anna Amsel"))
    (elsewhere,) = log.append(Event("key", "identified", "guests", "Anna Amsel"))
    assert again.subject == entry.subject == log.pseudonym("staff", "Anna Amsel")
    assert len({entry.subject, entry.other, elsewhere.subject}) == 3
    log.renamed("staff", "Anna Amsel", "Anna Adler")
    assert log.pseudonym("staff", "Anna Adler") == entry.subject
    assert log.pseudonym("staff", "Anna Amsel") is None
    log.forget(Pseudonym(entry.subject))
    assert log.pseudonym("staff", "Anna Adler") is None
    log.forget_gallery("guests")
    assert log.pseudonym("guests", "Anna Amsel") is None
    (new,) = log.append(Event("key", "enrolled", "staff", "Anna Adler"))
    assert new.subject != entry.subject, "who comes back is somebody new"
    written = b"".join(path.read_bytes() for path in log.path.parent.iterdir())
    assert not [name for name in (b"Anna", b"Amsel", b"Bert") if name in written]
    assert log.verify().sound


def test_pages(log: AuditLog) -> None:
    fill(log, 7)
    seen, cursor = [], 0
    while True:
        entries, after = log.page(cursor, 3)
        seen += [entry.seq for entry in entries]
        if after is None:
            break
        cursor = after
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    for wrong in (-1, 1, 10**9):
        with pytest.raises(OptionError):
            log.page(wrong)


Spoil = Callable[[list[bytes]], list[bytes]]
SPOILT: dict[str, tuple[Spoil, str]] = {
    "a letter": (lambda x: [*x[:4], x[4].replace(b"enrolled", b"enrolleD"), *x[5:]], "line 5: entry 5 was changed"),
    "a number": (lambda x: [*x[:4], x[4].replace(b'"seq":5', b'"seq":6'), *x[5:]], "line 5: entry 6 was changed"),
    "no JSON": (lambda x: [*x[:4], b"{}\n", *x[5:]], "line 5: what stands there is no entry"),
    "a space": (lambda x: [*x[:4], x[4].replace(b",", b", ", 1), *x[5:]], "line 5: what stands there is no entry"),
    "one removed": (lambda x: [*x[:4], *x[5:]], "line 5: entry 6 stands where 5 is expected"),
    "the first removed": (lambda x: x[1:], "line 1: entry 2 stands where 1 is expected"),
    "two exchanged": (lambda x: [*x[:4], x[5], x[4], *x[6:]], "line 5: entry 6 stands where 5 is expected"),
    "one repeated": (lambda x: [*x[:5], *x[4:]], "line 6: entry 5 stands where 6 is expected"),
    "the last removed": (lambda x: x[:-1], "the log ends with entry 9 of 10: it was cut off"),
    "half the last removed": (lambda x: [*x[:-1], x[-1][:40]], "it was cut off"),
    "all removed": (lambda x: [], "the log ends with entry 0 of 10: it was cut off"),
    "an end of line removed": (lambda x: [*x[:4], x[4].rstrip(), *x[5:]], "line 5: what stands there is no entry"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_whatever_is_done_to_the_lines_shows(log: AuditLog, how: str) -> None:
    fill(log)
    spoil, told = SPOILT[how]
    log.path.write_bytes(b"".join(spoil(lines_of(log))))
    assert told in " | ".join(log.verify().problems)


def resealed(lines: list[bytes], chain: str, change: Callable[[dict[str, object]], None]) -> bytes:
    """Write the history anew, as somebody does who knows how: every hash is right."""
    from twinlens.service.audit_entry import Entry

    before, written = chain, []
    for line in lines:
        told = json.loads(line)
        change(told)
        told.update(before=before)
        del told["hash"]
        entry = Entry(**told).sealed()
        before = entry.hash
        written.append(entry.line())
    return b"".join(written)


def test_a_history_written_anew_does_not_have_the_noted_head(log: AuditLog) -> None:
    fill(log)
    lines = lines_of(log)
    chain = json.loads(lines[0])["before"]
    assert resealed(lines, chain, lambda told: None) == b"".join(lines), "the forger is able"
    log.path.write_bytes(resealed(lines, chain, lambda told: told.update(who="somebody")))
    assert log.verify().problems == (
        "entry 10 is not the one that its head notes: the log was written anew or cut off",
    )


@pytest.mark.slow
def test_a_forged_line_of_other_types_is_told_not_stumbled_over(log: AuditLog) -> None:
    """In a process of its own: here the types of every call are checked, in the service they are not."""
    fill(log)
    lines = lines_of(log)
    forged: list[dict[str, object]] = [{"seq": "5"}, {"facts": []}, {"who": 7}, {"before": None}, {"x": ""}]
    for number, change in enumerate(forged):
        told = {**json.loads(lines[number]), **change}
        del told["hash"]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        line = json.dumps({**told, "hash": digest}, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        lines[number] = line
    log.path.write_bytes(b"".join(lines))
    done = subprocess.run([sys.executable, "-c", READER, str(log.path.parent)], capture_output=True, check=True)
    told_of = [f"line {number}: what stands there is no entry: it was changed" for number in range(1, 6)]
    assert done.stdout.decode().splitlines() == told_of


def test_an_old_copy_of_both_files_shows_against_a_head_noted_elsewhere(
    log: AuditLog, opened: Callable[[], AuditLog], tmp_path: Path
) -> None:
    fill(log)
    log.close()
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path, kept)
    log = opened()
    fill(log, 5)
    noted = log.head()
    assert log.verify(noted).sound
    log.close()
    for path in kept.iterdir():
        shutil.copy(path, tmp_path / path.name)
    log = opened()
    assert log.verify().sound, "nothing in the two files tells"
    assert "entry 15 is not the one that was noted elsewhere" in log.verify(noted).problems[0]
    assert not log.verify(Head(3, 0, "0" * 64)).sound


@pytest.mark.parametrize("torn", [b'{"at":"2026-11', b"\0" * 100, b'{"at":1}\n{"at":2}\n', b"\n"])
def test_what_a_killed_process_left_is_healed(log: AuditLog, opened: Callable[[], AuditLog], torn: bytes) -> None:
    fill(log)
    with log.path.open("ab") as file:
        file.write(torn)
    verdict = log.verify()
    assert (verdict.sound, verdict.entries, verdict.unfinished) == (True, 10, len(torn))
    (entry,) = opened().append(Event("key", "compared"))
    assert entry.seq == 11
    verdict = log.verify()
    assert (verdict.sound, verdict.entries, verdict.unfinished) == (True, 11, 0)


def test_whole_entries_that_were_not_acknowledged_stay(
    log: AuditLog, opened: Callable[[], AuditLog], tmp_path: Path
) -> None:
    """Killed after the line and before the head."""
    fill(log, 2)
    with log._ledger.reading() as connection:
        head = connection.execute("SELECT count, size, hash FROM head").fetchone()
    fill(log, 2)
    with log._ledger.writing() as connection:
        connection.execute("UPDATE head SET count = ?, size = ?, hash = ?", head)
    with log.path.open("ab") as file:
        file.write(b'{"torn')
    assert log.verify().entries == 4
    (entry,) = opened().append(Event("key", "compared"))
    assert entry.seq == 5
    assert (log.verify().sound, log.verify().unfinished) == (True, 0)


def test_a_log_that_was_cut_is_not_gone_on_with(log: AuditLog, opened: Callable[[], AuditLog]) -> None:
    fill(log)
    kept = log.path.read_bytes()
    log.path.write_bytes(kept[:-5])
    for each in (log, opened()):
        with pytest.raises(ServiceError, match="it was cut off"):
            each.append(Event("key", "compared"))
    log.path.unlink()
    assert "there is no log" in log.verify().problems[0]
    with pytest.raises(ServiceError, match="it was cut off"):
        log.append(Event("key", "compared"))
    log.path.write_bytes(kept)
    log.append(Event("key", "compared"))
    assert log.verify().sound


def test_another_chain_is_not_taken_for_torn(log: AuditLog, tmp_path: Path) -> None:
    """A head that was lost must not cost the log."""
    fill(log)
    log.close()
    for path in tmp_path.glob("audit.db*"):
        path.unlink()
    written = log.path.read_bytes()
    new = AuditLog(tmp_path)
    with pytest.raises(ServiceError, match="do not follow its head"):
        new.append(Event("key", "compared"))
    assert log.path.read_bytes() == written
    assert not new.verify().sound
    new.close()


def test_a_full_disk_acknowledges_nothing(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(log, 2)
    write = os.write

    def half(descriptor: int, content: bytes | memoryview) -> int:
        write(descriptor, bytes(content)[:50])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(ServiceUnavailableError, match="No space left"):
            log.append(Event("key", "enrolled", "staff", "Anna"))
    assert (log.verify().entries, log.verify().unfinished) == (2, 0)
    assert log.pseudonym("staff", "Anna") is None
    fill(log, 1)
    assert log.verify().entries == 3


def test_callers_share_the_wait_for_the_disk(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, sync = [], os.fsync

    def slow(descriptor: int) -> None:
        waits.append(descriptor)
        time.sleep(0.02)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    with ThreadPoolExecutor(32) as pool:
        entries = list(pool.map(lambda n: log.append(Event("key", "compared", facts={"number": n}))[0], range(320)))
    assert sorted(entry.seq for entry in entries) == list(range(1, 321))
    assert all(entry.facts["number"] == number for number, entry in enumerate(entries)), "each gets its own"
    assert len(waits) < 80
    assert log.verify().entries == 320


def test_an_event_loop_may_wait(log: AuditLog) -> None:
    async def many() -> list[int]:
        written = await asyncio.gather(*(log.written(Event("key", "compared", facts={"n": n})) for n in range(50)))
        return [int(entries[0].facts["n"]) for entries in written]

    assert asyncio.run(many()) == list(range(50))
    assert log.verify().entries == 50


def test_checking_goes_on_while_others_write(log: AuditLog) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            fill(log, 3)

    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write) for _ in range(2)]
        verdicts = [log.verify() for _ in range(20)]
        stop.set()
        for writer in writers:
            writer.result(10)
    assert {verdict.problems for verdict in verdicts} == {()}


@pytest.mark.slow
def test_two_processes_write_one_chain(log: AuditLog) -> None:
    command = [sys.executable, "-c", WRITER, str(log.path.parent)]
    writers = [subprocess.Popen([*command, name, "60"], stdout=subprocess.PIPE) for name in "ab"]
    said = b"".join(writer.communicate(timeout=50)[0] for writer in writers).decode().splitlines()
    assert sorted(int(line.split()[0]) for line in said) == list(range(1, 121))
    assert log.verify().sound
    assert log.verify().entries == 120


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signal 9 is POSIX")
def test_kills_lose_nothing_acknowledged(log: AuditLog) -> None:
    """Two processes, three threads each, are killed in the middle; again and again on the same log."""
    said: dict[int, str] = {}
    for round_ in range(3):
        command = [sys.executable, "-c", WRITER, str(log.path.parent)]
        writers = [
            subprocess.Popen([*command, f"{name}{round_}", "100000"], stdout=subprocess.PIPE) for name in ("a", "b")
        ]
        firsts = [b"".join(writer.stdout.readline() for _ in range(5)) for writer in writers if writer.stdout]
        time.sleep(0.02 * round_)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for first, writer in zip(firsts, writers, strict=True):
            for line in (first + writer.communicate()[0]).decode().split("\n")[:-1]:
                seq, _, rest = line.partition(" ")
                said[int(seq)] = rest
        log.append(Event("service", "began"))
        verdict = log.verify()
        assert verdict.problems == ()
        entries = log.page(0, 1_000_000)[0]
        assert len(entries) == verdict.entries
        for number, rest in said.items():
            assert f"{entries[number - 1].who} {entries[number - 1].facts['number']}" == rest
    assert len(said) > 20


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_only_the_owner_reads_the_files(log: AuditLog) -> None:
    fill(log, 1)
    assert {stat.S_IMODE(path.stat().st_mode) for path in log.path.parent.iterdir()} == {0o600}


def test_erasures_that_were_begun_are_known(log: AuditLog) -> None:
    fill(log, 3)
    gone = log.erasing("staff", "person 0")
    log.erasing("staff", "person 1")
    living = ["person 1", "person 2"]
    assert log.unfinished("staff", living, older_s=60.0) == [], "somebody is working on it"
    assert log.unfinished("staff", living, older_s=0.0) == [gone]
    assert log.unfinished("guests", [], older_s=0.0) == []
    (entry,) = log.append(Event("service", "erased", "staff", gone))
    assert entry.subject == gone == log.page()[0][0].subject
    log.forget(gone)
    assert log.pseudonym("staff", "person 0") is None
    assert log.unfinished("staff", living, older_s=0.0) == []


@pytest.mark.parametrize(
    "options",
    [
        {"did": "Enrolled Anna"},
        {"did": "x" * 65},
        {"did": "enrolled", "facts": {"note": "Anna\n"}},
        {"did": "enrolled", "gallery": "x" * 300},
        {"did": "enrolled", "facts": {f"f{i}": i for i in range(40)}},
    ],
)
def test_events_have_a_fixed_vocabulary(options: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        Event("key", **options)  # type: ignore[arg-type]
