"""Path -> a checked SQLite connection: pragmas, tables, schema version, embedding contract.

Durability follows https://www.sqlite.org/pragma.html#pragma_synchronous: in WAL mode only FULL survives a power cut.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from pathlib import Path

from twinlens.errors import GalleryError, ModelMismatchError
from twinlens.gallery.contract import Contract, GalleryOptions
from twinlens.gallery.header import fsync_folder

APPLICATION_ID = 0x54574C4E  # "TWLN"
SCHEMA_VERSION = 1
_CACHE_KIB = 16_384  # holds the inner pages of a million templates

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE subjects (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL);
CREATE TABLE tags (
  subject_id INTEGER NOT NULL REFERENCES subjects(id) ON DELETE CASCADE,
  key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (subject_id, key)) WITHOUT ROWID;
CREATE INDEX tags_by_value ON tags (key, value, subject_id);
CREATE TABLE templates (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  subject_id INTEGER NOT NULL REFERENCES subjects(id) ON DELETE RESTRICT,
  vector BLOB NOT NULL, photo TEXT NOT NULL, quality REAL NOT NULL, source TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE UNIQUE INDEX templates_by_photo ON templates (photo, subject_id);
CREATE INDEX templates_by_subject ON templates (subject_id);
CREATE TABLE removals (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, template_id INTEGER NOT NULL, proven INTEGER NOT NULL DEFAULT 0);
CREATE INDEX removals_unproven ON removals (template_id) WHERE proven = 0;
"""


def _check_path(path: Path, options: GalleryOptions) -> None:
    if path.is_dir():
        msg = f"gallery {path}: it is a folder; name a file, for example {path / 'faces.db'}"
        raise GalleryError(msg)
    if not path.parent.is_dir():
        msg = f"gallery {path}: there is no folder {path.parent}; make it first"
        raise GalleryError(msg)
    if not path.exists():
        if not options.create:
            msg = f"gallery {path}: there is no such file; enrol somebody first, or check the path"
            raise GalleryError(msg)
        return
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK)):
        msg = f"gallery {path}: it cannot be written; check the permissions of the file and of {path.parent}"
        raise GalleryError(msg)


def _make_private(path: Path) -> None:
    """Let only the owner read a gallery that was just made, and make its name survive a power cut."""
    if os.name == "posix":
        path.chmod(0o600)  # the log and the shared memory take over this mode
        fsync_folder(path.parent)


def connect(path: Path, options: GalleryOptions) -> sqlite3.Connection:
    """Open a connection with every pragma that durability and erasure need."""
    connection = sqlite3.connect(path, timeout=options.busy_timeout_s, isolation_level=None, check_same_thread=False)
    for pragma in (
        "synchronous=FULL",
        "fullfsync=ON",  # macOS: fsync alone does not reach the platters
        "checkpoint_fullfsync=ON",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",  # vectors never reach a temporary file
        "cell_size_check=ON",
        "trusted_schema=OFF",
        f"cache_size=-{_CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _check_owner(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether the file holds a gallery; False where it is empty."""
    owner, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if empty and owner == 0:
        return False
    if owner != APPLICATION_ID:
        msg = f"gallery {path}: it is a database of another program; choose another path"
        raise GalleryError(msg)
    if version > SCHEMA_VERSION:
        msg = (
            f"gallery {path}: written by a later Twinlens (schema {version}, this one reads {SCHEMA_VERSION}): "
            "upgrade Twinlens"
        )
        raise GalleryError(msg)
    return True


def _named(contract: Contract | None, path: Path) -> Contract:
    """Refuse to create a gallery for vectors of no model."""
    if contract is None:
        msg = f"gallery {path}: nobody is enrolled there; enrol somebody first, or check the path"
        raise GalleryError(msg)
    return contract


def _check_same(held: Contract, wanted: Contract | None, path: Path) -> None:
    if wanted is not None and wanted != held:
        msg = (
            f"gallery {path} holds embeddings of {held.model!r} ({held.dim}-d), not of {wanted.model!r} "
            f"({wanted.dim}-d): use {held.model!r}, or enrol into another gallery"
        )
        raise ModelMismatchError(msg)


def _create_tables(connection: sqlite3.Connection, path: Path, contract: Contract | None) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _check_owner(connection, path):
            contract = _named(contract, path)
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            facts = {"uuid": uuid.uuid4().hex, "model": contract.model, "dim": str(contract.dim)}
            connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read_contract(connection: sqlite3.Connection) -> tuple[str, Contract]:
    """Return the gallery's uuid and whose vectors it holds."""
    facts = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    return facts["uuid"], Contract(facts["model"], int(facts["dim"]))


def open_database(
    path: Path, contract: Contract | None, options: GalleryOptions
) -> tuple[sqlite3.Connection, str, Contract]:
    """Open or create a gallery file; return the connection, its uuid and its contract.

    Args:
        path: the file.
        contract: what the caller's vectors are; None takes what the file says, and never creates.
        options: creation and patience.

    Raises:
        GalleryError: a folder, not a gallery, of a later version, or not there and not to be created.
        ModelMismatchError: it holds another model's vectors.
    """
    _check_path(path, options)
    made = not path.exists()
    if made:
        _named(contract, path)
    connection = connect(path, options)
    try:
        if made:
            _make_private(path)
        if not _check_owner(connection, path):
            _create_tables(connection, path, contract)
        connection.execute("PRAGMA journal_mode=WAL")
        identity, held = read_contract(connection)
        _check_same(held, contract, path)
    except BaseException:
        connection.close()
        raise
    return connection, identity, held
