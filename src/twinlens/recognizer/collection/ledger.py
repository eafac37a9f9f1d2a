"""Photos that were looked at -> an SQLite file beside the gallery: what an index need not do again.

It holds names, sizes, times and digests, and no vector. A row says what the gallery holds of a photo (``stamp``,
``faces``) and, between two commits, what is being written to it (``next_stamp``, ``next_faces``): whatever moment a
process is killed at, the next run finds every vector that was stored.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.recognizer.collection.walking import Closed, Found

_APPLICATION_ID = 0x54574C53  # "TWLS"
_VERSION = 1
_PAGE = 512  # rows read at once
_SAME_SIZE = 64  # digests a worker compares a file with
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE roots (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE photos (
  id INTEGER PRIMARY KEY, root INTEGER NOT NULL REFERENCES roots(id), name BLOB NOT NULL, label TEXT,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest BLOB, settings TEXT NOT NULL,
  outcome TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
  stamp TEXT NOT NULL DEFAULT '', faces INTEGER NOT NULL DEFAULT 0,
  next_stamp TEXT, next_faces INTEGER NOT NULL DEFAULT 0, UNIQUE (root, name));
CREATE INDEX photos_by_label ON photos (label);
"""
_TEMPORARY = """
CREATE TEMP TABLE seen (id INTEGER PRIMARY KEY);
CREATE TEMP TABLE missing (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, digest BLOB);
CREATE INDEX temp.missing_by_content ON missing (size, digest);
CREATE TEMP TABLE todo (
  id INTEGER PRIMARY KEY, name BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, own BLOB);
"""
_COLUMNS = "id, name, label, size, mtime_ns, digest, settings, outcome, reason, stamp, faces, next_stamp, next_faces"


@dataclass(frozen=True, slots=True)
class Row:
    """A photo as the ledger has it; the faces it gave are in the gallery under the keys ``STAMP#1`` to ``STAMP#N``."""

    id: int
    name: str
    label: str | None
    size: int
    mtime_ns: int
    digest: bytes | None
    settings: str
    outcome: str
    reason: str
    stamp: str
    faces: int
    next_stamp: str | None
    next_faces: int

    def face_keys(self) -> list[str]:
        """Return the keys of every face that the gallery may hold of it."""
        keys = [f"{self.stamp}#{n}" for n in range(1, self.faces + 1)]
        if self.next_stamp is not None:
            keys += [f"{self.next_stamp}#{n}" for n in range(1, self.next_faces + 1)]
        return list(dict.fromkeys(keys))

    def reasons(self, path: str) -> tuple[str, ...]:
        """Return why it could not be read, and where it lies now: the reason may name its place before a move."""
        if not self.reason:
            return ()
        return (self.reason if path in self.reason or repr(path) in self.reason else f"{path!r}: {self.reason}",)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is written of a photo; names as in `Row`."""

    name: str
    label: str | None
    size: int
    mtime_ns: int
    digest: bytes | None
    outcome: str
    reason: str = ""
    stamp: str = ""
    faces: int = 0


def subjects_of(label: str | None, faces: int) -> tuple[str, ...]:
    """Return under which names a photo's faces are stored, before a person gives them others."""
    return tuple(f"{label}#{n}" for n in range(1, faces + 1))


def _row(found: tuple[object, ...]) -> Row:
    number, name, *rest = found
    return Row(number, os.fsdecode(name), *rest)  # type: ignore[arg-type] # the columns' types


class Ledger:
    """What was looked at; one process at a time.

    Args:
        path: the file.
        root: the folder of photos.
        settings: how photos are looked at now.

    Raises:
        GalleryUnavailableError: another index is at work on it.
        GalleryError: the file is another program's, damaged or cannot be written.
    """

    def __init__(self, path: Path, root: Path, settings: str = "") -> None:
        self.path = path
        self.settings = settings
        self.fresh = not path.exists()
        try:
            self._base = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
            self._prepare(root)
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _prepare(self, root: Path) -> None:
        # exclusive: a second index of one gallery is refused, and a kill lets go at once
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF"):
            self._base.execute(f"PRAGMA {pragma}")
        self._base.execute("BEGIN IMMEDIATE")
        (owner,) = self._base.execute("PRAGMA application_id").fetchone()
        (version,) = self._base.execute("PRAGMA user_version").fetchone()
        if owner == 0 and not self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self.fresh = True
            for statement in _TABLES.split(";"):
                self._base.execute(statement)
            self._base.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            self._base.execute(f"PRAGMA user_version={_VERSION}")
            self.path.chmod(0o600)
        elif (owner, version) != (_APPLICATION_ID, _VERSION):
            self._base.close()
            msg = f"{self.path}: not a list of indexed photos of this version; move it away, or name another gallery"
            raise GalleryError(msg)
        self._base.execute("INSERT OR IGNORE INTO roots (path) VALUES (?)", (os.fsencode(root),))
        self._base.execute("COMMIT")
        (self._root,) = self._base.execute("SELECT id FROM roots WHERE path = ?", (os.fsencode(root),)).fetchone()
        self._base.executescript(_TEMPORARY)

    def _fault(self, error: sqlite3.Error) -> GalleryError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return GalleryUnavailableError(
                f"{self.path}: another index is at work on this gallery; wait for it, or end it"
            )
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return GalleryError(f"{self.path}: it is damaged: delete it, the next index makes it from the gallery")
        kind = GalleryUnavailableError if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) else GalleryError
        return kind(f"{self.path}: it cannot be used: {error}; check its disk, and the rights of its folder")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(sqlite3.Error):
            self._base.close()
        if isinstance(error, sqlite3.Error):  # a gallery's own are told by the gallery
            raise self._fault(error) from error

    def _many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run a statement for each row, all or nothing; it is on the disk when this returns."""
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                self._base.executemany(statement, rows)
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._fault(error) from error

    # ---- whose gallery it goes with

    def gallery(self) -> str:
        """Return the identity of the gallery that it goes with; empty where that is not known."""
        row = self._base.execute("SELECT value FROM meta WHERE key = 'gallery'").fetchone()
        return row[0] if row else ""

    def start(self, gallery: str, entries: Iterable[Entry]) -> None:
        """Forget everything, and begin with what a gallery holds."""
        self._many("DELETE FROM photos", [()])
        self._many("INSERT OR REPLACE INTO meta VALUES ('gallery', ?)", [(gallery,)])
        self._many(self._insertion(), (self._values(entry, "") for entry in entries))

    # ---- a folder, compared

    def survey(self, photos: Iterable[Found | Closed], *, again: bool) -> Iterator[Row | Closed]:
        """Compare a folder with what is known; yield what needs no look.

        Args:
            photos: what is in the folder.
            again: also look at photos that were looked at in another way, or could not be read.
        """
        closed: list[str] = []
        self._base.execute("BEGIN")
        for photo in photos:
            if isinstance(photo, Closed):
                closed.append(photo.name)
                yield photo
                continue
            row = self.find(photo.name)
            if row is not None:
                self._base.execute("INSERT OR IGNORE INTO seen VALUES (?)", (row.id,))
            anew = row is not None and again and (row.settings != self.settings or row.outcome == "unreadable")
            if row is None or anew or _differs(row, photo):
                own = None if row is None or anew or row.next_stamp is not None else row.digest
                values = (os.fsencode(photo.name), photo.size, photo.mtime_ns, own)
                self._base.execute("INSERT INTO todo (name, size, mtime_ns, own) VALUES (?, ?, ?, ?)", values)
            else:
                yield row
        self._base.execute(
            "INSERT INTO missing SELECT id, size, iif(next_stamp IS NULL, digest, NULL) FROM photos "
            "WHERE root = ? AND id NOT IN (SELECT id FROM seen)",
            (self._root,),
        )
        self._base.execute("COMMIT")
        for name in closed:  # nothing is known of what is behind a closed door
            raw = os.fsencode(name)
            self._base.execute(
                "DELETE FROM missing WHERE id IN (SELECT id FROM photos WHERE root = ?1 AND "
                "(name = ?2 OR substr(name, 1, length(?3)) = ?3))",
                (self._root, raw, raw + b"/"),
            )

    def to_do(self) -> int:
        """Return how many photos are to be looked at."""
        return int(self._base.execute("SELECT count(*) FROM todo").fetchone()[0])

    def tasks(self) -> Iterator[tuple[Found, tuple[bytes, ...]]]:
        """Yield the photos to look at, each with digests of contents that are known already."""
        last = 0
        while page := self._base.execute(
            "SELECT id, name, size, mtime_ns, own FROM todo WHERE id > ? ORDER BY id LIMIT ?", (last, _PAGE)
        ).fetchall():
            for number, name, size, mtime_ns, own in page:
                last = number
                gone = self._base.execute(
                    "SELECT digest FROM missing WHERE size = ? AND digest IS NOT NULL LIMIT ?", (size, _SAME_SIZE)
                )
                known = {digest for (digest,) in gone.fetchall()} | ({own} - {None})
                yield Found(os.fsdecode(name), size, mtime_ns), tuple(known)

    def missing(self) -> Iterator[Row]:
        """Yield what was in the folder and is not any more."""
        last = 0
        while page := self._base.execute(
            f"SELECT {_COLUMNS} FROM photos WHERE id IN (SELECT id FROM missing WHERE id > ? ORDER BY id LIMIT ?) "
            "ORDER BY id",
            (last, _PAGE),
        ).fetchall():
            for found in page:
                row = _row(found)
                last = row.id
                yield row

    def known(self) -> int:
        """Return how many photos of the folder were looked at before."""
        return int(self._base.execute("SELECT count(*) FROM photos WHERE root = ?", (self._root,)).fetchone()[0])

    def gone(self) -> int:
        """Return how many of them are not in the folder any more, as far as is known by now."""
        return int(self._base.execute("SELECT count(*) FROM missing").fetchone()[0])

    def seen_nothing(self) -> bool:
        """Return whether the folder shows no picture at all."""
        (listed,) = self._base.execute("SELECT (SELECT count(*) FROM seen) + (SELECT count(*) FROM todo)").fetchone()
        return not listed

    # ---- one photo

    def find(self, name: str) -> Row | None:
        """Return what is known of a photo."""
        found = self._base.execute(
            f"SELECT {_COLUMNS} FROM photos WHERE root = ? AND name = ?", (self._root, os.fsencode(name))
        ).fetchone()
        return None if found is None else _row(found)

    def gone_with(self, size: int, digest: bytes) -> Row | None:
        """Return a photo of this content that is not in its place any more."""
        found = self._base.execute(
            f"SELECT {_COLUMNS} FROM photos WHERE id = "
            "(SELECT id FROM missing WHERE size = ? AND digest = ? ORDER BY id LIMIT 1)",
            (size, digest),
        ).fetchone()
        return None if found is None else _row(found)

    def holder_of(self, label: str, name: str) -> str | None:
        """Return the photo, still in its place, that is stored under this label and is not this one."""
        found = self._base.execute(
            "SELECT r.path, p.name FROM photos p JOIN roots r ON r.id = p.root WHERE p.label = ? "
            "AND NOT (p.root = ? AND p.name = ?) AND p.id NOT IN (SELECT id FROM missing) LIMIT 1",
            (label, self._root, os.fsencode(name)),
        ).fetchone()
        return None if found is None else os.fsdecode(b"/".join(found))

    def touch(self, row: Row, size: int, mtime_ns: int) -> None:
        """Note that a photo's time has changed and its content has not."""
        self._many("UPDATE photos SET size = ?, mtime_ns = ? WHERE id = ?", [(size, mtime_ns, row.id)])

    def move(self, row: Row, name: str, label: str, mtime_ns: int) -> None:
        """Note that a photo is in another place; it is missing no more."""
        values = (self._root, os.fsencode(name), label, mtime_ns, row.id)
        self._many("UPDATE photos SET root = ?, name = ?, label = ?, mtime_ns = ? WHERE id = ?", [values])
        self._base.execute("DELETE FROM missing WHERE id = ?", (row.id,))

    def forget(self, rows: Iterable[Row]) -> None:
        """Take photos out."""
        self._many("DELETE FROM photos WHERE id = ?", [(row.id,) for row in rows])

    def intend(self, entries: Iterable[Entry]) -> None:
        """Note what is about to be written to the gallery, beside what it holds already."""
        self._many(
            "INSERT INTO photos (root, name, label, size, mtime_ns, settings, outcome, next_stamp, next_faces) "
            "VALUES (?, ?, ?, ?, ?, ?, 'begun', ?, ?) ON CONFLICT (root, name) DO UPDATE SET "
            "next_stamp = excluded.next_stamp, next_faces = excluded.next_faces",
            [
                (self._root, os.fsencode(e.name), e.label, e.size, e.mtime_ns, self.settings, e.stamp, e.faces)
                for e in entries
            ],
        )

    def write(self, entries: Iterable[Entry]) -> None:
        """Note what the gallery holds of photos now; nothing else of them is left in it."""
        self._many(self._insertion(), [self._values(entry, self.settings) for entry in entries])

    def _insertion(self) -> str:
        columns = "name, label, size, mtime_ns, digest, settings, outcome, reason, stamp, faces"
        sets = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", ")[1:])
        return (
            f"INSERT INTO photos (root, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            f"ON CONFLICT (root, name) DO UPDATE SET {sets}, next_stamp = NULL, next_faces = 0"
        )

    def _values(self, e: Entry, settings: str) -> tuple[object, ...]:
        name = os.fsencode(e.name)
        return (
            self._root, name, e.label, e.size, e.mtime_ns, e.digest, settings, e.outcome, e.reason, e.stamp, e.faces
        )  # fmt: skip


def _differs(row: Row, photo: Found) -> bool:
    return row.next_stamp is not None or (row.size, row.mtime_ns) != (photo.size, photo.mtime_ns)
