"""Looks -> the gallery and the ledger, in an order that a kill at any moment does no harm to.

First the ledger notes what is about to be stored, then the gallery stores it, then the ledger notes that it is done.
A face is found again by its key (``SIZE:TIME:NAME#N``, the gallery's ``photo``), whatever a person has called it since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twinlens.errors import ConflictError, OptionError, UnknownSubjectError
from twinlens.gallery.contract import label
from twinlens.protocols import Enrolment, Gallery
from twinlens.recognizer.collection.ledger import Entry, Ledger, Row, subjects_of
from twinlens.recognizer.collection.looking import Look
from twinlens.recognizer.results import EnrolmentReport, Outcome
from twinlens.types import Embedding

_LONGEST_NUMBER = "#99999"  # what a face adds to its photo's name


@dataclass(frozen=True, slots=True)
class Naming:
    """How a photo is called in the gallery, or why it cannot be."""

    label: str | None
    problem: str = ""
    lasting: bool = True  # while the other of two alike names may go, a name that cannot be stored stays so


class Keeper:
    """Writes what workers saw.

    Args:
        gallery: where faces go.
        ledger: what was looked at.
        root: the folder of photos, resolved.
    """

    def __init__(self, gallery: Gallery, ledger: Ledger, root: Path) -> None:
        self._gallery = gallery
        self._ledger = ledger
        self._root = root

    def keep(self, looks: Sequence[Look]) -> Iterator[EnrolmentReport]:
        """Store looks; yield a report for each, safe on the disk. One that must be looked at after all yields none."""
        fresh: list[tuple[Look, Entry]] = []
        for look in looks:
            naming = self._name(look.task.name)
            if look.same:
                yield from self._settle(look, naming)
            elif look.error or naming.label is None:
                yield self._unreadable(look, naming)
            else:
                fresh.append((look, self._entry(look, naming.label)))
        held: dict[str, str] = {}
        for look, entry in fresh:  # two names of one batch that are one in the gallery
            if held.setdefault(str(entry.label), entry.name) != entry.name:
                clash = _clash(look.task.path, held[str(entry.label)])
                yield self._unreadable(look, Naming(None, clash, lasting=False))
        fresh = [(look, entry) for look, entry in fresh if held[str(entry.label)] == entry.name]
        self._store(fresh)
        for look, entry in fresh:
            outcome: Outcome = "done" if entry.faces else "no face"
            quality = max(look.qualities, default=None)
            faces = subjects_of(entry.label, entry.faces)
            yield EnrolmentReport(look.task.path, entry.name, outcome, quality=quality, faces=faces)

    def remove(self, rows: Iterable[Row]) -> Iterator[EnrolmentReport]:
        """Erase what is not in the folder any more."""
        for row in rows:
            self._forget(row)
            self._ledger.forget([row])
            yield EnrolmentReport(str(self._root / row.name), row.name, "removed")

    # ---- names

    def _name(self, name: str) -> Naming:
        path = self._root / name
        try:
            stored = label(name + _LONGEST_NUMBER, "subject").removesuffix(_LONGEST_NUMBER)
        except OptionError as error:
            return Naming(None, f"{str(path)!r}: its name cannot be stored: {error}")
        other = self._ledger.holder_of(stored, name)
        return Naming(stored) if other is None else Naming(None, _clash(str(path), other), lasting=False)

    def _entry(self, look: Look, stored: str) -> Entry:
        faces = len(look.qualities)
        stamp = f"{look.size}:{look.mtime_ns}:{stored}" if faces else ""
        outcome = "done" if faces else "no face"
        return Entry(
            look.task.name, stored, look.size, look.mtime_ns, look.digest, outcome, stamp=stamp, faces=faces
        )  # fmt: skip

    # ---- the gallery

    def _store(self, fresh: Sequence[tuple[Look, Entry]]) -> None:
        for _, entry in fresh:
            if (row := self._ledger.find(entry.name)) is not None:
                self._forget(row)
        with_faces = [(look, entry) for look, entry in fresh if entry.faces]
        if with_faces:
            self._ledger.intend(entry for _, entry in with_faces)
        try:
            self._gallery.add(face for look, entry in with_faces for face in self._faces(look, entry))
        except ConflictError:  # a kill came between gallery and ledger, and since then somebody named a face
            for look, entry in with_faces:
                self._add_missing(look, entry)
        self._ledger.write(entry for _, entry in fresh)

    def _faces(self, look: Look, entry: Entry) -> Iterator[Enrolment]:
        source = str(self._root / look.task.name)
        for n, (vector, quality) in enumerate(zip(look.vectors, look.qualities, strict=True), 1):
            # a key for each face: a contact sheet may show one face twice, which a gallery refuses of one photo
            face = Embedding(vector, self._gallery.model)
            yield Enrolment(f"{entry.label}#{n}", face, f"{entry.stamp}#{n}", quality, source)

    def _add_missing(self, look: Look, entry: Entry) -> None:
        for face in self._faces(look, entry):
            if not self._gallery.photo_subjects(face.photo):
                self._gallery.add([face])

    def _forget(self, row: Row) -> None:
        for key in row.face_keys():
            for subject in self._gallery.photo_subjects(key):
                try:
                    self._gallery.remove_photo(subject, key)
                except UnknownSubjectError:  # removed by another process meanwhile
                    continue

    # ---- photos that were not looked at

    def _unreadable(self, look: Look, naming: Naming) -> EnrolmentReport:
        reason = naming.problem or look.error
        if naming.lasting and look.lasting:  # otherwise what was known stays, and the next run tries again
            if (row := self._ledger.find(look.task.name)) is not None:
                self._forget(row)
            entry = Entry(
                look.task.name, naming.label, look.size, look.mtime_ns, look.digest or None, "unreadable", reason
            )  # fmt: skip
            self._ledger.write([entry])
        return EnrolmentReport(look.task.path, look.task.name, "unreadable", (reason,))

    def _settle(self, look: Look, naming: Naming) -> Iterator[EnrolmentReport]:
        """Take over what is known of a photo's content: its time changed, or it was moved."""
        row = self._ledger.find(look.task.name)
        if row is not None and row.digest == look.digest:
            self._ledger.touch(row, look.size, look.mtime_ns)
            faces = subjects_of(row.label, row.faces)
            if row.outcome == "unreadable":
                yield _still(row, look)
                return
            outcome: Outcome = "already enrolled" if row.faces else "unchanged"
            yield EnrolmentReport(look.task.path, row.name, outcome, faces=faces)
            return
        moved = self._ledger.gone_with(look.size, look.digest)
        if naming.label is None:
            yield self._unreadable(look, naming)
        elif moved is not None:
            if row is not None:
                self._forget(row)
                self._ledger.forget([row])
            self._rename(moved, naming.label)
            self._ledger.move(moved, look.task.name, naming.label, look.mtime_ns)
            if moved.outcome == "unreadable":
                yield _still(moved, look)
                return
            faces = subjects_of(naming.label, moved.faces)
            yield EnrolmentReport(look.task.path, look.task.name, "moved", (f"was {moved.name}",), faces=faces)

    def _rename(self, row: Row, stored: str) -> None:
        for n, key in enumerate(row.face_keys(), 1):
            for subject in self._gallery.photo_subjects(key):
                if subject == f"{row.label}#{n}":  # and not what a person called it
                    self._gallery.rename(subject, f"{stored}#{n}")


def _still(row: Row, look: Look) -> EnrolmentReport:
    """Report a file that could not be read under this time or name, nor under the one before: its content is known."""
    return EnrolmentReport(look.task.path, look.task.name, "still unreadable", row.reasons(look.task.path))


def _clash(path: str, other: str) -> str:
    return f"{path!r}: a gallery cannot tell its name from that of {other!r}: rename one, or use another gallery"
