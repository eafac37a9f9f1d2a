"""Whoever's time is over is erased, with a receipt, however often the sweep is interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.gallery.locks import exclusive
from twinlens.protocols import Enrolment, Erasure, Gallery, Subject
from twinlens.recognizer import Recognizer
from twinlens.service.deeds import Deeds
from twinlens.service.galleries import Galleries, OpenGallery
from twinlens.service.guards import Guards, open_guards
from twinlens.service.idempotency import Claim, Stored
from twinlens.service.refusals import Refusal
from twinlens.service.retention import Receipt, Retention, Sweep, is_over, receipts
from twinlens.service.settings import Settings
from twinlens.service.shredding import shred
from twinlens.types import Crop, Embedding, Face, Image
from twinlens.zoo import DEFAULT_EMBEDDER, find_card

MODEL, DIM = "test-net", 32
NOW = datetime.now(UTC)
ALL = 99  # files


class Nobody:
    """Networks that are not asked here."""

    name = "none"
    model, dim = MODEL, DIM

    def detect(self, images: list[Image]) -> list[list[Face]]:
        raise NotImplementedError

    def embed(self, crops: list[Crop]) -> list[Embedding]:
        raise NotImplementedError


@pytest.fixture
def guards(tmp_path: Path) -> Iterator[Guards]:
    opened = open_guards(Settings.model_validate({"data_dir": tmp_path}))
    yield opened
    opened.close()


@pytest.fixture
def galleries(tmp_path: Path) -> Iterator[Galleries]:
    def recognizer(gallery: Gallery) -> Recognizer:
        return Recognizer(Nobody(), Nobody(), find_card(DEFAULT_EMBEDDER), gallery=gallery)  # type: ignore[arg-type]

    opened = Galleries(tmp_path / "galleries", recognizer, model=MODEL, dim=DIM)
    yield opened
    opened.close()


def enrol(galleries: Galleries, gallery: str, names: list[str], days: int | None = None) -> None:
    galleries.create(gallery, "people", days)
    generator = np.random.default_rng(len(names))
    with galleries.use(gallery) as found:
        for name in names:
            vector = generator.standard_normal(DIM).astype(np.float32)
            embedding = Embedding(vector / np.linalg.norm(vector), MODEL)
            found.recognizer.gallery.add([Enrolment(name, embedding, f"photo of {name}")])


def names_of(galleries: Galleries, gallery: str) -> list[str]:
    with galleries.use(gallery) as found:
        return [subject.name for subject in found.recognizer.gallery.subjects()]


Sweeper = Callable[[float], Sweep]


@pytest.fixture
def sweep(galleries: Galleries, guards: Guards, tmp_path: Path) -> Sweeper:
    """Sweep so many days from now."""

    def run(days: float) -> Sweep:
        later = NOW + timedelta(days=days)
        return Retention(galleries, guards, tmp_path / "sweep.lock", clock=lambda: later).sweep()

    return run


def test_whose_time_is_over_is_erased_with_a_receipt(galleries: Galleries, guards: Guards, sweep: Sweeper) -> None:
    enrol(galleries, "guests", ["Anna", "Bert"], days=30)
    enrol(galleries, "staff", ["Carl"])
    assert sweep(29.9) == Sweep()
    assert sweep(30.1) == Sweep(erased=2)
    assert sweep(30.1) == Sweep()
    assert (names_of(galleries, "guests"), names_of(galleries, "staff")) == ([], ["Carl"])
    found = list(receipts(guards.audit, page=3))
    assert [(r.gallery, r.who, r.templates, r.proven) for r in found] == [("guests", "service", 1, True)] * 2
    assert len({r.subject for r in found}) == 2
    assert guards.audit.verify().sound
    written = b"".join(path.read_bytes() for path in guards.audit.path.parent.iterdir())
    assert b"Anna" not in written
    assert guards.audit.pseudonym("guests", "Anna") is None


def test_answers_about_an_erased_gallery_are_blanked(galleries: Galleries, guards: Guards) -> None:
    """Also those about people who were offered and never enrolled, and those that are in work."""
    enrol(galleries, "guests", ["Anna"])
    kept, working, other = (
        guards.answers.claim("key", key, b"d" * 32, gallery)
        for key, gallery in (("kept", "guests"), ("working", "guests"), ("other", "staff"))
    )
    assert isinstance(kept, Claim)
    assert isinstance(working, Claim)
    assert isinstance(other, Claim)
    named = Stored(200, "application/json", b'"Eve"')
    kept.finish(named, gallery="guests", subjects=["Eve"])
    other.finish(named, gallery="staff", subjects=["Eve"])
    Deeds(guards, "key").erase_gallery(galleries, "guests")
    working.finish(named, gallery="guests", subjects=["Eve"])
    for key in ("kept", "working"):
        found = guards.answers.claim("key", key, b"d" * 32)
        assert isinstance(found, Stored)
        assert (found.status, b"Eve" in found.body) == (410, False)
    assert guards.answers.claim("key", "other", b"d" * 32) == named


def test_answers_about_the_erased_are_blanked(galleries: Galleries, guards: Guards, sweep: Sweeper) -> None:
    enrol(galleries, "guests", ["Anna"], days=1)
    claim = guards.answers.claim("key", "k", b"d" * 32)
    assert isinstance(claim, Claim)
    claim.finish(Stored(200, "application/json", b'"Anna"'), gallery="guests", subjects=["Anna"])
    sweep(2)
    kept = guards.answers.claim("key", "k", b"d" * 32)
    assert isinstance(kept, Stored)
    assert kept.status == 410


class KilledError(BaseException):
    """Stands for signal 9: nothing after it is done."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_erasure_that_was_killed_is_finished_by_a_later_sweep(
    galleries: Galleries, guards: Guards, sweep: Sweeper, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(galleries, "guests", ["Anna", "Bert"], days=30)
    with galleries.use("guests") as found:
        kind = type(found.recognizer.gallery)
        remove = kind.remove

        def killed(self: Gallery, subject: str) -> Erasure:
            if when == "after":
                remove(self, subject)
            raise KilledError

        with monkeypatch.context() as patch:
            patch.setattr(kind, "remove", killed)
            with pytest.raises(KilledError):
                Deeds(guards, "key").erase("guests", found, "Anna")
    pseudonym = next(entry.subject for entry in guards.audit.page()[0] if entry.did == "erasing")
    assert list(receipts(guards.audit)) == []
    assert sweep(0) == Sweep(), "somebody may be working on it"
    monkeypatch.setattr("twinlens.service.retention.ABANDONED_S", -1.0)
    assert sweep(0) == Sweep(finished=1 if when == "after" else 0)
    found_receipts = list(receipts(guards.audit))
    if when == "after":
        (receipt,) = found_receipts
        assert (receipt.subject, receipt.proven, receipt.templates) == (pseudonym, True, -1)
        assert names_of(galleries, "guests") == ["Bert"]
    else:
        assert found_receipts == []
        assert names_of(galleries, "guests") == ["Anna", "Bert"], "nothing was acknowledged"
    sweep(31)
    assert names_of(galleries, "guests") == []
    assert len(list(receipts(guards.audit))) == 2
    assert guards.audit.verify().sound


def test_a_sweep_may_be_stopped_and_goes_on_later(
    galleries: Galleries, guards: Guards, sweep: Sweeper, tmp_path: Path
) -> None:
    enrol(galleries, "guests", [f"person {number}" for number in range(5)], days=1)
    stop = threading.Event()
    stop.set()
    later = NOW + timedelta(days=2)
    retention = Retention(galleries, guards, tmp_path / "sweep.lock", clock=lambda: later)
    assert retention.sweep(stop) == Sweep(erased=1)
    assert sweep(2) == Sweep(erased=4)


def test_one_sweeps_at_a_time(galleries: Galleries, sweep: Sweeper, tmp_path: Path) -> None:
    enrol(galleries, "guests", ["Anna"], days=1)
    with exclusive(tmp_path / "sweep.lock", 0.0) as free:
        assert free
        assert sweep(2) == Sweep()
    assert sweep(2) == Sweep(erased=1)


def test_one_gallery_that_fails_does_not_keep_the_others(
    galleries: Galleries, sweep: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(galleries, "guests", ["Anna"], days=1)
    enrol(galleries, "staff", ["Bert"], days=1)
    erase = Deeds.erase

    def failing(self: Deeds, gallery: str, found: OpenGallery, name: str) -> Erasure:
        if gallery == "guests":
            msg = "broken"
            raise GalleryError(msg)
        return erase(self, gallery, found, name)

    with monkeypatch.context() as patch:
        patch.setattr(Deeds, "erase", failing)
        assert sweep(2) == Sweep(erased=1, failed=("guests",))
    assert sweep(2) == Sweep(erased=1)


def test_people_of_a_gallery_that_is_gone_are_forgotten(galleries: Galleries, guards: Guards, sweep: Sweeper) -> None:
    """Its process was killed after the files and before the pseudonyms."""
    enrol(galleries, "guests", ["Anna"])
    Deeds(guards, "key").note("enrolled", "guests", "Anna")
    Deeds(guards, "key").note("enrolled", "staff", "Bert")
    sweep(0)
    assert guards.audit.pseudonym("guests", "Anna") is not None
    assert guards.audit.galleries() == {"guests"}
    with galleries.erasure("guests"):
        pass
    sweep(0)
    assert guards.audit.galleries() == set()


@pytest.mark.parametrize("shredded", [0, 1, ALL])
def test_a_gallery_whose_erasure_was_killed_is_erased_by_whoever_comes_next(
    galleries: Galleries, guards: Guards, sweep: Sweeper, tmp_path: Path, shredded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(galleries, "guests", ["Anna"])
    (tmp_path / "galleries" / "guests.db.more").write_bytes(bytes(10))
    Deeds(guards, "key").note("enrolled", "guests", "Anna")
    done: list[Path] = []

    def killed(path: Path) -> None:
        if len(done) == shredded:
            raise KilledError
        done.append(path)
        shred(path)

    def killed_note(self: Deeds, did: str, *_: object, **__: object) -> None:
        if did == "erased gallery":
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("twinlens.service.galleries.shred", killed)
        patch.setattr(Deeds, "note", killed_note if shredded == ALL else Deeds.note)
        with pytest.raises(KilledError):
            Deeds(guards, "key").erase_gallery(galleries, "guests")
    with pytest.raises(Refusal, match="no gallery"), galleries.use("guests"):
        pytest.fail("what is half erased was opened")
    assert galleries.records() == []
    assert galleries.erasing() == ["guests"]
    sweep(0)
    assert (galleries.erasing(), list((tmp_path / "galleries").glob("guests*"))) == ([], [])
    last = guards.audit.page()[0][-1]
    assert (last.did, last.who, dict(last.facts)) == (
        "erased gallery",
        "service",
        {"templates": 1, "proven": True, "made up for": True},
    )
    assert guards.audit.pseudonym("guests", "Anna") is None
    assert guards.audit.verify().sound
    enrol(galleries, "guests", ["Bert"])


def test_an_erasure_that_does_not_begin_leaves_no_line(
    galleries: Galleries, guards: Guards, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(galleries, "guests", ["Anna"])
    deeds = Deeds(guards, "key")
    monkeypatch.setattr("twinlens.service.galleries.PATIENCE_S", 0.3)
    with galleries.use("guests"), pytest.raises(GalleryUnavailableError, match="in use"):
        deeds.erase_gallery(galleries, "guests")
    assert [entry.did for entry in guards.audit.page()[0]] == []
    assert names_of(galleries, "guests") == ["Anna"]

    def erase(_: int) -> str:
        try:
            return deeds.erase_gallery(galleries, "guests").gallery
        except (Refusal, GalleryUnavailableError):
            return ""

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(erase, range(4))) == ["", "", "", "guests"]
    assert [entry.did for entry in guards.audit.page()[0]] == ["erasing gallery", "erased gallery"]


def test_people_of_a_gallery_whose_note_is_damaged_are_not_forgotten(
    galleries: Galleries, guards: Guards, sweep: Sweeper, tmp_path: Path
) -> None:
    enrol(galleries, "guests", ["Anna"])
    enrol(galleries, "staff", ["Bert"], days=1)
    Deeds(guards, "key").note("enrolled", "guests", "Anna")
    (tmp_path / "galleries" / "guests.json").write_text("xx")
    assert sweep(2) == Sweep(erased=1, failed=("guests",))
    assert guards.audit.pseudonym("guests", "Anna") is not None


def test_dates() -> None:
    now = datetime(2030, 3, 1, tzinfo=UTC)
    for created, over in (("2030-02-19T00:00:00+00:00", True), ("2030-02-19T00:00:01Z", False), ("2030-02-18", True)):
        assert is_over(Subject("Anna", 1, created_at=created), 10, now) is over
    with pytest.raises(GalleryError, match="no date"):
        is_over(Subject("Anna", 1), 10, now)


def test_a_receipt_names_its_entry(galleries: Galleries, guards: Guards, sweep: Sweeper) -> None:
    enrol(galleries, "guests", ["Anna"], days=1)
    sweep(2)
    (receipt,) = receipts(guards.audit)
    assert isinstance(receipt, Receipt)
    entry = guards.audit.page()[0][receipt.seq - 1]
    assert (entry.hash, entry.at) == (receipt.hash, receipt.at)
