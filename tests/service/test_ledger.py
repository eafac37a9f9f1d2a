"""The service's own files: of another layout, of a later version, removed or replaced while they are in use."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.service.conftest import Serve

from twinlens.errors import ServiceError, ServiceUnavailableError
from twinlens.service.audit_log import AuditLog
from twinlens.service.idempotency import Answers
from twinlens.service.keys import Keyring
from twinlens.service.ledger import Kind, Ledger

KIND = Kind("notes", 0x54574C5A, "CREATE TABLE notes (text TEXT)")
LATER = Kind("notes", 0x54574C5A, KIND.tables, ("ALTER TABLE notes ADD COLUMN at REAL", "CREATE TABLE more (x)"))


def columns(path: Path) -> dict[str, set[str]]:
    connection = sqlite3.connect(path)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")} for name in tables}
    finally:
        connection.close()


def test_a_file_is_taken_to_the_layout_of_today_and_keeps_what_it_holds(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "notes.db", KIND)
    with first.writing() as connection:
        connection.execute("INSERT INTO notes VALUES ('kept')")
    first.close()
    for _ in range(2):  # the second time nothing is left to do
        later = Ledger(tmp_path / "notes.db", LATER)
        with later.reading() as connection:
            assert connection.execute("SELECT text, at FROM notes").fetchall() == [("kept", None)]
        later.close()
    Ledger(tmp_path / "new.db", LATER).close()
    assert columns(tmp_path / "notes.db") == columns(tmp_path / "new.db")
    with pytest.raises(ServiceError, match="a later version of Twinlens wrote it: upgrade Twinlens, or move it away"):
        Ledger(tmp_path / "notes.db", KIND)


@pytest.mark.parametrize(
    ("make", "name", "table", "said"),
    [
        (Keyring, "keys.db", "keys", "lacks keys.digest.*make keys anew .twinlens keys create"),
        (Answers, "answers.db", "answers", "lacks answers.owner.*repeated are then done again"),
        (lambda path: AuditLog(path.parent), "audit.db", "pseudonyms", "audit.db and audit.jsonl away together"),
    ],
)
def test_a_file_of_an_early_layout_says_what_to_do(
    tmp_path: Path, make: Callable[[Path], object], name: str, table: str, said: str
) -> None:
    opened = make(tmp_path / name)
    opened.close()  # type: ignore[attr-defined]
    old = sqlite3.connect(tmp_path / name, isolation_level=None)
    lost = {"keys": "digest", "answers": "owner", "pseudonyms": "erasing_since"}[table]
    old.execute(f"ALTER TABLE {table} DROP COLUMN {lost}")
    old.close()
    with pytest.raises(ServiceError, match=f"an early version of Twinlens made it.*{said}"):
        make(tmp_path / name)


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be removed elsewhere")
def test_a_file_that_is_removed_or_replaced_is_not_read_on(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    ledger = Ledger(path, KIND)
    away = path.rename(tmp_path / "away.db")
    for use in (ledger.reading, ledger.writing):
        with pytest.raises(ServiceUnavailableError, match="it was removed while it was in use"), use():
            pytest.fail("it was read on")
    Ledger(path.with_name("other.db"), KIND).close()
    path.with_name("other.db").rename(path)
    with pytest.raises(ServiceUnavailableError, match="it was replaced while it was in use"), ledger.reading():
        pytest.fail("it was read on")
    away.replace(path)
    with ledger.writing() as connection:
        connection.execute("INSERT INTO notes VALUES ('as before')")
    ledger.close()


def test_a_fault_of_the_services_own_files_is_in_its_log(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as service:
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201
        (tmp_path / "service" / "galleries" / "staff.json").write_text("{")
        failed = service.get("/v1/galleries/staff")
        assert (failed.status_code, failed.json()["error"]) == (503, "DamagedNoteError")
        assert "restore the file" in failed.json()["detail"]
        assert str(tmp_path) not in failed.text
    said = [record.getMessage() for record in caplog.records if failed.json()["request_id"] in record.getMessage()]
    assert "restore the file" in said[0]


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be removed elsewhere")
def test_without_its_log_a_service_does_nothing_that_must_be_logged(serve: Serve, tmp_path: Path) -> None:
    with serve() as service:
        (tmp_path / "service" / "audit" / "audit.db").unlink()
        refused = service.post("/v1/galleries", json={"name": "staff"})
        assert (refused.status_code, refused.json()["error"]) == (503, "ServiceUnavailableError")
        assert "restart the service" in refused.json()["detail"]


@pytest.mark.skipif(os.name != "posix", reason="an open folder cannot be moved elsewhere")
def test_while_its_log_is_away_a_service_changes_nothing(serve: Serve, tmp_path: Path, photo: bytes) -> None:
    with serve() as service:
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201
        (tmp_path / "service" / "audit").rename(tmp_path / "away")
        lea = "/v1/galleries/staff/subjects/Lea/photos"
        for answer in (
            service.post("/v1/galleries", json={"name": "g4"}),
            service.patch("/v1/galleries/staff", json={"retention_days": 3}),
            service.post(lea, files={"photos": ("a.jpg", photo)}),
        ):
            assert answer.status_code == 503
        (tmp_path / "away").rename(tmp_path / "service" / "audit")
        assert [one["name"] for one in service.get("/v1/galleries").json()["items"]] == ["staff"]
        staff = service.get("/v1/galleries/staff").json()
        assert (staff["subjects"], staff["retention_days"]) == (0, None)
        assert service.post(lea, files={"photos": ("a.jpg", photo)}).json()["reports"][0]["outcome"] == "done"
        log = service.get("/v1/audit").json()["items"]
        assert [one["did"] for one in log] == ["made gallery", "enrolled"]
        assert service.get("/v1/audit/verify").json()["sound"]


def test_a_repeated_request_brings_nobody_back_who_was_erased_since(
    serve: Serve, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = "/v1/galleries/staff/subjects"
    with serve() as service:
        assert service.post("/v1/galleries", json={"name": "staff"}).status_code == 201

        def enrol() -> tuple[int, str]:
            answer = service.post(
                f"{subjects}/Hal/photos", files={"photos": ("a.jpg", photo)}, headers={"idempotency-key": "r3"}
            )
            return answer.status_code, answer.text

        with monkeypatch.context() as patch:
            patch.setattr(Answers, "keep", lambda *_: (_ for _ in ()).throw(ServiceUnavailableError("full")))
            assert enrol()[0] == 503
        assert service.delete(f"{subjects}/Hal").json()["proven"]
        for _ in range(2):
            status, text = enrol()
            assert (status, "ErasedError" in text) == (410, True)
        assert service.get(subjects).json()["items"] == []
