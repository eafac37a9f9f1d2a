"""Events -> a log of who did what, append-only, chained by hashes, on the disk before the answer is given.

Two files: ``audit.jsonl``, one JSON object a line, for people and for tools; and ``audit.db``, the *head* of the chain
(how many entries, how many bytes, the last hash) and the pseudonyms. `append` writes lines, waits for the disk, moves
the head on, waits again, and returns. So whatever was acknowledged is below the head, and a log that was cut off is
shorter than its head says. What a killed process left above the head is kept as far as it is whole and follows, and cut
where it is torn: neither is tampering.

Names are not written: see `twinlens.service.audit_people`.

What it cannot do. There is no secret in a chain: whoever may write both files (root, or the service's own user) can
write a whole new history, or put back an old copy of both. Against that, note `head` elsewhere from time to time (it is
in the answer of ``/v1/audit/verify`` and in the figures): `verify` then finds that the noted entry is not there. The
entry of a process that was killed between the deed and the log is made up for later (`begin`): what came of the deed is
then unknown, and where it was killed between the line and the head the entry stands there twice.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from twinlens.errors import OptionError, ServiceError, ServiceUnavailableError
from twinlens.gallery.header import fsync_folder
from twinlens.service import audit_arrears as arrears
from twinlens.service.audit_arrears import Begun
from twinlens.service.audit_check import Head, Tail, Verdict, check_log, read_tail
from twinlens.service.audit_entry import LONGEST_LINE, Entry, Event, Fact, read_line
from twinlens.service.audit_people import Pseudonyms, move
from twinlens.service.ledger import Kind, Ledger
from twinlens.service.presence import Presence

_LOG = logging.getLogger("twinlens.service.audit")
_THREADS = 64  # as many callers may wait for one write
_KIND = Kind(
    "audit log",
    0x54574C41,  # "TWLA"
    """
CREATE TABLE head (chain TEXT NOT NULL, count INTEGER NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE pepper (value BLOB NOT NULL);
CREATE TABLE pseudonyms (
  name BLOB PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE, gallery TEXT NOT NULL, erasing_since REAL
) WITHOUT ROWID;
INSERT INTO pepper VALUES (randomblob(32));
INSERT INTO head SELECT chain, 0, 0, chain FROM (SELECT lower(hex(randomblob(32))) AS chain)
""",
    upgrades=(arrears.TABLE,),
    afresh="move audit.db and audit.jsonl away together: a new chain begins",
)


@dataclass(eq=False)
class _Batch:
    """What one caller waits for."""

    events: Sequence[Event]
    begins: tuple[bytes | None, bytes | None] | None = None  # names of a move
    row: int | None = None  # of what was begun
    entries: list[Entry] = field(default_factory=list)
    error: ServiceError | None = None
    done: bool = False


class AuditLog(Pseudonyms):
    """One log; several threads and several processes may write it at once.

    Callers that come while another waits for the disk are written together, so that the disk bounds how long an answer
    takes, not how many are given.

    Args:
        folder: where ``audit.jsonl`` and ``audit.db`` lie; both are made with mode 0600. Marks of living processes lie
            in a folder beside it.
        clock: the time, UTC.

    Raises:
        ServiceError: the files cannot be used. A log that is not what its head says is opened all the same, so that it
            can be looked at; it cannot be written.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] | None = None) -> None:
        self.path = folder / "audit.jsonl"
        super().__init__(Ledger(folder / "audit.db", _KIND), clock or (lambda: datetime.now(UTC)))
        self._presence = Presence(folder.with_name(f"{folder.name}.owners"))
        self._working: set[int] = set()
        self._ended: dict[int, Event] = {}  # deeds that are done and not written yet
        self._turn = threading.Condition()
        self._waiting: list[_Batch] = []
        self._writing = False
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="audit")
        try:
            self.append()  # heals what a killed process left
        except ServiceError:
            _LOG.exception("nothing that must be logged will be done")

    # ---- writing

    def append(self, *events: Event) -> list[Entry]:
        """Write events, one after the other; they are on the disk when this returns.

        Raises:
            ServiceUnavailableError: busy, or the disk is full; nothing was acknowledged: the caller must not go on.
            ServiceError: the log is not the one that its head describes; see `verify`.
        """
        return self._through(_Batch(events)).entries

    def begin(self, event: Event, move: tuple[str, str] | None = None) -> int:
        """Note, on the disk, that a deed is about to be done; return a number for `end`, `undo` or `leave`.

        Args:
            event: as it will be written, as far as it is known.
            move: the names from which and to which a person is moved.

        Raises:
            ServiceError: the log cannot be written: the deed must not be done.
        """
        names = None if move is None else (self.name(event.gallery, move[0]), self.name(event.gallery, move[1]))
        batch = self._through(_Batch([event], begins=names or (None, None)))
        return batch.row or 0

    def end(self, row: int, event: Event) -> None:
        """Write the entry of a deed that was begun and is done, under the pseudonyms of its beginning.

        Args:
            row: from `begin`.
            event: what it turned out to be.

        Raises:
            ServiceError: it cannot be written now: it will be made up for.
        """
        self._ended[row] = event
        try:
            self._through(_Batch([event], row=row))
            del self._ended[row]
        finally:
            self.leave(row)

    def undo(self, row: int) -> None:
        """Take back that a deed was begun: nothing was done."""
        try:
            with self._ledger.writing() as connection:
                arrears.take(connection, row)
        except ServiceError:
            _LOG.warning("audit log: a deed that was not done will be in it, with an outcome that is not known")
        finally:
            self.leave(row)

    def leave(self, row: int) -> None:
        """Work no more on a deed; if its entry is not written, it will be made up for."""
        with self._turn:
            self._working.discard(row)

    def _left(self, row: int, owner: str) -> bool:
        """Whether nobody works on a deed any more."""
        if owner == self._presence.token:
            return row not in self._working
        return not self._presence.lives(owner)

    def _through(self, batch: _Batch) -> _Batch:
        """Write a batch, together with those that wait."""
        with self._turn:
            self._waiting.append(batch)
            self._turn.wait_for(lambda: batch.done or not self._writing)
            if not batch.done:  # nobody writes: take along whoever waits
                self._writing = True
                batches, self._waiting = self._waiting, []
        if not batch.done:
            self._write(batches)
        if batch.error is not None:
            raise type(batch.error)(str(batch.error)) from batch.error
        return batch

    async def written(self, *events: Event) -> list[Entry]:
        """Do the same from an event loop, on threads of its own that only wait: many requests share one wait.

        Raises:
            ServiceError: see `append`.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(self.append, *events))

    def _write(self, batches: Sequence[_Batch]) -> None:
        error: ServiceError | None = ServiceUnavailableError("audit log: interrupted; nothing was acknowledged")
        try:
            with self._ledger.writing() as connection:
                self._extend(connection, batches)
            error = None
        except ServiceError as found:
            error = found
        finally:
            with self._turn:
                for batch in batches:
                    batch.error, batch.done = error, True
                self._writing = False
                self._turn.notify_all()

    def _extend(self, connection: sqlite3.Connection, batches: Sequence[_Batch]) -> None:
        """Write lines below the file's end, then move the head; inside a transaction, alone among all processes."""
        new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if new:
                fsync_folder(self.path.parent)
            head = self._healed(descriptor, _head(connection))
            start, at = head.size, self._clock().isoformat(timespec="microseconds").replace("+00:00", "Z")
            lines: list[bytes] = []
            for batch in (*self._overdue(connection), *batches):
                for event in self._events(connection, batch):
                    entry = self._entry(connection, event, head, at)
                    lines.append(entry.line())
                    batch.entries.append(entry)
                    head = head.after(entry)
            try:
                _write_all(descriptor, b"".join(lines))
                os.fsync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, start)
                raise
        finally:
            os.close(descriptor)
        connection.execute("UPDATE head SET count = ?, size = ?, hash = ?", (head.count, head.size, head.hash))

    def _overdue(self, connection: sqlite3.Connection) -> list[_Batch]:
        """Return what is to be made up for."""
        found = arrears.overdue(connection, self._left)
        return [_Batch([self._late(begun, {"outcome": "unknown"})], row=begun.row) for begun in found]

    def _late(self, begun: Begun, facts: Mapping[str, Fact]) -> Event:
        """Return what is written late: what is known here, or what its beginning and these facts say."""
        event = self._ended.get(begun.row) or replace(begun.event, facts={**begun.event.facts, **facts})
        return replace(event, facts={**event.facts, "made up for": True})

    def _events(self, connection: sqlite3.Connection, batch: _Batch) -> Sequence[Event]:
        """Return what is to be written of a batch, and keep the book of what is begun and done."""
        if batch.begins is not None:
            (event,) = batch.events
            people = (self.called(connection, event.gallery, one) for one in (event.subject, event.other))
            subject, other = people
            event = replace(event, subject=subject, other=other)
            batch.row = arrears.write(connection, self._presence.token, event, batch.begins)
            self._working.add(batch.row)
            return ()
        if batch.row is None:
            return batch.events
        begun = arrears.take(connection, batch.row)
        if begun is None:  # another process made up for it
            return ()
        if begun.before is not None and begun.after is not None:
            move(connection, begun.before, begun.after)
        return [replace(event, subject=begun.event.subject, other=begun.event.other) for event in batch.events]

    def _healed(self, descriptor: int, head: Head) -> Head:
        """Return the head after what a killed process left above it, and cut off what is torn.

        Raises:
            ServiceError: the file is shorter than the head says, or goes on with entries of another chain.
        """
        size = os.fstat(descriptor).st_size
        if size == head.size:
            return head
        if size < head.size:
            msg = (
                f"audit log {self.path}: {size:,} bytes where {head.size:,} were written: it was cut off. Nothing is "
                "logged until it is restored, or until it and audit.db are moved away together to begin a new chain"
            )
            raise ServiceError(msg)
        tail: Tail = read_tail(self.path, head)
        if tail.foreign:
            msg = (
                f"audit log {self.path}: it goes on with entries that do not follow its head: one of audit.jsonl and "
                "audit.db was replaced. Restore both, or move both away to begin a new chain"
            )
            raise ServiceError(msg)
        if tail.head.size < size:
            _LOG.warning("audit log: %d bytes of an unfinished line were cut off", size - tail.head.size)
            os.ftruncate(descriptor, tail.head.size)
        return tail.head

    def _entry(self, connection: sqlite3.Connection, event: Event, head: Head, at: str) -> Entry:
        entry = Entry(
            seq=head.count + 1,
            at=at,
            who=event.who,
            did=event.did,
            gallery=event.gallery,
            subject=str(self.called(connection, event.gallery, event.subject)),
            other=str(self.called(connection, event.gallery, event.other)),
            facts=dict(event.facts),
            request=event.request,
            before=head.hash,
        )
        return entry.sealed()

    # ---- moves

    def moves(self, gallery: str) -> list[Begun]:
        """Return the moves to other names that were begun and are worked on by nobody; see `finish`."""
        with self._ledger.reading() as connection:
            return arrears.moves(connection, gallery, self._left)

    def finish(self, begun: Begun, *, done: bool) -> None:
        """Make up for a move that was broken off, or take back that it was begun.

        Args:
            begun: from `moves`.
            done: whether the gallery has it.

        Raises:
            ServiceError: it cannot be written now.
        """
        if done:
            self._through(_Batch([self._late(begun, {})], row=begun.row))
        else:
            self.undo(begun.row)
        self._ended.pop(begun.row, None)

    # ---- reading

    def head(self) -> Head:
        """Return how far the log goes; worth noting elsewhere."""
        with self._ledger.reading() as connection:
            return _head(connection)

    def page(self, cursor: int = 0, limit: int = 100) -> tuple[list[Entry], int | None]:
        """Return entries from a place on, the oldest first, and the place where the next page begins.

        Args:
            cursor: 0, or what the page before returned.
            limit: entries at the most, 1 or more.

        Raises:
            OptionError: no line begins at the cursor.
            ServiceError: the log cannot be read, or is not what was written; see `verify`.
        """
        size, entries = self.head().size, list[Entry]()
        try:
            with self.path.open("rb") as file:
                file.seek(min(max(0, cursor - 1), size))  # a file system has a bound of its own
                if not 0 <= cursor <= size or (cursor and file.read(1) != b"\n") or limit < 1:
                    msg = f"a page of the audit log begins where another ended, and has 1 or more entries; got {cursor}"
                    raise OptionError(msg)
                while len(entries) < limit and (at := file.tell()) < size:
                    entry = read_line(file.readline(LONGEST_LINE))
                    if entry is None:
                        msg = f"audit log {self.path}: no entry at byte {at}: verify it"
                        raise ServiceError(msg)
                    entries.append(entry)
                at = file.tell()
        except OSError as error:
            msg = f"audit log {self.path}: {error.strerror or error}"
            raise ServiceError(msg) from error
        return entries, at if at < size else None

    def verify(self, noted: Head | None = None) -> Verdict:
        """Read the whole log; say what was changed, removed, put elsewhere or cut off. Writing may go on meanwhile.

        Args:
            noted: a head that was noted elsewhere; the log must contain it.
        """
        with self._ledger.reading() as connection:
            (chain,) = connection.execute("SELECT chain FROM head").fetchone()
            head = _head(connection)
        return check_log(self.path, Head(0, 0, chain), head, noted)

    def close(self) -> None:
        """Write what waits, then release the files."""
        self._threads.shutdown()
        self._ledger.close()
        self._presence.leave()


def _head(connection: sqlite3.Connection) -> Head:
    return Head(*connection.execute("SELECT count, size, hash FROM head").fetchone())


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
