"""Names -> receipts: remove from the database, scrub every file, then look for what may be left."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.gallery.database import Database
from twinlens.gallery.erasure import find_remains, slices_of
from twinlens.gallery.reading import holds_bytes, resolve, unproven
from twinlens.gallery.side_index import SideIndex
from twinlens.gallery.writing import Erased, mark_proven
from twinlens.protocols import Erasure

_LOG = logging.getLogger("twinlens.gallery")
_TELLING_CODE = 16  # bytes; shorter codes occur anywhere by chance, and are only looked for in their own rows
_SUFFIXES = ("", "-wal", "-shm", "-journal")


def sqlite_files(database: Database) -> list[Path]:
    """Return the files that SQLite keeps: the gallery, its log and its shared memory."""
    path = database.path
    return [file for suffix in _SUFFIXES if (file := path.with_name(path.name + suffix)).exists()]


def _scrub(database: Database, side: SideIndex, wait_s: float) -> None:
    """Empty the write-ahead log and overwrite the index rows; whatever cannot be done shows in the search after it."""
    with suppress(GalleryError):
        if not database.checkpoint(wait_s):
            _LOG.info("gallery %s: a reader kept the write-ahead log from being emptied", database.path)
    side.erase_removed(wait_s=wait_s)


def _remains(database: Database, side: SideIndex, vectors: set[bytes], codes: set[bytes]) -> dict[Path, set[bytes]]:
    """Return the files that hold something which no living template explains."""
    own = sqlite_files(database)
    found = find_remains([*own, *side.files()], vectors | codes, opened=own)
    hits = set().union(*found.values()) if found else set()
    owners = {hit: side.templates_with_code(hit) for hit in hits & codes}
    with database.reading() as connection:
        explained = {hit for hit in hits & vectors if holds_bytes(connection, hit)}
        explained |= {hit for hit, templates in owners.items() if resolve(connection, templates)}
    left = {path: pieces - explained for path, pieces in found.items() if not pieces or pieces - explained}
    return {path: pieces for path, pieces in left.items() if path.exists()}


def _all_remains(database: Database, side: SideIndex, erased: Erased, codes: set[bytes]) -> set[Path]:
    """Return the files that hold bytes of what was erased, and those whose rows were not overwritten."""
    return {*_remains(database, side, slices_of(erased.vectors), codes), *side.codes_of(erased.ids)}


def erase(
    database: Database,
    side: SideIndex,
    subject: str,
    delete: Callable[[sqlite3.Connection], Erased],
    *,
    wait_s: float,
) -> Erasure:
    """Run ``delete`` as one transaction and prove what it did.

    Once the transaction has ended the subject cannot be found any more, whatever happens to the scrubbing; the receipt
    tells how far that went.

    Args:
        database: the truth.
        side: the scan index beside it.
        subject: for the receipt.
        delete: removes rows and returns what they were.
        wait_s: how long to wait for a process that is changing the index, seconds.

    Raises:
        GalleryError: what ``delete`` raises, and what beginning a transaction raises; nothing was removed.
    """
    with database.writing() as connection:
        erased = delete(connection)
    codes = {code for many in side.codes_of(erased.ids).values() for code in many if len(code) >= _TELLING_CODE}
    _scrub(database, side, wait_s)
    remains = _all_remains(database, side, erased, codes)
    if database.path in remains:  # slack inside a page, which secure_delete does not reach
        with suppress(GalleryError):
            database.vacuum()
        _scrub(database, side, wait_s)
        remains = _all_remains(database, side, erased, codes)
    if not remains:
        with suppress(GalleryError), database.writing() as connection:
            mark_proven(connection, erased.ids)
    places = tuple(str(path) for path in [*sqlite_files(database), *side.files()])
    return Erasure(subject, len(erased.ids), places, tuple(str(path) for path in sorted(remains)))


def finish(database: Database, side: SideIndex, *, wait_s: float) -> None:
    """Make up for removals that were not proven; the index was just written anew.

    What was removed is not known any more, so the database is written anew as well: nothing but living rows is left.

    Raises:
        GalleryUnavailableError: another process keeps the log or the index; nothing is lost by trying again.
    """
    with database.reading() as connection:
        pending = unproven(connection)
    if not pending:
        return
    database.vacuum()
    clean = database.checkpoint(wait_s) and side.erase_removed(wait_s=wait_s) and not side.codes_of(pending)
    if not clean or side.superseded():
        msg = f"gallery {database.path}: another process keeps what is to be erased; close it and try again"
        raise GalleryUnavailableError(msg)
    with database.writing() as connection:
        mark_proven(connection, pending)
