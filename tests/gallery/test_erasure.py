"""Removing somebody: every file is searched, and the receipt never claims more than was found."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.errors import GalleryUnavailableError, UnknownSubjectError
from twinlens.gallery import Contract, GalleryOptions, SqliteGallery, writing
from twinlens.gallery.erasure import find_remains, slices_of
from twinlens.gallery.locks import exclusive
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

Reopen = Callable[..., SqliteGallery]
Make = Callable[..., list[Enrolment]]
CODED = GalleryOptions(busy_timeout_s=0.3, exact_rows=30, snapshot_rows=20, tail_rows=8)
posix = pytest.mark.skipif(os.name != "posix", reason="the index lives in memory only")


def everything(path: Path) -> bytes:
    files = [path, *path.parent.glob("faces.db-*"), *path.with_name("faces.db.index").rglob("*")]
    return b"".join(p.read_bytes() for p in files if p.is_file())


def pieces(enrolment: Enrolment) -> list[bytes]:
    """Every 16 bytes of a vector, independent of how the gallery looks for them."""
    whole = enrolment.embedding.vector.tobytes()
    return [whole[at : at + 16] for at in range(0, len(whole), 16)]


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    dim=st.sampled_from([16, 33, 128]),
    where=st.integers(0, 9_000),
    cut=st.data(),
)
def test_sixty_three_bytes_of_a_vector_are_found_anywhere(
    tmp_path_factory: pytest.TempPathFactory, seed: int, dim: int, where: int, cut: st.DataObject
) -> None:
    random = np.random.default_rng(seed)
    vector = random.standard_normal((1, dim)).astype(np.float32)
    whole = vector.tobytes()
    start = cut.draw(st.integers(0, len(whole) // 32 * 32 - 63)) if len(whole) > 64 else 0
    path = tmp_path_factory.getbasetemp() / "planted"
    noise = random.bytes(9_000)
    path.write_bytes(noise[:where] + whole[start : start + 63] + noise[where:])
    wanted = slices_of(vector)
    assert set(find_remains([path], wanted)) == {path}
    path.write_bytes(noise + whole[:31] + bytes([whole[31] ^ 1]) + noise)
    assert find_remains([path], wanted) == {}


def test_pieces_are_found_across_the_blocks_a_file_is_read_in(tmp_path: Path) -> None:
    path = tmp_path / "large"
    vector = np.random.default_rng(0).standard_normal((1, 16)).astype(np.float32)
    for at in ((1 << 22) - 17, (1 << 22) - 1, (1 << 22), (1 << 23) - 31):
        path.write_bytes(bytes(at) + vector.tobytes()[:32] + bytes(100))
        assert find_remains([path], slices_of(vector)) == {path: {vector.tobytes()[:32]}}


def test_vectors_of_zeros_and_ones_are_looked_for_as_a_whole(tmp_path: Path) -> None:
    one = np.zeros((1, 32), np.float32)
    one[0, 5] = 1.0
    assert slices_of(one) == {one.tobytes()}
    (tmp_path / "zeros").write_bytes(bytes(1000))
    assert find_remains([tmp_path / "zeros"], slices_of(one)) == {}


def test_a_file_that_cannot_be_read_proves_nothing(tmp_path: Path) -> None:
    wanted = slices_of(np.random.default_rng(0).standard_normal((1, 16)).astype(np.float32))
    assert find_remains([tmp_path, tmp_path / "gone"], wanted) == {tmp_path: set()}


@pytest.mark.parametrize("options", [GalleryOptions(), CODED], ids=["one file", "with an index"])
def test_nothing_is_left_in_any_file(path: Path, reopen: Reopen, enrolments: Make, options: GalleryOptions) -> None:
    stored = enrolments(80)
    gallery = reopen(options)
    gallery.add(stored[:70])
    gallery.search([stored[0].embedding], 1)
    gallery.add(stored[70:])
    for name in ("s0003", "s0039", "s0000", "s0020"):
        receipt = gallery.remove(name)
        assert (receipt.subject, receipt.templates, receipt.remains) == (name, 2, ())
        assert {Path(place).name for place in receipt.places_checked} >= {"faces.db"}
        data = everything(path)
        gone = [piece for e in stored if e.subject == name for piece in pieces(e)]
        assert not [piece for piece in gone if piece in data]
    alive = [e for e in stored if e.subject == "s0004"]
    assert all(piece in everything(path) for e in alive for piece in pieces(e))


@posix
def test_codes_are_templates_too(path: Path, reopen: Reopen, enrolments: Make) -> None:
    with reopen(CODED) as gallery:
        gallery.add(enrolments(60))
        codes = path.with_name("faces.db.index") / "g000001" / "codes.u8"
        before = np.fromfile(codes, np.uint8).reshape(60, -1)
        receipt = gallery.remove("s0005")
        after = np.fromfile(codes, np.uint8).reshape(60, -1)
        assert before[10:12].any(axis=1).all()
        assert not after[10:12].any()
        assert np.array_equal(np.delete(before, [10, 11], 0), np.delete(after, [10, 11], 0))
        assert str(codes) in receipt.places_checked


def test_a_reader_that_keeps_the_log_is_named(path: Path, reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen(CODED)
    gallery.add(enrolments(10))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM templates").fetchone()
        receipt = gallery.remove("s0001")
        assert {Path(place).name for place in receipt.remains} >= {"faces.db-wal"}
        assert [m.subject for m in gallery.search([enrolments(10)[2].embedding], 9)[0] if m.subject == "s0001"] == []
        assert "2 removed templates may have left traces" in gallery.verify_integrity()[0]
        with pytest.raises(GalleryUnavailableError, match="close it and try again"):
            gallery.rebuild_index()
        reader.execute("COMMIT")
    gallery.rebuild_index()
    assert gallery.verify_integrity() == ()
    gallery.remove("s0002")
    assert not [p for e in enrolments(10)[2:6] for p in pieces(e) if p in everything(path)]


@posix
def test_an_index_that_is_busy_is_named(path: Path, reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen(CODED)
    gallery.add(enrolments(60))
    with exclusive(path.with_name("faces.db.index") / "lock", 0.0):
        receipt = gallery.remove("s0001")
    assert {Path(place).name for place in receipt.remains} == {"vectors.f32", "codes.u8"}
    assert gallery.remove("s0002").remains == ()
    assert not [p for e in enrolments(60)[2:6] for p in pieces(e) if p in everything(path)]


def test_a_planted_copy_is_not_overlooked(path: Path, reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen(CODED)
    gallery.add(enrolments(60))
    planted = path.with_name("faces.db.index") / "g000001" / "copy"
    planted.write_bytes(b"abc" + enrolments(60)[8].embedding.vector.tobytes()[30:110])
    assert gallery.remove("s0004").remains == (str(planted),)


@posix
def test_a_planted_code_is_not_overlooked_and_a_living_one_not_accused(path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((61, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[60] = vectors[7]  # the same code for somebody who stays
    with SqliteGallery(path, Contract("net", 128), CODED) as gallery:
        gallery.add(Enrolment(f"s{i}", Embedding(v, "net"), f"photo {i}") for i, v in enumerate(vectors))
        folder = path.with_name("faces.db.index") / "g000001"
        codes = np.fromfile(folder / "codes.u8", np.uint8).reshape(61, 32)
        assert gallery.remove("s7").remains == ()
        (folder / "copy").write_bytes(b"x" + codes[9].tobytes())
        assert gallery.remove("s9").remains == (str(folder / "copy"),)


@posix
@pytest.mark.parametrize("remedy", [SqliteGallery.rebuild_index, SqliteGallery.finish_removals])
def test_a_process_that_died_before_scrubbing_is_made_up_for(
    path: Path, reopen: Reopen, enrolments: Make, remedy: Callable[[SqliteGallery], None]
) -> None:
    stored = enrolments(60)
    with reopen(CODED) as gallery:
        gallery.add(stored)
        with gallery._database.writing() as connection:  # remove() up to the point of no return
            writing.delete_subject(connection, "s0002", 32)
    gone = [piece for e in stored[4:6] for piece in pieces(e)]
    assert [p for p in gone if p in everything(path)], "the index still holds it: otherwise this shows nothing"
    with reopen(CODED) as gallery:
        assert not [p for p in gone if p in everything(path)]
        (problem,) = gallery.verify_integrity()
        assert "2 removed templates may have left traces" in problem
        remedy(gallery)
        assert gallery.verify_integrity() == ()
        assert not [p for p in gone if p in everything(path)]


def test_the_same_face_under_another_name_stays(path: Path, reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen(CODED)
    gallery.add(enrolments(60))
    twin = enrolments(60)[0].embedding
    gallery.add([Enrolment("twin", twin, "another file of the same photo")])
    assert gallery.remove("s0000").remains == ()
    assert gallery.search([twin], 1)[0][0].subject == "twin"
    assert gallery.search([twin], 1)[0][0].score == pytest.approx(1.0)


def test_one_photo_can_be_erased(path: Path, reopen: Reopen, enrolments: Make) -> None:
    stored = enrolments(60)
    gallery = reopen(CODED)
    gallery.add(stored)
    with pytest.raises(UnknownSubjectError, match="no template of the photo 'photo 9'"):
        gallery.remove_photo("s0000", "photo 9")
    receipt = gallery.remove_photo("s0000", "photo 0")
    assert (receipt.templates, receipt.remains) == (1, ())
    assert gallery.photo_subjects("photo 0") == []
    assert gallery.photo_subjects("photo 1") == ["s0000"]
    assert not [p for p in pieces(stored[0]) if p in everything(path)]
    gallery.tag("s0000", {"team": "red"})
    gallery.remove_photo("s0000", "photo 1")
    assert len(gallery) == 29
    with pytest.raises(UnknownSubjectError):
        gallery.templates("s0000")


@pytest.mark.slow
def test_nothing_is_left_after_many_removals(path: Path, reopen: Reopen, enrolments: Make) -> None:
    """Pages merge and split while half of the gallery goes: their slack must not keep anything."""
    stored = enrolments(600)
    gallery = reopen(CODED)
    gallery.add(stored)
    for i in np.random.default_rng(0).permutation(300)[:150]:
        assert gallery.remove(f"s{i:04d}").remains == ()
        assert not [p for e in stored[2 * i : 2 * i + 2] for p in pieces(e) if p in everything(path)]
    assert gallery.verify_integrity() == ()
