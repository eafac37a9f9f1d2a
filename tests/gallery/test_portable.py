"""Export and import: everything arrives, and only what was exported."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from twinlens.errors import ConflictError, GalleryError, GalleryUnavailableError, ModelMismatchError
from twinlens.gallery import Contract, SqliteGallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

Reopen = Callable[..., SqliteGallery]
Make = Callable[..., list[Enrolment]]
MODEL, DIM = "test-net", 32


@pytest.fixture
def export(tmp_path: Path, reopen: Reopen, enrolments: Make) -> Path:
    with reopen() as gallery:
        gallery.add(enrolments(30))
        gallery.tag("s0002", {"team": "red", "größe": "3"})
        gallery.remove("s0001")
        assert gallery.export_to(tmp_path / "people.zip") == 28
    return tmp_path / "people.zip"


@pytest.fixture
def other(tmp_path: Path) -> SqliteGallery:
    return SqliteGallery(tmp_path / "other.db", Contract(MODEL, DIM))


def contents(gallery: SqliteGallery) -> list[object]:
    entries = [(e.subject, e.photo, e.quality, e.source, e.embedding.vector.tolist()) for e in gallery.entries()]
    return [entries, gallery.subjects()]


def test_everything_arrives_once(export: Path, reopen: Reopen, other: SqliteGallery) -> None:
    assert other.import_from(export) == 28
    assert contents(other) == contents(reopen())
    assert other.import_from(export) == 0
    assert contents(other) == contents(reopen())


def test_it_can_be_read_without_twinlens(export: Path, reopen: Reopen) -> None:
    with zipfile.ZipFile(export) as archive:
        vectors = np.load(io.BytesIO(archive.read("vectors.npy")), allow_pickle=False)
        lines = [json.loads(line) for line in archive.read("templates.jsonl").splitlines()]
        manifest = json.loads(archive.read("manifest.json"))
    entries = list(reopen().entries())
    assert np.array_equal(vectors, np.stack([e.embedding.vector for e in entries]))
    assert [line["photo"] for line in lines] == [e.photo for e in entries]
    assert (manifest["model"], manifest["dim"], manifest["templates"]) == (MODEL, DIM, 28)


def test_an_empty_gallery(tmp_path: Path, reopen: Reopen, other: SqliteGallery) -> None:
    assert reopen().export_to(tmp_path / "empty.zip") == 0
    assert other.import_from(tmp_path / "empty.zip") == 0


def test_a_file_is_replaced_only_when_asked(export: Path, reopen: Reopen) -> None:
    before = export.read_bytes()
    with pytest.raises(GalleryError, match="there is a file already"):
        reopen().export_to(export)
    assert export.read_bytes() == before
    reopen().remove("s0002")
    assert reopen().export_to(export, replace=True) == 26
    assert export.read_bytes() != before


def test_the_gallery_itself_is_no_export(path: Path, reopen: Reopen, enrolments: Make) -> None:
    gallery = reopen()
    gallery.add(enrolments(4))
    with pytest.raises(GalleryError, match="that is the gallery itself"):
        gallery.export_to(path, replace=True)
    with pytest.raises(GalleryError, match="that is the gallery itself"):
        gallery.import_from(path)
    assert gallery.verify_integrity() == ()


def test_a_place_that_cannot_be_written(tmp_path: Path, reopen: Reopen) -> None:
    with pytest.raises(GalleryError, match="check the path and its permissions"):
        reopen().export_to(tmp_path / "none" / "people.zip")


def test_a_conflict_stores_nothing(export: Path, other: SqliteGallery, enrolments: Make) -> None:
    face = enrolments(30)[29]
    other.add([Enrolment("somebody else", face.embedding, face.photo)])
    before = contents(other)
    with pytest.raises(ConflictError, match="'somebody else'"):
        other.import_from(export)
    assert contents(other) == before


def test_another_model(export: Path, tmp_path: Path) -> None:
    with (
        SqliteGallery(tmp_path / "b.db", Contract("other-net", DIM)) as gallery,
        pytest.raises(ModelMismatchError, match="import it into a gallery of its own"),
    ):
        gallery.import_from(export)


def rewritten(export: Path, change: Callable[[dict[str, bytes]], object], *, mend: bool = True) -> None:
    """Change the members of an export; ``mend`` makes the checksums fit, so that only the change itself is odd."""
    with zipfile.ZipFile(export) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    if mend and "manifest.json" in parts:
        manifest = json.loads(parts["manifest.json"])
        if isinstance(manifest, dict):
            manifest["sha256"] = {n: hashlib.sha256(d).hexdigest() for n, d in parts.items() if n != "manifest.json"}
            parts["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(export, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def lines(name: str, edit: Callable[[list[dict[str, object]]], object]) -> Callable[[dict[str, bytes]], object]:
    def change(parts: dict[str, bytes]) -> None:
        rows = [json.loads(line) for line in parts[name].splitlines()]
        edit(rows)
        parts[name] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    return change


def manifest(**facts: object) -> Callable[[dict[str, bytes]], object]:
    def change(parts: dict[str, bytes]) -> None:
        parts["manifest.json"] = json.dumps({**json.loads(parts["manifest.json"]), **facts}).encode()

    return change


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


ODD: dict[str, Callable[[dict[str, bytes]], object]] = {
    "no manifest": lambda parts: parts.pop("manifest.json"),
    "another format": manifest(format="zoo"),
    "a manifest that is a list": lambda parts: parts.update({"manifest.json": b"[]"}),
    "no vectors": lambda parts: parts.pop("vectors.npy"),
    "fewer vectors": lambda parts: parts.update({"vectors.npy": parts["vectors.npy"][:-128]}),
    "pickled vectors": lambda parts: parts.update({"vectors.npy": npy(np.array([{}] * 28, object))}),
    "vectors of another type": lambda parts: parts.update({"vectors.npy": npy(np.zeros((28, 32)))}),
    "vectors of length 0": lambda parts: parts.update({"vectors.npy": npy(np.zeros((28, 32), "<f4"))}),
    "not a number": lambda parts: parts.update({"vectors.npy": npy(np.full((28, 32), np.nan, "<f4"))}),
    "a template too few": lines("templates.jsonl", lambda rows: rows.pop()),
    "a template too many": lines("templates.jsonl", lambda rows: rows.append(rows[0])),
    "a template without a name": lines("templates.jsonl", lambda rows: rows[3].pop("subject")),
    "a name that is a number": lines("templates.jsonl", lambda rows: rows[3].update(subject=3)),
    "a quality out of range": lines("templates.jsonl", lambda rows: rows[3].update(quality=7)),
    "a subject without templates": lines("subjects.jsonl", lambda rows: rows.append({**rows[0], "name": "ghost"})),
    "a subject that is not listed": lines("subjects.jsonl", lambda rows: rows.pop()),
    "tags that are a list": lines("subjects.jsonl", lambda rows: rows[0].update(tags=[1])),
    "not json": lambda parts: parts.update({"templates.jsonl": b"{]\n"}),
    "not text": lambda parts: parts.update({"subjects.jsonl": b"\xff\xfe\n"}),
    "a line without an end": lambda parts: parts.update({"templates.jsonl": b"[" * (1 << 20)}),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_exports_are_refused_as_a_whole(kind: str, export: Path, other: SqliteGallery) -> None:
    rewritten(export, ODD[kind])
    with pytest.raises(GalleryError, match=r"damaged or not an export.*nothing was imported"):
        other.import_from(export)
    assert (len(other), other.count()) == (0, 0)
    other.close()


@pytest.mark.parametrize("member", ["vectors.npy", "subjects.jsonl", "templates.jsonl"])
def test_a_checksum_that_does_not_fit(member: str, export: Path, other: SqliteGallery) -> None:
    def edit(parts: dict[str, bytes]) -> None:
        parts[member] = parts[member].replace(b"2025-", b"1999-").replace(b"2026-", b"1999-")
        if member == "vectors.npy":
            vectors = np.load(io.BytesIO(parts[member]))
            parts[member] = npy(np.roll(vectors, 1, axis=1))

    rewritten(export, edit, mend=False)
    with pytest.raises(GalleryError, match=f"sha256 of {member}"):
        other.import_from(export)
    assert len(other) == 0


def test_a_later_format(export: Path, other: SqliteGallery) -> None:
    rewritten(export, manifest(version=9))
    with pytest.raises(GalleryError, match="upgrade Twinlens"):
        other.import_from(export)


def test_compressed_members_are_refused(export: Path, other: SqliteGallery) -> None:
    with zipfile.ZipFile(export) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(export, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(GalleryError, match="compressed"):
        other.import_from(export)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_files_of_another_kind(data: bytes, tmp_path: Path, other: SqliteGallery) -> None:
    (tmp_path / "odd").write_bytes(data)
    with pytest.raises(GalleryError, match="not an export"):
        other.import_from(tmp_path / "odd")


def test_a_missing_file_and_a_folder(tmp_path: Path, other: SqliteGallery) -> None:
    for place in (tmp_path / "none.zip", tmp_path):
        with pytest.raises(GalleryError, match="check the path"):
            other.import_from(place)


def test_a_full_disk_leaves_no_half_export(
    tmp_path: Path, reopen: Reopen, enrolments: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = reopen()
    gallery.add(enrolments(4))

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(GalleryUnavailableError, match="disk is full"):
        gallery.export_to(tmp_path / "people.zip")
    assert not [p.name for p in tmp_path.iterdir() if "people" in p.name]


def test_text_that_needs_care_survives(tmp_path: Path, reopen: Reopen, other: SqliteGallery) -> None:
    vector = np.zeros(DIM, np.float32)
    vector[0] = 1.0
    name = 'Zoë "Z" O\u2019Neill \U0001f600 \\ / 名前'
    with reopen() as gallery:
        gallery.add([Enrolment(name, Embedding(vector, MODEL), "p", source="caf\udce9.jpg")])
        gallery.export_to(tmp_path / "text.zip")
        other.import_from(tmp_path / "text.zip")
        assert contents(other) == contents(gallery)
    assert other.subjects()[0].sources == ("caf?.jpg",)
