"""Gallery <-> one portable file, readable without Twinlens and without pickle.

A zip archive, stored without compression:

    manifest.json    format, version, model, dim, counts, sha256 of the others
    subjects.jsonl   one subject a line: name, created_at, tags
    templates.jsonl  one template a line: subject, photo, quality, source, created_at
    vectors.npy      float32, one row a template, in the same order
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

import numpy as np

from twinlens.errors import GalleryError, ModelMismatchError, OptionError
from twinlens.gallery import reading, writing
from twinlens.gallery.contract import Contract, label
from twinlens.gallery.database import Database
from twinlens.gallery.faults import explained
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

FORMAT = "twinlens-gallery"
VERSION = 1
_MANIFEST, _SUBJECTS, _TEMPLATES, _VECTORS = "manifest.json", "subjects.jsonl", "templates.jsonl", "vectors.npy"
_LINE_LIMIT = 1 << 20  # bytes; a longer line is not ours
_ODD = (ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


@runtime_checkable
class _Stream(Protocol):
    """What a zip archive gives for one of its members."""

    def read(self, size: int = -1, /) -> bytes: ...

    def readline(self, size: int = -1, /) -> bytes: ...

    def write(self, data: bytes, /) -> int: ...


class _Hashing:
    """A stream that knows the sha256 of what went through it."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._stream.write(data)

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._digest.update(data)
        return data

    def lines(self) -> Iterator[dict[str, Any]]:
        while line := self._stream.readline(_LINE_LIMIT):
            self._digest.update(line)
            yield json.loads(line)

    def sha256(self) -> str:
        return self._digest.hexdigest()


def _json_lines(rows: Iterable[dict[str, object]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _subject_lines(connection: sqlite3.Connection) -> Iterator[dict[str, object]]:
    for subject in reading.list_subjects(connection):
        yield {"name": subject.name, "created_at": subject.created_at, "tags": dict(subject.tags)}


def _template_lines(connection: sqlite3.Connection) -> Iterator[dict[str, object]]:
    keys = ("subject", "photo", "quality", "source", "created_at")
    rows = connection.execute(
        "SELECT s.name, t.photo, t.quality, t.source, t.created_at "
        "FROM templates t JOIN subjects s ON s.id = t.subject_id ORDER BY t.id"
    )
    for row in rows:
        yield dict(zip(keys, row, strict=True))


def _vector_bytes(connection: sqlite3.Connection) -> Iterator[bytes]:
    for (vector,) in connection.execute("SELECT vector FROM templates ORDER BY id"):
        yield vector


def _write_archive(stream: IO[bytes], connection: sqlite3.Connection, contract: Contract) -> int:
    subjects, templates = reading.counts(connection)
    parts: dict[str, Iterator[bytes]] = {
        _SUBJECTS: _json_lines(_subject_lines(connection)),
        _TEMPLATES: _json_lines(_template_lines(connection)),
        _VECTORS: _vector_bytes(connection),
    }
    digests: dict[str, str] = {}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, pieces in parts.items():
            with archive.open(name, "w", force_zip64=True) as member:
                hashing = _Hashing(member)
                if name == _VECTORS:
                    head = {"descr": writing.VECTOR.str, "fortran_order": False, "shape": (templates, contract.dim)}
                    np.lib.format.write_array_header_1_0(hashing, head)
                for piece in pieces:
                    hashing.write(piece)
            digests[name] = hashing.sha256()
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "model": contract.model,
            "dim": contract.dim,
            "subjects": subjects,
            "templates": templates,
            "created_at": writing.timestamp(),
            "sha256": digests,
        }
        archive.writestr(_MANIFEST, json.dumps(manifest, indent=1))
    return templates


def _not_itself(database: Database, path: Path) -> None:
    """Refuse the gallery's own file: even opening and closing it would cost SQLite its locks."""
    if path.exists() and path.samefile(database.path):
        msg = f"export {path}: that is the gallery itself; name another file"
        raise GalleryError(msg)


def write_export(database: Database, path: Path, *, replace: bool) -> int:
    """Write one consistent view of a gallery, for its owner's eyes only; return how many templates.

    Raises:
        GalleryError: the file is there and ``replace`` is False, or it cannot be written.
    """
    _not_itself(database, path)
    if path.exists() and not replace:
        msg = f"export {path}: there is a file already; choose another name, or ask to replace it"
        raise GalleryError(msg)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with explained(path):
        try:
            descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
            with os.fdopen(descriptor, "w+b") as stream, database.view() as connection:
                count = _write_archive(stream, connection, database.contract)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    return count


def _read_manifest(archive: zipfile.ZipFile, path: Path, contract: Contract) -> dict[str, Any]:
    if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
        msg = "its members are compressed"
        raise ValueError(msg)
    if archive.getinfo(_MANIFEST).file_size > _LINE_LIMIT:
        msg = "its manifest is too long"
        raise ValueError(msg)
    manifest: dict[str, Any] = json.loads(archive.read(_MANIFEST))
    if manifest["format"] != FORMAT:
        msg = f"its format is {manifest['format']!r}"
        raise ValueError(msg)
    if manifest["version"] > VERSION:
        msg = f"export {path}: written by a later Twinlens (format {manifest['version']}): upgrade Twinlens"
        raise GalleryError(msg)
    if (manifest["model"], manifest["dim"]) != (contract.model, contract.dim):
        msg = (
            f"export {path} holds embeddings of {manifest['model']!r} ({manifest['dim']}-d), this gallery of "
            f"{contract.model!r} ({contract.dim}-d): import it into a gallery of its own"
        )
        raise ModelMismatchError(msg)
    return manifest


def _check_shape(stream: _Hashing, shape: tuple[int, int]) -> None:
    if np.lib.format.read_magic(stream) != (1, 0):
        msg = "vectors.npy has another version"
        raise ValueError(msg)
    found, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    if found != shape or fortran or dtype != writing.VECTOR:
        msg = f"vectors.npy holds {found} {dtype}, the manifest says {shape} {writing.VECTOR}"
        raise ValueError(msg)


def _take_over(connection: sqlite3.Connection, streams: Mapping[str, _Hashing], manifest: dict[str, Any]) -> int:
    """Store everything; raise before the transaction ends if any byte is not the one that was exported."""
    shape = (int(manifest["templates"]), int(manifest["dim"]))
    _check_shape(streams[_VECTORS], shape)
    tags: dict[str, dict[str, str]] = {}
    for subject in streams[_SUBJECTS].lines():
        name = label(subject["name"], "subject")
        writing.subject_row(connection, name, str(subject["created_at"]))
        tags[name] = {label(k, "tag"): label(v, "tag's value") for k, v in subject["tags"].items()}
    added = count = 0
    bare = set(tags)
    for line in streams[_TEMPLATES].lines():
        vector = np.frombuffer(streams[_VECTORS].read(4 * shape[1]), writing.VECTOR).astype(np.float32)
        embedding = Embedding(vector, str(manifest["model"]))
        new = writing.checked(
            Enrolment(line["subject"], embedding, line["photo"], float(line["quality"]), str(line["source"]))
        )
        bare.discard(new.subject)
        added += writing.add(connection, [new], str(line["created_at"]))
        count += 1
    streams[_VECTORS].read()
    if count != shape[0] or bare or len(tags) != manifest["subjects"]:
        msg = "its parts do not agree with each other"
        raise ValueError(msg)
    for name, stream in streams.items():
        if stream.sha256() != manifest["sha256"][name]:
            msg = f"the sha256 of {name} is not the one in the manifest"
            raise ValueError(msg)
    for name, texts in tags.items():
        writing.tag(connection, name, texts)
    return added


def read_export(database: Database, path: Path) -> int:
    """Add everything from an export, all or nothing; return how many templates were new.

    Raises:
        GalleryError: not an export, a damaged one, or one that is not there.
        ModelMismatchError: it holds another model's vectors.
        ConflictError: a photo's face is enrolled under another name.
    """
    _not_itself(database, path)
    try:
        with explained(path), zipfile.ZipFile(path) as archive:
            manifest = _read_manifest(archive, path, database.contract)
            with ExitStack() as stack, database.writing() as connection:
                names = (_SUBJECTS, _TEMPLATES, _VECTORS)
                streams = {name: _Hashing(stack.enter_context(archive.open(name))) for name in names}
                return _take_over(connection, streams, manifest)
    except _ODD as error:
        reason = str(error) if isinstance(error, OptionError | ValueError) else type(error).__name__
        msg = f"export {path}: it is damaged or not an export of Twinlens ({reason}); nothing was imported"
        raise GalleryError(msg) from error
