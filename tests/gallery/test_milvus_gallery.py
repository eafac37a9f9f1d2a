"""What is special about a gallery on a real Milvus server: calls that break off, two writers, limits, indices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinlens.errors import ConflictError, GalleryError, GalleryUnavailableError, OptionError
from twinlens.gallery import GalleryOptions, milvus_gallery, milvus_ledger, milvus_searching, open_gallery
from twinlens.gallery.milvus_gallery import MilvusGallery
from twinlens.gallery.milvus_link import MilvusLink
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("milvus")]

MODEL, DIM = "test-net", 16
NAMES = ("ada", "ben", "cleo", "dan")
Open = Callable[..., MilvusGallery]


def vectors(count: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    scaled: np.ndarray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return scaled


def people(count: int, start: int = 0) -> list[Enrolment]:
    """Photo i shows subject i // 2."""
    return [
        Enrolment(f"s{(start + i) // 2:05d}", Embedding(vector, MODEL), f"photo {start + i}", 0.5, f"{start + i}.jpg")
        for i, vector in enumerate(vectors(count, 1 + start))
    ]


@pytest.fixture
def reopen(milvus_collection: str) -> Iterator[Open]:
    opened: list[MilvusGallery] = []

    def make(**options: Any) -> MilvusGallery:
        wanted = GalleryOptions(**{"busy_timeout_s": 5.0, **options})
        gallery = open_gallery(milvus_collection, model=MODEL, dim=DIM, options=wanted)
        assert isinstance(gallery, MilvusGallery)
        opened.append(gallery)
        return gallery

    yield make
    for gallery in opened:
        gallery.close()


class Model:
    """A dict that does what a gallery should: name -> photo -> number of its vector, and tags."""

    def __init__(self) -> None:
        self.photos: dict[str, dict[str, int]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.pool = vectors(40)

    def enrolments(self, name: str, numbers: list[int]) -> list[Enrolment]:
        return [Enrolment(name, Embedding(self.pool[n], MODEL), f"p{n} of {name}") for n in numbers]

    def step(self, gallery: MilvusGallery, draw: np.random.Generator) -> None:
        name, other = (str(n) for n in draw.choice(NAMES, 2, replace=False))
        what = int(draw.integers(0, 8))
        if what <= 2:
            self._add(gallery, name, sorted({int(n) for n in draw.integers(0, 40, 4)}))
        elif name not in self.photos:
            with pytest.raises(GalleryError, match="nobody called"):
                gallery.remove(name)
        elif what == 3:
            gallery.remove(name)
            del self.photos[name]
            self.tags.pop(name, None)
        elif what == 4:
            photo = str(draw.choice(sorted(self.photos[name])))
            gallery.remove_photo(name, photo)
            del self.photos[name][photo]
            if not self.photos[name]:
                del self.photos[name]
                self.tags.pop(name, None)
        elif what == 5:
            self._rename(gallery, name, other)
        else:
            value = str(draw.choice(["", "red", "blue"]))
            gallery.tag(name, {"team": value})
            self.tags[name] = {"team": value} if value else {}

    def _add(self, gallery: MilvusGallery, name: str, numbers: list[int]) -> None:
        new = self.enrolments(name, numbers)
        if any(e.photo in photos for n, photos in self.photos.items() if n != name for e in new):
            with pytest.raises(ConflictError):  # its holder was renamed
                gallery.add(new)
            return
        mine = self.photos.setdefault(name, {})
        assert gallery.add(new) == len({e.photo for e in new} - set(mine))
        mine.update({e.photo: n for e, n in zip(new, numbers, strict=True)})

    def _rename(self, gallery: MilvusGallery, name: str, other: str) -> None:
        if other in self.photos:
            with pytest.raises(ConflictError):
                gallery.rename(name, other)
            return
        gallery.rename(name, other)
        self.photos[other] = self.photos.pop(name)
        self.tags[other] = self.tags.pop(name, {})

    def agrees(self, gallery: MilvusGallery, draw: np.random.Generator) -> None:
        assert {s.name: (s.templates, dict(s.tags)) for s in gallery.subjects()} == {
            name: (len(photos), self.tags.get(name, {})) for name, photos in self.photos.items()
        }
        assert (len(gallery), gallery.count()) == (len(self.photos), sum(map(len, self.photos.values())))
        probe = self.pool[int(draw.integers(0, 40))]
        red = bool(draw.integers(0, 2))
        scores = {
            name: max(float(self.pool[n].astype(float) @ probe.astype(float)) for n in photos.values())
            for name, photos in self.photos.items()
            if not red or self.tags.get(name) == {"team": "red"}
        }
        (found,) = gallery.search([Embedding(probe, MODEL)], 3, tags={"team": "red"} if red else None)
        assert [m.subject for m in found] == sorted(scores, key=lambda n: (-round(scores[n], 9), n))[:3]
        assert [m.score for m in found] == pytest.approx([min(1.0, scores[m.subject]) for m in found], abs=1e-9)


@pytest.mark.parametrize("seed", [0])
def test_any_sequence_of_calls_by_two_clients(reopen: Open, seed: int) -> None:
    draw = np.random.default_rng(seed)
    galleries, model = [reopen(), reopen()], Model()
    for _ in range(50):
        model.step(galleries[int(draw.integers(0, 2))], draw)
        model.agrees(galleries[int(draw.integers(0, 2))], draw)
    assert galleries[0].verify_integrity() == ()
    assert galleries[0]._ledger.marks() == set()


def test_more_rows_than_an_answer_may_have(reopen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's limit is 16,384 rows; here it is 600, for the same with fewer."""
    for module in (milvus_gallery, milvus_searching):
        monkeypatch.setattr(module, "SLIM_PAGE" if module is milvus_gallery else "MOST_ROWS", 600)
    gallery, stored = reopen(), people(3_000)
    gallery._page = 600
    with pytest.raises(ConflictError):
        gallery.add([*stored, Enrolment("s00000", Embedding(-stored[0].embedding.vector, MODEL), "photo 0")])
    assert (len(gallery), gallery.count(), gallery._link.count("")) == (0, 0, 0)
    assert gallery.add(stored) == 3_000
    assert [entry.photo for entry in gallery.entries()] == [entry.photo for entry in stored]
    assert (len(gallery), gallery.count(), len(gallery.subjects())) == (1_500, 3_000, 1_500)
    assert gallery.add(stored[500:900]) == 0
    assert gallery.verify_integrity() == ()
    many = gallery.search([stored[7].embedding], 1_500)[0]
    assert (len(many), many[0].subject) == (1_500, "s00003")


def test_a_subject_with_many_templates_hides_nobody(reopen: Open) -> None:
    gallery = reopen()
    probe = vectors(1)[0]
    close = vectors(300, 5) * np.float32(0.2) + probe
    close /= np.linalg.norm(close, axis=1, keepdims=True)
    gallery.add(Enrolment("ada", Embedding(vector, MODEL), f"a{i}") for i, vector in enumerate(close))
    gallery.add(Enrolment(f"x{i}", Embedding(vector, MODEL), f"x{i}") for i, vector in enumerate(vectors(5, 6)))
    found = gallery.search([Embedding(probe, MODEL)], 4)[0]
    assert (found[0].subject, len({m.subject for m in found})) == ("ada", 4)


def test_names_longer_than_any_key(reopen: Open) -> None:
    gallery = reopen()
    name, quoted = "\U0001f600" * 5_000, "O\"Brien \\ 'x' or 1 == 1"
    one, two = (Embedding(vector, MODEL) for vector in vectors(2))
    gallery.add([Enrolment(name, one, name), Enrolment(quoted, two, quoted, source="ü" * 30_000)])
    gallery.tag(quoted, {quoted: quoted})
    assert [m.subject for m in gallery.search([two], 1, tags={quoted: quoted}, exclude=[name])[0]] == [quoted]
    assert gallery.photo_subjects(name) == [name]
    for wide in (Enrolment("x", one, "x", source="ü" * 33_000),):
        with pytest.raises(OptionError, match="does not fit Milvus"):
            gallery.add([wide])
    with pytest.raises(OptionError, match="does not fit Milvus"):
        gallery.tag(quoted, {f"{i}": "v" * 5_000 for i in range(20)})
    assert (len(gallery), dict(gallery.subjects(tags={quoted: quoted})[0].tags)) == (2, {quoted: quoted})
    assert gallery._ledger.marks() == set()


def test_two_writers_store_each_photo_once(reopen: Open) -> None:
    galleries = [reopen(busy_timeout_s=60.0), reopen(busy_timeout_s=60.0)]
    added: list[int] = []
    everybody = people(32)

    def enrol(gallery: MilvusGallery) -> None:
        for at in range(0, 28, 4):
            added.append(gallery.add(everybody[at : at + 8]))

    threads = [threading.Thread(target=enrol, args=(gallery,)) for gallery in galleries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gallery = galleries[0]
    assert gallery.verify_integrity() == ()
    assert (len(added), sum(added), gallery.count(), gallery._link.count("")) == (14, 32, 32, 32)


def test_a_reader_sees_a_change_whole(reopen: Open) -> None:
    writer, reader = reopen(busy_timeout_s=60.0), reopen()
    writer.add(people(8))
    probe = people(8)[2].embedding

    def change() -> None:
        for number in range(8):
            writer.rename(*(("s00001", "eve"), ("eve", "s00001"))[number % 2])

    thread = threading.Thread(target=change)
    thread.start()
    reads = 0
    while thread.is_alive() or not reads:
        found = reader.search([probe], 9)[0]
        assert ({found[0].subject} <= {"s00001", "eve"}, len(found)) == (True, 4)
        assert len(reader) == 4
        reads += 1
    thread.join()
    assert (writer.verify_integrity(), writer.count()) == ((), 8)


def test_a_writer_that_dies_is_undone_after_its_lease(reopen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, other = reopen(), reopen(busy_timeout_s=0.2)
    other.add(people(2))
    monkeypatch.setattr(milvus_ledger.Transaction, "end", lambda self: None)  # it dies before its last word
    assert dead.add(people(4, 2)) == 4
    monkeypatch.undo()
    assert (len(other), other.count(), len(list(other.entries()))) == (1, 2, 2)
    assert other.search([people(4, 2)[0].embedding], 5)[0][0].subject == "s00000"
    with pytest.raises(GalleryUnavailableError, match=r"another writer .* its place is free in \d+ s"):
        other.add(people(2, 20))
    assert other._link.count("") == 6
    old = {mark.batch for mark in other._ledger.marks()}
    monkeypatch.setattr(milvus_ledger.Ledger, "_stale", lambda self, mark: mark.batch in old)  # the lease ran out
    assert any("broke off" in problem for problem in other.verify_integrity())
    other.rebuild_index()
    monkeypatch.undo()
    assert (other._link.count(""), other.verify_integrity(), other._ledger.marks()) == (2, (), set())
    assert other.add(people(4, 2)) == 4


def test_a_change_that_breaks_off_after_its_commit_holds(reopen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = reopen(), reopen()
    one.add(people(8))

    def gone(self: object, condition: str) -> int:
        msg = "the server went away"
        raise GalleryUnavailableError(msg)

    monkeypatch.setattr(milvus_ledger.Ledger, "delete_where", gone)
    one.rename("s00001", "eve")
    monkeypatch.undo()
    for gallery in (one, other):
        assert [s.name for s in gallery.subjects()] == ["eve", "s00000", "s00002", "s00003"]
        assert (len(gallery), gallery.count(), gallery._link.count("")) == (4, 8, 10)
        assert gallery.search([people(8)[2].embedding], 1)[0][0].subject == "eve"
    old = {mark.batch for mark in one._ledger.marks()}
    monkeypatch.setattr(milvus_ledger.Ledger, "_stale", lambda self, mark: mark.batch in old)  # the lease ran out
    assert other.add(people(2, 20)) == 2
    monkeypatch.undo()
    assert (other.count(), other._link.count(""), other.verify_integrity()) == (10, 10, ())


def test_a_removal_that_cannot_delete_hides_at_once(reopen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = reopen(), reopen()
    one.add(people(8))

    def gone(self: object, condition: str) -> int:
        msg = "the server went away"
        raise GalleryUnavailableError(msg)

    monkeypatch.setattr(milvus_ledger.Ledger, "delete_where", gone)
    receipt = one.remove("s00001")
    monkeypatch.undo()
    assert "the next writer deletes them" in receipt.remains[0]
    assert (len(other), other.count(), other._link.count("")) == (3, 6, 8)
    assert "s00001" not in {m.subject for m in other.search([people(8)[2].embedding], 9)[0]}
    assert one.add(people(4)) == 2
    assert (other.count(), other._link.count(""), other.verify_integrity()) == (8, 8, ())


@pytest.mark.parametrize("arrives", [True, False])
def test_an_insert_without_an_answer_makes_no_duplicate(
    reopen: Open, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    gallery, sent = reopen(), []
    insert = MilvusLink.insert

    def lossy(self: MilvusLink, rows: list[dict[str, Any]]) -> None:
        sent.append(len(rows))
        if len(sent) > 1 or arrives:
            insert(self, rows)
        if len(sent) == 1:
            msg = "no answer"
            raise GalleryUnavailableError(msg)

    monkeypatch.setattr(MilvusLink, "insert", lossy)
    assert gallery.add(people(6)) == 6
    assert sent == ([6] if arrives else [6, 6])
    assert (gallery._link.count(""), gallery.count(), gallery.verify_integrity()) == (6, 6, ())


def test_exports_move_between_engines(reopen: Open, tmp_path: Path) -> None:
    gallery = reopen()
    with open_gallery(tmp_path / "a.db", model=MODEL, dim=DIM) as small:
        small.add(people(30))
        small.tag("s00003", {"team": "red"})
        small.export_to(tmp_path / "a.zip")
        assert gallery.import_from(tmp_path / "a.zip") == 30
        assert gallery.import_from(tmp_path / "a.zip") == 0
        assert gallery.subjects() == small.subjects()
    assert gallery.export_to(tmp_path / "b.zip") == 30
    with open_gallery(tmp_path / "b.db", model=MODEL, dim=DIM) as back:
        assert back.import_from(tmp_path / "b.zip") == 30
        assert back.subjects() == gallery.subjects()
        pairs = zip(back.entries(), gallery.entries(), strict=True)
        assert all(
            (a.subject, a.photo, a.quality, a.source) == (b.subject, b.photo, b.quality, b.source) for a, b in pairs
        )
    damaged = bytearray((tmp_path / "a.zip").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "c.zip").write_bytes(damaged)
    gallery.remove("s00000")
    with pytest.raises(GalleryError, match="nothing was imported"):
        gallery.import_from(tmp_path / "c.zip")
    assert gallery.count() == 28


def test_an_index_above_the_exact_limit_is_measured(reopen: Open) -> None:
    gallery, stored = reopen(exact_rows=1_000), people(1_500)
    gallery.add(stored)
    gallery.rebuild_index()
    index = gallery._link.index() or {}
    assert index["index_type"] == "HNSW"
    assert gallery._link.facts()["properties"]["twinlens.depth"].isdigit()
    probes = [Embedding(vector, MODEL) for vector in vectors(20, 77)]
    exact = np.stack([entry.embedding.vector for entry in stored]).astype(np.float64)
    for probe, found in zip(probes, gallery.search(probes, 1), strict=True):
        assert found[0].score == pytest.approx(float((exact @ probe.vector.astype(np.float64)).max()), abs=1e-9)
    gallery.remove("s00000")
    assert (len(gallery), gallery.verify_integrity()) == (749, ())
    reopen(exact_rows=50_000).rebuild_index()
    assert (gallery._link.index() or {})["index_type"] == "FLAT"
    assert gallery.search([stored[9].embedding], 1)[0][0].subject == "s00004"


def test_another_programs_collection_is_refused(milvus_collection: str, milvus_place: str) -> None:
    from pymilvus import MilvusClient

    client = MilvusClient(uri=milvus_place.replace("milvus", "http", 1), timeout=20, dedicated=True)
    client.create_collection(milvus_collection.rpartition("/")[2], dimension=DIM)
    client.close()
    with pytest.raises(GalleryError, match="not made by Twinlens"):
        open_gallery(milvus_collection, model=MODEL, dim=DIM)


def test_a_gallery_that_is_not_there_is_not_made_unasked(milvus_collection: str) -> None:
    with pytest.raises(GalleryError, match="no gallery at milvus://"):
        open_gallery(milvus_collection, model=MODEL, dim=DIM, options=GalleryOptions(create=False))


def test_closed_galleries_say_so(reopen: Open) -> None:
    gallery = reopen()
    gallery.close()
    gallery.close()
    with pytest.raises(GalleryError):
        gallery.count()
