"""Path -> a private SQLite file of the service's own: durable, for several processes, errors in words.

Keys, stored answers and the head of the audit log are kept in such files. They follow the gallery
(`twinlens.gallery.schema`): write-ahead log with ``synchronous=FULL``, so that what is acknowledged survives a power
cut, and ``secure_delete``, so that what is deleted is overwritten.

SQLite goes on reading a file that was removed or replaced while it is open. So each use looks first whether the file at
the path is still the one that was opened: another one is refused, or, where its kind says so, opened in its place.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from twinlens.errors import ServiceError, ServiceUnavailableError
from twinlens.gallery.header import fsync_folder

_PATIENCE_S = 10.0
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "fullfsync=ON",
    "foreign_keys=ON",
    "secure_delete=ON",
    "trusted_schema=OFF",
)
_COLUMNS = "SELECT name FROM pragma_table_info(?)"
_FILE = 2  # the first numbers of a stamp say which file it is
_TRY_AGAIN = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file holds.

    Attributes:
        what: in words, for messages: ``keys``.
        mark: SQLite's application id, four letters in a number, which tells it from any other file.
        tables: statements that make it, parted by ``;``.
        upgrades: statements that take its layout one step further each; SQLite's user version counts them.
        afresh: how to go on without a file whose layout is not known, in words.
        replaceable: another file at the path, or the same one written to by somebody else, counts from the next use
            on; else the service must be started anew.
    """

    what: str
    mark: int
    tables: str
    upgrades: tuple[str, ...] = ()
    afresh: str = "move it away: a new one is made"
    replaceable: bool = False

    def layout(self, version: int) -> dict[str, set[str]]:
        """Return the columns of each table after so many upgrades."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
            for script in (self.tables, *self.upgrades[:version]):
                _execute(made, script)
            return columns_of(made)


def columns_of(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Return the columns of each table."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {str(name): {row[0] for row in connection.execute(_COLUMNS, (name,))} for (name,) in tables}


class Ledger:
    """One file, one connection behind a lock; several threads and several processes may use the file at once.

    Args:
        path: the file; made with mode 0600 where there is none, its folder too.
        kind: what it holds.

    Raises:
        ServiceError: another program's file, damaged, or not to be written.
        ServiceUnavailableError: another process keeps it, or the disk is full.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self.path = path
        self._kind = kind
        self._lock = threading.RLock()
        with self._explained():
            if not path.parent.exists():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                fsync_folder(path.parent.parent)
            with suppress(FileExistsError):  # closing a file that SQLite has open would drop its locks
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # private from its first moment
                fsync_folder(path.parent)
            self._closed = False
            self._connect()

    def _connect(self) -> None:
        """Open the file that is there."""
        self._stamp = _stamp_of(self.path)
        self._connection = sqlite3.connect(
            self.path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except BaseException:
            self._stamp = None  # the next use tries again
            self._connection.close()
            raise

    def _follow(self) -> None:
        """See that the file at the path is the one that is open.

        Raises:
            ServiceUnavailableError: it was removed, or replaced where it must not be.
        """
        if self._closed or (self._stamp is not None and self._connection.in_transaction):
            return
        now, name = _stamp_of(self.path), f"{self._kind.what} {self.path}"
        if now is None:
            msg = f"{name}: it was removed while it was in use: put it back, or restart the service"
            raise ServiceUnavailableError(msg)
        if self._kind.replaceable:
            if now != self._stamp:
                self._connection.close()
                self._connect()
        elif self._stamp is None or now[:_FILE] != self._stamp[:_FILE]:
            msg = f"{name}: it was replaced while it was in use: put the other one back, or restart the service"
            raise ServiceUnavailableError(msg)

    def _prepare(self) -> None:
        for pragma in _PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        with self._transaction() as connection:
            (mark,) = connection.execute("PRAGMA application_id").fetchone()
            if mark == self._kind.mark:
                self._check_layout(connection)
            elif mark or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                msg = f"{self._kind.what} {self.path}: it is a database of another program; choose another path"
                raise ServiceError(msg)
            else:
                _execute(connection, self._kind.tables)
                connection.execute(f"PRAGMA application_id={self._kind.mark}")
            self._upgrade(connection)

    def _check_layout(self, connection: sqlite3.Connection) -> None:
        """Refuse a file that this version cannot read.

        Raises:
            ServiceError: another version of Twinlens made it.
        """
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        name = f"{self._kind.what} {self.path}"
        if version > len(self._kind.upgrades):
            msg = f"{name}: a later version of Twinlens wrote it: upgrade Twinlens, or {self._kind.afresh}"
            raise ServiceError(msg)
        there = columns_of(connection)
        wanted = self._kind.layout(version)
        lacks = sorted(f"{table}.{column}" for table in wanted for column in wanted[table] - there.get(table, set()))
        if lacks:
            msg = (
                f"{name}: an early version of Twinlens made it, and it lacks {', '.join(lacks)}: "
                f"go on with that version, or {self._kind.afresh}"
            )
            raise ServiceError(msg)

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for script in self._kind.upgrades[version:]:
            _execute(connection, script)
        if version != len(self._kind.upgrades):
            connection.execute(f"PRAGMA user_version={len(self._kind.upgrades)}")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction, alone among all processes; it is on the disk when the block has ended.

        Raises:
            ServiceError: the file cannot be used; nothing was stored.
        """
        with self._lock, self._explained():
            self._follow()
            with self._transaction() as connection:
                yield connection
            if self._kind.replaceable:  # by a copy of the file alone: nothing must be left in its log
                with suppress(sqlite3.Error):
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Run the block's queries; each sees what any process has committed."""
        with self._lock, self._explained():
            self._follow()
            yield self._connection

    def close(self) -> None:
        """Release the file; what was acknowledged is already safe."""
        with self._lock, self._explained():
            self._closed = True
            self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        name = f"{self._kind.what} {self.path}"
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in _TRY_AGAIN:
                msg = f"{name}: busy, full or failing; nothing was stored ({error}): free space, or try again later"
                raise ServiceUnavailableError(msg) from error
            msg = f"{name}: {error}: check its permissions, or restore a copy"
            raise ServiceError(msg) from error
        except OSError as error:
            msg = f"{name}: {error.strerror or error}: check the path, its permissions and the space on the disk"
            raise ServiceUnavailableError(msg) from error


def _execute(connection: sqlite3.Connection, script: str) -> None:
    """Run statements parted by ``;`` inside the transaction that has begun."""
    for statement in script.split(";"):
        connection.execute(statement)


def _stamp_of(path: Path) -> tuple[int, ...] | None:
    """Return which file is at a path, and how it looks from outside; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
