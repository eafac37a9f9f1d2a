"""Gallery file -> transactions: one connection that writes, one that reads, each behind a lock.

The reading connection sees a commit of any other connection, this process's own included, by `PRAGMA data_version`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.gallery.contract import Contract, GalleryOptions
from twinlens.gallery.faults import explained
from twinlens.gallery.schema import connect, open_database

_POLL_S = 0.01


def _place_of(path: Path) -> tuple[int, int] | None:
    """Return what tells this file from another under the same name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Database:
    """The durable truth of a gallery.

    Args:
        path: the file.
        contract: what the caller's vectors are; None takes what the file says.
        options: creation and patience.

    Raises:
        GalleryError: see `twinlens.gallery.schema.open_database`.
        ModelMismatchError: the file holds another model's vectors.
    """

    def __init__(self, path: Path, contract: Contract | None, options: GalleryOptions) -> None:
        self.path = path
        self._options = options
        self._pid = os.getpid()
        self._write_lock = threading.RLock()
        self._read_lock = threading.RLock()
        self._closed = False
        with explained(path):
            self._writer, self.uuid, self.contract = open_database(path, contract, options)
            self._place = _place_of(path)
            try:
                self._reader = connect(path, options)
            except BaseException:
                self._writer.close()
                raise

    def _check_usable(self) -> None:
        if self._closed:
            msg = f"gallery {self.path}: it was closed; open it again"
            raise GalleryError(msg)
        if os.getpid() != self._pid:
            msg = f"gallery {self.path}: opened by another process; open it again in this one (SQLite cannot be forked)"
            raise GalleryError(msg)

    def _check_in_place(self) -> None:
        """Refuse to acknowledge what went into a file that nobody can open any more."""
        if _place_of(self.path) != self._place:
            msg = (
                f"gallery {self.path}: the file was replaced or removed while it was open, and nothing written since "
                "is in it; open it again and repeat"
            )
            raise GalleryUnavailableError(msg)

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection, begin: str) -> Iterator[sqlite3.Connection]:
        with explained(self.path):
            self._check_usable()
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # also where a signal let the block outlive the connection
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction; it is on the disk when the block has ended.

        Raises:
            GalleryUnavailableError: another writer for too long, or a full disk; nothing was stored.
        """
        with self._write_lock:
            self._check_in_place()
            with self._transaction(self._writer, "BEGIN IMMEDIATE") as connection:
                yield connection
            self._check_in_place()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Run the block on one consistent view."""
        with self._read_lock, self._transaction(self._reader, "BEGIN") as connection:
            yield connection

    def version(self) -> int:
        """Return a number that differs after every commit, by whichever process."""
        with self._read_lock, explained(self.path):
            self._check_usable()
            return int(self._reader.execute("PRAGMA data_version").fetchone()[0])

    def checkpoint(self, wait_s: float) -> bool:
        """Move the write-ahead log into the file and empty it.

        Args:
            wait_s: how long others may keep it busy, seconds.

        Returns:
            False where somebody used it all the time.
        """
        deadline = time.monotonic() + wait_s
        with self._write_lock, explained(self.path):
            self._check_usable()
            (patience,) = self._writer.execute("PRAGMA busy_timeout").fetchone()
            self._writer.execute("PRAGMA busy_timeout=0")  # it does not cover another checkpoint: wait here instead
            try:
                while self._emptied() is False:
                    if time.monotonic() >= deadline:
                        return False
                    time.sleep(_POLL_S)
            finally:
                self._writer.execute(f"PRAGMA busy_timeout={patience}")
        return True

    def _emptied(self) -> bool:
        try:
            busy: int = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return busy == 0

    @contextmanager
    def view(self) -> Iterator[sqlite3.Connection]:
        """Run a long read on one consistent view, with a connection of its own so that searches go on."""
        with explained(self.path):
            self._check_usable()
            with closing(connect(self.path, self._options)) as connection:
                connection.execute("BEGIN")
                yield connection

    def vacuum(self) -> None:
        """Write the file anew, without any slack."""
        with self._write_lock, explained(self.path):
            self._check_usable()
            self._writer.execute("VACUUM")

    def close(self) -> None:
        """Close both connections; the last one to close empties the write-ahead log."""
        with self._write_lock, self._read_lock:
            if not self._closed and os.getpid() == self._pid:
                self._closed = True
                with explained(self.path):
                    self._reader.close()
                    self._writer.close()
