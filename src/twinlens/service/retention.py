"""Galleries with a time limit -> subjects older than it erased, with a receipt in the audit log for each.

A subject's age counts from its first enrolment. Each erasure is a whole: noted as begun, done, noted as done, so a
sweep that is interrupted is simply run again, and what a killed process had begun is found and gets its receipt then.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twinlens.errors import GalleryError, TwinlensError, UnknownSubjectError
from twinlens.gallery.locks import SUPPORTED, exclusive
from twinlens.protocols import Subject
from twinlens.service.audit_entry import Entry, Event, Fact, Pseudonym
from twinlens.service.audit_log import AuditLog
from twinlens.service.deeds import SERVICE, Deeds
from twinlens.service.galleries import Galleries, OpenGallery
from twinlens.service.guards import Guards
from twinlens.service.records import Record
from twinlens.service.refusals import Refusal

ABANDONED_S = 900.0  # an erasure that was begun so long ago is worked on by nobody: requests end sooner
_LOG = logging.getLogger("twinlens.service.retention")


@dataclass(frozen=True, slots=True)
class Receipt:
    """That somebody was erased; vouched for by the chain of the audit log.

    Attributes:
        gallery: where they were.
        subject: their pseudonym, which points at nobody any more.
        who: id of the key that asked, or ``service`` for the time limit.
        templates: vectors erased; -1 where the process that erased them was killed before it could say.
        proven: whether nothing of them was left in any file.
        at: UTC, ISO 8601.
        seq: the entry of the log.
        hash: of that entry.
    """

    gallery: str
    subject: str
    who: str
    templates: int
    proven: bool
    at: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep did.

    Attributes:
        erased: subjects whose time was over.
        finished: erasures made up for that others had begun.
        failed: galleries in which something could not be done now; the next sweep tries again.
    """

    erased: int = 0
    finished: int = 0
    failed: tuple[str, ...] = ()


def receipt_of(entry: Entry) -> Receipt | None:
    """Return the receipt that an entry is; None for any other entry."""
    if entry.did != "erased":
        return None
    facts: Mapping[str, Fact] = entry.facts
    return Receipt(
        entry.gallery,
        entry.subject,
        entry.who,
        int(facts.get("templates", -1)),
        bool(facts.get("proven", False)),
        entry.at,
        entry.seq,
        entry.hash,
    )


def receipts(log: AuditLog, page: int = 1000) -> Iterator[Receipt]:
    """Return every receipt there is, the oldest first.

    Raises:
        ServiceError: the log is not what was written.
    """
    cursor: int | None = 0
    while cursor is not None:
        entries, cursor = log.page(cursor, page)
        yield from (found for entry in entries if (found := receipt_of(entry)) is not None)


def is_over(subject: Subject, days: int, now: datetime) -> bool:
    """Return whether a subject's time is over.

    Raises:
        GalleryError: the engine does not say when it was enrolled.
    """
    try:
        created = datetime.fromisoformat(subject.created_at)
    except ValueError as error:
        msg = "a subject has no date of enrolment: its time limit cannot be held; enrol it again"
        raise GalleryError(msg) from error
    if created.tzinfo is None:
        created = created.replace(tzinfo=UTC)
    return now - created >= timedelta(days=days)


class Retention:
    """Holds the time limits of galleries; one sweep runs at a time, also among processes.

    Args:
        galleries: with their limits.
        guards: where it is written down.
        lock: a file that the process which sweeps keeps locked.
        clock: the time, UTC.
    """

    def __init__(
        self, galleries: Galleries, guards: Guards, lock: Path, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._galleries, self._guards, self._lock = galleries, guards, lock
        self._clock = clock or (lambda: datetime.now(UTC))

    def sweep(self, stop: threading.Event | None = None) -> Sweep:
        """Erase whoever's time is over; waits for disks, so it is to be run on a thread of its own.

        Args:
            stop: set to end early; what was begun is finished, the next sweep does the rest.
        """
        with exclusive(self._lock, 0.0) as free:
            if not free and SUPPORTED:
                return Sweep()
            self.finish_galleries()
            named = self._guards.audit.galleries()
            found = self._galleries.survey()
            there = {*found.damaged, *(record.name for record in found.records)}
            for gone in named - there:  # erased by a process that was killed
                self._guards.audit.forget_gallery(gone)
            for damaged in found.damaged:
                _LOG.warning(
                    "gallery %s: its note %s.json is damaged: restore the note, or delete the gallery", damaged, damaged
                )
            swept = self._sweep_all(found.records, stop or threading.Event())
            return replace(swept, failed=(*swept.failed, *found.damaged))

    def finish_galleries(self) -> list[str]:
        """Finish erasures of whole galleries whose process was killed; return those that cannot be finished now."""
        left: list[str] = []
        for gallery in self._galleries.erasing():
            try:
                Deeds(self._guards, SERVICE).erase_gallery(self._galleries, gallery)
            except Refusal:  # another process was quicker
                continue
            except TwinlensError as error:
                _LOG.warning("gallery %s is not wholly erased yet: %s", gallery, type(error).__name__)
                left.append(gallery)
        return left

    def _sweep_all(self, records: Sequence[Record], stop: threading.Event) -> Sweep:
        done: Counter[str] = Counter()
        failed: list[str] = []
        for record in records:
            try:
                with closing(self._swept(record)) as sweeping:
                    for what in sweeping:
                        done[what] += 1
                        if stop.is_set():
                            return Sweep(done["erased"], done["finished"], tuple(failed))
            except (TwinlensError, Refusal) as error:  # the next gallery is no worse for it
                _LOG.warning("gallery %s was not swept to its end: %s", record.name, type(error).__name__)
                failed.append(record.name)
        return Sweep(done["erased"], done["finished"], tuple(failed))

    def _swept(self, record: Record) -> Generator[str]:
        """Yield a word for each subject that was dealt with."""
        with self._galleries.use(record.name) as found:
            with found.writing:
                Deeds(self._guards, SERVICE).settle(record.name, found)
            subjects = found.recognizer.gallery.subjects()
            for pseudonym in self._guards.audit.unfinished(
                record.name, (subject.name for subject in subjects), older_s=ABANDONED_S
            ):
                self._finish(record.name, found, pseudonym)
                yield "finished"
            if record.retention_days is None:
                return
            now, deeds = self._clock(), Deeds(self._guards, SERVICE)
            for subject in subjects:
                if is_over(subject, record.retention_days, now):
                    try:
                        deeds.erase(record.name, found, subject.name)
                    except UnknownSubjectError:  # somebody else was quicker
                        continue
                    yield "erased"

    def _finish(self, gallery: str, found: OpenGallery, pseudonym: Pseudonym) -> None:
        """Make up for an erasure whose process was killed after the subject was gone and before anybody noted it."""
        found.recognizer.gallery.rebuild_index()  # the engine scrubs what it had not scrubbed
        facts: dict[str, Fact] = {"proven": not found.recognizer.gallery.verify_integrity(), "made up for": True}
        self._guards.audit.append(Event(SERVICE, "erased", gallery, pseudonym, facts=facts))
        self._guards.audit.forget(pseudonym)
