"""Names of people -> how the audit log calls them, and nobody can say whom once they are erased.

An erased person's name must not live on in a log that cannot be changed. A subject is written as a random pseudonym;
which name has which pseudonym is kept in ``audit.db`` as a keyed hash of gallery and name. While the person is enrolled
all their entries can be found by the name; when they are erased that row is overwritten, and nobody can tell any more
whose entries they were, by guessing neither, which a salted hash of the name alone would allow.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime

from twinlens.service import audit_arrears as arrears
from twinlens.service.audit_entry import Pseudonym
from twinlens.service.ledger import Ledger


class Pseudonyms:
    """The people of one log.

    Args:
        ledger: ``audit.db``.
        clock: the time, UTC.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._clock = clock
        with ledger.reading() as connection:
            (self._pepper,) = connection.execute("SELECT value FROM pepper").fetchone()

    def pseudonym(self, gallery: str, subject: str) -> Pseudonym | None:
        """Return how a person is called in the log; None where no entry is about them."""
        with self._ledger.reading() as connection:
            return _known(connection, self.name(gallery, subject))

    def renamed(self, gallery: str, old: str, new: str) -> None:
        """Keep a person's pseudonym under a new name; where that has one already, the old one is forgotten."""
        with self._ledger.writing() as connection:
            move(connection, self.name(gallery, old), self.name(gallery, new))

    def erasing(self, gallery: str, subject: str) -> Pseudonym:
        """Note that somebody is about to be erased; return how entries about it call them. See `unfinished`."""
        with self._ledger.writing() as connection:
            pseudonym = self.called(connection, gallery, subject)
            now = self._clock().timestamp()
            connection.execute("UPDATE pseudonyms SET erasing_since = ? WHERE pseudonym = ?", (now, str(pseudonym)))
        return pseudonym

    def unfinished(self, gallery: str, living: Iterable[str], *, older_s: float) -> list[Pseudonym]:
        """Return who is gone although nobody noted the end: their erasure was begun by a process that was killed.

        Args:
            gallery: which.
            living: the names of everybody in it.
            older_s: begun so long ago, seconds, that nobody can be working on it any more.
        """
        with self._ledger.reading() as connection:
            wanted = "SELECT name, pseudonym FROM pseudonyms WHERE gallery = ? AND erasing_since <= ?"
            rows = connection.execute(wanted, (gallery, self._clock().timestamp() - older_s)).fetchall()
        still = {self.name(gallery, name) for name in living} if rows else set()
        return sorted(Pseudonym(pseudonym) for name, pseudonym in rows if name not in still)

    def forget(self, pseudonym: Pseudonym) -> None:
        """Forget whose pseudonym this was; its entries stay and point at nobody."""
        with self._ledger.writing() as connection:
            connection.execute("DELETE FROM pseudonyms WHERE pseudonym = ?", (str(pseudonym),))

    def galleries(self) -> set[str]:
        """Return the galleries whose people have pseudonyms."""
        with self._ledger.reading() as connection:
            return {str(name) for (name,) in connection.execute("SELECT DISTINCT gallery FROM pseudonyms")}

    def forget_gallery(self, gallery: str) -> None:
        """Forget everybody of a gallery that was erased."""
        with self._ledger.writing() as connection:
            connection.execute("DELETE FROM pseudonyms WHERE gallery = ?", (gallery,))
            arrears.nameless(connection, gallery)

    def name(self, gallery: str, subject: str) -> bytes:
        """Return a name as it is kept here: not to be read, and not to be guessed without this file."""
        return hmac.digest(self._pepper, f"{gallery}\0{subject}".encode(errors="surrogatepass"), "sha256")

    def called(self, connection: sqlite3.Connection, gallery: str, subject: str) -> Pseudonym:
        """Return a person's pseudonym, a new one where there is none; for nobody the empty one."""
        if not subject or isinstance(subject, Pseudonym):
            return Pseudonym(subject)
        name = self.name(gallery, subject)
        known = _known(connection, name)
        if known is None:
            known = Pseudonym(f"p-{secrets.token_hex(12)}")
            connection.execute("INSERT INTO pseudonyms VALUES (?, ?, ?, NULL)", (name, str(known), gallery))
        return known


def _known(connection: sqlite3.Connection, name: bytes) -> Pseudonym | None:
    found = connection.execute("SELECT pseudonym FROM pseudonyms WHERE name = ?", (name,)).fetchone()
    return None if found is None else Pseudonym(found[0])


def move(connection: sqlite3.Connection, before: bytes, after: bytes) -> None:
    """Keep a pseudonym under another name (keyed hashes); where that has one already, the old one is forgotten."""
    if _known(connection, after) is None:
        connection.execute("UPDATE pseudonyms SET name = ? WHERE name = ?", (after, before))
    else:
        connection.execute("DELETE FROM pseudonyms WHERE name = ?", (before,))
