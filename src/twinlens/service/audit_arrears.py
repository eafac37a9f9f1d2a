"""A deed that is about to be done -> a row beside the head of the log, until its entry is written.

The row is on the disk before the deed is begun, so a log that cannot be written is seen while nothing is done yet. What
is done although its entry cannot be written, and what a killed process had begun, leaves its row behind: the entry is
made up for with the next one that is written. What came of it is then known, or is said to be unknown.

A deed that moves a person to another name has the keyed hashes of both names in its row. Only whoever has the gallery
at hand can tell whether it was done; see `twinlens.service.deeds`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass

from twinlens.service.audit_entry import Event, Pseudonym

TABLE = """
CREATE TABLE arrears (
  id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, gallery TEXT NOT NULL, event TEXT NOT NULL,
  before BLOB, after BLOB)
"""
_COLUMNS = "SELECT id, owner, event, before, after FROM arrears"
Left = Callable[[int, str], bool]


@dataclass(frozen=True, slots=True)
class Begun:
    """A deed that was begun and has no entry.

    Attributes:
        row: of the table.
        owner: mark of the process that began it.
        event: what is to be written, with pseudonyms.
        before: keyed hash of the name from which a person is moved; None where nobody is.
        after: the same of the name to which.
    """

    row: int
    owner: str
    event: Event
    before: bytes | None
    after: bytes | None


def write(
    connection: sqlite3.Connection, owner: str, event: Event, names: tuple[bytes | None, bytes | None] = (None, None)
) -> int:
    """Note a deed as begun; return its row. The event has pseudonyms, no names."""
    values = (owner, event.gallery, json.dumps(asdict(event)), *names)
    done = connection.execute(
        "INSERT INTO arrears (owner, gallery, event, before, after) VALUES (?, ?, ?, ?, ?)", values
    )
    return int(done.lastrowid or 0)


def take(connection: sqlite3.Connection, row: int) -> Begun | None:
    """Take a row away and return what it said; None where another process did so before."""
    found = connection.execute(f"{_COLUMNS} WHERE id = ?", (row,)).fetchone()
    connection.execute("DELETE FROM arrears WHERE id = ?", (row,))
    return None if found is None else _begun(*found)


def overdue(connection: sqlite3.Connection, left: Left) -> list[Begun]:
    """Return deeds whose entries are to be made up for; those that move a person are not among them.

    Args:
        connection: of the file.
        left: says of a row and its owner whether nobody works on it any more.
    """
    rows = connection.execute(f"{_COLUMNS} WHERE before IS NULL ORDER BY id").fetchall()
    return [begun for begun in (_begun(*row) for row in rows) if left(begun.row, begun.owner)]


def moves(connection: sqlite3.Connection, gallery: str, left: Left) -> list[Begun]:
    """Return the moves of a gallery that were begun and are worked on by nobody, in their order."""
    rows = connection.execute(f"{_COLUMNS} WHERE gallery = ? AND before IS NOT NULL ORDER BY id", (gallery,)).fetchall()
    return [begun for begun in (_begun(*row) for row in rows) if left(begun.row, begun.owner)]


def nameless(connection: sqlite3.Connection, gallery: str) -> None:
    """Forget whom the moves of a gallery were about: it was erased, and nobody can tell any more what was done."""
    connection.execute("UPDATE arrears SET before = NULL, after = NULL WHERE gallery = ?", (gallery,))


def _begun(row: int, owner: str, text: str, before: bytes | None, after: bytes | None) -> Begun:
    told = json.loads(text)
    event = Event(**{**told, "subject": Pseudonym(told["subject"]), "other": Pseudonym(told["other"])})
    return Begun(row, owner, event, before, after)
