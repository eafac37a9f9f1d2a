"""Marks -> calls that happen whole or not at all, one writer at a time, on a server without transactions.

A writer puts up a mark and looks whether it is alone; if not, it takes the mark down and waits. Rows that it stores do
not count before its last word: dropping the mark (new templates), or a second mark (changes of a subject: the rows are
written anew, the old ones are deleted afterwards). A mark is a lease. Whoever finds one that has run out undoes or
finishes what it stands for, before doing anything else. The last change stays marked as done: a reader who found nobody
at work before and after its read sees by that mark that somebody was in between, and reads again.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.gallery.milvus_link import MilvusLink
from twinlens.gallery.milvus_marks import Mark, State, View, marks_of
from twinlens.gallery.milvus_rows import Row, both

T = TypeVar("T")

LEASE_S = 60
SKEW_S = 30  # how far the clocks of two writers may be apart
_PAUSE_S = (0.01, 0.08)
_INSERT_BYTES = 4 << 20  # a message of Milvus' own log holds 5 MiB
_INSERT_ROWS = 2_000
_DELETE_KEYS = 5_000
_ROW_BYTES = 600  # of keys and dates, besides vector and names
_LOG = logging.getLogger("twinlens.gallery")
_RANDOM = random.SystemRandom()


def new_batch() -> int:
    """Return a number that grows with time and that nobody else chooses: microseconds, and 12 random bits."""
    return time.time_ns() // 1_000 << 12 | _RANDOM.getrandbits(12)


class Ledger:
    """The marks of one collection.

    Args:
        link: the connection.
    """

    def __init__(self, link: MilvusLink) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._lost: set[int] = set()  # own calls that broke off: their marks need not run out first

    def _all(self) -> set[Mark]:
        return marks_of(self._link.aliases(), self._link.collection)

    def marks(self) -> set[Mark]:
        """Return what is marked now as being at work, or as broken off."""
        return {mark for mark in self._all() if mark.state != "d"}

    def done(self, batch: int) -> None:
        """Mark a change as the last one that was made."""
        last = Mark("d", batch, 0)
        self._link.create_alias(last.alias(self._link.collection))
        self.take_down({mark for mark in self._all() if mark.state == "d" and mark != last})

    def view(self) -> View:
        """Return which rows count now."""
        marks = self._all()
        if not marks:
            return View()
        changed = {mark.batch for mark in marks if not mark.pending}
        hidden = frozenset(mark.batch for mark in marks) - changed
        replaced = {mark.subject_key: mark.batch for mark in marks if mark.state == "r"}
        for mark in marks:
            if mark.state == "c":
                rows = self._link.query(f'batch == {mark.batch} and replaces != ""', ("pk", "replaces"))
                replaced |= {row["replaces"]: mark.batch for row in rows}
        return View(hidden, replaced, frozenset((mark.state, mark.batch) for mark in marks if mark.state != "p"))

    def read(self, work: Callable[[View], T]) -> tuple[T, View]:
        """Return what ``work`` reads, and which of its rows count; again where a subject was changed meanwhile.

        Raises:
            GalleryUnavailableError: subjects are changed so often that nothing whole is read in time.
        """
        deadline, view = time.monotonic() + self._link.address.timeout_s, self.view()
        while True:
            found = work(view)
            late = self.view()
            if late.changes == view.changes:
                return found, late
            if time.monotonic() > deadline:
                msg = f"gallery {self._link.address}: subjects are being changed all the time; try again later"
                raise GalleryUnavailableError(msg)
            view = late

    def unfinished(self) -> int:
        """Return how many calls broke off and wait to be undone or finished."""
        return len({mark.batch for mark in self.marks() if self._stale(mark)})

    def _stale(self, mark: Mark) -> bool:
        return mark.batch in self._lost or time.time() > mark.until_s + SKEW_S

    def take_down(self, marks: set[Mark]) -> None:
        """Take marks down, the pending ones first: a change that has lost its other mark would be undone."""
        for mark in sorted(marks, key=lambda mark: not mark.pending):
            self._link.drop_alias(mark.alias(self._link.collection))

    def _settle(self, stale: set[Mark]) -> None:
        """Undo or finish what broke off; rows of a removal or change are deleted, and those of a pending batch."""
        for mark in stale:
            changed = any(other.batch == mark.batch and not other.pending for other in stale)
            if mark.pending and not changed:
                self.delete_where(f"batch == {mark.batch}")
            elif mark.state == "r":
                self.delete_where(f'subject_key == "{mark.subject_key}" and batch < {mark.batch}')
            elif mark.state == "c":
                rows = self._link.query(f'batch == {mark.batch} and replaces != ""', ("pk", "replaces"))
                for key in {row["replaces"] for row in rows}:
                    self.delete_where(f'subject_key == "{key}" and batch < {mark.batch}')
        for batch in sorted({mark.batch for mark in stale if not mark.pending}):
            self.done(batch)
        self.take_down(stale)
        self._lost -= {mark.batch for mark in stale}
        if stale:
            _LOG.info("gallery %s: %d marks of calls that broke off were settled", self._link.address, len(stale))

    def delete_where(self, condition: str) -> int:
        """Delete rows and look again until none is left: of two copies of a row a server may delete one.

        Raises:
            GalleryUnavailableError: some stay.
        """
        deleted = 0
        for _ in range(1_000):
            keys = [row["pk"] for row in self._link.query(condition, ("pk",), _DELETE_KEYS)]
            if not keys:
                return deleted
            self._link.delete(keys)
            deleted += len(keys)
        msg = f"gallery {self._link.address}: the server keeps rows that were deleted; try again later"
        raise GalleryUnavailableError(msg)

    def _begin(self, wait_s: float, state: State) -> Mark:
        """Put up a mark when nobody else has one.

        Raises:
            GalleryUnavailableError: others did not finish in time.
        """
        deadline = time.monotonic() + wait_s
        while True:
            others = {mark for mark in self.marks() if not self._stale(mark)}
            if not others:
                mine = Mark(state, new_batch(), int(time.time()) + LEASE_S)
                self._lost.add(mine.batch)  # until it is known to be down
                self._link.create_alias(mine.alias(self._link.collection))
                others = {mark for mark in self.marks() if mark != mine and not self._stale(mark)}
                if not others:
                    return mine
                self.take_down({mine})
                self._lost.discard(mine.batch)
            if time.monotonic() > deadline:
                left = max(mark.until_s for mark in others) + SKEW_S - time.time()
                msg = (
                    f"gallery {self._link.address}: another writer is at work and did not finish in {wait_s:g} s: try "
                    f"again later; if it died, its place is free in {max(1, left):.0f} s"
                )
                raise GalleryUnavailableError(msg)
            time.sleep(_RANDOM.uniform(*_PAUSE_S))

    @contextmanager
    def writing(self, wait_s: float, *, changing: bool = False) -> Iterator[Transaction]:
        """Run the block as the only writer; its rows count from the end of the block on, or never.

        Args:
            wait_s: how long others may take, seconds.
            changing: whether subjects may be changed or removed, or there are only new templates.

        Raises:
            GalleryUnavailableError: another writer for too long, or the server went away. Nothing was stored, or it
                is not known: the same call again finds out.
        """
        if not self._lock.acquire(timeout=max(wait_s, 0.01)):
            msg = f"gallery {self._link.address}: another thread is writing; try again later"
            raise GalleryUnavailableError(msg)
        try:
            mine = self._begin(wait_s, "q" if changing else "p")
            change = Transaction(self, self._link, mine)
            try:
                self._settle({mark for mark in self.marks() if mark.batch != mine.batch and self._stale(mark)})
                yield change
            except BaseException:
                with suppress(GalleryError):
                    change.undo()
                raise
            change.end()
        finally:
            self._lock.release()

    def doubt(self, batch: int) -> None:
        """Note that a call has marks: until it is forgotten they are taken for those of one that broke off."""
        self._lost.add(batch)

    def forget(self, batch: int) -> None:
        """Note that nothing of a call is marked any more."""
        self._lost.discard(batch)


class Transaction:
    """What the only writer does.

    Args:
        ledger: where its marks stand.
        link: the connection.
        mark: its first mark.
    """

    def __init__(self, ledger: Ledger, link: MilvusLink, mark: Mark) -> None:
        self._ledger = ledger
        self._link = link
        self._marks = {mark}
        self._pending: State = mark.state
        self._sent = self._deciding = self._committed = self._unfinished = False
        self.batch = mark.batch
        self.began_us = mark.batch >> 12

    def sequence(self, number: int) -> int:
        """Return the place of this call's ``number``-th row in the order of enrolment."""
        return (self.began_us << 12) + number

    def _put(self, state: State, subject_key: str = "") -> None:
        mark = Mark(state, self.batch, int(time.time()) + LEASE_S, subject_key)
        self._link.create_alias(mark.alias(self._link.collection))
        self._marks.add(mark)

    def _stay(self) -> None:
        """Make the lease last for another call.

        Raises:
            GalleryUnavailableError: it ran out, and another writer may have undone this call.
        """
        until = max(mark.until_s for mark in self._marks)
        if time.time() > until - self._link.address.timeout_s:
            msg = f"gallery {self._link.address}: the server was too slow; nothing of this call was stored, try again"
            raise GalleryUnavailableError(msg)
        if time.time() > until - LEASE_S / 2 and not self._committed:
            old = set(self._marks)
            self._put(self._pending)
            self._ledger.take_down(old)
            self._marks -= old

    def outlast(self, batch: int) -> None:
        """Take a number above ``batch``, where another writer's clock is ahead; before anything is stored."""
        if batch < self.batch:
            return
        old, former = set(self._marks), self.batch
        self.batch = batch + 1
        self._put(self._pending)
        self._ledger.doubt(self.batch)
        self._ledger.take_down(old)
        self._marks -= old
        self._ledger.forget(former)

    def insert(self, rows: Sequence[Row]) -> None:
        """Store rows that do not count yet."""
        chunk: list[dict[str, Any]] = []
        size = 0
        for row in rows:
            record = row.record()
            bytes_ = record["vector"].nbytes + _ROW_BYTES + sum(len(str(record[key])) * 4 for key in ("tags", "source"))
            bytes_ += 4 * len(row.enrolment.subject) + 4 * len(row.enrolment.photo) + 40 * len(row.tags)
            if chunk and (size + bytes_ > _INSERT_BYTES or len(chunk) == _INSERT_ROWS):
                self._send(chunk)
                chunk, size = [], 0
            chunk.append(record)
            size += bytes_
        if chunk:
            self._send(chunk)

    def _send(self, records: list[dict[str, Any]]) -> None:
        """Insert once; where the answer is missing, look what arrived and send the rest, a few times."""
        missing = records
        for attempt in range(3):
            self._stay()
            self._sent = True
            try:
                self._link.insert(missing)
            except GalleryUnavailableError:
                if attempt == 2:
                    raise
                arrived = self._arrived([record["pk"] for record in records])
                missing = [record for record in records if record["pk"] not in arrived]
                if missing:
                    continue
            break

    def _arrived(self, keys: list[str]) -> set[str]:
        found: set[str] = set()
        for at in range(0, len(keys), 500):
            part = ", ".join(f'"{key}"' for key in keys[at : at + 500])
            found.update(row["pk"] for row in self._link.query(f"pk in [{part}]", ("pk",)))
        return found

    def replace(self, subject_key: str, rows: Sequence[Row]) -> bool:
        """Let rows stand for all older ones of a subject; none removes it.

        When this returns, readers see the new state; False where the old rows could not be deleted yet.

        Raises:
            GalleryUnavailableError: the old state holds, or it is not known which.
        """
        self.insert(rows)
        if rows and self._link.address.flush:
            self._link.flush()
        self._stay()
        self._deciding = True
        self._put("c" if rows else "r", "" if rows else subject_key)
        self._committed = True
        try:
            self._ledger.delete_where(both(f'subject_key == "{subject_key}"', f"batch < {self.batch}"))
        except GalleryUnavailableError:
            self._unfinished = True  # the marks stay and hide the rows, until the next writer deletes them
        return not self._unfinished

    def delete(self, keys: Sequence[str]) -> None:
        """Delete single rows: with one key whole or not at all."""
        self._stay()
        self._link.delete(keys)

    def end(self) -> None:
        """Take the marks down: from now on the rows count, and others may write.

        Raises:
            GalleryUnavailableError: it is not known whether they do.
        """
        if self._unfinished:
            return
        if self._sent and not self._committed:
            if self._link.address.flush:
                self._link.flush()
            if not self._marks & self._ledger.marks():
                raise self._overtaken()
            self._stay()
        if self._committed:
            self._ledger.done(self.batch)
        until = max(mark.until_s for mark in self._marks)
        self._ledger.take_down(self._marks)
        if self._sent and not self._committed and time.time() > until + SKEW_S / 2:
            raise self._overtaken()
        self._ledger.forget(self.batch)

    def _overtaken(self) -> GalleryUnavailableError:
        msg = (
            f"gallery {self._link.address}: another writer may have taken this one for dead (clocks {SKEW_S} s apart, "
            "or a very slow server): try again"
        )
        return GalleryUnavailableError(msg)

    def undo(self) -> None:
        """Take everything back; where that fails, the marks stay and the next writer does it."""
        marks = marks_of(self._link.aliases(once=True), self._link.collection)
        decided = any(mark.batch == self.batch and not mark.pending for mark in marks)
        if self._committed or (self._deciding and decided):
            return
        if self._sent:
            self._ledger.delete_where(f"batch == {self.batch}")
        self._ledger.take_down(self._marks)
        self._ledger.forget(self.batch)
