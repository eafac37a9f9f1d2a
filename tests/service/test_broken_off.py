"""What is broken off between a gallery, its log and the answers: nothing outlives an erasure, nothing is unlogged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.service.test_retention import KilledError, enrol, galleries, guards, names_of

from twinlens.errors import ServiceUnavailableError
from twinlens.protocols import Gallery
from twinlens.service.audit_log import AuditLog
from twinlens.service.deeds import Deeds
from twinlens.service.galleries import Galleries
from twinlens.service.guards import Guards
from twinlens.service.idempotency import Claim, Stored

__all__ = ["galleries", "guards"]  # fixtures
Deed = Callable[[Galleries, Deeds], None]


def keep(guards: Guards, key: str, name: str) -> None:
    """Enrol somebody's answer and entry, as a request under a key does."""
    Deeds(guards, "key").note("enrolled", "staff", name)
    claim = guards.answers.claim("key", key, b"d" * 32, "staff")
    assert isinstance(claim, Claim)
    claim.finish(Stored(200, "application/json", name.encode()), gallery="staff", subjects=[name])


def status(guards: Guards, key: str) -> int:
    found = guards.answers.claim("key", key, b"d" * 32, "staff")
    assert isinstance(found, Stored)
    return found.status


def pseudonyms(guards: Guards) -> int:
    connection = sqlite3.connect(guards.audit.path.with_name("audit.db"))
    try:
        return int(connection.execute("SELECT count(*) FROM pseudonyms").fetchone()[0])
    finally:
        connection.close()


def rename(galleries: Galleries, deeds: Deeds) -> None:
    with galleries.use("staff") as found:
        deeds.rename("staff", found, "Ann", "Anna")


def merge(galleries: Galleries, deeds: Deeds) -> None:
    with galleries.use("staff") as found:
        deeds.merge("staff", found, "Ann", "Dan")


def erase(galleries: Galleries, guards: Guards, name: str) -> None:
    with galleries.use("staff") as found:
        Deeds(guards, "key").erase("staff", found, name)


def told(guards: Guards) -> list[tuple[str, dict[str, object]]]:
    return [(entry.did, dict(entry.facts)) for entry in guards.audit.page()[0]]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("deed", "name"), [(rename, "Anna"), (merge, "Dan")])
def test_a_move_that_was_killed_leaves_nothing_of_an_erased_person(
    galleries: Galleries, guards: Guards, deed: Deed, name: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(galleries, "staff", ["Ann", "Dan"])
    keep(guards, "r1", "Ann")
    with galleries.use("staff") as found:
        kind = type(found.recognizer.gallery)
    done = getattr(kind, deed.__name__)

    def killed(self: Gallery, *names: str) -> None:
        if when == "after":
            done(self, *names)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(kind, deed.__name__, killed)
        with pytest.raises(KilledError):
            deed(galleries, Deeds(guards, "key"))
    erase(galleries, guards, name if when == "after" else "Ann")
    assert status(guards, "r1") == 410
    assert pseudonyms(guards) == (1 if (deed, when) == (merge, "before") else 0), "Dan is there, and was named"
    moved = [facts for did, facts in told(guards) if did in {"renamed", "merged"}]
    assert moved == ([{"made up for": True}] if when == "after" else [])
    assert guards.audit.verify().sound


@pytest.mark.parametrize("place", ["answers.db", "audit", "audit/audit.jsonl", "audit/audit.db"])
@pytest.mark.parametrize("deed", [rename, merge])
def test_without_log_or_answers_nobody_is_moved(
    galleries: Galleries, guards: Guards, tmp_path: Path, deed: Deed, place: str
) -> None:
    enrol(galleries, "staff", ["Ann", "Dan"])
    keep(guards, "r1", "Ann")
    (tmp_path / place).rename(tmp_path / "away")
    with pytest.raises(ServiceUnavailableError if place != "audit/audit.jsonl" else Exception, match=r"it was|cut off"):
        deed(galleries, Deeds(guards, "key"))
    assert names_of(galleries, "staff") == ["Ann", "Dan"]
    (tmp_path / "away").replace(tmp_path / place)
    erase(galleries, guards, "Ann")
    assert status(guards, "r1") == 410
    assert guards.audit.verify().sound


@pytest.mark.parametrize("place", ["answers.db", "audit"])
@pytest.mark.parametrize(("deed", "name"), [(rename, "Anna"), (merge, "Dan")])
def test_what_fails_after_a_move_is_made_up_for(
    galleries: Galleries, guards: Guards, tmp_path: Path, deed: Deed, name: str, place: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    enrol(galleries, "staff", ["Ann", "Dan"])
    keep(guards, "r1", "Ann")
    with galleries.use("staff") as found:
        kind = type(found.recognizer.gallery)
    done = getattr(kind, deed.__name__)

    def without(self: Gallery, *names: str) -> int:
        result: int = done(self, *names)
        (tmp_path / place).rename(tmp_path / "away")
        return result

    with monkeypatch.context() as patch:
        patch.setattr(kind, deed.__name__, without)
        if place == "audit":
            with pytest.raises(ServiceUnavailableError, match="removed while it was in use"):
                deed(galleries, Deeds(guards, "key"))
        else:  # answers are found under both names already
            deed(galleries, Deeds(guards, "key"))
    (tmp_path / "away").replace(tmp_path / place)
    erase(galleries, guards, name)
    assert (status(guards, "r1"), pseudonyms(guards)) == (410, 0)
    facts: dict[str, object] = {"templates": 1} if deed is merge else {}
    late = {"made up for": True} if place == "audit" else {}
    assert [told for did, told in told(guards) if did in {"renamed", "merged"}] == [{**facts, **late}]


def test_a_gallery_is_made_with_its_log_or_not_at_all(
    galleries: Galleries, guards: Guards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeds = Deeds(guards, "key")
    (tmp_path / "audit").rename(tmp_path / "away")
    with pytest.raises(ServiceUnavailableError):
        deeds.make_gallery(galleries, "g4", "people", None)
    assert galleries.records() == []
    (tmp_path / "away").rename(tmp_path / "audit")
    create = Galleries.create

    def without(self: Galleries, *asked: object) -> object:
        made = create(self, *asked)  # type: ignore[arg-type]
        (tmp_path / "audit").rename(tmp_path / "away")
        return made

    with monkeypatch.context() as patch:
        patch.setattr(Galleries, "create", without)
        with pytest.raises(ServiceUnavailableError):
            deeds.make_gallery(galleries, "g5", "people", None)
    (tmp_path / "away").rename(tmp_path / "audit")
    deeds.note("read log")
    assert told(guards) == [("made gallery", {"made up for": True}), ("read log", {})]
    assert guards.audit.verify().sound


def test_what_a_killed_process_had_begun_is_in_the_log_of_the_next(tmp_path: Path) -> None:
    from twinlens.service.audit_entry import Event

    killed = AuditLog(tmp_path / "audit")
    killed.begin(Event("key", "offered photo", "staff", "Lea", request="r"))
    other = AuditLog(tmp_path / "audit")
    assert other.page()[0] == [], "somebody may be working on it"
    killed.close()
    other.append()
    (entry,) = other.page()[0]
    assert (entry.did, entry.request, dict(entry.facts)) == (
        "offered photo", "r", {"outcome": "unknown", "made up for": True},
    )  # fmt: skip
    assert entry.subject == other.pseudonym("staff", "Lea")
    other.close()
